"""What is known of one host: its bridges and ports, its guests, its config, its assignments.

Must not decide anything: fold fills these values, desired reads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType

from vlanlog.core.entry import BridgeEntry, PortEntry
from vlanlog.core.vlan import NO_VLANS, PortVlans

IfIndex = NewType("IfIndex", int)
Seq = NewType("Seq", int)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bridge:
    """Is a bridge device as the kernel shows it.

    Units: default_pvid 1-4094, 0 for none.
    """

    ifindex: IfIndex
    name: str
    vlan_filtering: bool = False
    default_pvid: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """Is a port of a bridge, or the bridge's own port (``bridge`` equals ``name``: self)."""

    ifindex: IfIndex
    name: str
    bridge: str
    mac: str | None = None
    vlans: PortVlans = NO_VLANS

    @property
    def is_self(self) -> bool:
        """Tells whether this is the bridge device's own port."""
        return self.name == self.bridge


@dataclass(frozen=True, slots=True, kw_only=True)
class PortTable:
    """Is every bridge of a network namespace with its ports: dumped, or folded from events.

    Shape: bridges by name; ports by ifindex, each bridge's own port among them.
    """

    bridges: Mapping[str, Bridge] = field(default_factory=dict)
    ports: Mapping[IfIndex, Port] = field(default_factory=dict)

    def named(self, name: str) -> Port | None:
        """Returns the port of that name, None where there is none."""
        return next((port for port in self.ports.values() if port.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Nic:
    """Is a guest's network interface as its domain XML gives it.

    Shape: mac in lower case; tap is the name of the host's device, None where the XML has none.
    Source: formatdomain.rst, "Network interfaces".
    """

    mac: str
    alias: str | None = None
    tap: str | None = None
    bridge: str | None = None
    network: str | None = None
    native_vlan: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """Is a libvirt domain that the log has met; its NICs are those of its last hook call."""

    uuid: str
    name: str
    running: bool = False
    nics: tuple[Nic, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignee:
    """Names a NIC for good (guest_uuid and mac), or a port of no guest by its device's name."""

    guest_uuid: str = ""
    mac: str = ""
    port: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """Is an operator's wish for one NIC or port, in force until cleared or outdated."""

    assignee: Assignee
    vlans: PortVlans
    reason: str
    since: Seq


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldBridge:
    """Is a bridge entry in force and the ``config.loaded`` that last changed it."""

    entry: BridgeEntry
    since: Seq


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldPort:
    """Is a port entry in force and the ``config.loaded`` that last changed it."""

    entry: PortEntry
    since: Seq


class ConfigRole(StrEnum):
    """Tells the two files apart, whatever they are called."""

    BRIDGES = "bridge_init"
    PORTS = "vlan_filtering"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigInForce:
    """Is the last good content of the config files.

    Shape: bridges by name, ports by section, digests (sha256, hex) of the last good files and
    of the last refused ones by role.
    """

    bridges: Mapping[str, HeldBridge] = field(default_factory=dict)
    ports: Mapping[str, HeldPort] = field(default_factory=dict)
    loaded: Mapping[ConfigRole, str] = field(default_factory=dict)
    rejected: Mapping[ConfigRole, str] = field(default_factory=dict)


class Coverage(StrEnum):
    """Says whether changes are heard of as they happen."""

    NONE = "none"
    GAP = "gap"
    WATCHED = "watched"


GENERATED = ("vnet", "vif", "macvtap", "macvlan")
"""Begin the names that libvirt makes up at each start (formatdomain.rst)."""


@dataclass(frozen=True, slots=True)
class Owners:
    """Tells whose a port is: the running guest and NIC behind each tap.

    Shape: by the tap's name.
    """

    by_tap: Mapping[str, tuple[Guest, Nic]]

    def of(self, port: Port) -> tuple[Guest, Nic] | None:
        """Returns the guest and NIC that own the port, None where that is not certain.

        A name that libvirt makes up goes to another guest as soon as a NIC is unplugged, of
        which no hook tells; the tap's MAC tells the two apart.
        """
        owner = self.by_tap.get(port.name)
        if owner is None or port.mac is None or not port.name.startswith(GENERATED):
            return owner
        return owner if port.mac == tap_mac(owner[1].mac) else None


def tap_mac(mac: str) -> str:
    """Returns the MAC that libvirt gives the tap of a NIC.

    Source: ``virNetDevTapCreateInBridgePort``: the first byte is fe, or fa where it was fe.
    """
    return ("fa" if mac.startswith("fe") else "fe") + mac[2:]


@dataclass(frozen=True, slots=True, kw_only=True)
class HostState:
    """Is what the log says of a host after the event ``seq``.

    Shape: guests by UUID; assignments one per NIC or port.
    """

    seq: Seq = Seq(0)
    boot_id: str = ""
    table: PortTable = field(default_factory=PortTable)
    guests: Mapping[str, Guest] = field(default_factory=dict)
    config: ConfigInForce = field(default_factory=ConfigInForce)
    assignments: tuple[Assignment, ...] = ()
    coverage: Coverage = Coverage.NONE

    def owners(self) -> Owners:
        """Returns the running guest and NIC behind each tap."""
        return Owners(
            {
                nic.tap: (guest, nic)
                for guest in self.guests.values()
                if guest.running
                for nic in guest.nics
                if nic.tap
            }
        )
