"""Brings a database to the schema of this program, and refuses one of a newer program.

Must not load Alembic where there is nothing to upgrade: that takes longer than most commands.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from vlanlog.errors import StoreError, StoreNewerError
from vlanlog.store.failure import translated
from vlanlog.store.schema import HEAD

_UPGRADE_LOCK = 0x766C616E_00000000


def migrations_folder() -> Path:
    """Returns the folder of the migrations: in the installed package, else in the source tree."""
    package = Path(str(files("vlanlog")))
    for folder in (package / "_migrations", package.parent / "migrations"):
        if (folder / "env.py").is_file():
            return folder
    raise StoreError("vlanlog's migrations are missing", hint="install vlanlog again")


def ensure_schema(engine: Engine) -> None:
    """Creates or upgrades the tables, or finds them as they should be.

    Raises: StoreError; StoreNewerError for a database that a newer vlanlog wrote.
    """
    with translated(engine.url), engine.connect() as connection:
        if _checked_revision(connection) == HEAD:
            return
        connection.rollback()
        _take_turn(connection)
        # Another process may have done it meanwhile.
        revision = _checked_revision(connection)
        if revision is None and connection.dialect.name == "sqlite":
            _create(connection)
        elif revision != HEAD:
            migrate(connection)
        connection.commit()


def revision_of(engine: Engine) -> str | None:
    """Returns the schema's revision as it is, None for an empty database; nothing is changed.

    Raises: StoreError; StoreNewerError for a database that a newer vlanlog wrote.
    """
    with translated(engine.url), engine.connect() as connection:
        return _checked_revision(connection)


def migrate(connection: Connection, revision: str = "head") -> None:
    """Runs the migrations up to a revision in the connection's transaction."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(migrations_folder()))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def _take_turn(connection: Connection) -> None:
    """Begins a transaction that no other process's upgrade runs beside."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _UPGRADE_LOCK})


def _checked_revision(connection: Connection) -> str | None:
    """Returns the revision that the database has, None for an empty one."""
    tables = inspect(connection)
    if not tables.has_table("alembic_version"):
        if tables.has_table("events"):
            raise StoreError(
                f"database {connection.engine.url.render_as_string()} holds events of "
                "something else",
                hint="give vlanlog a database of its own",
            )
        return None
    found = connection.scalar(text("SELECT version_num FROM alembic_version"))
    if found is not None and not (found.isdigit() and found <= HEAD):
        raise StoreNewerError(
            f"database {connection.engine.url.render_as_string()} has schema {found}, "
            f"this vlanlog knows schemas up to {HEAD}",
            hint="a newer vlanlog wrote it: pip install --upgrade vlanlog",
        )
    return str(found) if found is not None else None


def _create(connection: Connection) -> None:
    """Creates the tables as the migrations do, from the script that a test holds them against."""
    for statement in _statements((migrations_folder() / "schema.sql").read_text()):
        connection.exec_driver_sql(statement)
    connection.execute(text("INSERT INTO alembic_version VALUES (:head)"), {"head": HEAD})


def _statements(script: str) -> Iterator[str]:
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement.strip().removesuffix(";")
            statement = ""
