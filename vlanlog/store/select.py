"""Reads events by filter, a page at a time: finds the index that answers.

Must not decide what a filter means: ``core.query.matches`` has the last word.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from math import isqrt
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Engine,
    Executable,
    Select,
    Table,
    and_,
    func,
    or_,
    select,
    text,
    union_all,
)

from vlanlog.core.codec import canonical
from vlanlog.core.event import Recorded
from vlanlog.core.query import EventFilter, matches
from vlanlog.store.about import may_concern
from vlanlog.store.bounds import Bounds, bounds
from vlanlog.store.failure import translated
from vlanlog.store.read import COLUMNS, PAGE, Stored, fetched, recorded
from vlanlog.store.schema import RARE_KINDS, events, subjects

_DENSE = 300
"""Weighs a place that the index finds against an event that the log is read past.

Where a subject's events are more than the root of 300 times all events, the log itself is read: its
next 50 come by sooner than all places of the subject are found and sorted. Both were measured.
"""

_TRIED = 20
"""Of how many subjects the events are counted."""

_FEW = 500
"""Of so many subjects SQLite finds the next places in no more than 2 ms, however many they have: it
goes on to the next subject once what follows cannot be among them. None of them is counted."""

_WALKED = 50_000
"""So many stamps are gone through in 5 ms, to know where a subject's events of a time begin."""

_PARAMETERS = 30_000
"""How many ids are put into one statement; SQLite takes 32,766."""


# Word for word the condition of the index events_kind: SQLite uses a partial index for it alone.
_IS_RARE = text(f"events.kind IN ({', '.join(repr(kind) for kind in RARE_KINDS)})")


def chosen(engine: Engine, host: str, wanted: EventFilter) -> Iterator[Recorded]:
    """Yields a host's events that the filter names.

    The database finds those of the subjects, kinds and times; ``matches`` has the last word, for
    vids lie inside the payload.
    Raises: StoreError.
    """
    return (event for _, event in _matching(engine, host, wanted))


def chosen_rows(engine: Engine, host: str, wanted: EventFilter) -> Iterator[Stored]:
    """Yields the same events as the database holds them, for what has to keep their hash true.

    Raises: StoreError.
    """
    return (item for item, _ in _matching(engine, host, wanted))


def _matching(engine: Engine, host: str, wanted: EventFilter) -> Iterator[tuple[Stored, Recorded]]:
    pairs = ((item, recorded(item)) for item in _candidates(engine, host, wanted))
    return islice((pair for pair in pairs if matches(wanted, pair[1].event)), wanted.limit)


def _candidates(engine: Engine, host: str, wanted: EventFilter) -> Iterator[Stored]:
    names = _named(wanted, subjects)
    if names is None:
        yield from _in_order_of_the_log(engine, host, wanted)
        return
    ids = _ids_of_few(engine, host, names)
    if ids is None:
        yield from _in_order_of_the_log(engine, host, wanted)
    else:
        yield from _of_subjects(engine, host, ids, wanted)


def _ids_of_few(engine: Engine, host: str, names: ColumnElement[bool]) -> Sequence[int] | None:
    """Returns the subjects of the names, None where their events are dense in the log."""
    mine = select(subjects.c.id).where(subjects.c.host == host, names)
    ids = _scalars(engine, mine.limit(_PARAMETERS + 1))
    if len(ids) <= (_FEW if engine.dialect.name == "sqlite" else 1):
        return ids
    newest = select(events.c.seq).where(events.c.host == host).order_by(events.c.seq.desc())
    most = isqrt(_DENSE * sum(_scalars(engine, newest.limit(1))))
    if len(ids) > min(most, _PARAMETERS):
        return None
    # Either way finds the same: an estimate by some of them does.
    tried = ids[:: -(-len(ids) // _TRIED)]
    some = select(events.c.seq).where(events.c.subject.in_(tried)).limit(most + 1)
    (found,) = _scalars(engine, select(func.count()).select_from(some.subquery()))
    return None if found * len(ids) > most * len(tried) else ids


def _of_subjects(
    engine: Engine, host: str, ids: Sequence[int], wanted: EventFilter
) -> Iterator[Stored]:
    """Yields events of the subjects: their places from the index alone, then what stands there."""
    places = _places(engine, host, wanted, most=_WALKED)
    if places is None or not ids:
        return
    terms = [*_terms(engine, wanted), *_times(wanted)]
    size = min(PAGE, wanted.limit or PAGE)
    while True:
        own = select(events.c.seq).where(events.c.subject.in_(ids), *places.terms())
        mine = _ordered(own, wanted).limit(size)
        # Without terms, what is found there tells by itself how many places there were.
        seqs = _scalars(engine, mine) if terms else []
        there = (events.c.host == host, events.c.seq.in_(seqs if terms else mine))
        found = fetched(engine, _ordered(select(*COLUMNS).where(*there, *terms), wanted))
        yield from found
        if len(seqs if terms else found) < size:
            return
        # What was found did not do: whoever asks for few looks for something rare.
        size, places = min(PAGE, 2 * size), _beyond(places, wanted, (seqs or [found[-1].seq])[-1])


def _in_order_of_the_log(engine: Engine, host: str, wanted: EventFilter) -> Iterator[Stored]:
    """Yields the events as they follow one another, those of rare kinds along their index."""
    places = _places(engine, host, wanted, most=_WALKED if _is_narrow(wanted) else None)
    if places is None:
        return
    names = _named(wanted, events)
    terms = [*_terms(engine, wanted), *_times(wanted), *([] if names is None else [names])]
    size = min(PAGE, wanted.limit or PAGE)
    while True:
        page = fetched(engine, _page(_keys(host, wanted), [*terms, *places.terms()], size, wanted))
        yield from page
        if len(page) < size:
            return
        size, places = min(PAGE, 2 * size), _beyond(places, wanted, page[-1].seq)


def _is_narrow(wanted: EventFilter) -> bool:
    """Tells whether few events are in question: to bound their time would take longer."""
    width = _WALKED if wanted.until is None else wanted.until - (wanted.after or 0)
    return width < _WALKED or _are_rare(wanted.kinds)


def _page(
    keys: Sequence[ColumnElement[bool]],
    terms: Sequence[ColumnElement[bool]],
    size: int,
    wanted: EventFilter,
) -> Executable:
    def of(key: ColumnElement[bool]) -> Select[Any]:
        return _ordered(select(*COLUMNS).where(key, *terms), wanted).limit(size)

    if len(keys) == 1:
        return of(keys[0])
    merged = union_all(*(select(of(key).subquery()) for key in keys))
    seq = merged.selected_columns["seq"]
    return merged.order_by(seq.desc() if wanted.newest_first else seq.asc()).limit(size)


def _ordered(found: Select[Any], wanted: EventFilter) -> Select[Any]:
    return found.order_by(events.c.seq.desc() if wanted.newest_first else events.c.seq.asc())


def _keys(host: str, wanted: EventFilter) -> list[ColumnElement[bool]]:
    """Returns the conditions of which one must hold, each answered by one index alone."""
    mine = events.c.host == host
    if not _are_rare(wanted.kinds):
        return [mine]
    return [and_(mine, events.c.kind == kind, _IS_RARE) for kind in sorted(wanted.kinds)]


def _are_rare(kinds: frozenset[str]) -> bool:
    return bool(kinds) and kinds.issubset(RARE_KINDS)


def _named(wanted: EventFilter, table: Table) -> ColumnElement[bool] | None:
    """Returns the condition on names in a table's columns, None where a subject has no name."""
    columns = [table.c[c.name] for c in subjects.c if c.name not in ("id", "host")]
    terms = []
    for subject in wanted.subjects:
        pairs = [(c, getattr(subject, c.name)) for c in columns]
        if not (own := [c == name for c, name in pairs if name is not None]):
            return None
        terms.append(and_(*own))
    return or_(*terms) if terms else None


def _terms(engine: Engine, wanted: EventFilter) -> list[ColumnElement[bool]]:
    """Returns the conditions on what stands in an event that a database can tell."""
    terms: list[ColumnElement[bool]] = []
    if wanted.kinds:
        terms.append(events.c.kind.in_(sorted(wanted.kinds)))
    if wanted.event_id is not None:
        terms.append(events.c.event_id == wanted.event_id.bytes)
    if wanted.vids:
        terms.append(may_concern(engine.dialect.name, wanted.vids))
    if wanted.by:
        inside_json = (canonical(who)[1:-1] for who in wanted.by)
        terms.append(or_(*(events.c.actor.contains(a, autoescape=True) for a in inside_json)))
    return terms


def _times(wanted: EventFilter) -> list[ColumnElement[bool]]:
    """Returns the conditions on an event's stamp, to be compared where the event stands.

    The sum keeps a planner from going by the index of times, past what others did meanwhile.
    """
    at_ns = events.c.at_ns + 0
    times = [at_ns >= wanted.since_ns] if wanted.since_ns is not None else []
    return [*times, at_ns <= wanted.until_ns] if wanted.until_ns is not None else times


def _places(engine: Engine, host: str, wanted: EventFilter, *, most: int | None) -> Bounds | None:
    """Returns between which places the events lie, None where there are none."""
    found = bounds(engine, host, since_ns=wanted.since_ns, until_ns=wanted.until_ns, most=most)
    first = None if wanted.after is None else wanted.after + 1
    return None if found is None else found.narrowed(first, wanted.until)


def _beyond(places: Bounds, wanted: EventFilter, seq: int) -> Bounds:
    """Returns the places that follow one, in the order that is asked for."""
    return places.narrowed(None, seq - 1) if wanted.newest_first else places.narrowed(seq + 1, None)


def _scalars(engine: Engine, statement: Executable) -> Sequence[Any]:
    with translated(engine.url), engine.connect() as connection:
        return connection.scalars(statement).all()
