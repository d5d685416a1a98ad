"""Which VLANs each port should carry: the newest of assignment and config entry.

Must not touch a port that nothing names, nor a NIC whose VLANs libvirt itself sets by a ``<vlan>``
in the domain's XML: such a port is not in the answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from vlanlog.core import event as e
from vlanlog.core.entry import Selector, SelectorKind
from vlanlog.core.observe import subject_of
from vlanlog.core.state import (
    Assignee,
    Assignment,
    Bridge,
    ConfigInForce,
    Guest,
    HeldBridge,
    HeldPort,
    HostState,
    Nic,
    Port,
    PortTable,
    Seq,
)
from vlanlog.core.vlan import PortVlans


@dataclass(frozen=True, slots=True, kw_only=True)
class BridgeWish:
    """Is how a bridge itself should be set.

    Units: default_pvid 0-4094, None to leave it as it is.
    """

    name: str
    vlan_filtering: bool = True
    default_pvid: int | None = None
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PortWish:
    """Is what a port should carry, and which section or assignment says so."""

    port: Port
    vlans: PortVlans
    because: str
    subject: e.Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """Is a bridge, or a port of it, that is wished for and is not there.

    Shape: port is empty where it is the bridge itself.
    """

    bridge: str
    port: str = ""
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """Is the answer for a host: wishes for what is there, and what is not there."""

    bridges: tuple[BridgeWish, ...] = ()
    ports: tuple[PortWish, ...] = ()
    missing: tuple[Missing, ...] = ()


def desired(state: HostState, kernel: PortTable) -> Desired:
    """Returns what the bridges and ports that the kernel has should carry.

    Shape: ports in the order of the kernel's table.
    """
    answer = _Answer(state, kernel)
    for held in state.config.bridges.values():
        answer.take_bridge(held)
    for port in kernel.ports.values():
        answer.take_port(port)
    return Desired(
        bridges=tuple(answer.bridges), ports=tuple(answer.ports), missing=tuple(answer.missing)
    )


class EntryIndex:
    """Finds the most exact entry that names a NIC, without a walk over all entries."""

    def __init__(self, config: ConfigInForce) -> None:
        self._bridges = config.bridges.keys()
        self._entries: Mapping[Selector, HeldPort] = {
            held.entry.selector: held for held in config.ports.values()
        }
        self._by_tap = {
            held.entry.selector.value: held
            for held in config.ports.values()
            if held.entry.selector.kind is SelectorKind.TAP
        }

    def for_nic(self, guest: Guest, nic: Nic, bridge: Bridge | None) -> HeldPort | None:
        """Returns the entry for a guest's NIC; a UUID is looked at before a name.

        ``[*]`` reaches only NICs on bridges that filter or that bridge_init.conf names: a NAT
        network of libvirt's has guests too, and no VLANs.
        """
        values = (
            (SelectorKind.MAC, nic.mac),
            (SelectorKind.ALIAS, nic.alias),
            (SelectorKind.TAP, nic.tap),
            (SelectorKind.GUEST, ""),
        )
        for kind, value in values:
            if value is None:
                continue
            for who in (guest.uuid, guest.name):
                selector = Selector(kind=kind, guest=who, value=value)
                if selector in self._entries:
                    return self._entries[selector]
        if bridge is None or not (bridge.vlan_filtering or bridge.name in self._bridges):
            return None
        return self._entries.get(Selector(kind=SelectorKind.ANY))

    def for_unowned(self, port: Port) -> HeldPort | None:
        """Returns the entry that names a port by its device, where no running guest owns it."""
        return self._by_tap.get(port.name)

    def of_guest(self, name: str, uuid: str) -> tuple[HeldPort, ...]:
        """Returns the entries that name the guest itself, ``*`` not among them."""
        return tuple(
            held
            for selector, held in self._entries.items()
            if selector.kind is not SelectorKind.ANY and selector.guest in (name, uuid)
        )


class _Answer:
    def __init__(self, state: HostState, kernel: PortTable) -> None:
        self.kernel = kernel
        self.index = EntryIndex(state.config)
        self.owners = state.owners()
        self.by_name = {port.name: port for port in kernel.ports.values()}
        self.assigned = {item.assignee: item for item in state.assignments}
        self.trunks: dict[str, tuple[HeldBridge, PortVlans]] = {}
        self.bridges: list[BridgeWish] = []
        self.ports: list[PortWish] = []
        self.missing: list[Missing] = []

    def take_bridge(self, held: HeldBridge) -> None:
        entry = held.entry
        section = f"bridge_init.conf [{entry.name}]"
        if entry.name not in self.kernel.bridges:
            text = f"bridge {entry.name} does not exist ({section})"
            self.missing.append(Missing(bridge=entry.name, text=text))
            return
        self.bridges.append(
            BridgeWish(name=entry.name, default_pvid=entry.default_pvid, because=section)
        )
        self.trunks[entry.name] = (held, entry.own)
        for trunk in entry.trunk_ports:
            port = self.by_name.get(trunk)
            if port is not None and port.bridge == entry.name:
                self.trunks[trunk] = (held, entry.trunk)
                continue
            text = (
                f"trunk {trunk} is not in any bridge ({section})"
                if port is None
                else f"trunk {trunk} is in {port.bridge}, not in {entry.name}"
            )
            self.missing.append(Missing(bridge=entry.name, port=trunk, text=text))

    def take_port(self, port: Port) -> None:
        if port.name in self.trunks:
            held, vlans = self.trunks[port.name]
            section = f"bridge_init.conf [{held.entry.name}]"
            entry = (held.since, vlans, held.entry.prune, section)
            self._wish(port, Assignee(port=port.name), entry)
            return
        owner = self.owners.of(port)
        if owner is None:
            self._wish(port, Assignee(port=port.name), _from(self.index.for_unowned(port)))
            return
        guest, nic = owner
        if nic.native_vlan is not None:
            return
        whom = Assignee(guest_uuid=guest.uuid, mac=nic.mac)
        self._wish(
            port, whom, _from(self.index.for_nic(guest, nic, self.kernel.bridges.get(port.bridge)))
        )

    def _wish(self, port: Port, whom: Assignee, entry: _Entry | None) -> None:
        assignment: Assignment | None = self.assigned.get(whom)
        if assignment is not None and (entry is None or assignment.since > entry[0]):
            vlans, because = assignment.vlans, f"assignment: {assignment.reason}"
        elif entry is not None:
            _, vlans, prune, because = entry
            vlans = vlans if prune else port.vlans.union(vlans)
        else:
            return
        subject = subject_of(self.owners, port)
        self.ports.append(PortWish(port=port, vlans=vlans, because=because, subject=subject))


_Entry = tuple[Seq, PortVlans, bool, str]


def _from(held: HeldPort | None) -> _Entry | None:
    if held is None:
        return None
    section = f"vlan_filtering.conf [{held.entry.section}]"
    return held.since, held.entry.vlans, held.entry.prune, section
