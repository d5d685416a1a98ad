"""The event log in a database: SQLite or PostgreSQL, through SQLAlchemy Core.

Must not know what the events are about.
"""

from __future__ import annotations

from vlanlog.store.engine import open_engine
from vlanlog.store.log import SqlEventLog
from vlanlog.store.upgrade import ensure_schema


def open_log(
    url: str, *, host: str, timeout_s: float = 5.0, snapshot_every: int = 1000
) -> SqlEventLog:
    """Returns the log of a host; the database and its tables are made or upgraded.

    Units: timeout_s is how long a lock is waited for; snapshot_every is a number of events.
    Raises: StoreError.
    """
    engine = open_engine(url, timeout_s=timeout_s)
    ensure_schema(engine)
    return SqlEventLog(engine, host=host, snapshot_every=snapshot_every)
