"""Adds a host's events up for monitoring, on from where they were last added up.

Must not fold: millions of events are gone through once, and from then on what is new.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import msgspec
from sqlalchemy import ColumnElement, Engine, and_, func, or_, select

from vlanlog.core.event import ActorSource
from vlanlog.core.state import Seq
from vlanlog.metrics import Tally, added_up
from vlanlog.store.failure import translated
from vlanlog.store.log import SqlEventLog
from vlanlog.store.read import COLUMNS, fetched, recorded
from vlanlog.store.schema import events

_AT_ONCE = 20_000
"""Events of one statement: what is counted is then still at hand for what is looked at."""

_SINGLE = ("port.attached", "watch.gap_opened", "watch.gap_closed")
_CHANGES = ("vlan.added", "vlan.removed")


def tallied(engine: Engine, host: str, known: Tally | None) -> Tally:
    """Returns what a host's events add up to; ``known`` is what they did some time ago.

    One that is of another log, or of an end that a backup took back, is not gone on from.
    Raises: StoreError.
    """
    head = SqlEventLog(engine, host=host).head()
    if head is None:
        return Tally()
    tally = known if known and _is_of(engine, host, known) else Tally()
    for after in range(tally.seq, head.seq, _AT_ONCE):
        until = min(after + _AT_ONCE, head.seq)
        tally = _counted(engine, host, tally, Seq(after), Seq(until))
    return replace(tally, seq=head.seq, hash=head.hash.hex())


def size_bytes(engine: Engine) -> int:
    """Returns the room that the database takes, what is not yet in its main file included.

    Raises: StoreError.
    """
    if engine.dialect.name == "sqlite":
        file = engine.url.database or ""
        parts = (Path(f"{file}{suffix}") for suffix in ("", "-wal"))
        return sum(part.stat().st_size for part in parts if part.exists())
    with translated(engine.url), engine.connect() as connection:
        return int(connection.scalar(select(func.pg_database_size(func.current_database()))) or 0)


def written(tally: Tally) -> bytes:
    """Returns the tally as it is kept until the next time."""
    return msgspec.json.encode(tally)


def read(kept: bytes) -> Tally | None:
    """Returns the tally that was kept, None where it cannot be read: it is added up anew."""
    try:
        return msgspec.json.decode(kept, type=Tally)
    except msgspec.MsgspecError:
        return None


def _is_of(engine: Engine, host: str, tally: Tally) -> bool:
    link = select(events.c.hash).where(events.c.host == host, events.c.seq == tally.seq)
    with translated(engine.url), engine.connect() as connection:
        found = connection.scalar(link)
    return found is not None and bytes(found).hex() == tally.hash


def _counted(engine: Engine, host: str, tally: Tally, after: Seq, until: Seq) -> Tally:
    here = and_(events.c.host == host, events.c.seq > after, events.c.seq <= until)
    kinds = select(events.c.kind, func.count().label("number")).where(here).group_by(events.c.kind)
    with translated(engine.url), engine.connect() as connection:
        found = {row.kind: row.number for row in connection.execute(kinds)}
    looked_at = select(*COLUMNS).where(here, _is_looked_at()).order_by(events.c.seq)
    items = [recorded(item).event for item in fetched(engine, looked_at)]
    counted = dict(Counter(tally.kinds) + Counter(found))
    return added_up(replace(tally, kinds=counted), items)


def _is_looked_at() -> ColumnElement[bool]:
    """Returns the condition on events that a count does not do for: few of a log.

    In canonical JSON a text within a value has its quotation marks escaped.
    """
    strangers = (ActorSource.KERNEL, ActorSource.UNKNOWN)
    by_stranger = (events.c.actor.contains(f'"source":"{source}"') for source in strangers)
    unexplained = and_(events.c.kind.in_(_CHANGES), events.c.payload.contains('"cause":null'))
    return or_(events.c.kind.in_(_SINGLE), and_(unexplained, or_(*by_stranger)))
