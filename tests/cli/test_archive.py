"""``vlanlog archive``: what goes into the file, what stays, and what is said of it."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cli.golden import transcript
from tests.store.histories import happening
from vlanlog.core import event as e
from vlanlog.store import open_log
from vlanlog.store.log import SqlEventLog

DAY_NS = 86_400_000_000_000
AGES = (900, 500, 420, 380, 30, 0)
"""Days before now: 13 months are 395 to 397."""


@pytest.fixture
def log(tmp_path: Path) -> SqlEventLog:
    """Is a log with an event of each age."""
    log = open_log(f"sqlite:///{tmp_path}/log.db", host="host")
    now_ns = time.time_ns()
    log.append(
        [
            replace(happening(e.DaemonStarted(), host="host"), at_ns=now_ns - days * DAY_NS)
            for days in AGES
        ]
    )
    return log


def said(folder: Path, *words: str, **more: str) -> tuple[str, str, int]:
    """Returns stdout, stderr and exit status."""
    text = transcript(folder, words, **more).partition("\n")[2]
    body, _, status = text.rpartition("--- exit status ")
    out, _, err = body.partition("--- stderr\n")
    return out, err, int(status)


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("archive/*.xz"))


def test_thirteen_months_are_kept_by_default(tmp_path: Path, log: SqlEventLog) -> None:
    out, err, status = said(tmp_path, "archive")

    assert out.startswith("host: 3 events (1-3), ")
    assert "are in FOLDER/archive/host-000000000001-000000000003.jsonl.xz (" in out
    assert err.endswith("of the database's file are free for what comes; it does not shrink\n")
    assert (status, files(tmp_path)) == (0, ["host-000000000001-000000000003.jsonl.xz"])
    fresh = SqlEventLog(log.engine, host="host").first()
    assert fresh is not None
    assert fresh.seq == 4


def test_dry_run_says_what_would_go_and_changes_nothing(tmp_path: Path, log: SqlEventLog) -> None:
    out, err, status = said(tmp_path, "archive", "--before", "-400d", "--dry-run")

    told = "host: 3 events (1-3) would go to FOLDER/archive/host-000000000001-000000000003.jsonl.xz"
    assert out.startswith(f"{told}, of about ")
    assert (err, status, files(tmp_path)) == ("", 0, [])
    assert [item.seq for item in log.read()] == [1, 2, 3, 4, 5, 6]


@pytest.mark.usefixtures("log")
def test_second_run_has_nothing_to_do(tmp_path: Path) -> None:
    said(tmp_path, "archive")

    out, err, status = said(tmp_path, "archive")

    assert (out, status) == ("", 0)
    assert err.startswith("vlanlog: nothing that is not archived yet is older than ")


@pytest.mark.usefixtures("log")
def test_files_follow_each_other_and_come_in_again_with_the_rest(tmp_path: Path) -> None:
    for before in ("-600d", "-400d", "-100d"):
        assert said(tmp_path, "archive", "--before", before)[2] == 0
    said(tmp_path, "export", "-o", f"{tmp_path}/rest.jsonl.xz")
    stretches = [f"{tmp_path}/archive/{name}" for name in files(tmp_path)]
    other = ("--database", f"sqlite:///{tmp_path}/other.db")

    _, _, status = said(tmp_path, "import", *stretches, f"{tmp_path}/rest.jsonl.xz", *other)

    head = said(tmp_path, "verify")[0].partition("; ")[2]
    whole = said(tmp_path, "verify", *other)[0]
    assert (len(stretches), status) == (3, 0)
    assert whole.endswith(f"the chain holds; {head}")
    assert " archived" not in whole


REFUSED = {
    "no log": ([], {"VLANLOG_HOST": "kvm9"}, 2, "there is no log of kvm9"),
    "no time": (["--before", "soon"], {}, 2, "'soon' is not a time"),
    "no folder": (["--before", "-1d", "-o", "FOLDER/log.db"], {}, 3, "FOLDER/log.db: File exists"),
    "no database": (
        ["--database", "sqlite:////tmp/no-such-log.db"],
        {},
        3,
        "there is no database /tmp/no-such-log.db",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_archived_is_refused(tmp_path: Path, log: SqlEventLog, what: str) -> None:
    words, more, status, why = REFUSED[what]
    given = [word.replace("FOLDER", str(tmp_path)) for word in words]

    out, err, found = said(tmp_path, "archive", *given, **more)

    assert err.startswith(f"vlanlog: error: {why}")
    assert (out, found) == ("", status)
    assert len(list(log.read())) == len(AGES)


def test_time_to_come_is_refused(tmp_path: Path, log: SqlEventLog) -> None:
    _, err, status = said(tmp_path, "archive", "--before", "2099-01-01")

    assert (err, status) == (
        "vlanlog: error: 2099-01-01 00:00:00 lies in the future\n"
        "hint: give a time that is over: --before today\n",
        2,
    )
    first = log.first()
    assert first is not None
    assert (files(tmp_path), first.seq) == ([], 1)
