"""What an operator can ask for, as values: one for each verb that changes something.

Must not check what a name stands for: only the log and the kernel can tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from vlanlog.core.event import LogArchived
from vlanlog.core.state import Seq
from vlanlog.errors import UsageError
from vlanlog.replay import To


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayRequest:
    """Asks for the kernel to be put where config plus events say.

    Units: at_ns is ns since the epoch, UTC.
    Shape: at most one of guest (name or UUID), bridge and port is given; likewise of at_ns,
    at_seq and at_event, none of which is now.
    """

    to: To = To.DESIRED
    at_ns: int | None = None
    at_seq: Seq | None = None
    at_event: UUID | None = None
    guest: str | None = None
    bridge: str | None = None
    port: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetRequest:
    """Asks for a port or a NIC to carry these VLANs from now on.

    Shape: pvid is a vid or ``none``, tagged a list of vids; None leaves what is desired by now.
    """

    target: str
    reason: str
    pvid: str | None = None
    tagged: str | None = None
    later: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsetRequest:
    """Asks for a wish to be withdrawn."""

    target: str
    reason: str
    later: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptRequest:
    """Asks for what ports carry now to become the wish.

    Shape: either targets are named, or a bridge, or everything.
    """

    reason: str
    targets: tuple[str, ...] = ()
    bridge: str | None = None
    everything: bool = False

    def check(self) -> None:
        """Refuses a request that names nothing, or in two ways.

        Raises: UsageError.
        """
        given = (bool(self.targets), self.bridge is not None, self.everything).count(True)
        if given != 1:
            raise UsageError(
                "TARGET, --bridge and --all exclude each other" if given else "nothing to adopt",
                hint="give one or several TARGETs, --bridge BRIDGE, or --all",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveRequest:
    """Asks for the record that a stretch of the log is in a file, which was read back."""

    fact: LogArchived


Request = ReplayRequest | SetRequest | UnsetRequest | AdoptRequest | ArchiveRequest
