"""``vlanlog report`` as a command: whom it is on, the file that it writes, what it refuses."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from tests.cli.golden import transcript
from tests.report import sample
from tests.report.scribe import Scribe
from vlanlog.store import open_log
from vlanlog.store.engine import open_engine
from vlanlog.store.lock import writer_lock

UNTIL = ("--until", "2026-11-04 06:00", "--utc")
FILE = "report.html"


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Is the sample as a log, and a second host in the same database."""
    path = tmp_path_factory.mktemp("report") / "log.db"
    for scribe in (sample.log(), other_host()):
        log = open_log(f"sqlite:///{path}", host=scribe.host)
        log.append([item.event for item in scribe.log.read()])
        log.engine.dispose()
    return path


@pytest.fixture
def folder(tmp_path: Path, database: Path) -> Path:
    """Is a host's folder with that log."""
    shutil.copy(database, tmp_path)
    return tmp_path


def other_host() -> Scribe:
    scribe = Scribe("kvm-b")
    scribe.at(sample.ns("02T07:00"))
    scribe.booted("kvm-b-2")
    return scribe


def run(folder: Path, *words: str, host: str = "kvm-a") -> str:
    return transcript(folder, ["report", *words], VLANLOG_HOST=host).partition("\n")[2]


def written(folder: Path) -> str:
    return (folder / FILE).read_text(encoding="utf-8")


@pytest.mark.parametrize("named", ["web01", sample.WEB, sample.WEB.upper()])
def test_report_is_on_the_guest_that_is_named(folder: Path, named: str) -> None:
    told = run(folder, "--guest", named, "-o", str(folder / FILE), *UNTIL)

    assert told == (
        "--- stderr\nFOLDER/report.html: 1 guest, 2026-11-02 07:00:00 to 2026-11-04 06:00:00\n"
        "--- exit status 0\n"
    )
    assert "<title>VLANs of web01</title>" in written(folder)
    assert "52:54:00:6b:3c:58" in written(folder)


def test_report_on_all_guests_has_them_all(folder: Path) -> None:
    run(folder, "--all", "-o", str(folder / FILE), *UNTIL)

    assert written(folder).count("<h2>web01 ") == 1


def test_report_is_found_from_any_host_of_the_database(folder: Path) -> None:
    told = run(folder, "--guest", "web01", "-o", "-", *UNTIL, host="kvm-b")

    assert "<dd>kvm-a, kvm-b</dd>" in told
    assert told.endswith("</html>\n--- exit status 0\n")


def test_unknown_guest_is_answered_with_near_names(folder: Path) -> None:
    assert run(folder, "--guest", "web1", "-o", str(folder / FILE)) == (
        "--- stderr\nvlanlog: error: guest 'web1' is not in the log\n"
        "hint: did you mean web01?\n--- exit status 2\n"
    )
    assert not (folder / FILE).exists()


def test_file_that_is_there_stays_as_it_is(folder: Path) -> None:
    (folder / FILE).write_text("kept")

    told = run(folder, "--guest", "web01", "-o", str(folder / FILE))

    assert told == (
        "--- stderr\nvlanlog: error: FOLDER/report.html is there already\n"
        "hint: give another name, or --force\n--- exit status 2\n"
    )
    assert written(folder) == "kept"


def test_force_overwrites_and_leaves_nothing_else_behind(folder: Path) -> None:
    (folder / "alone").mkdir()
    target = folder / "alone" / FILE
    target.write_text("old")

    run(folder, "--guest", "web01", "-o", str(target), "--force", *UNTIL)

    assert "<title>VLANs of web01</title>" in target.read_text(encoding="utf-8")
    assert [path.name for path in target.parent.iterdir()] == [FILE]


def test_file_that_cannot_be_written_is_an_error_with_a_hint(folder: Path) -> None:
    told = run(folder, "--guest", "web01", "-o", str(folder / "no" / FILE), *UNTIL)

    assert told == (
        "--- stderr\nvlanlog: error: FOLDER/no/report.html cannot be written: "
        "No such file or directory\nhint: look at: ls -ld FOLDER/no\n--- exit status 3\n"
    )


def test_time_without_length_says_what_the_log_has(folder: Path) -> None:
    times = ("--since", "2026-11-04", "--until", "2026-11-03", "--utc")

    assert run(folder, "--guest", "web01", "-o", str(folder / FILE), *times) == (
        "--- stderr\nvlanlog: error: no time lies between 2026-11-04 00:00:00 and "
        "2026-11-03 00:00:00\nhint: the log has events from 2026-11-02 07:00:00 to "
        "2026-11-03 20:52:00\n--- exit status 2\n"
    )


def test_broken_chain_is_reported_and_told_by_the_exit_status(folder: Path) -> None:
    with sqlite3.connect(folder / "log.db") as database:
        [trigger] = database.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND sql LIKE '%UPDATE ON ev%'"
        ).fetchone()
        database.execute(f"DROP TRIGGER {trigger}")
        database.execute("UPDATE events SET at_ns = at_ns + 1 WHERE host = 'kvm-a' AND seq = 21")

    told = run(folder, "--guest", "web01", "-o", str(folder / FILE), *UNTIL)

    assert "the hash chain of kvm-a is broken: see 'vlanlog verify'" in told
    assert told.endswith("--- exit status 1\n")
    assert "is broken at event 21: it is not what was written" in written(folder)


def test_time_behind_the_last_event_is_watched_while_a_daemon_holds_the_log(folder: Path) -> None:
    words = ("--guest", "web01", "-o", "-", "--since", "2026-11-03 22:00", *UNTIL)
    alone = run(folder, *words)

    engine = open_engine(f"sqlite:///{folder}/log.db")
    with writer_lock(engine, host="kvm-a", timeout_s=1.0):
        watched = run(folder, *words)
    engine.dispose()

    assert "8 h after the last event" in alone
    assert "<b>kvm-a</b>: watched for 8 h, not watched for 0 s." in watched
