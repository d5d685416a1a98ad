"""Finds between which places of a host's log the events of a time lie.

Must not take stamps for an order: a clock may have been set back, and who asked compares the stamp
of each event between the places.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, Engine, func, select

from vlanlog.core.state import Seq
from vlanlog.store.failure import translated
from vlanlog.store.read import seq_at
from vlanlog.store.schema import events


class Bounds(NamedTuple):
    """Says first <= seq <= last, where they are known."""

    first: Seq | None = None
    last: Seq | None = None

    def narrowed(self, first: int | None, last: int | None) -> Bounds:
        """Returns what lies within these places as well."""
        lower = max((seq for seq in (self.first, first) if seq is not None), default=None)
        upper = min((seq for seq in (self.last, last) if seq is not None), default=None)
        return Bounds(None if lower is None else Seq(lower), None if upper is None else Seq(upper))

    def terms(self) -> list[ColumnElement[bool]]:
        """Returns the conditions, one at each end: of two SQLite goes by the first alone."""
        terms = [] if self.first is None else [events.c.seq >= self.first]
        return terms if self.last is None else [*terms, events.c.seq <= self.last]


EVERYWHERE = Bounds()


def bounds(
    engine: Engine,
    host: str,
    *,
    since_ns: int | None,
    until_ns: int | None,
    most: int | None = None,
) -> Bounds | None:
    """Returns between which places the time's events lie, None where there are none.

    The stamps of the time are gone through, or those before and behind it where these are fewer:
    if they are one stretch each, they bound the time's. Where that would be more than ``most``,
    nothing is bounded.
    Units: since_ns and until_ns are ns since the epoch, UTC, both included.
    Raises: StoreError.
    """
    if since_ns is None and until_ns is None:
        return EVERYWHERE
    # All but the ends of the stretches is exact only as long as the clock was never set back.
    low = seq_at(engine, host, since_ns - 1) if since_ns is not None else None
    high = seq_at(engine, host, until_ns) if until_ns is not None else None
    with translated(engine.url), engine.connect() as connection:
        begin, end = _ends(connection, host)
        inside = (end if high is None else high) - (begin - 1 if low is None else low)
        outside = (0 if low is None else low - begin + 1) + (0 if high is None else end - high)
        if most is not None and min(inside, outside) > most:
            return EVERYWHERE
        if outside < inside:
            found = _outside(connection, host, (since_ns, begin), (until_ns, end))
            if found is not None:
                return found
        return _inside(connection, host, since_ns, until_ns)


def _ends(connection: Connection, host: str) -> tuple[int, int]:
    place = select(events.c.seq).where(events.c.host == host).limit(1)
    begin = connection.scalar(place.order_by(events.c.seq.asc()))
    end = connection.scalar(place.order_by(events.c.seq.desc()))
    return begin or 1, end or 0


def _inside(
    connection: Connection, host: str, since_ns: int | None, until_ns: int | None
) -> Bounds | None:
    ends = select(func.min(events.c.seq), func.max(events.c.seq)).where(events.c.host == host)
    if since_ns is not None:
        ends = ends.where(events.c.at_ns >= since_ns)
    if until_ns is not None:
        ends = ends.where(events.c.at_ns <= until_ns)
    first, last = connection.execute(ends).one()
    return None if first is None else Bounds(Seq(first), Seq(last))


def _outside(
    connection: Connection, host: str, begin: tuple[int | None, int], end: tuple[int | None, int]
) -> Bounds | None:
    """Returns what lies between the older and the younger, None where these are no stretches."""
    mine, first, last = events.c.host == host, None, None
    (since_ns, lowest), (until_ns, highest) = begin, end
    if since_ns is not None:
        older = select(func.max(events.c.seq), func.count()).where(mine)
        place, number = connection.execute(older.where(events.c.at_ns < since_ns)).one()
        first = Seq(lowest + number)
        if number and place != first - 1:
            return None
    if until_ns is not None:
        younger = select(func.min(events.c.seq), func.count()).where(mine)
        place, number = connection.execute(younger.where(events.c.at_ns > until_ns)).one()
        last = Seq(highest - number)
        if number and place != last + 1:
            return None
    return Bounds(first, last)
