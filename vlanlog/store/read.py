"""Reads events by their place, a page at a time, as the database holds them and as events.

Must not hold a read open between two pages: what is appended changes nothing that was read, and
an open read would keep SQLite's write-ahead log from being taken back.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

import msgspec
from sqlalchemy import Engine, Executable, select

from vlanlog.core.codec import Row, UnknownEventError, decode
from vlanlog.core.event import Recorded
from vlanlog.core.query import Head
from vlanlog.core.state import Seq
from vlanlog.errors import StoreError, StoreNewerError
from vlanlog.store.failure import translated
from vlanlog.store.schema import events

PAGE = 1000
"""How many events are read in one statement."""

COLUMNS = [
    events.c.seq,
    *(events.c[name] for name in Row._fields),
    events.c.subject,
    events.c.prev_hash,
    events.c.hash,
]
"""The columns of ``Stored``, in its order."""


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


def stored(
    engine: Engine,
    host: str,
    *,
    after: Seq,
    until: Seq | None,
    without: Collection[str] = (),
) -> Iterator[Stored]:
    """Yields a host's events with after < seq <= until, in order of seq, without some kinds.

    Raises: StoreError.
    """
    while True:
        page = select(*COLUMNS).where(events.c.host == host, events.c.seq > after)
        if without:
            page = page.where(events.c.kind.not_in(without))
        if until is not None:
            page = page.where(events.c.seq <= until)
        found = fetched(engine, page.order_by(events.c.seq).limit(PAGE))
        yield from found
        if len(found) < PAGE:
            return
        after = found[-1].seq


def seq_at(engine: Engine, host: str, at_ns: int, *, behind: Head | None = None) -> Seq:
    """Returns the last seq of a time, as ``ports.EventLog.seq_at`` says.

    ``behind`` is the last event that is archived, with the latest time of all that are: the time
    asked for must not be before that.
    Raises: StoreError.
    """
    last = Seq(0) if behind is None else behind.seq
    mine = (events.c.host == host, events.c.seq > last)
    newest = (
        select(events.c.seq, events.c.at_ns)
        .where(*mine, events.c.at_ns <= at_ns)
        .order_by(events.c.at_ns.desc(), events.c.seq.desc())
        .limit(1)
    )
    with translated(engine.url), engine.connect() as connection:
        found = connection.execute(newest).first()
        if found is not None and (behind is None or found.at_ns >= behind.at_ns):
            last = Seq(found.seq)
        elif behind is None:
            return last
        # Of two bounds SQLite goes by the first, and walks from there.
        rest = select(events.c.seq).where(events.c.host == host, events.c.seq > last)
        beyond = rest.where(events.c.at_ns > at_ns).order_by(events.c.seq).limit(1)
        if (end := connection.scalar(beyond)) is not None:
            return Seq(end - 1)
        return Seq(connection.scalar(rest.order_by(events.c.seq.desc()).limit(1)) or last)


def fetched(engine: Engine, statement: Executable) -> list[Stored]:
    """Returns what a statement over the columns gives. Raises: StoreError."""
    with translated(engine.url), engine.connect() as connection:
        return [
            Stored(row[0], Row(*row[1:-3]), *row[-3:])
            for row in connection.execute(statement).fetchall()
        ]
