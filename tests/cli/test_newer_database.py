"""A database that a newer vlanlog wrote is refused by every verb, with the command to run."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.golden import transcript
from tests.report import sample
from vlanlog.store import open_log
from vlanlog.store.schema import HEAD

COMMAND = "pip install --upgrade vlanlog"

VERBS: dict[str, list[str]] = {
    "state of a time": ["state", "--at", "2026-11-03 06:00"],
    "state of an event": ["state", "--at", "#10"],
    "state observed": ["state", "--layer", "observed"],
    "state desired": ["state", "--layer", "desired"],
    "diff": ["diff"],
    "diff of two times": ["diff", "--at", "2026-11-03 06:00", "--at", "#10"],
    "blame": ["blame", "web01"],
    "blame of a time": ["blame", "web01", "--at", "2026-11-03 06:00"],
    "blame of what is gone": ["blame", "web01", "--removed"],
    "replay": ["replay"],
    "replay of a time": ["replay", "--at", "2026-11-03 06:00"],
    "replay rehearsed": ["replay", "--dry-run"],
    "replay of an event rehearsed": ["replay", "--dry-run", "--at", "#10"],
    "adopt": ["adopt", "--all", "-m", "r"],
    "set": ["set", "vnet4", "--tagged", "7", "-m", "r", "--later"],
    "unset": ["unset", "vnet4", "-m", "r", "--later"],
    "history": ["history"],
    "history of a guest": ["history", "web01"],
    "history that goes on": ["history", "web01", "-f"],
    "watch": ["watch"],
    "archive": ["archive", "-o", "archives"],
    "import": ["import", "log.jsonl"],
    "verify": ["verify"],
    "verify quickly": ["verify", "--quick"],
    "report": ["report", "--all", "-o", "-"],
    "export": ["export", "-o", "-"],
    "db status": ["db", "status"],
    "db upgrade": ["db", "upgrade"],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Is a host's folder with a log in it."""
    log = open_log(f"sqlite:///{tmp_path}/log.db", host="kvm-a")
    log.append([item.event for item in sample.log().log.read()])
    log.engine.dispose()
    return tmp_path


def changed(folder: Path, *statements: str) -> None:
    with closing(sqlite3.connect(folder / "log.db")) as database, database:
        for statement in statements:
            database.execute(statement)


def of_a_newer_schema(folder: Path) -> None:
    changed(folder, "UPDATE alembic_version SET version_num = '9999'")


def told(folder: Path, words: list[str]) -> str:
    return transcript(folder, words, VLANLOG_HOST="kvm-a").partition("\n")[2]


@pytest.mark.parametrize("verb", VERBS)
def test_newer_schema_is_refused_with_the_command_to_run(folder: Path, verb: str) -> None:
    of_a_newer_schema(folder)
    before = (folder / "log.db").read_bytes()

    assert told(folder, VERBS[verb]) == (
        "--- stderr\n"
        "vlanlog: error: database sqlite:///FOLDER/log.db has schema 9999, this vlanlog knows "
        f"schemas up to {HEAD}\n"
        f"hint: a newer vlanlog wrote it: {COMMAND}\n"
        "--- exit status 3\n"
    )
    assert (folder / "log.db").read_bytes() == before


def of_a_newer_kind(folder: Path) -> None:
    changed(
        folder,
        "DROP TRIGGER events_update",
        "UPDATE events SET kind = 'vlan.mirrored' WHERE seq = 61",
        "DELETE FROM snapshots",
    )


def of_a_newer_version(folder: Path) -> None:
    changed(
        folder,
        "DROP TRIGGER events_update",
        "UPDATE events SET version = 9 WHERE seq = 61",
        "DELETE FROM snapshots",
    )


@pytest.mark.parametrize("newer", [of_a_newer_kind, of_a_newer_version])
@pytest.mark.parametrize("verb", ["state observed", "diff", "blame", "history", "replay", "report"])
def test_newer_event_is_refused_with_the_command_to_run(
    folder: Path, verb: str, newer: Callable[[Path], None]
) -> None:
    newer(folder)

    said = told(folder, VERBS[verb])

    assert said.startswith("--- stderr\nvlanlog: error: event 61: ")
    assert said.endswith(f"{COMMAND}\n--- exit status 3\n")


def test_kernel_is_told_without_a_newer_log_and_that_is_said(folder: Path) -> None:
    of_a_newer_schema(folder)

    assert told(folder, ["state", "-o", "json"]) == (
        "[]\n"
        "--- stderr\n"
        "vlanlog: database sqlite:///FOLDER/log.db has schema 9999, this vlanlog knows "
        f"schemas up to {HEAD}; going on without the log "
        f"(a newer vlanlog wrote it: {COMMAND})\n"
        "--- exit status 0\n"
    )
