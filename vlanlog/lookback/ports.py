"""What else a log says of the ports whose VLANs change in a story.

Must not tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from vlanlog.core import event as e
from vlanlog.core.query import EventFilter
from vlanlog.core.state import HostState, Seq
from vlanlog.history import PortKey, VlanFact, port_key
from vlanlog.lookback.reading import gradually
from vlanlog.ports import EventLog


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
        if isinstance(item.event.fact, VlanFact) and item.event.subject.port is not None:
            first, _ = spans.get(port_key(item.event), (item, item))
            spans[port_key(item.event)] = (first, item)
    return spans.values()


def _on_port(
    log: EventLog, first: e.Recorded, last: e.Recorded, begin: Seq | None
) -> Iterator[e.Recorded]:
    """Yields, newest first, what was recorded of a port from its joining to the last change."""
    port = e.Subject(port=first.event.subject.port, ifindex=first.event.subject.ifindex)
    for item in gradually(log, EventFilter(subjects=(port,), after=begin, until=Seq(last.seq - 1))):
        if item.event.boot_id != first.event.boot_id:
            return
        yield item
        if item.seq < first.seq and isinstance(item.event.fact, e.PortAttached):
            return
