"""The sections of the two config files as values.

Must not parse: config reads the files, desired picks the entry that is in force.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from vlanlog.core.vlan import NO_VLANS, PortVlans


class OnFailure(StrEnum):
    """Says whether a guest whose VLANs cannot be set may start."""

    REFUSE = "refuse"
    ALLOW = "allow"


class Foreign(StrEnum):
    """Says what becomes of a VLAN change that no intent explains."""

    RECORD = "record"
    REVERT = "revert"
    ADOPT = "adopt"


@dataclass(frozen=True, slots=True, kw_only=True)
class BridgeEntry:
    """Is a section of bridge_init.conf.

    Units: default_pvid 1-4094, 0 for none, None to leave it as it is.
    """

    name: str
    trunk_ports: tuple[str, ...] = ()
    trunk: PortVlans = NO_VLANS
    own: PortVlans = NO_VLANS
    default_pvid: int | None = None
    prune: bool = True
    foreign: Foreign = Foreign.RECORD


class SelectorKind(StrEnum):
    """Orders the ways to name a NIC; the most exact one stands first."""

    MAC = "mac"
    ALIAS = "alias"
    TAP = "tap"
    GUEST = "guest"
    ANY = "any"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selector:
    """Names NICs: ``VM2/52:54:00:aa:bb:cc``, ``VM2/net1``, a tap of a guest, ``VM2/*``, ``*``.

    Shape: guest is a name or a UUID, empty for ``*``; value is the MAC (lower case), the alias
    or the tap's name, empty for the last two.
    """

    kind: SelectorKind
    guest: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PortEntry:
    """Is a section of vlan_filtering.conf; foreign is None where its bridge's section says it."""

    section: str
    selector: Selector
    vlans: PortVlans
    prune: bool = True
    foreign: Foreign | None = None
    on_failure: OnFailure = OnFailure.REFUSE
