"""Walks a host's chain of hashes and finds where it is first broken, and what else disagrees.

Must not mend anything. What the events say matters only to the snapshots, which must be what the
events add up to; a chain holds whatever is written in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import Engine, exists, select, union

from vlanlog.core.codec import Row, chained
from vlanlog.core.event import LogArchived
from vlanlog.core.query import ChainFlaw, Head
from vlanlog.core.state import Seq
from vlanlog.errors import StoreError, StoreNewerError
from vlanlog.store.archives import KIND, digest
from vlanlog.store.failure import translated
from vlanlog.store.moved import Known, Moved
from vlanlog.store.read import Stored, stored
from vlanlog.store.rebuild import Rebuild
from vlanlog.store.schema import archives, events, snapshots, subjects

_Names = tuple[str | None, ...]

_PAGE = 1000

_OTHERWISE = "the hash is not the one known from elsewhere"


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """Is what was found of one host's log.

    Shape: events counts those of the chain that hold, head is the last of them, None for none;
    flaws are those that are certain: behind the first of the chain nothing is looked at. archived
    is what was moved into files, unmet are the known places in them.
    """

    host: str
    events: int
    head: Head | None
    flaws: tuple[ChainFlaw, ...] = ()
    archived: tuple[LogArchived, ...] = ()
    unmet: tuple[Known, ...] = ()


def first_flaw(engine: Engine, host: str, *, known: Head | None = None) -> ChainFlaw | None:
    """Returns the first flaw of the chain, None where there is none.

    An edit, a deletion, a changed order and an insertion break the chain by themselves; a log
    cut off at its end or chained anew only differs from a head that is ``known`` from elsewhere.
    Raises: StoreError.
    """
    heads = [] if known is None else [(known.seq, known.hash)]
    found = audited(engine, host, known=heads, compare_snapshots=False)
    return next(iter(found.flaws), None)


def audited(
    engine: Engine,
    host: str,
    *,
    known: Iterable[Known] = (),
    compare_snapshots: bool = True,
    tick: Callable[[int], None] = lambda _: None,
) -> Audit:
    """Returns what walking all of a host's events, and adding them up, has found.

    ``known`` are places and hashes from elsewhere; ``tick`` is told how many events were walked
    since its last call. To compare the snapshots, every event has to be decoded.
    Raises: StoreError; StoreNewerError where an event is to be decoded that a newer vlanlog wrote.
    """
    try:
        moved = Moved.of(engine, host)
    except StoreNewerError:
        raise
    except StoreError as error:
        return Audit(
            host=host, events=0, head=None, flaws=(ChainFlaw(seq=Seq(1), why=error.message),)
        )
    known = tuple(known)
    rebuild = Rebuild(engine, host, moved.state) if compare_snapshots and moved.state else None
    walk = _Walk(engine, host, moved, known)
    flaw = _before_the_first(engine, host) or walk.ends(moved)
    rows = stored(engine, host, after=Seq(0), until=None)
    while page := list(islice(rows, _PAGE)):
        if flaw := flaw or walk.take(page):
            break
        if rebuild and (rest := [item for item in page if item.seq > moved.last]):
            rebuild.take(rest)
        tick(len(page))
    flaw = flaw or walk.cut() or moved.flaw(walk.told)
    flaws = [] if flaw is None else [flaw]
    if flaw is None:
        left = _left_behind(engine, host, walk.seq, moved.subjects_until)
        flaws = [*(rebuild.flaws() if rebuild else []), *(left if compare_snapshots else [])]
    return Audit(
        host=host,
        events=walk.count,
        head=walk.head,
        flaws=tuple(flaws),
        archived=tuple(item.fact for item in moved.archives),
        unmet=tuple(item for item in known if item[0] < walk.begin and item not in moved.ends),
    )


def hosts_met(engine: Engine) -> tuple[str, ...]:
    """Returns the hosts of which anything is kept, by name, if only a trace of a log.

    Raises: StoreError.
    """
    kept = union(*(select(table.c.host) for table in (events, subjects, snapshots, archives)))
    with translated(engine.url), engine.connect() as connection:
        return tuple(sorted(connection.scalars(kept)))


class _Walk:
    """Goes from link to link, and remembers the last that held."""

    def __init__(self, engine: Engine, host: str, moved: Moved, known: Iterable[Known]) -> None:
        self.count = 0
        self.head: Head | None = None
        self.told: dict[Seq, str] = {}
        # What is archived and not let go of yet is part of the chain as long as it is there.
        self.seq, self._link = moved.begin
        self.begin = self.seq
        self._known: dict[Seq, set[bytes]] = {}
        for seq, link in (*known, *moved.ends):
            self._known.setdefault(seq, set()).add(link)
        self._engine = engine
        self._host = host
        self._names = _subjects(engine, host)

    def ends(self, moved: Moved) -> ChainFlaw | None:
        """Returns the flaw of an archive whose last event is known otherwise from elsewhere."""
        for seq, _ in moved.ends:
            if len(self._known[seq]) > 1:
                return ChainFlaw(seq=seq, why=_OTHERWISE)
        return None

    def take(self, page: Iterable[Stored]) -> ChainFlaw | None:
        for item in page:
            if why := self._why(item):
                return ChainFlaw(seq=item.seq, why=why)
            self.seq, self._link, self.count = item.seq, item.hash, self.count + 1
            self.head = Head(seq=item.seq, hash=item.hash, at_ns=item.row.at_ns)
            if item.row.kind == KIND:
                self.told[item.seq] = digest(item.row.payload)
        return None

    def cut(self) -> ChainFlaw | None:
        """Returns the flaw of a log that ends before an event that is known."""
        last = max(self._known, default=self.seq)
        if last <= self.seq:
            return None
        return ChainFlaw(seq=Seq(self.seq + 1), why=f"the log ends here, {last} is known")

    def _why(self, item: Stored) -> str:
        if item.seq != self.seq + 1:
            return f"what follows {self.seq} is missing"
        if item.prev_hash != self._link:
            return f"it is not chained to {self.seq}"
        if item.hash != chained(self._link, item.seq, item.row):
            return "it is not what was written"
        if not self._is_filed(item):
            return "it is filed under another subject, so that history does not find it"
        if self._known.get(item.seq, {item.hash}) != {item.hash}:
            return _OTHERWISE
        return ""

    def _is_filed(self, item: Stored) -> bool:
        if item.subject not in self._names:
            # A log that is in use meets new names while it is walked.
            self._names = _subjects(self._engine, self._host)
        names = item.row[Row._fields.index("guest_uuid") :][:5]
        return self._names.get(item.subject) == names


def _before_the_first(engine: Engine, host: str) -> ChainFlaw | None:
    """Returns the flaw of an event where none can be, which history would tell all the same."""
    where = select(events.c.seq).where(events.c.host == host, events.c.seq < 1)
    with translated(engine.url), engine.connect() as connection:
        seq = connection.scalar(where.order_by(events.c.seq).limit(1))
    return None if seq is None else ChainFlaw(seq=Seq(seq), why="a log begins with the event 1")


def _left_behind(engine: Engine, host: str, last: Seq, archived: int) -> list[ChainFlaw]:
    """Returns what events that are gone have left: names come in with the event that has them.

    ``archived`` is the last name that an event in a file may have.
    """
    named = exists().where(events.c.subject == subjects.c.id)
    mine = (subjects.c.host == host, subjects.c.id > archived)
    orphans = select(subjects.c.id).where(*mine, ~named).limit(1)
    with translated(engine.url), engine.connect() as connection:
        if connection.scalar(orphans) is None:
            return []
    why = "the log ends here, but subjects are kept of which no event tells"
    return [ChainFlaw(seq=Seq(last + 1), why=why)]


def _subjects(engine: Engine, host: str) -> dict[int | None, _Names]:
    with translated(engine.url), engine.connect() as connection:
        rows = connection.execute(select(subjects).where(subjects.c.host == host))
        return {None: (None,) * 5, **{row.id: tuple(row)[2:] for row in rows}}
