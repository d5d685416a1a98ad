"""Appends rows in one transaction: the fast path, on the driver's own cursor.

Must not know what an event means: it gives rows their place and their link in the chain.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from sqlalchemy import ClauseElement, Engine, bindparam, insert, select, text
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.pool import PoolProxiedConnection

from vlanlog.core.codec import GENESIS, Row, chained
from vlanlog.core.state import Seq
from vlanlog.store.schema import events, subjects

_Names = tuple[str | None, ...]

_NAME_COLUMNS = [subjects.c[name] for name in Row._fields[8:13]]
_NOBODY: _Names = (None,) * len(_NAME_COLUMNS)

_CACHED_SUBJECTS = 20_000
_LOOKED_UP = 5_000

_LOCK_SPACE = 0x766C6101


class Appender:
    """Gives rows the next seqs of one host, chains them and commits them."""

    def __init__(self, engine: Engine, host: str) -> None:
        self._engine = engine
        self._host = host
        self._integrity_error = engine.dialect.loaded_dbapi.IntegrityError
        self._subject_ids: dict[_Names, int | None] = {_NOBODY: None}
        self._finds: dict[tuple[bool, ...], str] = {}
        self._begin, self._begin_with = "BEGIN IMMEDIATE", tuple[int, ...]()
        if engine.dialect.name == "postgresql":
            self._begin = "SELECT pg_advisory_xact_lock(%s, %s)"
            self._begin_with = (_LOCK_SPACE, lock_key(host))
        self._head = self._compiled(
            select(events.c.seq, events.c.hash)
            .where(events.c.host == bindparam("host"))
            .order_by(events.c.seq.desc())
            .suffix_with(text("LIMIT 1"))
        )
        self._insert = self._compiled(insert(events))
        self._add_subject = self._compiled(
            insert(subjects)
            .values({c.name: bindparam(c.name) for c in (subjects.c.host, *_NAME_COLUMNS)})
            .returning(subjects.c.id)
        )

    def append(self, rows: Sequence[Row]) -> list[Seq]:
        """Commits those of the rows whose event_id is not known, and returns their seqs."""
        while rows:
            connection = self._engine.raw_connection()
            try:
                return self._append(connection, rows)
            except self._integrity_error:
                # Known ids are rare, so that they are only looked for when the database refuses.
                fresh = self._unknown(rows)
                if len(fresh) == len(rows):
                    raise
                rows = fresh
            finally:
                connection.close()
        return []

    def _append(self, connection: PoolProxiedConnection, rows: Sequence[Row]) -> list[Seq]:
        cursor = connection.cursor()
        try:
            cursor.execute(self._begin, self._begin_with)
            cursor.execute(self._head, (self._host,))
            last, prev_hash = cursor.fetchone() or (0, GENESIS)
            values = self._linked(cursor, rows, last, prev_hash)
            if len(values) == 1:
                cursor.execute(self._insert, values[0])
            else:
                cursor.executemany(self._insert, values)
            connection.commit()
        except BaseException:
            self._subject_ids = {_NOBODY: None}
            connection.rollback()
            raise
        return [Seq(seq) for seq in range(last + 1, last + 1 + len(rows))]

    def _linked(
        self, cursor: DBAPICursor, rows: Sequence[Row], seq: int, link: bytes
    ) -> list[tuple[object, ...]]:
        ids = self._subject_ids
        values: list[tuple[object, ...]] = []
        for row in rows:
            seq += 1
            prev_hash, link = link, chained(link, seq, row)
            names = row[8:13]
            if names not in ids:
                ids[names] = self._subject(cursor, names)
            values.append((seq, *row, ids[names], prev_hash, link))
        if len(ids) > _CACHED_SUBJECTS:
            self._subject_ids = {_NOBODY: None}
        return values

    def _subject(self, cursor: DBAPICursor, names: _Names) -> int:
        """Returns the id of the combination of names, a new one where it was never met."""
        known = [name for name in names if name is not None]
        cursor.execute(self._find(names), (self._host, *known))
        found = cursor.fetchall()
        if not found:
            cursor.execute(self._add_subject, (self._host, *names))
            found = cursor.fetchall()
        return int(found[0][0])

    def _find(self, names: _Names) -> str:
        """Returns the query for a combination of which the same names are missing."""
        missing = tuple(name is None for name in names)
        if missing not in self._finds:
            # By = and IS NULL, each in its place: IS NOT DISTINCT FROM would use no index.
            columns = zip(_NAME_COLUMNS, missing, strict=True)
            terms = [c.is_(None) if absent else c == bindparam(c.name) for c, absent in columns]
            find = select(subjects.c.id).where(subjects.c.host == bindparam("host"), *terms)
            self._finds[missing] = self._compiled(find)
        return self._finds[missing]

    def _unknown(self, rows: Sequence[Row]) -> list[Row]:
        """Returns the rows whose event_id is neither in the log nor met before among them."""
        fresh: dict[bytes, Row] = {}
        for row in rows:
            fresh.setdefault(row.event_id, row)
        ids = list(fresh)
        with self._engine.connect() as connection:
            for start in range(0, len(ids), _LOOKED_UP):
                wanted = events.c.event_id.in_(ids[start : start + _LOOKED_UP])
                for known in connection.scalars(select(events.c.event_id).where(wanted)):
                    del fresh[bytes(known)]
        return list(fresh.values())

    def _compiled(self, statement: ClauseElement) -> str:
        return str(statement.compile(dialect=self._engine.dialect))


def lock_key(host: str) -> int:
    """Returns the number that stands for the host in PostgreSQL's advisory locks.

    Units: 32 bits, signed.
    """
    return int.from_bytes(hashlib.sha256(host.encode()).digest()[:4], signed=True)
