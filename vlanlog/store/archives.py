"""What of a host's log is in files: the rows that say so, the state behind them, what they let go.

Must not write or read such a file, and must not decide what is archived.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, Row, delete, func, insert, select, text

from vlanlog.core.codec import UnknownEventError, fact_of
from vlanlog.core.event import LogArchived, Recorded
from vlanlog.core.state import HostState, Seq
from vlanlog.errors import ArchivedError, BusyError, StoreError, StoreNewerError
from vlanlog.store.failure import translated
from vlanlog.store.read import COLUMNS, fetched, recorded
from vlanlog.store.schema import archives, events, snapshots
from vlanlog.store.snapshots import FORMAT, unpacked

KIND = "log.archived"

# Word for word the condition of the index events_archived, or SQLite would not use it.
_IS_ARCHIVED = text("events.kind = 'log.archived'")

_LISTED = 3

_READS: dict[int, Callable[[bytes], HostState]] = {3: unpacked}
"""Reads the state of an archive in each form there ever was.

Unlike a snapshot it cannot be made anew from the log: who raises ``FORMAT`` adds a line here that
lifts the form before, and a sample of it is in tests/data.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """Is a stretch of a log that is in a file, by the table's word.

    Shape: digest is the sha256 of the fact as it was written, in hex: the archive behind this one
    holds it as ``earlier``.
    """

    first: Seq
    last: Seq
    event: Seq
    fact: LogArchived
    digest: str
    subjects_until: int


_COLUMNS = [column for column in archives.c if column.name not in ("format", "state")]


def archives_of(engine: Engine, host: str) -> tuple[Archive, ...]:
    """Returns a host's archives, the oldest first.

    Raises: StoreError.
    """
    rows = select(*_COLUMNS).where(archives.c.host == host).order_by(archives.c.last_seq)
    with translated(engine.url), engine.connect() as connection:
        return tuple(map(_archive, connection.execute(rows).all()))


def newest_archive(engine: Engine, host: str) -> Archive | None:
    """Returns a host's newest archive, None where nothing is archived.

    Raises: StoreError.
    """
    rows = select(*_COLUMNS).where(archives.c.host == host).order_by(archives.c.last_seq.desc())
    with translated(engine.url), engine.connect() as connection:
        row = connection.execute(rows.limit(1)).first()
    return None if row is None else _archive(row)


def archived_until(engine: Engine, host: str) -> Seq:
    """Returns the last seq that is archived, 0 for none.

    Raises: StoreError.
    """
    last = select(func.max(archives.c.last_seq)).where(archives.c.host == host)
    with translated(engine.url), engine.connect() as connection:
        return Seq(connection.scalar(last) or 0)


def state_behind(engine: Engine, host: str, archive: Archive) -> HostState:
    """Returns what a host's log adds up to at the end of an archive.

    Raises: StoreError, also where it is not the state that was archived.
    """
    mine = select(archives.c.format, archives.c.state).where(
        archives.c.host == host, archives.c.last_seq == archive.last
    )
    with translated(engine.url), engine.connect() as connection:
        form, packed = connection.execute(mine).one()
    if hashlib.sha256(packed).hexdigest() != archive.fact.state_sha256:
        raise StoreError(
            f"the state behind the archived event {archive.last} of {host} was changed",
            hint="see 'vlanlog verify'; the archives, imported elsewhere, give it again",
        )
    if form not in _READS:
        raise StoreNewerError(
            f"the state behind the archived event {archive.last} of {host} has the form {form}",
            hint="upgrade this vlanlog: pip install --upgrade vlanlog",
        )
    return _READS[form](packed)


def cover(engine: Engine, host: str, event: Seq, packed: bytes) -> None:
    """Writes down that an archive is whole and told of: from now on it stands for its stretch.

    ``event`` is the place of its ``log.archived``, packed the state behind it. Snapshots within
    the stretch go at once: they could not be folded on.
    Raises: BusyError where another archive was made meanwhile; StoreError.
    """
    with translated(engine.url):
        try:
            with engine.connect() as connection:
                values = _values(connection, host, event, packed)
                connection.rollback()
                _begin(connection)
                connection.execute(insert(archives).values(values))
                old = (snapshots.c.host == host, snapshots.c.seq <= values["last_seq"])
                connection.execute(delete(snapshots).where(*old))
                connection.commit()
        except engine.dialect.loaded_dbapi.IntegrityError as error:
            raise BusyError(
                f"{host}: another archive was made at the same time",
                hint="run it again: what is archived now is passed over",
            ) from error


def let_go(engine: Engine, host: str, size: int) -> int:
    """Deletes so many of the oldest events that are archived, and returns how many there were.

    Raises: StoreError.
    """
    last = archived_until(engine, host)
    mine = events.c.host == host
    first = select(func.min(events.c.seq)).where(mine)
    with translated(engine.url), engine.connect() as connection:
        _begin(connection)
        begin = connection.scalar(first)
        if begin is None or begin > last:
            return 0
        end = min(begin + size - 1, last)
        gone = connection.execute(delete(events).where(mine, events.c.seq.between(begin, end)))
        connection.commit()
    return gone.rowcount


def left_over(engine: Engine, host: str) -> int:
    """Returns how many events are archived and not let go of yet.

    Raises: StoreError.
    """
    last = archived_until(engine, host)
    left = select(func.count()).where(events.c.host == host, events.c.seq <= last)
    with translated(engine.url), engine.connect() as connection:
        return int(connection.scalar(left) or 0)


def calls_between(
    engine: Engine, host: str, first: Seq, last: Seq
) -> Iterator[tuple[Seq, bytes, str]]:
    """Yields place, correlation id and kind of the events between two places, these included.

    Raises: StoreError.
    """
    mine = (events.c.host == host, events.c.seq.between(first, last))
    found = select(events.c.seq, events.c.correlation_id, events.c.kind).where(*mine)
    with translated(engine.url), engine.connect() as connection:
        for seq, call, kind in connection.execute(found.order_by(events.c.seq)):
            yield Seq(seq), call, kind


def free_bytes(engine: Engine) -> int | None:
    """Returns how much of a SQLite file is free for what comes, None of a server.

    Source: sqlite.org/pragma.html#pragma_freelist_count.
    """
    if engine.dialect.name != "sqlite":
        return None
    with translated(engine.url), engine.connect() as connection:
        pages, size = (
            connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("freelist_count", "page_size")
        )
    return int(pages) * int(size)


def newest_told(engine: Engine, host: str) -> Recorded | None:
    """Returns the newest ``log.archived`` of a host, whether or not a row goes with it.

    Raises: StoreError.
    """
    told = select(*COLUMNS).where(events.c.host == host, _IS_ARCHIVED)
    found = fetched(engine, told.order_by(events.c.seq.desc()).limit(1))
    return recorded(found[0]) if found else None


def refusal(
    engine: Engine, host: str, what: str, reaches: Callable[[Archive], bool]
) -> ArchivedError:
    """Returns the error that says where to look for what is archived.

    ``reaches`` tells the first archive that holds it; those before it are needed as well.
    """
    needed: list[Archive] = []
    for item in archives_of(engine, host):
        needed.append(item)
        if reaches(item):
            break
    fact = needed[-1].fact
    files = [item.fact.file for item in needed]
    listed = files if len(files) <= _LISTED else [files[0], "…", files[-1]]
    return ArchivedError(
        f"{what} is archived: the events {fact.first}-{fact.last} of {host} are in {fact.file}",
        hint="take it into a database of its own, and ask there: "
        f"vlanlog import {' '.join(listed)} --database sqlite:////PATH",
    )


def _archive(row: Row[Any]) -> Archive:
    try:
        fact = _fact(row.version, row.payload)
    except UnknownEventError as error:
        raise StoreNewerError(
            f"the archive up to event {row.last_seq}: {error}",
            hint="upgrade this vlanlog: pip install --upgrade vlanlog",
        ) from error
    except (msgspec.MsgspecError, ValueError) as error:
        raise StoreError(
            f"the archive up to event {row.last_seq} cannot be read: {error}",
            hint="see what was changed: vlanlog verify",
        ) from error
    return Archive(
        first=Seq(row.first_seq),
        last=Seq(row.last_seq),
        event=Seq(row.event_seq),
        fact=fact,
        digest=digest(row.payload),
        subjects_until=row.subjects_until,
    )


def _fact(version: int, payload: str) -> LogArchived:
    fact = fact_of(KIND, version, payload)
    if not isinstance(fact, LogArchived):
        raise TypeError(f"{fact!r} is no archive")
    for link in (fact.hash, fact.after_hash):
        bytes.fromhex(link)
    return fact


def digest(payload: str) -> str:
    """Returns what an archive is called by the next: the sha256 of its fact as it was written."""
    return hashlib.sha256(payload.encode()).hexdigest()


def _values(connection: Connection, host: str, event: Seq, packed: bytes) -> dict[str, Any]:
    """Returns a row of the table; to gather it takes longer than a writer should wait."""
    told = select(events.c.version, events.c.payload)
    mine = events.c.host == host
    version, payload = connection.execute(told.where(mine, events.c.seq == event)).one()
    fact = _fact(version, payload)
    highest = select(func.max(events.c.subject)).where(mine, events.c.seq <= fact.last)
    return {
        "host": host,
        "first_seq": fact.first,
        "last_seq": fact.last,
        "event_seq": event,
        "version": version,
        "payload": payload,
        "subjects_until": connection.scalar(highest) or 0,
        "format": FORMAT,
        "state": packed,
    }


def _begin(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
