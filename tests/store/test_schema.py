"""The schema: three ways to it lead to the same, and a newer one is left alone."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Dialect, inspect
from sqlalchemy.types import TypeEngine

from tests.store.database import contents, execute, schema
from tests.store.histories import history
from vlanlog.errors import StoreError, StoreNewerError
from vlanlog.store import open_log
from vlanlog.store.engine import open_engine
from vlanlog.store.schema import HEAD, metadata
from vlanlog.store.upgrade import ensure_schema, migrate, migrations_folder

ROOT = Path(__file__).parents[2]


def test_migrations_and_script_and_program_make_the_same_schema(tmp_path: Path) -> None:
    by_script = sqlite3.connect(tmp_path / "script.db")
    by_script.executescript((ROOT / "migrations" / "schema.sql").read_text())
    migrated = open_engine(f"sqlite:///{tmp_path}/migrated.db")
    with migrated.connect() as connection:
        migrate(connection)
        connection.commit()
    ensured = open_engine(f"sqlite:///{tmp_path}/ensured.db")
    ensure_schema(ensured)

    written = by_script.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema").fetchall()
    assert schema(migrated) == written
    assert schema(ensured) == written


def test_program_and_migrations_note_the_same_revision(tmp_path: Path, sqlite: str) -> None:
    migrated = open_engine(f"sqlite:///{tmp_path}/migrated.db")
    with migrated.connect() as connection:
        migrate(connection)
        connection.commit()
    ensured = open_engine(sqlite)
    ensure_schema(ensured)

    assert contents(ensured) == contents(migrated)


def test_head_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrations_folder()))

    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


def test_tables_of_the_program_are_those_of_the_database(url: str) -> None:
    engine = open_engine(url)
    ensure_schema(engine)
    dialect, found = engine.dialect, inspect(engine)

    def typed(column_type: TypeEngine[object]) -> str:
        return compiled(column_type, dialect)

    in_database = {
        table: (
            [(c["name"], typed(c["type"]), c["nullable"]) for c in found.get_columns(table)],
            found.get_pk_constraint(table)["constrained_columns"],
            [unique["column_names"] for unique in found.get_unique_constraints(table)],
        )
        for table in found.get_table_names()
        if table != "alembic_version"
    }

    assert in_database == {
        table.name: (
            [(c.name, typed(c.type), c.nullable) for c in table.columns],
            [c.name for c in table.primary_key.columns],
            [["event_id"]] if table.name == "events" else [],
        )
        for table in metadata.sorted_tables
    }


def compiled(column_type: TypeEngine[object], dialect: Dialect) -> str:
    return column_type.compile(dialect=dialect)


def test_schema_that_is_there_is_left_alone(url: str) -> None:
    log = open_log(url, host="host")
    log.append(history(5, host="host"))
    before = contents(log.engine)

    ensure_schema(open_engine(url))

    assert contents(log.engine) == before


@pytest.mark.parametrize("revision", ["9999", "a1b2c3"])
def test_newer_database_is_refused_and_left_alone(url: str, revision: str) -> None:
    log = open_log(url, host="host")
    log.append(history(5, host="host"))
    execute(log.engine, "UPDATE alembic_version SET version_num = :new", new=revision)
    before = contents(log.engine)

    with pytest.raises(StoreNewerError) as raised:
        open_log(url, host="host")

    shown = log.engine.url.render_as_string()
    assert (raised.value.message, raised.value.hint) == (
        f"database {shown} has schema {revision}, this vlanlog knows schemas up to {HEAD}",
        "a newer vlanlog wrote it: pip install --upgrade vlanlog",
    )
    assert contents(log.engine) == before


def test_newer_sqlite_file_stays_byte_for_byte(tmp_path: Path, sqlite: str) -> None:
    engine = open_engine(sqlite)
    ensure_schema(engine)
    execute(engine, "UPDATE alembic_version SET version_num = '9999'")
    engine.dispose()
    before = (tmp_path / "vlanlog.db").read_bytes()

    with pytest.raises(StoreNewerError):
        open_log(sqlite, host="host")

    assert (tmp_path / "vlanlog.db").read_bytes() == before


def test_database_of_another_program_is_refused(url: str) -> None:
    engine = open_engine(url)
    execute(engine, "CREATE TABLE events (id INTEGER)")

    with pytest.raises(StoreError, match="holds events of something else") as raised:
        ensure_schema(engine)

    assert raised.value.hint == "give vlanlog a database of its own"
    assert inspect(engine).get_table_names() == ["events"]


def test_upgrade_that_is_not_finished_leaves_nothing(url: str) -> None:
    engine = open_engine(url)
    with engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        migrate(connection)
        assert "events" in inspect(connection).get_table_names()
        connection.rollback()

    assert inspect(engine).get_table_names() == []


def test_sqlite_needs_no_other_dialect_and_no_alembic(sqlite: str) -> None:
    script = (
        "import sys; from vlanlog.store import open_log;"
        f"open_log({sqlite!r}, host='host').head();"
        "print([name for name in sys.modules if name.startswith("
        "('alembic', 'psycopg', 'sqlalchemy.orm', 'sqlalchemy.dialects.postgresql'))])"
    )

    done = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, check=True)

    assert done.stdout == b"[]\n"
