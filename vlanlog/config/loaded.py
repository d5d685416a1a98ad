"""What reading a config file gave, and what its faults mean for one guest.

Must not read files.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from vlanlog.config.fault import ConfigFault
from vlanlog.core.entry import BridgeEntry, OnFailure, PortEntry
from vlanlog.core.state import ConfigRole


class Scope(Enum):
    """Says how a section, or a fault on its own, bears on guests."""

    NAMED = auto()
    ANY = auto()
    DEFAULT = auto()
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Is what one section of vlan_filtering.conf says or may say of guests, broken or not.

    Shape: guests (names, and UUIDs in lower case) is empty unless the scope is NAMED;
    on_failure is None where the section does not say, REFUSE where it cannot be read.
    """

    scope: Scope
    guests: frozenset[str] = frozenset()
    on_failure: OnFailure | None = None
    faults: tuple[ConfigFault, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """Is the content of one config file, or all that is wrong with it.

    Shape: digest is the sha256 of the bytes in hex; errors in the order of lines; with errors
    there are no bridges and no ports, because nothing of the file is in force.
    """

    role: ConfigRole
    file: str
    digest: str
    bridges: tuple[BridgeEntry, ...] = ()
    ports: tuple[PortEntry, ...] = ()
    warnings: tuple[str, ...] = ()
    errors: tuple[ConfigFault, ...] = ()
    claims: tuple[Claim, ...] = ()

    def faults_for(self, guest_name: str, guest_uuid: str) -> tuple[ConfigFault, ...]:
        """Returns the faults that may be about this guest's NICs, in the order of lines.

        Those of sections that name it, of [*] and [DEFAULT], of sections whose guest cannot be
        read, and of lines that may have been a section. None for bridge_init.conf, whose
        sections name no guest.
        """
        concerned = (
            fault
            for claim in self.claims
            if claim.scope is not Scope.NAMED or _names(claim, guest_name, guest_uuid)
            for fault in claim.faults
        )
        return tuple(sorted(set(concerned), key=lambda fault: (fault.line or 0, str(fault))))

    def on_failure_for(self, guest_name: str, guest_uuid: str) -> OnFailure:
        """Returns whether the guest may start without its VLANs, as far as it can be read.

        The sections that name it decide, else [*], else [DEFAULT], else it is refused; it is
        also refused where one of these, or a section whose guest cannot be read, says so.
        """
        named = [claim for claim in self.claims if _names(claim, guest_name, guest_uuid)]
        deciding = named or self._with_scope(Scope.ANY)
        by_default = _strictest(self._with_scope(Scope.DEFAULT), OnFailure.REFUSE)
        said = [claim.on_failure or by_default for claim in deciding] or [by_default]
        said += [claim.on_failure for claim in self._with_scope(Scope.UNKNOWN) if claim.on_failure]
        return OnFailure.REFUSE if OnFailure.REFUSE in said else OnFailure.ALLOW

    def _with_scope(self, scope: Scope) -> list[Claim]:
        return [claim for claim in self.claims if claim.scope is scope]


def _names(claim: Claim, guest_name: str, guest_uuid: str) -> bool:
    return claim.scope is Scope.NAMED and not claim.guests.isdisjoint(
        (guest_name, guest_uuid.lower())
    )


def _strictest(claims: list[Claim], absent: OnFailure) -> OnFailure:
    said = {claim.on_failure for claim in claims if claim.on_failure is not None}
    if not said:
        return absent
    return OnFailure.REFUSE if OnFailure.REFUSE in said else OnFailure.ALLOW
