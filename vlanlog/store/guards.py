"""Looks whether the database still refuses what would change the log.

Must not put anything back: who took a trigger away may have changed the log as well, and a schema
that looks whole again would hide it.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing

from sqlalchemy import Connection, Engine, text

from vlanlog.store.failure import translated
from vlanlog.store.upgrade import migrations_folder

_PARTS = "SELECT name, sql FROM sqlite_schema WHERE type IN ('table', 'trigger') AND sql <> ''"

# Of PostgreSQL only names can be compared: it gives no statement back as it was written.
_POSTGRESQL = {
    "trigger archives_insert",
    "trigger archives_refuse",
    "trigger events_delete",
    "trigger events_insert",
    "trigger events_refuse",
    "trigger subjects_refuse",
}
_TRIGGERS = """
    SELECT 'trigger ' || tgname AS name, tgenabled IN ('O', 'A') AS fires
    FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
    JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE NOT tgisinternal AND nspname = current_schema()
    AND relname IN ('events', 'subjects', 'snapshots', 'archives')"""


def lost_guards(engine: Engine) -> tuple[str, ...]:
    """Returns what is not as the migrations made it: tables and triggers, in words.

    Raises: StoreError.
    """
    with translated(engine.url), engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            return _of_sqlite(connection)
        return _of_postgresql(connection)


def _of_sqlite(connection: Connection) -> tuple[str, ...]:
    with closing(sqlite3.connect(":memory:")) as model:
        model.executescript((migrations_folder() / "schema.sql").read_text())
        wanted = {name: _words(sql) for name, sql in model.execute(_PARTS)}
    found = {name: _words(sql) for name, sql in connection.execute(text(_PARTS)).all()}
    foreign = sorted(name for name in found.keys() - wanted.keys() if "TRIGGER" in found[name])
    return (
        *(_lost(_named(name, wanted[name])) for name in sorted(wanted.keys() - found.keys())),
        *(
            f"{_named(name, wanted[name])} is not the one that vlanlog made"
            for name in sorted(wanted.keys() & found.keys())
            if wanted[name] != found[name]
        ),
        *(f"trigger {name} is not vlanlog's" for name in foreign),
    )


def _of_postgresql(connection: Connection) -> tuple[str, ...]:
    found = {row.name: row.fires for row in connection.execute(text(_TRIGGERS))}
    return (
        *(_lost(name) for name in sorted(_POSTGRESQL - found.keys())),
        *(f"{name} is disabled" for name in sorted(_POSTGRESQL) if found.get(name) is False),
        *(f"{name} is not vlanlog's" for name in sorted(found.keys() - _POSTGRESQL)),
    )


def _words(sql: str) -> list[str]:
    """Returns a statement without its layout, which depends on who wrote it."""
    return sql.split()


def _named(name: str, sql: list[str]) -> str:
    return f"{sql[1].lower()} {name}"


def _lost(name: str) -> str:
    return f"{name} is missing"
