"""What becomes of a change that no intent explains: the policy of a port, and when to act on it.

Must not act.
"""

from __future__ import annotations

from dataclasses import dataclass

from vlanlog.core.desired import EntryIndex
from vlanlog.core.entry import Foreign
from vlanlog.core.state import HostState, Port, PortTable

CALM_S = 60.0
"""A port that was left alone for so long is put back at once again."""

_LONGEST_S = 300.0


def policy(state: HostState, table: PortTable, port: Port) -> Foreign:
    """Returns what the port's section says of foreign changes, else what its bridge's says.

    Trunks and a bridge's own port have the bridge's section.
    """
    held = state.config.bridges.get(port.bridge)
    of_bridge = held.entry.foreign if held else Foreign.RECORD
    if held is not None and (port.is_self or port.name in held.entry.trunk_ports):
        return of_bridge
    index = EntryIndex(state.config)
    owner = state.owners().of(port)
    if owner is None:
        entry = index.for_unowned(port)
    else:
        entry = index.for_nic(*owner, table.bridges.get(port.bridge))
    own = entry.entry.foreign if entry else Foreign.RECORD
    return of_bridge if own is Foreign.RECORD else own


@dataclass(frozen=True, slots=True)
class Patience:
    """Counts how often a port was put back in vain, so that two writers do not fight for ever.

    Units: last_s is a monotonic time.
    """

    reverts: int = 0
    last_s: float = 0.0

    def delay_s(self, now_s: float) -> float:
        """Returns how long to wait before the port is put back once more: 0, 1, 2, 4 … 300 s."""
        if not self.reverts or now_s - self.last_s >= max(CALM_S, 2 * self._pause_s):
            return 0.0
        return max(0.0, self.last_s + self._pause_s - now_s)

    def reverted(self, now_s: float) -> Patience:
        """Returns the count after the port was put back."""
        calm = now_s - self.last_s >= max(CALM_S, 2 * self._pause_s)
        return Patience(1 if calm else self.reverts + 1, now_s)

    @property
    def _pause_s(self) -> float:
        return min(_LONGEST_S, 2.0 ** max(0, min(self.reverts, 20) - 1))
