"""What becomes of a change that no intent explains: whether to act on it, when, and how far.

Must not act.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from vlanlog.core.desired import EntryIndex
from vlanlog.core.entry import Foreign
from vlanlog.core.program import Plan
from vlanlog.core.state import HostState, IfIndex, Port

Key = IfIndex | str
"""Names a port, or a bridge for its switches."""

CALM_S = 60.0
"""What was left alone for so long is put back at once again."""

_LONGEST_S = 300.0


class Policies:
    """Answers what the sections in force say of foreign changes, for one state of a host."""

    def __init__(self, state: HostState) -> None:
        self._state = state
        self._index = EntryIndex(state.config)
        self._owners = state.owners()

    def of_bridge(self, name: str) -> Foreign:
        """Returns what the bridge's section says of its switches."""
        held = self._state.config.bridges.get(name)
        return held.entry.foreign if held else Foreign.RECORD

    def of_port(self, port: Port) -> Foreign:
        """Returns what the port's section says, else what its bridge's says.

        Trunks and a bridge's own port have the bridge's section.
        """
        held = self._state.config.bridges.get(port.bridge)
        if held is not None and (port.is_self or port.name in held.entry.trunk_ports):
            return held.entry.foreign
        owner = self._owners.of(port)
        if owner is None:
            entry = self._index.for_unowned(port)
        else:
            entry = self._index.for_nic(*owner, self._state.table.bridges.get(port.bridge))
        own = entry.entry.foreign if entry else None
        return own or self.of_bridge(port.bridge)


@dataclass(frozen=True, slots=True)
class Patience:
    """Counts how often a thing was put back in vain, so that two writers do not fight for ever.

    Units: last_s is a monotonic time.
    """

    reverts: int = 0
    last_s: float = 0.0

    def changed(self, now_s: float) -> Patience:
        """Returns the count at a foreign change: after a calm time it begins anew."""
        return Patience() if now_s - self.last_s >= CALM_S else self

    def delay_s(self, now_s: float) -> float:
        """Returns how long to wait before it is put back once more: 0, 1, 2, 4 … 300 s."""
        if not self.reverts:
            return 0.0
        pause_s = min(_LONGEST_S, 2.0 ** min(self.reverts - 1, 20))
        return max(0.0, self.last_s + pause_s - now_s)

    def reverted(self, now_s: float) -> Patience:
        """Returns the count after it was put back."""
        return Patience(self.reverts + 1, now_s)


def part_of(
    todo: Plan, ports: Collection[IfIndex], bridges: Collection[str], *, strays: Collection[IfIndex]
) -> Plan:
    """Returns the part of the plan for these ports, and for the switches of these bridges.

    Every port of a bridge whose default PVID moves is among them, for the kernel takes it along;
    ``strays``, which nothing names, it shall take, back from where a foreign move took them.
    """
    switched = tuple(item for item in todo.bridges if item.bridge.name in bridges)
    moved = {item.bridge.name for item in switched if item.default_pvid is not None}
    own = (
        item
        for item in todo.ports
        if item.wish.port.ifindex in ports or item.wish.port.bridge in moved
        if item.wish.port.ifindex not in strays
    )
    return replace(todo, bridges=switched, ports=tuple(own), missing=())


def as_revert(todo: Plan, reverts: Collection[Key]) -> Plan:
    """Returns the plan with the policy as the reason for what it puts back."""
    moved = {item.bridge.name for item in todo.bridges if item.default_pvid is not None}
    taken = moved & {key for key in reverts if isinstance(key, str)}
    return replace(
        todo,
        bridges=tuple(
            replace(item, because=_reason(item.because)) if item.bridge.name in reverts else item
            for item in todo.bridges
        ),
        ports=tuple(
            replace(item, wish=replace(item.wish, because=_reason(item.wish.because)))
            if item.wish.port.ifindex in reverts or item.wish.port.bridge in taken
            else item
            for item in todo.ports
        ),
    )


def _reason(because: str) -> str:
    return f"foreign = revert: {because}"
