"""Tells a story's events, with what its lines need of the log besides.

Must not choose among the lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import takewhile

from vlanlog.core import event as e
from vlanlog.core.query import EventFilter
from vlanlog.core.state import HostState, Seq
from vlanlog.history import Line, VlanFact, lines
from vlanlog.lookback.changes import arrivals
from vlanlog.lookback.filters import COVERAGE, wants_coverage
from vlanlog.lookback.ports import beside
from vlanlog.lookback.reading import gradually
from vlanlog.ports import EventLog

_GAPS = frozenset({"watch.gap_opened", "watch.gap_closed"})


def with_coverage(log: EventLog, wanted: EventFilter, own: list[e.Recorded]) -> list[e.Recorded]:
    """Returns the events with what the record covers in between; that is part of every story."""
    return _covered(log, wanted, own, own[-1].seq) if own else own


def told_of(
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
    if any(isinstance(item.event.fact, VlanFact | e.PortAttached) for item in own):
        since = min((item.seq for item in arrivals(log, own)), default=begin)
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
        lambda item: isinstance(item.event.fact, e.GapOpened), gradually(log, earlier)
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
    causes = {fact.cause: None for fact in facts if isinstance(fact, VlanFact) and fact.cause}
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
