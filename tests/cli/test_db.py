"""``vlanlog db``: what it says of a database, and that the saying changes nothing."""

from __future__ import annotations

from pathlib import Path

from tests.cli.golden import transcript
from tests.store.histories import history
from vlanlog.store import open_log
from vlanlog.store.engine import open_engine
from vlanlog.store.schema import HEAD
from vlanlog.store.upgrade import migrate


def told(folder: Path, verb: str) -> list[str]:
    return transcript(folder, ["db", verb]).splitlines()[1:]


def test_status_tells_schema_head_and_spool(tmp_path: Path) -> None:
    log = open_log(f"sqlite:///{tmp_path}/log.db", host="host")
    log.append(history(3, host="host"))
    head = log.head()
    assert head is not None

    lines = told(tmp_path, "status")

    assert lines[:3] == [
        "database  sqlite:///FOLDER/log.db",
        f"schema    {HEAD}",
        "host      host",
    ]
    assert lines[3].startswith(f"head      {head.seq}, ")
    assert lines[3].endswith(f", {head.hash.hex()}")
    assert lines[4:] == ["spool     FOLDER/spool: 0 waiting", "--- exit status 0"]


def test_status_makes_no_database(tmp_path: Path) -> None:
    assert told(tmp_path, "status")[-1] == "--- exit status 3"
    assert not (tmp_path / "log.db").exists()


def test_status_says_that_an_upgrade_is_due_and_makes_none(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/log.db")
    with engine.begin() as connection:
        migrate(connection, "0001")
    engine.dispose()

    for _ in range(2):
        assert told(tmp_path, "status") == [
            "database  sqlite:///FOLDER/log.db",
            "schema    0001",
            "host      host",
            "spool     FOLDER/spool: 0 waiting",
            "--- stderr",
            f"vlanlog: this vlanlog has schema {HEAD}; what opens the database upgrades it",
            "hint: make a backup, then: vlanlog db upgrade",
            "--- exit status 1",
        ]
    assert told(tmp_path, "upgrade") == [f"schema {HEAD}", "--- exit status 0"]
    assert f"schema    {HEAD}" in told(tmp_path, "status")
