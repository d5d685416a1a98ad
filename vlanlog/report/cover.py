"""Which stretches of a period were not watched on a host, from what its log says of itself.

Must not count a time as watched that nothing vouches for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from vlanlog.core import event as e
from vlanlog.core.query import ChainFlaw, EventFilter, Head
from vlanlog.core.state import Coverage, HostState
from vlanlog.ports import EventLog
from vlanlog.report.values import HostCover, Period, Stretch, Unseen

_OPENED, _CLOSED = "watch.gap_opened", "watch.gap_closed"


def cover_of(
    log: EventLog,
    host: str,
    period: Period,
    *,
    head: Head | None,
    flaw: ChainFlaw | None,
    watching: bool,
) -> HostCover:
    """Returns what the log covers of the period.

    ``watching`` says that a daemon watches now: without one, the log vouches for nothing behind
    its last event.
    Raises: StoreError.
    """
    # Not event 1: what is old may have been moved out of the database.
    first = next(iter(log.select(EventFilter(newest_first=False, limit=1))), None)
    first_ns = first.event.at_ns if first else None
    told = log.archived()
    archived = told.event.fact if told and isinstance(told.event.fact, e.LogArchived) else None
    # What the files hold is added up behind them: the log is not silent until its next event.
    begin_ns = archived.until_ns if archived else first_ns
    unseen = tuple(_joined(_stretches(log, host, period, begin_ns, head, watching=watching)))
    unseen_ns = sum(item.to_ns - item.from_ns for item in unseen)
    return HostCover(
        host=host,
        first_ns=first_ns,
        head=head,
        flaw=flaw,
        archived=archived,
        unseen=unseen,
        watched_ns=period.length_ns - unseen_ns,
        unseen_ns=unseen_ns,
    )


def _stretches(
    log: EventLog,
    host: str,
    period: Period,
    begin_ns: int | None,
    head: Head | None,
    *,
    watching: bool,
) -> Iterator[Stretch]:
    since, until = period.since_ns, period.until_ns
    if begin_ns is None or head is None:
        yield Stretch(host=host, from_ns=since, to_ns=until, why=Unseen.BEFORE)
        return
    if begin_ns > since:
        yield Stretch(host=host, from_ns=since, to_ns=min(begin_ns, until), why=Unseen.BEFORE)
    yield from _gaps(log, host, max(since, begin_ns), until)
    if not watching and head.at_ns < until:
        yield Stretch(host=host, from_ns=max(since, head.at_ns), to_ns=until, why=Unseen.OPEN)


def _gaps(log: EventLog, host: str, since: int, until: int) -> Iterator[Stretch]:
    begin = log.seq_at(since - 1)
    state = log.state(at_seq=begin) if begin else HostState()
    wanted = EventFilter(kinds=frozenset({_OPENED, _CLOSED}), newest_first=False)
    begun: Stretch | None = None
    if state.coverage is not Coverage.WATCHED:
        why = Unseen.NEVER if state.coverage is Coverage.NONE else Unseen.GAP
        reason = _last_reason(log, since) if why is Unseen.GAP else ""
        begun = Stretch(host=host, from_ns=since, to_ns=until, why=why, reason=reason)
    for item in log.select(replace(wanted, since_ns=since, until_ns=until - 1)):
        match item.event.fact:
            case e.GapOpened() if begun is not None and begun.why is Unseen.NEVER:
                # The watch begins with a gap until its first reading: nobody watched on.
                continue
            case e.GapOpened() as fact:
                if begun is not None:
                    yield replace(begun, to_ns=item.event.at_ns)
                from_ns = item.event.at_ns if fact.since_ns is None else fact.since_ns
                begun = Stretch(
                    host=host,
                    from_ns=max(from_ns, since),
                    to_ns=until,
                    why=Unseen.GAP,
                    reason=fact.reason,
                )
            case e.GapClosed() if begun is not None:
                yield replace(begun, to_ns=item.event.at_ns)
                begun = None
            case _:
                pass
    if begun is not None:
        yield begun
        return
    # What was lost within the period may have been noticed only after it.
    for item in log.select(replace(wanted, kinds=frozenset({_OPENED}), since_ns=until, limit=1)):
        late = item.event.fact
        if isinstance(late, e.GapOpened) and late.since_ns is not None and late.since_ns < until:
            yield Stretch(
                host=host,
                from_ns=max(since, late.since_ns),
                to_ns=until,
                why=Unseen.GAP,
                reason=late.reason,
            )


def _last_reason(log: EventLog, since: int) -> str:
    wanted = EventFilter(kinds=frozenset({_OPENED}), until_ns=since - 1, limit=1)
    found = next(iter(log.select(wanted)), None)
    fact = found.event.fact if found else None
    return fact.reason if isinstance(fact, e.GapOpened) else ""


def _joined(found: Iterable[Stretch]) -> Iterator[Stretch]:
    """Yields the stretches in order of time, none within another: no time counts twice."""
    end = 0
    for item in sorted(found, key=lambda stretch: stretch.from_ns):
        start = max(item.from_ns, end)
        if item.to_ns > start:
            yield replace(item, from_ns=start)
            end = item.to_ns
