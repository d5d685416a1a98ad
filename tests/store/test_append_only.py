"""The database itself refuses whatever would change the log, however it is said."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import IntegrityError

from tests.store.database import contents, execute
from tests.store.histories import history
from vlanlog.core.codec import Row
from vlanlog.store import open_log
from vlanlog.store.log import SqlEventLog

NAMES = ", ".join(("seq", *Row._fields, "subject", "prev_hash", "hash"))

APPENDED = "the log is only ever appended to"
ONCE = "an event is appended once, behind the last one"


def copied(seq: str, event_id: str, *, verb: str = "INSERT", after: str = "WHERE seq = 3") -> str:
    """Returns an insertion of the event 3 under another seq and another id."""
    values = NAMES.replace("seq", seq, 1).replace("event_id", event_id, 1)
    return f"{verb} INTO events ({NAMES}) SELECT {values} FROM events {after}"


ANYWHERE = {
    "update of an event": ("UPDATE events SET payload = '{}' WHERE seq = 3", APPENDED),
    "update of nothing but a place": ("UPDATE events SET seq = 9 WHERE seq = 8", APPENDED),
    "deletion of an event": ("DELETE FROM events WHERE seq = 8", APPENDED),
    "deletion of all": ("DELETE FROM events", APPENDED),
    "update of a subject": ("UPDATE subjects SET guest_name = 'another'", APPENDED),
    "deletion of a subject": ("DELETE FROM subjects", APPENDED),
    "insertion at a place that is taken": (copied("3", ":new_id"), ONCE),
    "insertion before the first": (copied("0", ":new_id"), ONCE),
    "insertion beyond the next place": (copied("10", ":new_id"), ONCE),
}
SQLITE = {
    "replacement by place": (copied("3", ":new_id", verb="INSERT OR REPLACE"), ONCE),
    "replacement by id": (copied("9", "event_id", verb="INSERT OR REPLACE"), ONCE),
    "replacement by rowid": (
        copied("9", ":new_id", verb="INSERT OR REPLACE")
        .replace("(seq", "(rowid, seq", 1)
        .replace("SELECT 9", "SELECT rowid, 9", 1),
        ONCE,
    ),
    "what is ignored": (copied("3", ":new_id", verb="INSERT OR IGNORE"), ONCE),
    "an upsert": (
        copied("3", ":new_id") + " ON CONFLICT (host, seq) DO UPDATE SET payload = '{}'",
        ONCE,
    ),
    "update that replaces": ("UPDATE OR REPLACE events SET seq = 4 WHERE seq = 3", APPENDED),
    "replacement of a subject": (
        "INSERT OR REPLACE INTO subjects SELECT id, host, 'x', 'x', 'x', 'x', 'x' FROM subjects",
        APPENDED,
    ),
}
POSTGRESQL = {
    "truncation": ("TRUNCATE events", APPENDED),
    "truncation with what hangs on it": ("TRUNCATE subjects CASCADE", APPENDED),
    "an upsert": (
        copied("9", "event_id") + " ON CONFLICT (event_id) DO UPDATE SET payload = '{}'",
        APPENDED,
    ),
    "an upsert of a subject": (
        "INSERT INTO subjects SELECT * FROM subjects"
        " ON CONFLICT (id) DO UPDATE SET guest_name = 'another'",
        APPENDED,
    ),
}


def filled(url: str) -> SqlEventLog:
    log = open_log(url, host="host")
    log.append(history(8, host="host", seed=1))
    return log


def assert_refused(log: SqlEventLog, statement: str, why: str) -> None:
    before = contents(log.engine)
    values = {"new_id": bytes(16)} if ":new_id" in statement else {}

    with pytest.raises(IntegrityError, match=why):
        execute(log.engine, statement, **values)

    assert contents(log.engine) == before
    assert log.append(history(1, host="host")) == [9]


@pytest.mark.parametrize("attempt", ANYWHERE)
def test_database_refuses(url: str, attempt: str) -> None:
    assert_refused(filled(url), *ANYWHERE[attempt])


@pytest.mark.parametrize("attempt", SQLITE)
def test_sqlite_refuses(sqlite: str, attempt: str) -> None:
    assert_refused(filled(sqlite), *SQLITE[attempt])


@pytest.mark.postgresql
@pytest.mark.parametrize("attempt", POSTGRESQL)
def test_postgresql_refuses(postgresql: str, attempt: str) -> None:
    assert_refused(filled(postgresql), *POSTGRESQL[attempt])


def test_database_takes_an_event_behind_the_last(url: str) -> None:
    log = filled(url)

    execute(log.engine, copied("9", ":new_id"), new_id=bytes(16))

    assert [row[0] for row in contents(log.engine)["events"]] == list(range(1, 10))
