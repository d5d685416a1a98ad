"""What one host's log has of one guest: the events of its story, and where its NICs were.

Must not know more of the host than the guest's own ports: an index finds these, however long the
log is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from heapq import merge
from uuid import UUID

from vlanlog.core import event as e
from vlanlog.core.fold import advance
from vlanlog.core.query import EventFilter
from vlanlog.core.state import Guest, HostState, PortTable
from vlanlog.lookback import COVERAGE
from vlanlog.ports import EventLog
from vlanlog.report.values import Period, Plug

_OF_PORTS = frozenset(
    {"port.attached", "port.detached", "vlan.added", "vlan.removed", "program.intended"}
)
_PortKey = tuple[str, int | None]
Plugged = Mapping[str, tuple[Plug, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Is where the guest's NICs are plugged in from one event on.

    Shape: event_id is None for the begin of the period; plugged by the NIC's MAC.
    """

    at_ns: int
    event_id: UUID | None
    plugged: Plugged


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Is a guest's story on one host: its events, the states before and now, and its steps."""

    host: str
    before: HostState
    latest: HostState
    events: tuple[e.Recorded, ...]
    steps: tuple[Step, ...]


def part_of(log: EventLog, host: str, uuid: str, period: Period) -> Part:
    """Returns what the log has of the guest in the period.

    Whose a port is, the fold says, as ``vlanlog state --at`` does: a NIC carries VLANs while its
    guest runs. A port that joined before its guest was told of is found by its name.
    Raises: StoreError.
    """
    begin = log.seq_at(period.since_ns - 1)
    before = log.state(at_seq=begin) if begin else HostState()
    wanted = EventFilter(since_ns=period.since_ns, until_ns=period.until_ns - 1, newest_first=False)
    own = _select(log, replace(wanted, subjects=(e.Subject(guest_uuid=uuid),)))
    names = _port_names(own, before.guests.get(uuid))
    found = [own, _select(log, replace(wanted, kinds=COVERAGE))]
    if names:
        ports = tuple(e.Subject(port=name) for name in sorted(names))
        found.append(_select(log, replace(wanted, subjects=ports, kinds=_OF_PORTS)))
    events = [item for item in _once(merge(*found, key=_by_seq)) if item.seq > begin]
    walk = _Walk(host, uuid, _only(before, uuid, names))
    steps = (
        Step(at_ns=period.since_ns, event_id=None, plugged=walk.plugged()),
        *walk.steps(events),
    )
    told = tuple(item for item in events if _is_told(item.event, uuid, walk.keys))
    return Part(host=host, before=before, latest=log.state(), events=told, steps=steps)


def _select(log: EventLog, wanted: EventFilter) -> list[e.Recorded]:
    return list(log.select(wanted))


def _by_seq(item: e.Recorded) -> int:
    return item.seq


def _once(items: Iterable[e.Recorded]) -> Iterator[e.Recorded]:
    last = 0
    for item in items:
        if item.seq != last:
            yield item
        last = item.seq


def _port_names(events: Iterable[e.Recorded], guest: Guest | None) -> set[str]:
    """Returns the names of all ports that the guest's NICs may have been plugged in at."""
    names = {nic.tap for nic in guest.nics if nic.tap} if guest else set()
    for item in events:
        fact = item.event.fact
        if isinstance(fact, e.HookInvoked | e.GuestObserved):
            names |= {nic.tap for nic in fact.nics if nic.tap}
        elif item.event.subject.port:
            names.add(item.event.subject.port)
    return names


def _only(state: HostState, uuid: str, names: set[str]) -> HostState:
    """Returns the state with this guest and the ports of these names alone."""
    guest = state.guests.get(uuid)
    ports = {index: port for index, port in state.table.ports.items() if port.name in names}
    return HostState(
        seq=state.seq,
        boot_id=state.boot_id,
        table=PortTable(ports=ports),
        guests={uuid: guest} if guest else {},
    )


def _is_told(event: e.Event, uuid: str, keys: set[_PortKey]) -> bool:
    whose = event.subject.guest_uuid
    if whose is not None:
        return whose == uuid
    # What the record covers has no port; a port is told of where the guest's NICs were at it.
    return event.subject.port is None or (event.boot_id, event.subject.ifindex) in keys


class _Walk:
    """Goes through the events with the fold, and sees where the guest's NICs are after each."""

    def __init__(self, host: str, uuid: str, state: HostState) -> None:
        self._host = host
        self._uuid = uuid
        self._state = state
        self._others: set[_PortKey] = set()
        self.keys: set[_PortKey] = set()

    def steps(self, events: Iterable[e.Recorded]) -> Iterator[Step]:
        last = self.plugged()
        for item in events:
            self._mark(item.event)
            self._state = advance([(item.seq, item.event)], self._state)
            plugged = self.plugged()
            if plugged != last:
                last = plugged
                yield Step(at_ns=item.event.at_ns, event_id=item.event.event_id, plugged=plugged)

    def plugged(self) -> Plugged:
        """Returns where the NICs are plugged in now."""
        owners = self._state.owners()
        found: dict[str, tuple[Plug, ...]] = {}
        for index, port in self._state.table.ports.items():
            owner = owners.of(port)
            key = (self._state.boot_id, int(index))
            if owner is None or key in self._others:
                continue
            self.keys.add(key)
            plug = Plug(host=self._host, port=port.name, bridge=port.bridge, vlans=port.vlans)
            found[owner[1].mac] = (*found.get(owner[1].mac, ()), plug)
        return found

    def _mark(self, event: e.Event) -> None:
        """Notes a port that another guest has by now: its hooks are not among the events."""
        subject, key = event.subject, (event.boot_id, event.subject.ifindex)
        if subject.port is None or subject.ifindex is None:
            return
        if isinstance(event.fact, e.PortDetached) or subject.guest_uuid == self._uuid:
            self._others.discard(key)
        elif subject.guest_uuid is not None:
            self._others.add(key)
