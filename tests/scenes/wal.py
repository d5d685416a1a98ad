"""Counts the transactions that others commit to a SQLite database meanwhile, in its own WAL.

Must not write to the database.
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

_HEAD = struct.Struct(">IIIIIIII")
_FRAME = struct.Struct(">IIII8x")


def _salts_and_commits(wal: Path) -> tuple[tuple[int, int], int]:
    """Returns which WAL it is, and how many frames end a transaction.

    Source: sqlite.org/fileformat2.html, section 4.1: such a frame has the size of the database.
    """
    content = wal.read_bytes() if wal.exists() else b""
    if len(content) < _HEAD.size:
        return (0, 0), 0
    _, _, page_bytes, _, *salts, _, _ = _HEAD.unpack_from(content)
    commits = 0
    for at in range(_HEAD.size, len(content) - _FRAME.size + 1, _FRAME.size + page_bytes):
        _, pages, *own = _FRAME.unpack_from(content, at)
        # What a former WAL left behind its end is still in the file.
        commits += own == salts and pages > 0
    return (salts[0], salts[1]), commits


@contextmanager
def counted_commits(database: Path) -> Iterator[Callable[[], int]]:
    """Yields what tells how many transactions were committed since the block began."""
    wal = database.with_name(f"{database.name}-wal")
    with closing(sqlite3.connect(database)) as reader:
        # Whoever reads keeps the WAL from being begun anew, but for once at the first write.
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM events").fetchone()
        salts, before = _salts_and_commits(wal)

        def counted() -> int:
            now, commits = _salts_and_commits(wal)
            return commits - before if now == salts else commits

        yield counted
