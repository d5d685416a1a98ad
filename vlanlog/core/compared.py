"""What differs between two tables of a host: of two layers, or of two times.

Must not know where a table comes from, and must not format what it finds.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, field

from vlanlog.core.state import GENERATED, Bridge, Guest, IfIndex, Nic, Owners, Port, PortTable
from vlanlog.core.vlan import NO_VLANS, VID_MAX, VID_MIN, PortVlans, VlanFlags, runs, span

_EVERY = span(VID_MIN, VID_MAX)

Pair = tuple[Port | None, Port | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """Is one of the two: a table, of which boot it is, and whose its ports are.

    Shape: ``is_whole`` is false where the table holds only what something names.
    """

    table: PortTable
    boot_id: str = ""
    owners: Owners = field(default_factory=lambda: Owners({}))
    is_whole: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PortDifference:
    """Is a port that the second table has otherwise than the first, and whose it is.

    Shape: before or after is None where that table does not have the port.
    """

    before: Port | None
    after: Port | None
    port: Port
    owner: tuple[Guest, Nic] | None = None

    @property
    def vlans(self) -> tuple[PortVlans, PortVlans]:
        """Returns what the port carries in the two tables."""
        return _carried(self.before), _carried(self.after)


@dataclass(frozen=True, slots=True, kw_only=True)
class BridgeDifference:
    """Is a bridge whose own switches differ, or that only one table has: the other one is None."""

    name: str
    before: Bridge | None
    after: Bridge | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VidDifference:
    """Is a range of vids that differ in one way.

    Shape: before or after is None where the port does not carry them.
    """

    first: int
    last: int
    before: VlanFlags | None
    after: VlanFlags | None


def bridge_differences(a: Side, b: Side) -> tuple[BridgeDifference, ...]:
    """Returns the bridges that differ, by name; of one that a table need not name, nothing."""
    found = []
    for name in sorted(a.table.bridges.keys() | b.table.bridges.keys()):
        before, after = a.table.bridges.get(name), b.table.bridges.get(name)
        if _is_told(before, after, a, b) and _switches(before) != _switches(after):
            found.append(BridgeDifference(name=name, before=before, after=after))
    return tuple(found)


def port_differences(a: Side, b: Side) -> tuple[PortDifference, ...]:
    """Returns the ports that differ in their VLANs or are in another bridge, by ifindex.

    A port is itself while its boot lasts. Beyond that the two sides are held together by the
    guest's NIC, and by names that nothing makes up.
    """
    found = []
    for before, after in _pairs(a, b):
        port = after or before
        moved = before is not None and after is not None and before.bridge != after.bridge
        if port is None or not (moved or _carried(before) != _carried(after)):
            continue
        if _is_told(before, after, a, b):
            owner = (b.owners.of(after) if after else None) or (
                a.owners.of(before) if before else None
            )
            found.append(PortDifference(before=before, after=after, port=port, owner=owner))
    return tuple(sorted(found, key=lambda item: (item.port.ifindex, item.after is not None)))


def vid_differences(before: PortVlans, after: PortVlans) -> tuple[VidDifference, ...]:
    """Returns the vids whose flags differ, as ranges of equal ones, sorted by vid."""
    found = [
        VidDifference(first=first, last=last, before=old, after=new)
        for old, old_vids in _by_flags(before)
        for new, new_vids in _by_flags(after)
        if old != new
        for first, last in runs(old_vids & new_vids)
    ]
    return tuple(sorted(found, key=lambda item: item.first))


def _by_flags(vlans: PortVlans) -> Iterator[tuple[VlanFlags | None, int]]:
    """Yields each combination of flags with its vids (bits), None with those not carried."""
    native = 0 if vlans.pvid is None else 1 << vlans.pvid
    yield None, _EVERY & ~vlans.members
    yield VlanFlags.TAGGED, vlans.members & ~vlans.untagged & ~native
    yield VlanFlags.UNTAGGED, vlans.untagged & ~native
    if vlans.pvid is not None:
        yield vlans.flags(vlans.pvid), native


def _carried(port: Port | None) -> PortVlans:
    return port.vlans if port else NO_VLANS


def _switches(bridge: Bridge | None) -> tuple[bool, int] | None:
    return (bridge.vlan_filtering, bridge.default_pvid) if bridge else None


def _is_told(before: object, after: object, a: Side, b: Side) -> bool:
    """Tells whether a table that names only some things names this one, if there is such a one."""
    return (a.is_whole or before is not None) and (b.is_whole or after is not None)


def _pairs(a: Side, b: Side) -> Iterator[Pair]:
    """Yields each port of either side once, with its other self where the other side has it."""
    left, right = dict(a.table.ports), dict(b.table.ports)
    ways: list[tuple[Callable[[Port], Hashable], Callable[[Port], Hashable]]] = []
    if a.boot_id == b.boot_id:
        ways.append((_index, _index))
    ways.append((_nic(a.owners), _nic(b.owners)))
    ways.append((_lasting_name(a.owners), _lasting_name(b.owners)))
    for of_left, of_right in ways:
        known = {key: port for port in right.values() if (key := of_right(port)) is not None}
        for before in tuple(left.values()):
            key = of_left(before)
            after = None if key is None else known.pop(key, None)
            if after is not None:
                del left[before.ifindex], right[after.ifindex]
                yield before, after
    yield from _alone(left.values(), right.values())


def _alone(left: Iterable[Port], right: Iterable[Port]) -> Iterator[Pair]:
    yield from ((port, None) for port in left)
    yield from ((None, port) for port in right)


def _index(port: Port) -> IfIndex:
    return port.ifindex


def _nic(owners: Owners) -> Callable[[Port], tuple[str, str] | None]:
    def key(port: Port) -> tuple[str, str] | None:
        owner = owners.of(port)
        return (owner[0].uuid, owner[1].mac) if owner else None

    return key


def _lasting_name(owners: Owners) -> Callable[[Port], str | None]:
    """Returns what names a port of no guest, of which libvirt has not made up the name."""

    def key(port: Port) -> str | None:
        return None if owners.of(port) or port.name.startswith(GENERATED) else port.name

    return key
