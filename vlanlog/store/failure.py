"""What went wrong in a database, as a StoreError that says what to do next.

Must not decide whether to try again: it names, the caller acts.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from vlanlog.errors import StoreError

# Source: sqlite.org/rescode.html; the longest prefix that fits is the cause.
_SQLITE = {
    "SQLITE_BUSY": (
        "is locked by another process",
        "try again, or find the process that holds it: fuser {file}",
    ),
    "SQLITE_FULL": ("cannot grow: the disk is full", "free space: df {folder}"),
    "SQLITE_IOERR": (
        "cannot be read or written: the disk answers with an error, or is full",
        "look at: dmesg | tail; df {folder}",
    ),
    "SQLITE_CORRUPT": (
        "is damaged",
        "put it aside with its -wal and -shm files, bring back a backup, then run: vlanlog verify",
    ),
    "SQLITE_NOTADB": (
        "is not a database",
        "is the URL right? else put the file aside and bring back a backup",
    ),
    "SQLITE_READONLY_DBMOVED": (
        "was removed or replaced while it was in use",
        "move it only while nothing uses it: fuser {file}; what follows goes to what is there now",
    ),
    "SQLITE_READONLY": (
        "cannot be written",
        "run as root, or look at: ls -ld {folder} {file}",
    ),
    "SQLITE_CANTOPEN": (
        "cannot be opened",
        "does the folder exist, and may this user write there? ls -ld {folder} {file}",
    ),
    "SQLITE_PERM": ("must not be opened by this user", "run as root"),
}

# Source: postgresql.org/docs/current/errcodes-appendix.html; class or whole code.
_POSTGRESQL = {
    "08": ("does not answer", "is the server up? pg_isready -h HOST -p PORT"),
    "28": ("refuses this user", "look at user and password in the URL, and at pg_hba.conf"),
    "3D000": ("does not exist", "create it: createdb {database}"),
    "25006": ("only reads: this is a standby, or it was set so", "use the primary server's URL"),
    "42501": ("does not let this user do that", "make the user the owner of vlanlog's tables"),
    "53100": ("cannot grow: the server's disk is full", "free space on the server"),
    "53": ("has too few resources left", "look at the server's log, e.g. for max_connections"),
    "55P03": ("is locked by another session", "try again, or look at pg_stat_activity"),
    "57014": ("gave up waiting", "try again, or look at pg_stat_activity"),
    "57P": ("is being shut down or started", "try again when the server is up"),
}


def store_error(error: Exception, url: URL) -> StoreError:
    """Returns the driver's error as one that names the database, the cause and a way out."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    if isinstance(cause, sqlite3.Error):
        what, hint = _sqlite_cause(cause, url)
    else:
        what, hint = _postgresql_cause(cause, url)
    name = url.database if url.get_backend_name() == "sqlite" else url.render_as_string()
    detail = str(cause).strip().split("\n")[0]
    return StoreError(f"database {name} {what} ({detail})", hint=hint)


def _sqlite_cause(cause: sqlite3.Error, url: URL) -> tuple[str, str]:
    file = url.database or ""
    folder = file.rpartition("/")[0] or "."
    code = getattr(cause, "sqlite_errorname", "")
    for prefix, (what, hint) in _SQLITE.items():
        if code.startswith(prefix):
            return what, hint.format(file=file, folder=folder)
    return "refuses", f"look at: sqlite3 {file} 'PRAGMA integrity_check'"


def _postgresql_cause(cause: BaseException, url: URL) -> tuple[str, str]:
    # An error without a code never came from the server: the connection was not made or broke.
    code = getattr(cause, "sqlstate", None) or _code_in(str(cause))
    for prefix, (what, hint) in _POSTGRESQL.items():
        if code.startswith(prefix):
            return what, hint.format(database=url.database)
    return "refuses", "look at the server's log"


def _code_in(message: str) -> str:
    """Returns the code that a failed connection's text stands for: libpq hands no code on."""
    if "does not exist" in message and "database" in message:
        return "3D000"
    if "authentication" in message or "pg_hba.conf" in message or "role" in message:
        return "28000"
    if "starting up" in message or "shutting down" in message:
        return "57P03"
    return "08001"


@contextmanager
def translated(url: URL) -> Iterator[None]:
    """Raises as StoreError what a driver or SQLAlchemy raises inside.

    A statement that is wrong in itself is a bug, and stays the error that it is.
    """
    try:
        yield
    except (sqlite3.ProgrammingError, sqlite3.InterfaceError):
        raise
    except (sqlite3.Error, DBAPIError) as e:
        raise store_error(e, url) from e
    except Exception as e:
        # psycopg is optional, so that its errors can only be known by where they come from.
        if type(e).__module__.startswith("psycopg"):
            raise store_error(e, url) from e
        raise
