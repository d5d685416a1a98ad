"""Takes a stretch of a host's log in from elsewhere: the same seqs, the same hashes, or nothing.

Must not append what does not continue the log that is there: what was exported is true only as
the chain that it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import Engine, select

from vlanlog.core.codec import GENESIS
from vlanlog.core.export import Header, Link
from vlanlog.core.fold import fold
from vlanlog.core.state import Seq
from vlanlog.errors import StoreError
from vlanlog.store.append import Appender
from vlanlog.store.archives import archives_of
from vlanlog.store.failure import translated
from vlanlog.store.log import SqlEventLog
from vlanlog.store.schema import events
from vlanlog.store.snapshots import Snapshots

_BATCH = 1000

_Tick = Callable[[int], None]


class OtherChainError(StoreError):
    """Says that what is to be taken in does not continue the log that is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """Says where the log ended before, and where it ends now."""

    before: Seq
    now: Seq


def take_in(engine: Engine, header: Header, links: Iterator[Link], *, tick: _Tick) -> Imported:
    """Commits those links that are new in one transaction; the chain goes on as it was.

    ``links`` are checked against their chain by whoever reads them, and are read to their end
    before the commit. The caller holds the writer lock.
    Raises: OtherChainError, StoreError, and whatever reading the links raises.
    """
    with translated(engine.url):
        try:
            return _Taker(engine, header.host).take(header, links, tick)
        except engine.dialect.loaded_dbapi.IntegrityError as error:
            raise OtherChainError(
                f"an event of {header.host} is in the database already, at another place",
                hint="import it into a database of its own: --database sqlite:////PATH",
            ) from error


def keep_snapshots(engine: Engine, host: str, taken: Imported, *, every: int) -> None:
    """Writes the snapshots that the events would have left had they been appended here.

    Raises: StoreError.
    """
    log = SqlEventLog(engine, host=host, snapshot_every=every)
    snapshots = Snapshots(engine, host=host, every=every)
    state = log.state(at_seq=taken.before)
    for number in range(taken.before // every + 1, taken.now // every + 1):
        state = fold(log.read(after=state.seq, until=Seq(number * every)), state)
        snapshots.write(state)


class _Taker(Appender):
    """Is an appender that takes any number of batches in one transaction."""

    def take(self, header: Header, links: Iterator[Link], tick: _Tick) -> Imported:
        connection = self._engine.raw_connection()
        try:
            cursor = connection.cursor()
            cursor.execute(self._begin, self._begin_with)
            cursor.execute(self._head, (self._host,))
            before, link = cursor.fetchone() or (Seq(0), GENESIS)
            last = before
            new = _behind(header, links, last, link, self._hash_at)
            while batch := list(islice(new, _BATCH)):
                values = self._linked(cursor, [item.row for item in batch], last, link)
                cursor.executemany(self._insert, values)
                last, link = batch[-1].seq, batch[-1].hash
                tick(len(batch))
            connection.commit()
        except BaseException:
            connection.rollback()
            raise
        finally:
            connection.close()
        return Imported(before=before, now=last)

    def _hash_at(self, seq: Seq) -> bytes:
        wanted = select(events.c.hash).where(events.c.host == self._host, events.c.seq == seq)
        with self._engine.connect() as connection:
            found = connection.scalar(wanted)
        return found or self._archived_hash_at(seq)

    def _archived_hash_at(self, seq: Seq) -> bytes:
        ends = archives_of(self._engine, self._host)
        if not ends or seq > ends[-1].last or seq == 0:
            return GENESIS
        for item in ends:
            if item.last == seq:
                return bytes.fromhex(item.fact.hash)
        raise OtherChainError(
            f"it ends with event {seq} of {self._host}, which is archived here: it holds no news",
            hint="look whether it is the same log: vlanlog verify --archive FILE",
        )


def _behind(
    header: Header,
    links: Iterator[Link],
    last: Seq,
    link: bytes,
    hash_at: Callable[[Seq], bytes],
) -> Iterator[Link]:
    """Yields what follows the log's last event, if the rest is the log that is there."""
    if header.after > last:
        raise OtherChainError(
            f"it begins behind event {header.after} of {header.host}, the log here ends at {last}",
            hint="import first what lies between",
        )
    end, end_hash = header.after, header.after_hash
    for item in links:
        if item.seq == last + 1:
            _check(header, last, item.prev_hash, link)
        end, end_hash = item.seq, item.hash
        if end > last:
            yield item
    if end <= last:
        _check(header, end, end_hash, hash_at(end))


def _check(header: Header, seq: Seq, told: bytes, found: bytes) -> None:
    if told != found:
        raise OtherChainError(
            f"it is another log of {header.host}: its event {seq} is not the one that is here",
            hint="look for the right one: vlanlog verify; or import into a database of its own",
        )
