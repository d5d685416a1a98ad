"""Reads events by place or by filter, a page at a time.

Must not hold a read open between two pages: what is appended changes nothing that was read, and
an open read would keep SQLite's write-ahead log from being taken back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import (
    ColumnElement,
    Engine,
    Executable,
    Select,
    and_,
    func,
    or_,
    select,
    text,
    union_all,
)

from vlanlog.core.codec import Row, UnknownEventError, canonical, decode
from vlanlog.core.event import Recorded, Subject
from vlanlog.core.query import EventFilter, matches
from vlanlog.core.state import Seq
from vlanlog.errors import StoreError, StoreNewerError
from vlanlog.store.failure import translated
from vlanlog.store.schema import RARE_KINDS, events, subjects

_PAGE = 1000

_BRANCHES = 40
"""Up to how many keys are read in order of seq, each along its index; beyond, pages are sorted."""

_SORTED_PAGES = 20

_COLUMNS = [
    events.c.seq,
    *(events.c[name] for name in Row._fields),
    events.c.subject,
    events.c.prev_hash,
    events.c.hash,
]


# Word for word the condition of the index events_kind: SQLite uses a partial index for it alone.
_IS_RARE = text(f"events.kind IN ({', '.join(repr(kind) for kind in RARE_KINDS)})")


class Stored(NamedTuple):
    """Is an event as the database holds it."""

    seq: Seq
    row: Row
    subject: int | None
    prev_hash: bytes
    hash: bytes


def recorded(item: Stored) -> Recorded:
    """Returns the event that was stored.

    Raises: StoreError where it cannot be read; StoreNewerError where a newer vlanlog wrote it.
    """
    try:
        event = decode(item.row)
    except UnknownEventError as e:
        raise StoreNewerError(
            f"event {item.seq}: {e}", hint="upgrade this vlanlog: pip install --upgrade vlanlog"
        ) from e
    except (msgspec.MsgspecError, ValueError) as e:
        raise StoreError(
            f"event {item.seq} cannot be read: {e}", hint="see what was changed: vlanlog verify"
        ) from e
    return Recorded(seq=item.seq, event=event, prev_hash=item.prev_hash, hash=item.hash)


def stored(engine: Engine, host: str, *, after: Seq, until: Seq | None) -> Iterator[Stored]:
    """Yields a host's events with after < seq <= until, in order of seq.

    Raises: StoreError.
    """
    while True:
        page = select(*_COLUMNS).where(events.c.host == host, events.c.seq > after)
        if until is not None:
            page = page.where(events.c.seq <= until)
        found = _fetched(engine, page.order_by(events.c.seq).limit(_PAGE))
        yield from found
        if len(found) < _PAGE:
            return
        after = found[-1].seq


def chosen(engine: Engine, host: str, wanted: EventFilter) -> Iterator[Recorded]:
    """Yields a host's events that the filter names.

    The database finds those of the subjects, kinds and times; ``matches`` has the last word, for
    vids lie inside the payload.
    Raises: StoreError.
    """
    found = (recorded(item) for item in _candidates(engine, host, wanted))
    return islice((item for item in found if matches(wanted, item.event)), wanted.limit)


def seq_at(engine: Engine, host: str, at_ns: int) -> Seq:
    """Returns the last seq of a time, as ``ports.EventLog.seq_at`` says.

    Raises: StoreError.
    """
    mine = events.c.host == host
    newest = (
        select(events.c.seq)
        .where(mine, events.c.at_ns <= at_ns)
        .order_by(events.c.at_ns.desc(), events.c.seq.desc())
        .limit(1)
    )
    with translated(engine.url), engine.connect() as connection:
        seq = connection.scalar(newest)
        if seq is None:
            return Seq(0)
        behind = select(events.c.seq).where(mine, events.c.seq > seq)
        beyond = behind.where(events.c.at_ns > at_ns).order_by(events.c.seq).limit(1)
        if (end := connection.scalar(beyond)) is not None:
            return Seq(end - 1)
        last = connection.scalar(behind.order_by(events.c.seq.desc()).limit(1))
        return Seq(last or seq)


def _fetched(engine: Engine, statement: Executable) -> list[Stored]:
    with translated(engine.url), engine.connect() as connection:
        return [
            Stored(row[0], Row(*row[1:-3]), *row[-3:])
            for row in connection.execute(statement).fetchall()
        ]


def _candidates(engine: Engine, host: str, wanted: EventFilter) -> Iterator[Stored]:
    keys = _keys(engine, host, wanted)
    terms = _terms(engine, host, wanted)
    if not keys or terms is None:
        return
    size = min(_PAGE, wanted.limit or _PAGE) * (1 if len(keys) <= _BRANCHES else _SORTED_PAGES)
    place: Sequence[ColumnElement[bool]] = ()
    while True:
        found = _fetched(engine, _page(keys, [*terms, *place], size, wanted.newest_first))
        yield from found
        if len(found) < size:
            return
        seq = found[-1].seq
        place = (events.c.seq < seq if wanted.newest_first else events.c.seq > seq,)


def _page(
    keys: Sequence[ColumnElement[bool]],
    terms: Sequence[ColumnElement[bool]],
    size: int,
    newest_first: bool,
) -> Executable:
    """Returns the next events of any of the keys, merged where each can be read in order."""

    def ordered(key: ColumnElement[bool]) -> Select[Any]:
        order = events.c.seq.desc() if newest_first else events.c.seq.asc()
        return select(*_COLUMNS).where(key, *terms).order_by(order).limit(size)

    if len(keys) == 1 or len(keys) > _BRANCHES:
        return ordered(or_(*keys))
    merged = union_all(*(select(ordered(key).subquery()) for key in keys))
    seq = merged.selected_columns["seq"]
    return merged.order_by(seq.desc() if newest_first else seq.asc()).limit(size)


def _keys(engine: Engine, host: str, wanted: EventFilter) -> list[ColumnElement[bool]]:
    """Returns the conditions of which one must hold, each answered by one index alone."""
    names = [term for subject in wanted.subjects if (term := _named(subject)) is not None]
    if names and len(names) == len(wanted.subjects):
        mine = select(subjects.c.id).where(subjects.c.host == host, or_(*names))
        with translated(engine.url), engine.connect() as connection:
            ids = connection.scalars(mine).all()
        return [events.c.subject == number for number in ids]
    mine_alone = events.c.host == host
    if not wanted.kinds or not wanted.kinds.issubset(RARE_KINDS):
        return [mine_alone]
    return [and_(mine_alone, events.c.kind == kind, _IS_RARE) for kind in sorted(wanted.kinds)]


def _named(subject: Subject) -> ColumnElement[bool] | None:
    """Returns the condition on a combination of names, None where the subject names none."""
    columns = (c for c in subjects.c if c.name not in ("id", "host"))
    pairs = [(c, getattr(subject, c.name)) for c in columns]
    terms = [c == name for c, name in pairs if name is not None]
    return and_(*terms) if terms else None


def _terms(engine: Engine, host: str, wanted: EventFilter) -> list[ColumnElement[bool]] | None:
    """Returns the conditions that all must hold, None where no event lies in the time asked for."""
    terms: list[ColumnElement[bool]] = []
    if wanted.kinds:
        terms.append(events.c.kind.in_(sorted(wanted.kinds)))
    if wanted.by:
        inside_json = canonical(wanted.by)[1:-1]
        terms.append(events.c.actor.contains(inside_json, autoescape=True))
    times = []
    if wanted.since_ns is not None:
        times.append(events.c.at_ns >= wanted.since_ns)
    if wanted.until_ns is not None:
        times.append(events.c.at_ns <= wanted.until_ns)
    if times:
        # The clock may have been set back, so that times bound the seqs but do not order them.
        ends = select(func.min(events.c.seq), func.max(events.c.seq))
        with translated(engine.url), engine.connect() as connection:
            first, last = connection.execute(ends.where(events.c.host == host, *times)).one()
        if first is None:
            return None
        terms += [*times, events.c.seq >= first, events.c.seq <= last]
    return terms
