"""Which change the kernel makes by itself: the default PVID that a port gets as it joins a bridge.

Must not tell of anything else that a port carries: that is somebody's doing.
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from vlanlog.core import event as e
from vlanlog.core.state import HostState

JOINING_NS = 1_000_000_000
"""So much later the default PVID may be told than the joining: it is one system call."""

_KERNELS_OWN = 1
"""Is the default PVID of a bridge of which nothing is known."""

_Port = tuple[str, int | None]


def default_pvids(state: HostState) -> dict[str, int]:
    """Returns the default PVID of each bridge. Units: 0-4094, 0 for none."""
    return {name: bridge.default_pvid for name, bridge in state.table.bridges.items()}


class Arrivals:
    """Follows the events of a log, and knows which ports have just come without VLANs."""

    def __init__(self, default_pvids: Mapping[str, int]) -> None:
        """Begins with what else is known of how bridges are set, now say."""
        self._default_pvids: dict[str, int] = dict(default_pvids)
        self._bare: dict[_Port, tuple[int, UUID]] = {}

    def know(self, state: HostState) -> None:
        """Takes over how the bridges are set."""
        self._default_pvids |= default_pvids(state)

    def take(self, event: e.Event) -> bool:
        """Goes on by an event; tells whether it is the default PVID of a port that has joined.

        Only what follows the joining at once is: alone, or among what one re-read found.
        Source: ``nbp_vlan_init`` in br_vlan.c.
        """
        port = event.boot_id, event.subject.ifindex
        match event.fact:
            case e.BridgeChanged():
                self._default_pvids[event.subject.bridge or ""] = event.fact.default_pvid
            case e.PortAttached():
                self._bare[port] = event.at_ns, event.correlation_id
            case e.PortDetached():
                self._bare.pop(port, None)
            case e.HostBooted():
                self._bare.clear()
            case e.VlanAdded() | e.VlanRemoved() if port in self._bare:
                return self._is_default(port, event, event.fact)
            case _:
                pass
        return False

    def _is_default(self, port: _Port, event: e.Event, fact: e.VlanAdded | e.VlanRemoved) -> bool:
        joined_ns, correlation_id = self._bare[port]
        together = event.correlation_id == correlation_id
        is_tagged = isinstance(fact, e.VlanAdded) and not fact.pvid
        if not (together and is_tagged):
            del self._bare[port]
        default = self._default_pvids.get(event.subject.bridge or "", _KERNELS_OWN)
        return (
            isinstance(fact, e.VlanAdded)
            and (fact.first, fact.pvid, fact.untagged, fact.cause) == (default, True, True, None)
            and (together or abs(event.at_ns - joined_ns) <= JOINING_NS)
        )
