"""Which events of a story make one line with those that are there: a change, and a port that joins.

Must not tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import takewhile

from vlanlog.core import event as e
from vlanlog.core.arrival import JOINING_NS
from vlanlog.core.query import EventFilter
from vlanlog.core.state import Seq
from vlanlog.history import PortKey, VlanFact, port_key
from vlanlog.lookback.filters import whole
from vlanlog.lookback.reading import gradually
from vlanlog.ports import EventLog


def from_begin(log: EventLog, wanted: EventFilter, story: list[e.Recorded]) -> list[e.Recorded]:
    """Returns the events, and before them what may make one line with them."""
    while True:
        earlier = _begun(log, wanted, story[0])
        first = earlier[0] if earlier else story[0]
        since = min((item.seq for item in arrivals(log, story)), default=first.seq)
        if since < first.seq:
            between = replace(
                whole(wanted), newest_first=False, after=Seq(since - 1), until=Seq(first.seq - 1)
            )
            earlier = [*log.select(between), *earlier]
        if not earlier:
            return story
        story = [*earlier, *story]


def ended(log: EventLog, wanted: EventFilter, story: Sequence[e.Recorded]) -> list[e.Recorded]:
    """Returns the story's events right behind some that may make one line with them."""
    last = story[-1]
    joined = [item for item in story if isinstance(item.event.fact, e.PortAttached)]

    def is_part(item: e.Recorded) -> bool:
        is_change = isinstance(last.event.fact, VlanFact) and _is_of_change(last, item)
        return is_change or any(_is_joining(arrival, item) for arrival in joined)

    if not joined and not isinstance(last.event.fact, VlanFact):
        return []
    later = replace(whole(wanted), newest_first=False, after=last.seq)
    return list(takewhile(is_part, gradually(log, later)))


def arrivals(log: EventLog, story: Sequence[e.Recorded]) -> Iterator[e.Recorded]:
    """Yields the arrivals before the story of ports whose default PVID may be in it."""
    met: set[PortKey] = set()
    for item in story:
        key, fact = port_key(item.event), item.event.fact
        if isinstance(fact, e.PortAttached):
            met.add(key)
        elif isinstance(fact, e.VlanAdded) and not fact.pvid:
            # What one re-read found on a port that joined begins with any vid.
            pass
        elif isinstance(fact, VlanFact) and key not in met:
            met.add(key)
            if isinstance(fact, e.VlanAdded) and fact.untagged and not fact.cause:
                yield from _arrival(log, item, story[0].seq)


def _arrival(log: EventLog, first: e.Recorded, begin: Seq) -> Iterator[e.Recorded]:
    """Yields the arrival of a port that may have joined right before a change of its VLANs."""
    subject = first.event.subject
    port = e.Subject(port=subject.port, ifindex=subject.ifindex)
    earlier = EventFilter(subjects=(port,), until=Seq(begin - 1))
    for item in gradually(log, earlier) if subject.port else ():
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
    if not isinstance(first.event.fact, VlanFact):
        return []
    earlier = replace(whole(wanted), newest_first=True, until=Seq(first.seq - 1))
    found = takewhile(partial(_is_of_change, first), gradually(log, earlier))
    return list(found)[::-1]


def _is_of_change(one: e.Recorded, other: e.Recorded) -> bool:
    is_change = isinstance(other.event.fact, VlanFact)
    return is_change and other.event.correlation_id == one.event.correlation_id


def _is_joining(arrival: e.Recorded, other: e.Recorded) -> bool:
    """Tells whether an event is so near that the arrival's default PVID may come then."""
    apart_ns = abs(arrival.event.at_ns - other.event.at_ns)
    return apart_ns <= JOINING_NS or other.event.correlation_id == arrival.event.correlation_id
