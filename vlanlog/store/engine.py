"""Opens a database: SQLite or PostgreSQL, so that what a commit acknowledged survives a power cut.

Must not know the tables.
"""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import create_engine, event
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.pool import ConnectionPoolEntry

from vlanlog.errors import StoreError
from vlanlog.store.failure import store_error

_HINT = "give a URL such as sqlite:////var/lib/vlanlog/vlanlog.db or postgresql://user@host/vlanlog"

_RETRY_S = 0.02


def open_engine(url: str, *, timeout_s: float = 5.0, makes: bool = True) -> Engine:
    """Returns an engine for the database; a missing SQLite file will be made, and its folder.

    Where it ``makes`` none, what connects then finds that it cannot be opened.
    Units: timeout_s is how long a lock that another process holds is waited for.
    Raises: StoreError.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as e:
        raise StoreError(f"{url!r} is not a database URL", hint=_HINT) from e
    match parsed.get_backend_name():
        case "sqlite":
            return _open_sqlite(parsed, timeout_s, makes=makes)
        case "postgresql" | "postgres":
            return _open_postgresql(parsed, timeout_s)
        case other:
            raise StoreError(f"no event log can be kept in {other!r}", hint=_HINT)


def without_password(url: str) -> str:
    """Returns a database URL as it may be shown."""
    return make_url(url).render_as_string(hide_password=True)


def _open_sqlite(url: URL, timeout_s: float, *, makes: bool) -> Engine:
    if not url.database or url.database == ":memory:":
        raise StoreError("a database in memory keeps nothing", hint=_HINT)
    if makes:
        _make_folder(url.database)
    path = url.database
    # Without the driver's own BEGIN: the log begins its transactions itself, IMMEDIATE.
    engine = create_engine(url, connect_args={"timeout": timeout_s, "isolation_level": None})

    @event.listens_for(engine, "do_connect")
    def choose_mode(_d: object, _r: object, args: list[Any], options: dict[str, Any]) -> None:
        # Of a URL that is SQLite's own, it says itself how it is opened.
        if not options.get("uri"):
            args[0] = f"file:{quote(os.fsencode(args[0]))}?mode={'rwc' if makes else 'rw'}"
            options["uri"] = True

    @event.listens_for(engine, "connect")
    def set_up(connection: sqlite3.Connection, record: ConnectionPoolEntry) -> None:
        try:
            _use_wal(connection, timeout_s)
        except sqlite3.Error as e:
            raise store_error(e, url) from e
        record.info["file"] = _identity(path)

    @event.listens_for(engine, "checkout")
    def check(_connection: object, record: ConnectionPoolEntry, _proxy: object) -> None:
        # With WAL, SQLite goes on to write into a file that has no name any more.
        if _identity(path) != record.info["file"]:
            error = sqlite3.OperationalError("the file of this name is not the one that was opened")
            error.sqlite_errorname = "SQLITE_READONLY_DBMOVED"
            raise error

    return engine


def _make_folder(database: str) -> None:
    folder = Path(database).parent
    try:
        folder.mkdir(mode=0o750, exist_ok=True)
    except FileNotFoundError as e:
        raise StoreError(
            f"database {database} cannot be made: there is no {folder.parent}",
            hint=f"make the folder first: mkdir -p {folder}",
        ) from e
    except OSError as e:
        raise StoreError(
            f"database {database} cannot be made: {folder}: {e.strerror}",
            hint="run as root, or name a folder in VLANLOG_DATABASE that this user may write",
        ) from e


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116  pathlib would take ten times as long
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _use_wal(connection: sqlite3.Connection, timeout_s: float) -> None:
    """Sets the journal: WAL with FULL flushes it at each commit, NORMAL would only at checkpoints.

    Source: sqlite.org/pragma.html#pragma_synchronous.
    """
    # Only a new file takes it. A single append touches seven pages, each of which is written whole.
    connection.execute("PRAGMA page_size=2048")
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            break
        except sqlite3.OperationalError as e:
            # While another process turns a new file to WAL, SQLite does not wait for it.
            if e.sqlite_errorname != "SQLITE_BUSY" or time.monotonic() >= deadline:
                raise
            time.sleep(_RETRY_S)
    connection.execute("PRAGMA synchronous=FULL")
    # 16 MiB: the leaves that a batch touches fit, else it spills to the file before its commit.
    connection.execute("PRAGMA cache_size=-16384")


def _open_postgresql(url: URL, timeout_s: float) -> Engine:
    if url.drivername != "postgresql+psycopg":
        url = url.set(drivername="postgresql+psycopg")
    options: dict[str, Any] = {
        "application_name": f"vlanlog {os.getpid()}",
        "connect_timeout": max(2, round(timeout_s)),
        "options": _session_options(url, timeout_s),
    }
    try:
        return create_engine(url, connect_args=options, paramstyle="format", pool_pre_ping=True)
    except (NoSuchModuleError, ImportError) as e:
        raise StoreError(
            "PostgreSQL's driver is not installed", hint="pip install 'vlanlog[postgresql]'"
        ) from e


def _session_options(url: URL, timeout_s: float) -> str:
    """Returns what the log relies on whatever the server's defaults are, behind the URL's own.

    Without read committed an append would not see what was committed while it waited for its
    turn; lock_timeout also bounds advisory locks.
    """
    own = url.query.get("options", "")
    settings = {
        "synchronous_commit": "on",
        "default_transaction_isolation": r"read\ committed",
        "lock_timeout": str(round(timeout_s * 1000)),
    }
    given = [own] if isinstance(own, str) else list(own)
    return " ".join([*given, *(f"-c {name}={value}" for name, value in settings.items())])
