"""The plan for a host: which bridges and ports to change, and how, from what is wished.

Must not send anything; a port that is already right is not in the plan.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from vlanlog.core.desired import BridgeWish, Desired, Missing, PortWish
from vlanlog.core.observe import subject_of
from vlanlog.core.plan import additions, deletions
from vlanlog.core.state import Bridge, Owners, PortTable
from vlanlog.core.vlan import PortVlans, Vid, VlanFlags, VlanRange


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Bounds a plan to a guest (UUID), a bridge or a port (names); empty is everything."""

    guest_uuid: str = ""
    bridge: str = ""
    port: str = ""

    def has_port(self, wish: PortWish) -> bool:
        """Tells whether the port of the wish is within the bounds."""
        if self.guest_uuid:
            return wish.subject.guest_uuid == self.guest_uuid
        if self.port:
            return wish.port.name == self.port
        return not self.bridge or wish.port.bridge == self.bridge

    def has_bridge(self, name: str) -> bool:
        """Tells whether the bridge's own switches are within the bounds."""
        if self.guest_uuid or self.port:
            return False
        return not self.bridge or name == self.bridge

    def has_missing(self, item: Missing) -> bool:
        """Tells whether the thing that is not there is within the bounds."""
        if self.port:
            return item.port == self.port
        return self.has_bridge(item.bridge)

    def __str__(self) -> str:
        for word, value in (
            ("guest", self.guest_uuid),
            ("bridge", self.bridge),
            ("port", self.port),
        ):
            if value:
                return f"{word} {value}"
        return "host"


@dataclass(frozen=True, slots=True, kw_only=True)
class BridgePlan:
    """Is what to switch on a bridge; None and False leave a thing as it is.

    Units: default_pvid 0-4094.
    """

    bridge: Bridge
    default_pvid: int | None = None
    filtering: bool | None = None
    because: str = ""

    @property
    def steps(self) -> tuple[str, ...]:
        """Returns the steps in the words of ip-link(8)."""
        found = []
        if self.default_pvid is not None:
            found.append(f"vlan_default_pvid {self.default_pvid}")
        if self.filtering is not None:
            found.append(f"vlan_filtering {int(self.filtering)}")
        return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class PortPlan:
    """Is what to add to a port and then what to delete from it."""

    wish: PortWish
    adds: tuple[VlanRange, ...]
    deletes: tuple[VlanRange, ...]

    @property
    def before(self) -> PortVlans:
        """Returns what the port carries now."""
        return self.wish.port.vlans

    @property
    def steps(self) -> tuple[str, ...]:
        """Returns the steps in the words of bridge(8)."""
        return (
            *(f"add vid {item}" for item in self.adds),
            *(f"del vid {item}" for item in self.deletes),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Is all that has to be done on a host.

    Units: added and removed count vids.
    """

    bridges: tuple[BridgePlan, ...] = ()
    ports: tuple[PortPlan, ...] = ()
    unchanged: int = 0
    missing: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.bridges or self.ports)

    def without_guests(self) -> Plan:
        """Returns the plan for bridges and ports of no guest.

        A guest's port stays in it where a default PVID that moves would take its VLANs along.
        """
        moved = {item.bridge.name for item in self.bridges if item.default_pvid is not None}
        ports = (
            item
            for item in self.ports
            if item.wish.subject.guest_uuid is None or item.wish.port.bridge in moved
        )
        return replace(self, ports=tuple(ports))

    @property
    def added(self) -> int:
        """Returns how many (port, vid) pairs become members or get other flags."""
        return sum(item.last - item.first + 1 for port in self.ports for item in port.adds)

    @property
    def removed(self) -> int:
        """Returns how many (port, vid) pairs are no longer members."""
        return sum(item.last - item.first + 1 for port in self.ports for item in port.deletes)


def plan(wanted: Desired, kernel: PortTable, scope: Scope) -> Plan:
    """Returns the fewest changes that make the kernel carry what is wanted, within the scope.

    A default PVID that moves takes the old one along from every port where it is PVID and
    untagged (``__br_vlan_set_default_pvid``), so the ports are planned against what is left, and
    a port that nothing names is put back to what it carried.
    """
    bridges = [
        _bridge_plan(wish, kernel.bridges[wish.name])
        for wish in wanted.bridges
        if scope.has_bridge(wish.name)
    ]
    moved = {item.bridge.name: item for item in bridges if item.default_pvid is not None}
    wished = [_port_plan(wish, moved) for wish in wanted.ports if scope.has_port(wish)]
    kept = [_port_plan(wish, moved) for wish in _unnamed(wanted, kernel, moved)]
    return Plan(
        bridges=tuple(item for item in bridges if item.steps),
        ports=tuple(item for item in (*wished, *kept) if item.steps),
        unchanged=sum(not item.steps for item in wished),
        missing=tuple(item.text for item in wanted.missing if scope.has_missing(item)),
    )


def _unnamed(
    wanted: Desired, kernel: PortTable, moved: Mapping[str, BridgePlan]
) -> Iterator[PortWish]:
    """Yields the ports of these bridges that nothing names, with what they carry as the wish."""
    named = {wish.port.ifindex for wish in wanted.ports}
    for port in kernel.ports.values():
        if port.bridge in moved and port.ifindex not in named:
            because = "nothing names it: it keeps what it has while the default PVID moves"
            subject = subject_of(Owners({}), port)
            yield PortWish(port=port, vlans=port.vlans, because=because, subject=subject)


def _port_plan(wish: PortWish, moved: Mapping[str, BridgePlan]) -> PortPlan:
    now = wish.port.vlans
    if wish.port.bridge in moved:
        item = moved[wish.port.bridge]
        now = with_default_pvid(now, item.bridge.default_pvid, item.default_pvid or 0)
    return PortPlan(wish=wish, adds=additions(now, wish.vlans), deletes=deletions(now, wish.vlans))


def with_default_pvid(now: PortVlans, old: int, new: int) -> PortVlans:
    """Returns the port after its bridge's default PVID has moved from old to new (0 is none).

    Source: ``__br_vlan_set_default_pvid`` and ``vlan_default_pvid`` in br_vlan.c.
    """
    if old and not (now.pvid == old and now.untagged >> old & 1):
        return now
    if not new:
        return now.removed(old, old) if old else now
    if now.members >> new & 1:
        return now
    native = VlanRange(Vid(new), Vid(new), VlanFlags.PVID | VlanFlags.UNTAGGED)
    moved = now.added(native)
    return moved.removed(old, old) if old else moved


def _bridge_plan(wish: BridgeWish, bridge: Bridge) -> BridgePlan:
    moves = wish.default_pvid is not None and wish.default_pvid != bridge.default_pvid
    return BridgePlan(
        bridge=bridge,
        default_pvid=wish.default_pvid if moves else None,
        filtering=None if bridge.vlan_filtering == wish.vlan_filtering else wish.vlan_filtering,
        because=wish.because,
    )
