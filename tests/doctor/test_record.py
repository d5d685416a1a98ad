"""The checks of the record, on real databases, spools and sockets."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine

import vlanlog
from tests.daemon.serving import served
from tests.doctor.examining import HOST, a_view, as_nobody, findings, log_of, process, told, write
from tests.store.database import execute, tamper
from tests.store.histories import happening, history
from vlanlog.core import event as e
from vlanlog.core.finding import Finding, Grade
from vlanlog.doctor import record
from vlanlog.doctor.record import LATE_S
from vlanlog.doctor.view import View
from vlanlog.spool import Spool
from vlanlog.store.log import SqlEventLog
from vlanlog.store.schema import HEAD

PASS, UNKNOWN, WARN, FAIL = Grade.PASS, Grade.UNKNOWN, Grade.WARN, Grade.FAIL


@pytest.fixture
def view() -> Iterator[View]:
    """Is a host in a folder that other users may enter, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield a_view(Path(folder))


@pytest.fixture
def log(view: View) -> Iterator[SqlEventLog]:
    """Is the host's log with 30 events."""
    made = log_of(view)
    made.append(history(30, host=HOST))
    yield made
    made.engine.dispose()


def url(view: View) -> str:
    return f"sqlite:///{view.database_file}".replace(str(view.root), "")


def test_database_with_this_schema_passes(view: View, log: SqlEventLog) -> None:
    del log
    assert told(view, "database") == [(PASS, f"{url(view)}, schema {HEAD}")]


def test_database_that_is_not_there_is_warned_of_and_not_made(view: View) -> None:
    assert told(view, "database") == [(WARN, f"{url(view)}: nothing was recorded yet")]
    assert list(view.root.iterdir()) == []


def test_older_database_is_warned_of_and_not_upgraded(view: View, log: SqlEventLog) -> None:
    execute(log.engine, "UPDATE alembic_version SET version_num = '0000'")
    text = f"{url(view)} has schema 0000, this vlanlog {HEAD}: the next command upgrades it"
    assert told(view, "database") == [(WARN, text)]
    others = [told(view, check) for check in ("chain", "coverage", "drift", "config")]
    assert [grade for [(grade, _)] in others] == [UNKNOWN] * 4
    assert told(view, "database") == [(WARN, text)]


def test_newer_database_fails(view: View, log: SqlEventLog) -> None:
    execute(log.engine, "UPDATE alembic_version SET version_num = '9999'")
    [found] = findings(view, "database")
    assert (found.grade, found.hint) == (
        FAIL,
        "a newer vlanlog wrote it: pip install --upgrade vlanlog",
    )


def test_database_that_is_none_fails(view: View) -> None:
    write(view, "db/log.db", "not a database, by far not" * 100)
    [found] = findings(view, "database")
    assert (found.grade, "is not a database" in found.text) == (FAIL, True)


def test_database_that_another_user_may_not_read_is_unknown(view: View, log: SqlEventLog) -> None:
    assert view.database_file is not None
    log.engine.dispose()
    view.database_file.chmod(0o600)
    for mode in (0o755, 0o700):
        view.database_file.parent.chmod(mode)
        checks = ("database", "chain", "coverage", "drift", "native-vlan", "hooks")
        with as_nobody():
            found = [told(view, check)[0][0] for check in checks]
        assert found == [UNKNOWN] * 5 + [FAIL]


def room(free_bytes: int, *, flags: int = 0) -> Callable[[Path], os.statvfs_result]:
    """Returns what tells of every folder that so much is free, in blocks of 1 KiB."""
    blocks = free_bytes >> 10
    found = os.statvfs_result((1024, 1024, 1 << 40, blocks, blocks, 9, 9, 9, flags, 255))
    return lambda _: found


@pytest.mark.parametrize(
    ("free", "flags", "grade", "text"),
    [
        (2 << 30, 0, PASS, "database and spool can grow"),
        (1 << 30, 0, PASS, "database and spool can grow"),
        ((1 << 30) - 1024, 0, WARN, ": 1023 MiB are free"),
        (100 << 20, 0, WARN, ": 100 MiB are free"),
        ((100 << 20) - 1024, 0, FAIL, ": 99 MiB are free"),
        (2 << 30, os.ST_RDONLY, FAIL, " is mounted read-only"),
    ],
)
def test_free_space_decides(view: View, free: int, flags: int, grade: Grade, text: str) -> None:
    assert told(replace(view, room=room(free, flags=flags)), "disk") == [(grade, text)]


def test_each_folder_is_asked_for_its_own_disk(view: View) -> None:
    asked = []

    def ask(folder: Path) -> os.statvfs_result:
        asked.append(folder)
        return os.statvfs(folder)

    write(view, "db/log.db", "")
    write(view, "spool/x", "")
    told(replace(view, room=ask), "disk")
    assert asked == [view.root / "db", view.root / "spool"]


def waiting(view: View, name: str, age_s: float) -> Path:
    path = write(view, f"spool/{name}", "")
    os.utime(path, (time.time() - age_s,) * 2)
    return path


def test_records_that_just_came_pass(view: View) -> None:
    assert told(view, "spool") == [(PASS, "/spool: 0 records waiting")]
    waiting(view, "1.hook", LATE_S - 60)
    assert told(view, "spool") == [(PASS, "/spool: 1 record waiting")]


def test_records_that_wait_for_long_are_warned_of(view: View) -> None:
    waiting(view, "1.hook", 7200)
    waiting(view, "2.events", LATE_S + 60)
    waiting(view, "3.hook", 0)
    waiting(view, "4.hook.tmp", 7200)
    assert told(view, "spool") == [(WARN, "/spool: 2 records waiting, the oldest for 2 h")]


def test_command_that_takes_late_records_in_does(view: View) -> None:
    log = log_of(view)
    hooks_spool = Spool(view.settings.spool, host=HOST)
    [late] = history(1, host=HOST)
    hooks_spool.write_events([late])
    for path in hooks_spool.pending():
        os.utime(path, (time.time() - 7200,) * 2)
    [found] = findings(view, "spool")
    words = found.hint.partition(":")[0].split()
    environ = {
        **os.environ,
        "VLANLOG_HOST": HOST,
        "VLANLOG_DATABASE": view.settings.database,
        "VLANLOG_SPOOL_DIR": str(view.settings.spool),
        "VLANLOG_HOOKS_DIR": str(view.settings.hooks),
    }
    program = Path(sys.executable).with_name(words[0])
    subprocess.run([program, *words[1:]], env=environ, check=True, stdout=subprocess.DEVNULL)
    assert told(view, "spool") == [(PASS, "/spool: 0 records waiting")]
    assert late.event_id in {item.event.event_id for item in log.read()}


def test_records_that_were_set_aside_are_warned_of(view: View) -> None:
    write(view, "spool/bad/1.hook", "")
    write(view, "spool/bad/1.hook.why", "cut short\n")
    [found] = findings(view, "spool")
    root = str(view.root)
    assert (found.grade, found.text.replace(root, ""), found.hint.replace(root, "")) == (
        WARN,
        "/spool/bad: 1 file could not be read and was set aside",
        "cat /spool/bad/*.why",
    )


def test_spool_that_another_user_may_not_read_is_unknown(view: View) -> None:
    waiting(view, "1.hook", 0)
    view.settings.spool.chmod(0o700)
    with as_nobody():
        assert told(view, "spool") == [(UNKNOWN, "/spool: Permission denied")]


def test_chain_that_holds_passes(view: View, log: SqlEventLog) -> None:
    del log
    assert told(view, "chain") == [(PASS, "30 events of 30 chained")]


def test_only_the_end_of_a_long_chain_is_walked(
    view: View, log: SqlEventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record, "CHAIN_EVENTS", 10)
    assert told(view, "chain") == [(PASS, "the last 10 events of 30 chained")]
    tamper(log.engine, "UPDATE events SET payload = '{}' WHERE seq = 20")
    texts = [text for _, text in told(view, "chain")]
    assert not any(text.startswith("event ") for text in texts)
    tamper(log.engine, "UPDATE events SET payload = '{}' WHERE seq = 21")
    assert (FAIL, "event 21: it is not what was written") in told(view, "chain")
    assert (FAIL, "event 20: it is not what was written") in told(replace(view, full=True), "chain")


@pytest.mark.parametrize(
    ("attack", "flaw"),
    [
        ("UPDATE events SET actor = '{}' WHERE seq = 9", "event 9: it is not what was written"),
        ("DELETE FROM events WHERE seq = 9", "event 9: it is missing"),
        (
            "UPDATE events SET prev_hash = zeroblob(32) WHERE seq = 9",
            "event 9: it is not chained to 8",
        ),
    ],
)
def test_flaw_of_the_chain_fails(view: View, log: SqlEventLog, attack: str, flaw: str) -> None:
    tamper(log.engine, attack)
    assert (FAIL, flaw) in told(view, "chain")


def test_trigger_that_is_gone_fails(view: View, log: SqlEventLog) -> None:
    _drop(log.engine)
    [found] = findings(view, "chain")
    assert (found.grade, found.hint) == (
        FAIL,
        "vlanlog verify; compare with a head that was kept elsewhere",
    )


def _drop(engine: Engine) -> None:
    execute(engine, "DROP TRIGGER events_delete")


def test_empty_log_passes(view: View) -> None:
    log_of(view)
    assert told(view, "chain") == [(PASS, "the log is empty")]


def test_daemon_that_does_not_run_is_warned_of(view: View) -> None:
    assert findings(view, "daemon") == [
        Finding(
            check="daemon",
            grade=WARN,
            text="no daemon runs: changes by others are only found when a command looks",
            hint="systemctl enable --now vlanlog",
        )
    ]


@pytest.mark.parametrize(("older_s", "grade"), [(60.0, WARN), (-60.0, PASS)])
def test_daemon_that_is_older_than_the_program_is_warned_of(
    view: View, older_s: float, grade: Grade
) -> None:
    installed_s = Path(vlanlog.__path__[0], "__init__.py").stat().st_ctime
    with served(view.settings.socket):
        process(view, os.getpid(), "vlanlog", age_s=time.time() - installed_s + older_s)
        assert [found for found, _ in told(view, "daemon")] == [grade]


def test_daemon_that_another_user_may_not_ask_is_unknown(view: View) -> None:
    with served(view.settings.socket), as_nobody():
        assert told(view, "daemon") == [(UNKNOWN, "/socket may not be asked")]


def test_coverage_is_what_the_log_says_while_the_daemon_listens(view: View) -> None:
    log = log_of(view)
    assert told(view, "coverage") == [(UNKNOWN, "nothing was recorded yet")]
    facts: tuple[e.Fact, ...] = (
        e.DaemonStarted(),
        e.GapClosed(reason="start"),
        e.GapOpened(reason="overrun"),
    )
    for number, (fact, said) in enumerate(
        zip(
            facts,
            (
                (WARN, "the daemon runs, and a gap is open"),
                (PASS, "watched"),
                (WARN, "the daemon runs, and a gap is open"),
            ),
            strict=True,
        )
    ):
        log.append([happening(fact, host=HOST, number=number)])
        assert _before_the_time(told(view, "coverage")) == (WARN, "nobody watches now")
        with served(view.settings.socket):
            assert _before_the_time(told(view, "coverage")) == said


def _before_the_time(found: list[tuple[Grade, str]]) -> tuple[Grade, str]:
    [(grade, text)] = found
    return grade, text.replace(";", ":").split(":")[0]
