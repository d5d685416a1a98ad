"""Several processes at one database, and some that die."""

from __future__ import annotations

import psycopg
import pytest

from tests.store.database import contents
from tests.store.histories import history
from tests.store.processes import children
from vlanlog.core.fold import fold
from vlanlog.core.state import Seq
from vlanlog.store import open_log
from vlanlog.store.engine import open_engine
from vlanlog.store.log import SqlEventLog
from vlanlog.store.schema import HEAD


def acknowledged(lines: list[str]) -> list[tuple[int, str]]:
    return [(int(seq), event_id) for seq, event_id in (line.split() for line in lines)]


def in_log(log: SqlEventLog) -> list[tuple[int, str]]:
    return [(item.seq, str(item.event.event_id)) for item in log.read()]


def append_at_once(url: str) -> tuple[SqlEventLog, list[tuple[int, str]]]:
    """Returns the log, and what three processes say that they appended."""
    log = open_log(url, host="host")
    with children(3, "append", url, "host", "60") as processes:
        for process in processes:
            process.go()
        said = [process.rest() for process in processes]
    assert [lines[-1] for lines in said] == ["exit 0"] * 3
    return log, sorted(acknowledged([line for lines in said for line in lines[:-1]]))


def test_processes_that_append_at_once_make_one_chain(url: str) -> None:
    log, said = append_at_once(url)

    assert [seq for seq, _ in said] == list(range(1, 181))
    assert in_log(log) == said
    assert log.verify() is None
    rows = contents(log.engine)
    assert sorted(row[3] for row in rows["subjects"]) == [f"VM{number}" for number in range(6)]
    assert sorted(row[1] for row in rows["snapshots"]) == [50, 100, 150]
    assert log.state(at_seq=Seq(160)) == fold(log.read(until=Seq(160)))


def test_postgresql_appends_at_once_whatever_isolation_it_is_set_to(postgresql: str) -> None:
    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute(
            f"ALTER DATABASE {connection.info.dbname}"
            " SET default_transaction_isolation TO 'serializable'".encode()
        )

    log, said = append_at_once(postgresql)

    assert in_log(log) == said


@pytest.mark.parametrize("appended", [1, 17])
def test_process_that_is_killed_loses_nothing_acknowledged(url: str, appended: int) -> None:
    log = open_log(url, host="host")
    with children(1, "append", url, "host", "100000") as (process,):
        process.go()
        lines = [process.line() for _ in range(appended)]
        lines += process.kill()
    # A line that was cut off was not said.
    said = acknowledged([line for line in lines if len(line.split(" ")[-1]) == 36])

    found = in_log(log)

    # It may have died between a commit and what it says of it.
    assert found[: len(said)] == said
    assert len(found) - len(said) in (0, 1)
    assert log.verify() is None
    assert log.append(history(1, host="host")) == [len(found) + 1]


def test_processes_that_create_the_database_at_once_agree(url: str) -> None:
    with children(3, "create", url) as processes:
        for process in processes:
            process.go()
        said = [process.rest() for process in processes]

    assert said == [["head None", "exit 0"]] * 3
    assert contents(open_engine(url)) == {
        "alembic_version": [(HEAD,)],
        "subjects": [],
        "events": [],
        "snapshots": [],
        "archives": [],
    }
