"""Looks back: which events of the log a story is made of, and the lines that they make.

Must not format, nor tell: events in, ``history`` makes the lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import takewhile

from vlanlog.core import event as e
from vlanlog.core.arrival import JOINING_NS
from vlanlog.core.query import EventFilter, matches
from vlanlog.core.state import HostState, Seq
from vlanlog.history import Line, PortKey, lines, port_key
from vlanlog.ports import EventLog

COVERAGE = frozenset(
    {"host.booted", "daemon.started", "daemon.stopped", "watch.gap_opened", "watch.gap_closed"}
)
"""The kinds that say what the record covers."""

_GAPS = frozenset({"watch.gap_opened", "watch.gap_closed"})

_CHUNK = 200
_EVENTS_A_LINE = 4

_FEW = 64
_MANY = 1000

_NEAR = 1000
"""Wanted events that lie so near each other are told in one go: to learn what the ports carried
takes as long as to go through what lies between them."""

_VlanFact = e.VlanAdded | e.VlanRemoved

_ABOUT_VIDS = frozenset({"vlan.added", "vlan.removed", "program.finished", "assignment.set"})
"""The kinds that concern a vid and can be a line; an intent is none."""


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


def with_coverage(log: EventLog, wanted: EventFilter, own: list[e.Recorded]) -> list[e.Recorded]:
    """Returns the events with what the record covers in between; that is part of every story."""
    return _covered(log, wanted, own, own[-1].seq) if own else own


def told(log: EventLog, wanted: EventFilter) -> list[Line]:
    """Returns the lines that have an event that is wanted.

    Raises: StoreError.
    """
    forward = replace(wanted, newest_first=False)
    if wanted == whole(wanted):
        return _told_of(log, wanted, list(log.select(forward)))
    anchors = [item for item in log.select(_sought(forward)) if _is_line(item.event.fact)]
    return _in_order(line for near in _grouped(anchors) for line in _around(log, wanted, near))


def last_told(
    log: EventLog, wanted: EventFilter, number: int, *, chunk: int = _CHUNK
) -> list[Line]:
    """Returns the last of these lines, reading back no farther than they need.

    Raises: StoreError.
    """
    found: list[Line] = []
    if wanted == whole(wanted):
        pieces = _told_back(log, wanted, max(chunk, _EVENTS_A_LINE * number))
    else:
        pieces = _chosen_back(log, wanted, number)
    for piece in pieces:
        # A change that two pieces met is told twice, and the same.
        found = _in_order([*piece, *found])
        if len(found) >= number:
            break
    return found[-number:]


def beside(
    log: EventLog, events: Sequence[e.Recorded], before: HostState | None = None
) -> list[e.Recorded]:
    """Returns what else the log says of the ports whose VLANs change in the events.

    A tap joins its bridge before a hook tells whose it is: until then its events are nobody's.
    ``before`` is a state before the first event, from which on is looked; without it a port is
    looked back on to where it joined.
    Raises: StoreError.
    """
    own = {item.seq for item in events}
    found: dict[Seq, e.Recorded] = {}
    for first, last in _spans(events):
        # A port of this boot that the state does not have has joined since.
        is_known = before is not None and first.event.boot_id == before.boot_id
        for item in _on_port(log, first, last, before.seq if before and is_known else None):
            if item.seq not in own:
                found[item.seq] = item
    return [found[seq] for seq in sorted(found)]


def _spans(events: Iterable[e.Recorded]) -> Iterable[tuple[e.Recorded, e.Recorded]]:
    """Returns for each port the first and the last change of its VLANs."""
    spans: dict[PortKey, tuple[e.Recorded, e.Recorded]] = {}
    for item in events:
        if isinstance(item.event.fact, _VlanFact) and item.event.subject.port is not None:
            first, _ = spans.get(port_key(item.event), (item, item))
            spans[port_key(item.event)] = (first, item)
    return spans.values()


def _on_port(
    log: EventLog, first: e.Recorded, last: e.Recorded, begin: Seq | None
) -> Iterator[e.Recorded]:
    """Yields, newest first, what was recorded of a port from its joining to the last change."""
    port = e.Subject(port=first.event.subject.port, ifindex=first.event.subject.ifindex)
    for item in _gradually(
        log, EventFilter(subjects=(port,), after=begin, until=Seq(last.seq - 1))
    ):
        if item.event.boot_id != first.event.boot_id:
            return
        yield item
        if item.seq < first.seq and isinstance(item.event.fact, e.PortAttached):
            return


def _told_back(log: EventLog, wanted: EventFilter, size: int) -> Iterator[list[Line]]:
    """Yields a whole story piece by piece, the newest first, each as if it were told in one go."""
    newest, end = replace(wanted, newest_first=True, limit=size), None
    while True:
        own = list(log.select(newest))[::-1]
        if is_cut := len(own) == size:
            own = _from_begin(log, wanted, own)
        yield _told_of(log, wanted, own, end)
        if not is_cut:
            return
        end = own[0].seq
        newest = replace(newest, until=Seq(end - 1))


def _chosen_back(log: EventLog, wanted: EventFilter, size: int) -> Iterator[list[Line]]:
    """Yields the lines about wanted events, the newest first."""
    newest = replace(_sought(wanted), newest_first=True, limit=size)
    while True:
        found = list(log.select(newest))
        anchors = [item for item in reversed(found) if _is_line(item.event.fact)]
        for near in reversed(_grouped(anchors)):
            yield _around(log, wanted, near)
        if len(found) < size:
            return
        size = min(_MANY, 2 * size)
        newest = replace(newest, until=Seq(found[-1].seq - 1), limit=size)


def _sought(wanted: EventFilter) -> EventFilter:
    return replace(wanted, kinds=_ABOUT_VIDS) if wanted.vids and not wanted.kinds else wanted


def _is_line(fact: e.Fact) -> bool:
    """Tells whether the fact can be a line, or a part of one."""
    match fact:
        case e.ProgramIntended() | e.ProgramFinished(outcome=e.Outcome.DONE):
            return False
        case _:
            return True


def _grouped(events: Iterable[e.Recorded]) -> list[list[e.Recorded]]:
    """Returns the events, of which those that lie near each other are together."""
    groups: list[list[e.Recorded]] = []
    for item in events:
        if groups and item.seq - groups[-1][-1].seq <= _NEAR:
            groups[-1].append(item)
        else:
            groups.append([item])
    return groups


def _around(log: EventLog, wanted: EventFilter, near: Sequence[e.Recorded]) -> list[Line]:
    """Returns the lines about wanted events that lie near each other."""
    first, last = near[0], near[-1]
    between = replace(whole(wanted), newest_first=False, after=Seq(first.seq - 1), until=last.seq)
    story = list(log.select(between)) if len(near) > 1 else list(near)
    story = _from_begin(log, wanted, [*story, *_ended(log, wanted, story)])
    return [line for line in _told_of(log, wanted, story) if is_wanted(line, wanted)]


def _from_begin(log: EventLog, wanted: EventFilter, story: list[e.Recorded]) -> list[e.Recorded]:
    """Returns the events, and before them what may make one line with them."""
    while True:
        earlier = _begun(log, wanted, story[0])
        first = earlier[0] if earlier else story[0]
        since = min((item.seq for item in _arrivals(log, story)), default=first.seq)
        if since < first.seq:
            between = replace(
                whole(wanted), newest_first=False, after=Seq(since - 1), until=Seq(first.seq - 1)
            )
            earlier = [*log.select(between), *earlier]
        if not earlier:
            return story
        story = [*earlier, *story]


def _arrivals(log: EventLog, story: Sequence[e.Recorded]) -> Iterator[e.Recorded]:
    """Yields the arrivals before the story of ports whose default PVID may be in it."""
    met: set[PortKey] = set()
    for item in story:
        key, fact = port_key(item.event), item.event.fact
        if isinstance(fact, e.PortAttached):
            met.add(key)
        elif isinstance(fact, e.VlanAdded) and not fact.pvid:
            # What one re-read found on a port that joined begins with any vid.
            pass
        elif isinstance(fact, _VlanFact) and key not in met:
            met.add(key)
            if isinstance(fact, e.VlanAdded) and fact.untagged and not fact.cause:
                yield from _arrival(log, item, story[0].seq)


def _arrival(log: EventLog, first: e.Recorded, begin: Seq) -> Iterator[e.Recorded]:
    """Yields the arrival of a port that may have joined right before a change of its VLANs."""
    subject = first.event.subject
    port = e.Subject(port=subject.port, ifindex=subject.ifindex)
    earlier = EventFilter(subjects=(port,), until=Seq(begin - 1))
    for item in _gradually(log, earlier) if subject.port else ():
        is_together = item.event.correlation_id == first.event.correlation_id
        match item.event.fact:
            case _ if item.event.boot_id != first.event.boot_id:
                return
            case e.PortAttached():
                if _is_joining(item, first):
                    yield item
                return
            case e.VlanAdded(pvid=False) if is_together:
                pass
            case e.VlanAdded() | e.VlanRemoved() | e.PortDetached():
                return
            case _:
                pass


def _begun(log: EventLog, wanted: EventFilter, first: e.Recorded) -> list[e.Recorded]:
    """Returns the story's events right before one that are of the same change."""
    if not isinstance(first.event.fact, _VlanFact):
        return []
    earlier = replace(whole(wanted), newest_first=True, until=Seq(first.seq - 1))
    found = takewhile(partial(_is_of_change, first), _gradually(log, earlier))
    return list(found)[::-1]


def _ended(log: EventLog, wanted: EventFilter, story: Sequence[e.Recorded]) -> list[e.Recorded]:
    """Returns the story's events right behind some that may make one line with them."""
    last = story[-1]
    joined = [item for item in story if isinstance(item.event.fact, e.PortAttached)]

    def is_part(item: e.Recorded) -> bool:
        is_change = isinstance(last.event.fact, _VlanFact) and _is_of_change(last, item)
        return is_change or any(_is_joining(arrival, item) for arrival in joined)

    if not joined and not isinstance(last.event.fact, _VlanFact):
        return []
    later = replace(whole(wanted), newest_first=False, after=last.seq)
    return list(takewhile(is_part, _gradually(log, later)))


def _is_of_change(one: e.Recorded, other: e.Recorded) -> bool:
    is_change = isinstance(other.event.fact, _VlanFact)
    return is_change and other.event.correlation_id == one.event.correlation_id


def _is_joining(arrival: e.Recorded, other: e.Recorded) -> bool:
    """Tells whether an event is so near that the arrival's default PVID may come then."""
    apart_ns = abs(arrival.event.at_ns - other.event.at_ns)
    return apart_ns <= JOINING_NS or other.event.correlation_id == arrival.event.correlation_id


def _told_of(
    log: EventLog, wanted: EventFilter, own: list[e.Recorded], end: Seq | None = None
) -> list[Line]:
    """Returns the lines of a story's events, which what follows has no part in.

    Shape: end is where the piece of the story begins that follows, None for the last.
    """
    if not own:
        return []
    if wants_coverage(wanted):
        own = _covered(log, wanted, own, end or own[-1].seq)
    begin, before, latest, others = own[0].seq, HostState(), HostState(), list[e.Recorded]()
    if any(isinstance(item.event.fact, _VlanFact | e.PortAttached) for item in own):
        since = min((item.seq for item in _arrivals(log, own)), default=begin)
        before, latest = log.state(at_seq=Seq(since - 1)), log.state()
        others = beside(log, own, before) if _may_lack(wanted) else []
    others += _intents(log, [*own, *others])
    told = lines([*_open_gaps(log, own), *own], before, others, latest)
    return [line for line in told if line.seq >= begin]


def _open_gaps(log: EventLog, own: Sequence[e.Recorded]) -> list[e.Recorded]:
    """Returns the gaps that are open where the events begin, if one of these ends them."""
    if not any(isinstance(item.event.fact, e.GapClosed) for item in own):
        return []
    earlier = EventFilter(kinds=_GAPS, until=Seq(own[0].seq - 1))
    found = takewhile(
        lambda item: isinstance(item.event.fact, e.GapOpened), _gradually(log, earlier)
    )
    return list(found)[::-1]


def _may_lack(wanted: EventFilter) -> bool:
    """Tells whether the story may lack events of a port that it tells of."""
    timed = (wanted.since_ns, wanted.until_ns) != (None, None)
    return timed or not all(
        item.port and not (item.guest_uuid or item.guest_name or item.mac or item.bridge)
        for item in wanted.subjects
    )


def _intents(log: EventLog, events: Sequence[e.Recorded]) -> Iterator[e.Recorded]:
    """Yields the intents behind changes that are not among the events."""
    known = {item.event.event_id for item in events}
    facts = [item.event.fact for item in events]
    causes = {fact.cause: None for fact in facts if isinstance(fact, _VlanFact) and fact.cause}
    for cause in causes:
        if cause not in known:
            yield from log.select(EventFilter(event_id=cause, limit=1))


def _covered(
    log: EventLog, wanted: EventFilter, own: list[e.Recorded], end: Seq
) -> list[e.Recorded]:
    if not wants_coverage(wanted):
        return own
    between = replace(
        wanted, subjects=(), kinds=COVERAGE, after=own[0].seq, until=Seq(end - 1), limit=None
    )
    return sorted([*own, *log.select(between)], key=lambda item: item.seq)


def _gradually(log: EventLog, wanted: EventFilter) -> Iterator[e.Recorded]:
    """Yields what is wanted to one who will stop early, most often after a few."""
    size = _FEW
    while True:
        found = list(log.select(replace(wanted, limit=size)))
        yield from found
        if len(found) < size:
            return
        seq = found[-1].seq
        wanted = (
            replace(wanted, until=Seq(seq - 1))
            if wanted.newest_first
            else replace(wanted, after=seq)
        )
        size = min(_MANY, 4 * size)


def _in_order(found: Iterable[Line]) -> list[Line]:
    """Returns the lines as the story has them, each once."""
    by_seq = {line.seq: line for line in found}
    return [by_seq[seq] for seq in sorted(by_seq)]
