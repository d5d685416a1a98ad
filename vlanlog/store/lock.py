"""One writer at a time: a lock held by a whole use case, from reading the kernel to its record.

Must not be taken twice by one process: the second would wait for the first.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, event, text

from vlanlog.errors import BusyError, StoreError
from vlanlog.store.append import lock_key
from vlanlog.store.failure import translated

_LOCK_SPACE = 0x766C6102

_RETRY_S = 0.02


@contextmanager
def writer_lock(engine: Engine, *, host: str, timeout_s: float) -> Iterator[None]:
    """Holds the database's writer lock: SQLite's a file beside it, PostgreSQL's one for each host.

    A holder that dies lets go of it.
    Units: timeout_s is how long the lock is waited for.
    Raises: StoreError, which names the holder's pid where it is known.
    """
    held = _held_file(engine, timeout_s) if engine.dialect.name == "sqlite" else None
    with held or _held_session(engine, host, timeout_s):
        yield


def _wait(try_lock: Callable[[], bool], holder: Callable[[], str], timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while not try_lock():
        if time.monotonic() >= deadline:
            raise BusyError(
                f"the event log is in use by {holder()}, for more than {timeout_s:g} s",
                hint="let it end, or look at what it waits for; then try again",
            )
        time.sleep(_RETRY_S)


@contextmanager
def _held_file(engine: Engine, timeout_s: float) -> Iterator[None]:
    path = Path(f"{engine.url.database}.lock")
    try:
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    except OSError as e:
        raise StoreError(
            f"lock file {path} cannot be opened: {e.strerror}",
            hint=f"run as root, or look at: ls -ld {path.parent} {path}",
        ) from e

    def try_lock() -> bool:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def holder() -> str:
        pid = os.pread(lock, 32, 0).decode(errors="replace").strip()
        return f"process {pid}" if pid else "another process"

    try:
        _wait(try_lock, holder, timeout_s)
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        yield
        os.ftruncate(lock, 0)
    finally:
        os.close(lock)


@contextmanager
def _held_session(engine: Engine, host: str, timeout_s: float) -> Iterator[None]:
    keys = {"space": _LOCK_SPACE, "host": lock_key(host)}
    url = engine.url
    with translated(url):
        connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    try:
        with translated(url):
            _wait(
                lambda: bool(
                    connection.scalar(text("SELECT pg_try_advisory_lock(:space, :host)"), keys)
                ),
                lambda: _holder(connection, keys),
                timeout_s,
            )
        with _noticed_loss(engine, connection):
            yield
    finally:
        # The session ends and with it the lock, even where the server does not answer any more.
        connection.invalidate()
        connection.close()


@contextmanager
def _noticed_loss(engine: Engine, lock: Connection) -> Iterator[None]:
    """Fails whoever connects anew after the lock's session has ended.

    A server that is restarted ends all sessions. The pool makes new ones without a word, and the
    holder would go on writing with the lock in another's hands.
    """

    def check(_connection: object, _record: object) -> None:
        with translated(engine.url):
            lock.execute(text("SELECT 1"))

    event.listen(engine, "connect", check)
    try:
        yield
    finally:
        event.remove(engine, "connect", check)


def _holder(connection: Connection, keys: dict[str, int]) -> str:
    found = connection.execute(
        text(
            "SELECT a.application_name, a.pid, coalesce(host(a.client_addr), 'this machine')"
            " FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
            " WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2"
            " AND a.datname = current_database()"
            " AND l.classid = :space AND l.objid = cast(:host AS bigint) & 4294967295"
        ),
        keys,
    ).first()
    if found is None:
        return "another session"
    return f"{found[0] or 'a session'} on {found[2]} (server process {found[1]})"
