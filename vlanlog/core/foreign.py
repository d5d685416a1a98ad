"""What becomes of a change that no intent explains: the policy of a port, and when to act on it.

Must not act.
"""

from __future__ import annotations

from dataclasses import dataclass

from vlanlog.core.desired import EntryIndex
from vlanlog.core.entry import Foreign
from vlanlog.core.state import HostState, Port

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
        own = entry.entry.foreign if entry else Foreign.RECORD
        return self.of_bridge(port.bridge) if own is Foreign.RECORD else own


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
