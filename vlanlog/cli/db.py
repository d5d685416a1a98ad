"""``vlanlog db``: the database itself, where it is and how far its schema is."""

from __future__ import annotations

import os

import typer

from vlanlog.cli import show
from vlanlog.cli.options import DatabaseOption, HooksOption
from vlanlog.config import load_settings
from vlanlog.core.query import Head
from vlanlog.errors import EXIT_DIFFERS
from vlanlog.render.words import iso
from vlanlog.spool import Spool
from vlanlog.store.engine import open_engine, without_password
from vlanlog.store.existing import open_existing
from vlanlog.store.log import SqlEventLog
from vlanlog.store.schema import HEAD
from vlanlog.store.upgrade import ensure_schema, revision_of

app = typer.Typer(help="The database: status and upgrade.", no_args_is_help=True)


@app.command()
def status(*, hooks_dir: HooksOption = None, database: DatabaseOption = None) -> None:
    """Show where the log is, its schema, its last event, and what waits in the spool.

    Nothing is changed.

    Exit status: 0 the schema is this version's, 1 an upgrade is due.
    """
    settings = load_settings(os.environ, hooks_dir, database=database)
    engine = open_existing(settings.database, timeout_s=settings.lock_timeout_s)
    revision = revision_of(engine)
    is_due = revision != HEAD
    waiting = len(Spool(settings.spool, host=settings.host).pending())
    print(f"database  {without_password(settings.database)}")
    print(f"schema    {revision or 'none'}")
    print(f"host      {settings.host}")
    if not is_due:
        print(f"head      {_last(SqlEventLog(engine, host=settings.host).head())}")
    print(f"spool     {settings.spool}: {waiting} waiting")
    if is_due:
        show.note(f"this vlanlog has schema {HEAD}; what opens the database upgrades it")
        show.hint("make a backup, then: vlanlog db upgrade")
        raise typer.Exit(EXIT_DIFFERS)


def _last(head: Head | None) -> str:
    return f"{head.seq}, {iso(head.at_ns)}, {head.hash.hex()}" if head else "none"


@app.command()
def upgrade(*, hooks_dir: HooksOption = None, database: DatabaseOption = None) -> None:
    """Create the database, or bring its schema to this version; a newer one is refused."""
    settings = load_settings(os.environ, hooks_dir, database=database)
    ensure_schema(open_engine(settings.database, timeout_s=settings.lock_timeout_s))
    print(f"schema {HEAD}")
