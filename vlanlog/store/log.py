"""The event log of one host in a database: ``ports.EventLog`` over SQLite and PostgreSQL.

Must not change or delete what is there; the database refuses that too.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace

from sqlalchemy import Engine, func, select

from vlanlog.core.codec import KINDS, encode
from vlanlog.core.event import Event, Recorded
from vlanlog.core.fold import TOLD_ONLY, advance, fold
from vlanlog.core.query import ChainFlaw, EventFilter, Head
from vlanlog.core.state import HostState, Seq
from vlanlog.ports import START
from vlanlog.store.append import Appender
from vlanlog.store.archives import archived_until, newest_archive, refusal, state_behind
from vlanlog.store.failure import translated
from vlanlog.store.read import recorded, seq_at, stored
from vlanlog.store.schema import events
from vlanlog.store.select import chosen
from vlanlog.store.snapshots import Snapshots

_logger = logging.getLogger(__name__)

_REMEMBERED = 5_000

_TOLD_ONLY = tuple(kind for kind, fact in KINDS.items() if fact in TOLD_ONLY)


class SqlEventLog:
    """Keeps the events of one host; several processes may append at once.

    Units: snapshot_every is a number of events.
    """

    def __init__(self, engine: Engine, *, host: str, snapshot_every: int = 1000) -> None:
        self.engine = engine
        self.host = host
        self._appender = Appender(engine, host)
        self._snapshots = Snapshots(engine, host=host, every=snapshot_every)
        self._folded: HostState | None = None
        self._behind: list[tuple[Seq, Event]] = []

    def append(self, events: Sequence[Event]) -> list[Seq]:
        """Commits the events durably, all or none; one whose event_id is known is passed over.

        Shape: the seqs of the events that were new, in order.
        Raises: StoreError.
        """
        rows = [encode(event) for event in events]
        if any(row.host != self.host for row in rows):
            raise ValueError(f"the log of {self.host} was handed an event of another host")
        with translated(self.engine.url):
            seqs = self._appender.append(rows)
        if seqs:
            self._remember(seqs, events)
            self._keep_snapshot(seqs[0], seqs[-1])
        return seqs

    def read(self, *, after: Seq = START, until: Seq | None = None) -> Iterator[Recorded]:
        """Yields the events with after < seq <= until, in order of seq, but none that is archived.

        Raises: StoreError.
        """
        begin = max(after, archived_until(self.engine, self.host))
        return map(recorded, stored(self.engine, self.host, after=Seq(begin), until=until))

    def select(self, wanted: EventFilter) -> Iterator[Recorded]:
        """Yields the events that the filter names, in the order that it asks for.

        Raises: StoreError.
        """
        last = archived_until(self.engine, self.host)
        if last > (wanted.after or START):
            wanted = replace(wanted, after=last)
        return chosen(self.engine, self.host, wanted)

    def head(self) -> Head | None:
        """Returns the last event's place and hash, None for an empty log.

        Raises: StoreError.
        """
        return self._end(newest=True)

    def first(self) -> Head | None:
        """Returns the place and hash of the first event that is here, None for an empty log.

        Raises: StoreError.
        """
        return self._end(newest=False)

    def seq_at(self, at_ns: int) -> Seq:
        """Returns the last seq of the time at_ns, 0 where the log begins later.

        Units: at_ns is ns since the epoch, UTC.
        Raises: ArchivedError, StoreError.
        """
        archive = newest_archive(self.engine, self.host)
        if archive is None:
            return seq_at(self.engine, self.host, at_ns)
        until_ns = archive.fact.until_ns
        if at_ns < until_ns:
            raise refusal(
                self.engine, self.host, "that time", lambda item: item.fact.until_ns > at_ns
            )
        end = Head(seq=archive.last, hash=bytes.fromhex(archive.fact.hash), at_ns=until_ns)
        return seq_at(self.engine, self.host, at_ns, behind=end)

    def archived(self) -> Recorded | None:
        """Returns the event that tells what of the log's beginning is archived, None for nothing.

        Raises: StoreError.
        """
        archive = newest_archive(self.engine, self.host)
        if archive is None:
            return None
        return next(self.read(after=Seq(archive.event - 1), until=archive.event), None)

    def state(self, *, at_seq: Seq | None = None) -> HostState:
        """Returns the fold of the log up to a seq, None for its end; snapshots bound the work.

        Raises: ArchivedError, StoreError.
        """
        begin = self._behind_archives(self._known(at_seq), at_seq)
        state = begin if begin.seq == at_seq else self._folded_on(begin, at_seq)
        if self._folded is None or state.seq > self._folded.seq:
            self._folded = state
            self._behind = [item for item in self._behind if item[0] > state.seq]
        return state

    def verify(self, *, known: Head | None = None) -> ChainFlaw | None:
        """Returns the first flaw of the chain, None where there is none.

        Shape: known is a head from elsewhere, with which a cut or a new chain shows too.
        Raises: StoreError.
        """
        # Hooks and questions need not wait for it to load.
        from vlanlog.store.verify import first_flaw

        return first_flaw(self.engine, self.host, known=known)

    def _end(self, *, newest: bool) -> Head | None:
        order = events.c.seq.desc() if newest else events.c.seq.asc()
        end = select(events.c.seq, events.c.hash, events.c.at_ns)
        with translated(self.engine.url), self.engine.connect() as connection:
            row = connection.execute(
                end.where(events.c.host == self.host).order_by(order).limit(1)
            ).first()
        return None if row is None else Head(seq=Seq(row.seq), hash=row.hash, at_ns=row.at_ns)

    def _remember(self, seqs: list[Seq], events: Sequence[Event]) -> None:
        """Keeps what was appended, so that a snapshot need not read and decode it again."""
        if len(seqs) == len(events) and len(self._behind) + len(seqs) <= _REMEMBERED:
            self._behind.extend(zip(seqs, events, strict=True))
        else:
            self._behind = []

    def _known(self, at_seq: Seq | None) -> HostState:
        """Returns the newest state up to a seq that can be had without reading events."""
        folded, behind = self._folded, self._behind
        if folded is None or (at_seq is not None and folded.seq > at_seq):
            return self._snapshots.latest(at_seq) or HostState()
        wanted = [item for item in behind if at_seq is None or item[0] <= at_seq]
        # Another process may have appended between, and then something is missing here.
        if [seq for seq, _ in wanted] == list(range(folded.seq + 1, folded.seq + 1 + len(wanted))):
            self._folded, self._behind = advance(wanted, folded), behind[len(wanted) :]
        return self._folded or folded

    def _behind_archives(self, state: HostState, at_seq: Seq | None) -> HostState:
        """Returns the state, or what is archived adds up to, whichever is newer."""
        archive = newest_archive(self.engine, self.host)
        if archive is None:
            return state
        if at_seq is not None and at_seq < archive.last:
            raise refusal(
                self.engine, self.host, f"event {at_seq}", lambda item: item.last >= at_seq
            )
        if state.seq >= archive.last:
            return state
        return state_behind(self.engine, self.host, archive)

    def _folded_on(self, state: HostState, at_seq: Seq | None) -> HostState:
        """Returns the state at the seq, or at the log's end where that comes sooner."""
        head = self.head()
        if head is None or head.seq <= state.seq:
            return state
        until = head.seq if at_seq is None else min(at_seq, head.seq)
        rows = stored(self.engine, self.host, after=state.seq, until=until, without=_TOLD_ONLY)
        # What was passed by has its place all the same.
        return replace(fold(map(recorded, rows), state), seq=until)

    def _keep_snapshot(self, first: Seq, last: Seq) -> None:
        seq = self._snapshots.due(first, last)
        if seq is None:
            return
        try:
            self._snapshots.write(self.state(at_seq=seq))
        except Exception:
            # The events are committed: whoever appended them must not hear that they are not.
            _logger.exception("no snapshot was kept at event %d", seq)


def hosts(engine: Engine) -> tuple[str, ...]:
    """Returns the hosts that the database holds a log of, by name.

    Raises: StoreError.
    """
    found: list[str] = []
    following = select(func.min(events.c.host))
    with translated(engine.url), engine.connect() as connection:
        # DISTINCT would read the whole index: this takes a step for each host.
        name = connection.scalar(following)
        while name is not None:
            found.append(name)
            name = connection.scalar(following.where(events.c.host > name))
    return tuple(found)
