"""``vlanlog db``: the database itself, where it is and how far its schema is."""

from __future__ import annotations

import os

import typer

from vlanlog.cli.options import DatabaseOption, HooksOption
from vlanlog.config import Settings, load_settings
from vlanlog.render.words import iso
from vlanlog.spool import Spool
from vlanlog.store.engine import open_engine, without_password
from vlanlog.store.log import SqlEventLog
from vlanlog.store.schema import HEAD
from vlanlog.store.upgrade import ensure_schema

app = typer.Typer(help="The database: status and upgrade.", no_args_is_help=True)


@app.command()
def status(*, hooks_dir: HooksOption = None, database: DatabaseOption = None) -> None:
    """Show where the log is, its schema, its last event, and what waits in the spool."""
    settings = load_settings(os.environ, hooks_dir, database=database)
    log = _opened(settings)
    head = log.head()
    waiting = len(Spool(settings.spool, host=settings.host).pending())
    last = f"{head.seq}, {iso(head.at_ns)}, {head.hash.hex()}" if head else "none"
    print(f"database  {without_password(settings.database)}")
    print(f"schema    {HEAD}")
    print(f"host      {settings.host}")
    print(f"head      {last}")
    print(f"spool     {settings.spool}: {waiting} waiting")


@app.command()
def upgrade(*, hooks_dir: HooksOption = None, database: DatabaseOption = None) -> None:
    """Create the database, or bring its schema to this version; a newer one is refused."""
    _opened(load_settings(os.environ, hooks_dir, database=database))
    print(f"schema {HEAD}")


def _opened(settings: Settings) -> SqlEventLog:
    engine = open_engine(settings.database, timeout_s=settings.lock_timeout_s)
    ensure_schema(engine)
    return SqlEventLog(engine, host=settings.host)
