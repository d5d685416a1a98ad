"""Opens a database that has to be there, for what is about logs and not about this host.

Must not make one: a slip of the pen in its name would look like an empty log.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine, make_url

from vlanlog.errors import StoreError
from vlanlog.store.engine import open_engine
from vlanlog.store.upgrade import ensure_schema

__all__ = ["Engine", "existing", "may_be_there"]


def may_be_there(url: str) -> bool:
    """Tells whether a database may be there: of a server's only a connection tells.

    Raises: StoreError where this user may not look.
    """
    place = make_url(url)
    try:
        return place.get_backend_name() != "sqlite" or Path(place.database or "").exists()
    except OSError as error:
        raise StoreError(
            f"database {place.database}: {error.strerror}", hint="run as root"
        ) from error


def open_existing(url: str, *, timeout_s: float) -> Engine:
    """Returns an engine for the database, as ``open_engine`` does, which makes none.

    Raises: StoreError.
    """
    if not may_be_there(url):
        raise StoreError(
            f"there is no database {make_url(url).database}",
            hint="nothing is recorded here yet, or it is another: --database sqlite:////PATH",
        )
    return open_engine(url, timeout_s=timeout_s, makes=False)


@contextmanager
def existing(url: str, *, timeout_s: float) -> Iterator[Engine]:
    """Yields the database, its tables upgraded, and closes it.

    Units: timeout_s is how long a lock is waited for.
    Raises: StoreError.
    """
    engine = open_existing(url, timeout_s=timeout_s)
    try:
        ensure_schema(engine)
        yield engine
    finally:
        engine.dispose()
