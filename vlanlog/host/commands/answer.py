"""What an operator is told of a command that was carried out, as values.

Must not hold words of its own but those of errors.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from vlanlog.core import event as e
from vlanlog.core.program import BridgePlan
from vlanlog.core.state import Port
from vlanlog.core.vlan import PortVlans
from vlanlog.errors import VlanlogError
from vlanlog.replay import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Is an error on its way to whoever asked."""

    message: str
    hint: str
    exit_code: int

    @classmethod
    def of(cls, error: VlanlogError) -> Failure:
        """Returns the error as a value."""
        return cls(message=error.message, hint=error.hint, exit_code=error.exit_code)

    def error(self) -> VlanlogError:
        """Returns what is raised where it is shown."""
        error = VlanlogError(self.message, hint=self.hint)
        error.exit_code = self.exit_code
        return error


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayAnswer:
    """Says what a replay did, or would do; the files' errors are among the notes too."""

    report: Report
    config_errors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WishAnswer:
    """Says that a wish is recorded, and how it was carried out.

    Shape: vlans is None where the wish was withdrawn; report is None where it waits for the
    port or for a replay, or where programming failed as a whole.
    """

    vlans: PortVlans | None = None
    report: Report | None = None
    failure: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """Is a port whose VLANs become the wish; the wish's subject is that of its event.

    Shape: desired is what it should have carried, None where nothing named it.
    """

    port: Port
    subject: e.Subject
    desired: PortVlans | None
    instead_of: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptAnswer:
    """Says what was adopted, or would be, and which bridges' switches cannot be."""

    ports: tuple[Adoption, ...] = ()
    switches: tuple[BridgePlan, ...] = ()
    config_errors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveAnswer:
    """Says by which event it was recorded; whether that is in the database, the log can tell."""

    event_id: UUID


Answer = ReplayAnswer | WishAnswer | AdoptAnswer | ArchiveAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Is how a command ended: an answer or a failure, and what is to be said either way."""

    answer: Answer | None = None
    failure: Failure | None = None
    notes: tuple[str, ...] = ()
