"""Looks back: which events of the log a story is made of, and the lines that they make.

Must not format, nor tell: events in, ``history`` makes the lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from vlanlog.core import event as e
from vlanlog.core.query import EventFilter, matches
from vlanlog.core.state import HostState, Seq
from vlanlog.history import Line, PortKey, lines, port_key
from vlanlog.ports import EventLog

COVERAGE = frozenset(
    {"host.booted", "daemon.started", "daemon.stopped", "watch.gap_opened", "watch.gap_closed"}
)
"""The kinds that say what the record covers."""

_CLOCK_SET_BACK_NS = 3600 * 1_000_000_000
"""A clock that was set back by less does not hide what others did to a port."""

_CHUNK = 200
_EVENTS_A_LINE = 4
_GROWTH = 8


def whole(wanted: EventFilter) -> EventFilter:
    """Returns the filter of the events that are told, of which ``is_wanted`` then chooses lines.

    A change without what came before it, or without the intent that caused it, would be told
    wrong.
    """
    return replace(wanted, kinds=frozenset(), vids=0, by=())


def is_wanted(line: Line, wanted: EventFilter) -> bool:
    """Tells whether the line has an event that is wanted."""
    about_all = replace(wanted, subjects=())
    return any(matches(about_all, event) for event in (line.event, *line.more))


def wants_coverage(wanted: EventFilter) -> bool:
    """Tells whether what the record covers is to be added: it is part of every subject's story."""
    return bool(wanted.subjects) and wanted == whole(wanted)


def beside(
    log: EventLog, events: Sequence[e.Recorded], before: HostState | None = None
) -> list[e.Recorded]:
    """Returns what else the log says of ports whose arrival is not among the events, nor before.

    A tap joins its bridge before a hook tells whose it is: until then its events are nobody's.
    Raises: StoreError.
    """
    told = {item.seq for item in events}
    last = {port_key(item.event): item for item in events}
    found: dict[Seq, e.Recorded] = {}
    for first in _unmet(events, before or HostState()):
        for item in _on_port(log, events[0].seq, first, last[port_key(first.event)]):
            if item.seq not in told:
                found[item.seq] = item
    return [found[seq] for seq in sorted(found)]


def _unmet(events: Iterable[e.Recorded], before: HostState) -> Iterator[e.Recorded]:
    """Yields for each port that is first heard of by a change of its VLANs that change."""
    met: set[PortKey] = {(before.boot_id, index) for index in before.table.ports}
    for item in events:
        key = port_key(item.event)
        match item.event.fact:
            case e.PortAttached():
                met.add(key)
            case e.PortDetached():
                met.discard(key)
            case e.VlanAdded() | e.VlanRemoved() if key not in met:
                met.add(key)
                yield item
            case _:
                pass


def _on_port(
    log: EventLog, begin: Seq, first: e.Recorded, last: e.Recorded
) -> Iterator[e.Recorded]:
    """Yields, newest first, what was recorded of a port from its joining to the last event."""
    port = e.Subject(port=first.event.subject.port, ifindex=first.event.subject.ifindex)
    until_ns = last.event.at_ns + _CLOCK_SET_BACK_NS
    for item in log.select(EventFilter(subjects=(port,), until_ns=until_ns)):
        if item.seq >= last.seq:
            continue
        if item.seq <= begin or item.event.boot_id != first.event.boot_id:
            return
        yield item
        if item.seq < first.seq and isinstance(item.event.fact, e.PortAttached):
            return


def told(log: EventLog, wanted: EventFilter) -> list[Line]:
    """Returns the lines that have an event that is wanted."""
    return _lines_of(log, wanted, list(log.select(whole(wanted))))


def last_told(log: EventLog, wanted: EventFilter, number: int) -> list[Line]:
    """Returns the last of these lines, reading back no farther than they need."""
    size = max(_CHUNK, _EVENTS_A_LINE * number)
    while True:
        newest = replace(whole(wanted), newest_first=True, limit=size)
        own = list(log.select(newest))[::-1]
        found = _lines_of(log, wanted, own)
        if len(own) == size:
            # What came before the first event may belong to the same change, and tell its reason.
            cut = own[0].event.correlation_id
            found = [line for line in found if line.event.correlation_id != cut]
        if len(found) >= number or len(own) < size:
            return found[-number:]
        size *= _GROWTH


def _lines_of(log: EventLog, wanted: EventFilter, own: list[e.Recorded]) -> list[Line]:
    own = with_coverage(log, wanted, own)
    before = _before(log, own)
    made = lines(own, before, beside(log, own, before))
    return [line for line in made if is_wanted(line, wanted)]


def with_coverage(log: EventLog, wanted: EventFilter, own: list[e.Recorded]) -> list[e.Recorded]:
    """Returns the events with what the record covers in between; that is part of every story."""
    if not own or not wants_coverage(wanted):
        return own
    coverage = log.select(replace(wanted, subjects=(), kinds=COVERAGE))
    first, last = own[0].seq, own[-1].seq
    own += [item for item in coverage if first < item.seq < last]
    return sorted(own, key=lambda item: item.seq)


def _before(log: EventLog, found: list[e.Recorded]) -> HostState:
    if not found or found[0].seq <= 1:
        return HostState()
    return log.state(at_seq=Seq(found[0].seq - 1))
