"""Where in the log a question about the past is asked: at a time, or behind an event.

Must not fold, and must not print.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID

from vlanlog.core import event as e
from vlanlog.core.query import EventFilter
from vlanlog.core.state import Coverage, Seq
from vlanlog.errors import UsageError
from vlanlog.host.covers import covers
from vlanlog.ports import EventLog
from vlanlog.render.words import when

_OPENED, _CLOSED = "watch.gap_opened", "watch.gap_closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class At:
    """Is a moment as it is asked for.

    Units: at_ns is ns since the epoch, UTC.
    Shape: one of the three is given; seq and event_id name the event that came last.
    """

    at_ns: int | None = None
    seq: Seq | None = None
    event_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Is the last event of a moment, and the time that is meant.

    Units: at_ns is ns since the epoch, UTC: what was asked for, or when the event was.
    """

    seq: Seq
    at_ns: int


def place_of(log: EventLog, at: At, *, now_ns: int, utc: bool = False) -> Place:
    """Returns where in the log a moment is.

    Raises: UsageError where the log does not cover it; StoreError.
    """
    if at.event_id is not None:
        return _behind(log, EventFilter(event_id=at.event_id), f"event {at.event_id}", utc=utc)
    if at.seq is not None:
        before, last = Seq(at.seq - 1), at.seq
        return _behind(log, EventFilter(after=before, until=last), f"event #{last}", utc=utc)
    at_ns = at.at_ns if at.at_ns is not None else now_ns
    if at_ns > now_ns and not _has_event_since(log, at_ns):
        told = f"{when(at_ns, utc=utc)} lies in the future"
        raise UsageError(told, hint=covers(log, utc=utc))
    seq = log.seq_at(at_ns)
    if not seq:
        told = f"the log does not reach back to {when(at_ns, utc=utc)}"
        raise UsageError(told, hint=covers(log, utc=utc))
    return Place(seq=seq, at_ns=at_ns)


def _behind(log: EventLog, wanted: EventFilter, name: str, *, utc: bool) -> Place:
    found = next(iter(log.select(replace(wanted, limit=1))), None)
    if found is not None:
        return Place(seq=found.seq, at_ns=found.event.at_ns)
    told = log.archived()
    fact = told.event.fact if told else None
    if isinstance(fact, e.LogArchived) and wanted.until is not None and wanted.until <= fact.last:
        # What is archived adds up to the state behind it; of all before, the log says which file.
        log.state(at_seq=wanted.until)
        return Place(seq=wanted.until, at_ns=fact.until_ns)
    hint = covers(log, utc=utc)
    if (first := _first(log)) is not None and (head := log.head()) is not None:
        hint += f", with the events #{first.seq} to #{head.seq}"
    raise UsageError(f"{name} is not in the log", hint=hint)


def _first(log: EventLog) -> e.Recorded | None:
    return next(iter(log.select(EventFilter(newest_first=False, limit=1))), None)


def _has_event_since(log: EventLog, at_ns: int) -> bool:
    # The clock may have been ahead: what it stamped is no future.
    return next(iter(log.select(EventFilter(since_ns=at_ns, limit=1))), None) is not None


def unwatched(log: EventLog, place: Place, coverage: Coverage, *, utc: bool = False) -> str | None:
    """Returns what to say of a place in a stretch in which nobody watched, None elsewhere.

    ``coverage`` is that of the state there.
    Raises: StoreError.
    """
    match coverage:
        case Coverage.NONE:
            opened, reason = "", ""
        case Coverage.GAP:
            last = _next(log, _OPENED, until=place.seq, newest_first=True)
            opened, reason = _opening(last, utc=utc)
        case Coverage.WATCHED:
            late = _next(log, _OPENED, after=place.seq)
            if late is None or not _reaches_back_to(late, place.at_ns):
                return None
            opened, reason = _opening(late, utc=utc)
    closed = _next(log, _CLOSED, after=place.seq)
    until = "" if closed is None else when(closed.event.at_ns, utc=utc)
    told = when(place.at_ns, utc=utc)
    return f"nobody watched{_stretch(opened, until)}{reason}: of {told} this is what was last known"


def _next(
    log: EventLog,
    kind: str,
    *,
    after: Seq | None = None,
    until: Seq | None = None,
    newest_first: bool = False,
) -> e.Recorded | None:
    wanted = EventFilter(
        kinds=frozenset({kind}), after=after, until=until, newest_first=newest_first, limit=1
    )
    return next(iter(log.select(wanted)), None)


def _reaches_back_to(late: e.Recorded, at_ns: int) -> bool:
    fact = late.event.fact
    return isinstance(fact, e.GapOpened) and fact.since_ns is not None and fact.since_ns < at_ns


def _opening(found: e.Recorded | None, *, utc: bool) -> tuple[str, str]:
    if found is None or not isinstance(found.event.fact, e.GapOpened):
        return "", ""
    since_ns = found.event.fact.since_ns
    begin = found.event.at_ns if since_ns is None else since_ns
    return when(begin, utc=utc), f" ({found.event.fact.reason})"


def _stretch(begin: str, end: str) -> str:
    if begin and end:
        return f" between {begin} and {end}"
    if begin:
        return f" since {begin}"
    return f" before {end}" if end else " by then"
