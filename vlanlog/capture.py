"""The config that describes a host as it runs now: bridges, trunks, and guests' ports by MAC.

Must not read the host or write files. What the config cannot say is left out and told, never
bent to fit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from vlanlog.config.fault import BadValueError
from vlanlog.config.sheet import DEFAULT
from vlanlog.config.values import device, guest, mac
from vlanlog.core.device import Device
from vlanlog.core.entry import BridgeEntry, PortEntry, Selector, SelectorKind
from vlanlog.core.state import GENERATED, Bridge, Guest, IfIndex, Nic, Owners, Port, PortTable
from vlanlog.core.vlan import NO_VLANS, PortVlans, format_vids
from vlanlog.errors import UsageError

NO_GUEST = "(none)"
"""Stands for the guest of a port that is no guest's: a section by port has to name one."""

_UNNAMED_TRUNK = PortVlans.of(pvid=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Captured:
    """Is a host as config values.

    Shape: comments by section; ``left_out`` is what the config does not say of ports that carry
    something, a line each; ``notes`` is what a reader should know besides.
    """

    bridges: tuple[BridgeEntry, ...] = ()
    ports: tuple[PortEntry, ...] = ()
    comments: Mapping[str, Sequence[str]] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def captured(
    table: PortTable,
    guests: Collection[Guest],
    devices: Mapping[IfIndex, Device],
    *,
    bridges: Collection[str] = (),
    trunks: Collection[str] = (),
) -> Captured:
    """Returns the config of these bridges, of all that filter VLANs for none named.

    The ports that ``trunks`` names are the trunks of their bridges; a bridge of which it names
    none has those whose devices lead out of the host.
    Raises: UsageError for a bridge or a trunk that is not there.
    """
    _check(table, bridges, trunks)
    work = _Capture(table, guests, devices, frozenset(trunks))
    for bridge in sorted(table.bridges.values(), key=lambda item: item.name):
        if not bridges or bridge.name in bridges:
            work.take_bridge(bridge)
    return Captured(
        bridges=tuple(work.bridges),
        ports=tuple(sorted(work.ports, key=lambda entry: entry.section)),
        comments=work.comments,
        left_out=tuple(work.left_out),
        notes=tuple(work.notes),
    )


def says(vlans: PortVlans) -> bool:
    """Tells whether a section can say exactly these VLANs: an untagged PVID, all others tagged."""
    native = 0 if vlans.pvid is None else 1 << vlans.pvid
    return vlans == PortVlans.of(pvid=vlans.pvid, tagged=vlans.members & ~native)


def _check(table: PortTable, bridges: Collection[str], trunks: Collection[str]) -> None:
    if unknown := sorted(set(bridges) - set(table.bridges)):
        known = ", ".join(sorted(table.bridges)) or "none"
        raise UsageError(f"there is no bridge {unknown[0]}", hint=f"there are: {known}")
    ports = {port.name for port in table.ports.values() if not port.is_self}
    if unknown := sorted(set(trunks) - ports):
        raise UsageError(f"{unknown[0]} is no port of a bridge", hint="see 'vlanlog state'")


class _Capture:
    def __init__(
        self,
        table: PortTable,
        guests: Collection[Guest],
        devices: Mapping[IfIndex, Device],
        trunks: frozenset[str],
    ) -> None:
        self.table = table
        self.owners = Owners(
            {nic.tap: (guest, nic) for guest in guests for nic in guest.nics if nic.tap}
        )
        self.devices = devices
        self.trunks = trunks
        self.bridges: list[BridgeEntry] = []
        self.ports: list[PortEntry] = []
        self.comments: dict[str, list[str]] = {}
        self.left_out: list[str] = []
        self.notes: list[str] = []

    def take_bridge(self, bridge: Bridge) -> None:
        ports = [port for port in self.table.ports.values() if port.bridge == bridge.name]
        others = sorted((port for port in ports if not port.is_self), key=lambda port: port.name)
        if not bridge.vlan_filtering:
            self._note(f"{bridge.name} does not filter VLANs: a section would switch that on")
            return
        if not _is_device(bridge.name) or bridge.name == DEFAULT:
            self.left_out.append(f"{bridge.name}: no section can have this name")
            return
        (own,) = (port for port in ports if port.is_self)
        candidates = [port for port in others if self._is_trunk(port, others)]
        trunks = self._agreeing(bridge, candidates)
        self.bridges.append(self._bridge_entry(bridge, own, trunks))
        for port in others:
            if port not in trunks:
                self._take_port(port, is_candidate=port in candidates)

    def _is_trunk(self, port: Port, others: Sequence[Port]) -> bool:
        if any(other.name in self.trunks for other in others):
            return port.name in self.trunks
        found = self.devices.get(port.ifindex)
        return found is not None and found.leads_out and self.owners.of(port) is None

    def _agreeing(self, bridge: Bridge, candidates: Sequence[Port]) -> list[Port]:
        """Returns the trunks that one ``trunk-tags`` can speak of: the most that carry the same."""
        fit = [port for port in candidates if says(port.vlans) and _is_listed(port.name)]
        if not candidates:
            self._remark(
                bridge.name,
                "no trunk: none of its ports is hardware, a bond, a VLAN device or a tunnel",
            )
        if not fit:
            return []
        most, _ = Counter(port.vlans for port in fit).most_common(1)[0]
        return [port for port in fit if port.vlans == most]

    def _bridge_entry(self, bridge: Bridge, own: Port, trunks: Sequence[Port]) -> BridgeEntry:
        for port in trunks:
            self._remark(bridge.name, f"trunk {port.name}: {self._why_trunk(port)}")
        if not says(own.vlans):
            self._cannot_say(own)
            self._remark(bridge.name, f"prune = no, for {bridge.name} itself cannot be said:")
            self._remark(bridge.name, f"it carries {own.vlans}")
        return BridgeEntry(
            name=bridge.name,
            trunk_ports=tuple(port.name for port in trunks),
            trunk=trunks[0].vlans if trunks else _UNNAMED_TRUNK,
            own=own.vlans if says(own.vlans) else NO_VLANS,
            default_pvid=bridge.default_pvid,
            prune=says(own.vlans),
        )

    def _why_trunk(self, port: Port) -> str:
        if port.name in self.trunks:
            return "by --trunk"
        return self.devices[port.ifindex].kind or "hardware"

    def _take_port(self, port: Port, *, is_candidate: bool) -> None:
        owner = self.owners.of(port)
        if owner is not None and (native := owner[1].native_vlan) is not None:
            whose = f"{port.name} in {port.bridge}, {owner[0].name}/{owner[1].mac}"
            self._note(f"{whose}: libvirt itself sets its <vlan> {native}, no section is needed")
            return
        selector = self._by_port(port) if owner is None else _by_nic(*owner)
        if not says(port.vlans):
            self._cannot_say(port)
            return
        if selector is None:
            self._unnamed(port)
            return
        entry = PortEntry(section=_section(selector), selector=selector, vlans=port.vlans)
        self.ports.append(entry)
        words = f"{port.name} in {port.bridge}"
        if is_candidate:
            words += ", a trunk that carries other VLANs than those of the bridge's section"
        elif owner is None:
            words += ", no guest's"
        elif owner[0].name not in entry.section:
            words += f", guest {owner[0].name}"
        self._remark(entry.section, words)

    def _by_port(self, port: Port) -> Selector | None:
        if not _is_device(port.name) or port.name in {"*", DEFAULT}:
            return None
        if port.name.startswith(GENERATED):
            return None
        return Selector(kind=SelectorKind.TAP, guest=NO_GUEST, value=port.name)

    def _unnamed(self, port: Port) -> None:
        why = "no section can have this name"
        if port.name.startswith(GENERATED):
            why = "no running guest is known to have it, and its name is another's tomorrow"
        self.left_out.append(f"{port.name} in {port.bridge} ({port.vlans}): {why}")

    def _cannot_say(self, port: Port) -> None:
        native = 0 if port.vlans.pvid is None else 1 << port.vlans.pvid
        whys = []
        if native & ~port.vlans.untagged:
            whys.append(f"PVID {port.vlans.pvid} that leaves with a tag")
        if odd := port.vlans.untagged & ~native:
            whys.append(f"{format_vids(odd)} untagged besides the PVID")
        where = "itself" if port.is_self else f"in {port.bridge}"
        why = " and ".join(whys)
        self.left_out.append(f"{port.name} {where} ({port.vlans}): no section can say {why}")

    def _remark(self, section: str, text: str) -> None:
        self.comments.setdefault(section, []).append(text)

    def _note(self, text: str) -> None:
        self.notes.append(text)


def _is_device(name: str) -> bool:
    try:
        return device(name) == name
    except BadValueError:
        return False


def _is_listed(name: str) -> bool:
    """Tells whether a list of devices can hold the name."""
    return _is_device(name) and "," not in name


def _by_nic(owner: Guest, nic: Nic) -> Selector | None:
    """Returns what names the NIC: its MAC, its alias where another NIC has that MAC too."""
    whose = owner.name if _is_guest(owner.name) else owner.uuid
    same = [other for other in owner.nics if other.mac == nic.mac]
    if len(same) == 1 and _is_mac(nic.mac):
        return Selector(kind=SelectorKind.MAC, guest=whose, value=nic.mac)
    if nic.alias is None:
        return None
    return Selector(kind=SelectorKind.ALIAS, guest=whose, value=nic.alias)


def _is_guest(name: str) -> bool:
    try:
        return guest(name) == name and name.isprintable()
    except BadValueError:
        return False


def _is_mac(text: str) -> bool:
    try:
        return mac(text) == text
    except BadValueError:
        return False


def _section(selector: Selector) -> str:
    if selector.kind is SelectorKind.TAP:
        return selector.value
    return f"{selector.guest}/{selector.value}"
