"""Looks into a database and changes it behind the store's back, as plain SQL can.

Must not use the store's own statements.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, text

TABLES = ("alembic_version", "subjects", "events", "snapshots", "archives")


def contents(engine: Engine) -> dict[str, list[tuple[Any, ...]]]:
    """Returns every row of every table, sorted."""
    with engine.connect() as connection:
        return {
            table: sorted(
                (tuple(row) for row in connection.execute(text(f"SELECT * FROM {table}"))), key=repr
            )
            for table in TABLES
        }


def schema(engine: Engine) -> list[tuple[Any, ...]]:
    """Returns the whole schema of a SQLite database, in the order of its making.

    Without the blank lines that SQLAlchemy writes behind a table, which SQLite keeps.
    """
    with engine.connect() as connection:
        parts = text("SELECT type, name, tbl_name, trim(sql, char(10)) FROM sqlite_schema")
        rows = connection.execute(parts)
        return [tuple(row) for row in rows]


def execute(engine: Engine, *statements: str, **values: object) -> None:
    """Runs the statements in one transaction."""
    with engine.connect() as connection:
        _begin(connection)
        for statement in statements:
            connection.execute(text(statement), values)
        connection.commit()


def tamper(engine: Engine, *statements: str, **values: object) -> None:
    """Takes the triggers away, as whoever owns the database can, and runs the statements."""
    with engine.connect() as connection:
        _begin(connection)
        if engine.dialect.name == "sqlite":
            triggers = text("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
            for name in connection.scalars(triggers).all():
                connection.execute(text(f"DROP TRIGGER {name}"))
        else:
            for table in ("events", "subjects", "archives"):
                connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        for statement in statements:
            connection.execute(text(statement), values)
        connection.commit()


def _begin(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
