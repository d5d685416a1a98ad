"""Names that the log knows, for a shell that completes a word: guests, MACs, ports, bridges, hosts.

Must not write anything, wait, or say what is wrong: whoever presses Tab has asked for no error.
"""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import quote

from vlanlog.config import load_settings

_COLUMNS = {
    "guest": "guest_name",
    "mac": "mac",
    "port": "port",
    "bridge": "bridge",
    "host": "host",
}
"""What can be asked for, and where it stands in ``subjects``."""

_MOST = 500
"""More than so many names help nobody; a log of years has that many taps."""

_TIMEOUT_S = 1


def main(words: Sequence[str]) -> int:
    """Prints the names that begin with the first word, of the kinds that the others name."""
    prefix, *kinds = words or [""]
    # Whatever is wrong, there is nothing to complete.
    with suppress(Exception):
        for name in names(os.environ, prefix, kinds):
            print(name)
        sys.stdout.flush()
    return 0


def names(environ: Mapping[str, str], prefix: str, kinds: Sequence[str]) -> list[str]:
    """Returns the names, none twice, none that a line cannot hold.

    Raises: whatever keeps the database from being read.
    """
    columns = [_COLUMNS[kind] for kind in kinds if kind in _COLUMNS]
    if not columns:
        return []
    url = load_settings(environ).database
    scheme, _, file = url.partition(":///")
    if scheme == "sqlite":
        found = _of_file(Path(file), columns, prefix)
    else:
        found = _of_server(url, columns, prefix)
    return [name for name in found if name.isprintable()]


def _asked(columns: Sequence[str], condition: str) -> str:
    parts = (
        f"SELECT DISTINCT {column} AS name FROM subjects WHERE {condition.format(column)}"  # noqa: S608
        for column in columns
    )
    return f"{' UNION '.join(parts)} ORDER BY name LIMIT {_MOST}"


def _of_file(file: Path, columns: Sequence[str], prefix: str) -> list[str]:
    # Opened as usual, even a reader would make two files beside a database that nobody uses.
    unused = not Path(f"{file}-wal").exists()
    uri = f"file:{quote(str(file))}?{'immutable=1' if unused else 'mode=ro'}"
    # A range is what an index answers; no character comes behind its end.
    asked = _asked(columns, "{0} >= ? AND {0} < ?")
    with closing(sqlite3.connect(uri, uri=True, timeout=_TIMEOUT_S)) as connection:
        rows = connection.execute(asked, [prefix, f"{prefix}\U0010ffff"] * len(columns))
        return [name for (name,) in rows]


def _of_server(url: str, columns: Sequence[str], prefix: str) -> list[str]:
    # It takes longer to load than a file takes to be asked.
    from vlanlog.store.engine import open_engine

    engine = open_engine(url, timeout_s=_TIMEOUT_S)
    try:
        with engine.connect() as connection:
            asked = _asked(columns, "starts_with({0}, %s)")
            rows = connection.exec_driver_sql(asked, (prefix,) * len(columns))
            return [str(row[0]) for row in rows]
    finally:
        engine.dispose()
