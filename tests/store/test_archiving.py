"""The beginning of a log goes into a file: whole, checked, told of, and only then from the log."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy.exc import DBAPIError

from tests.store.database import contents, execute
from tests.store.histories import happening, history
from vlanlog.archive.file import read_back
from vlanlog.archive.run import Archiving, Step
from vlanlog.archive.stretch import Stretch, stretch_before
from vlanlog.core.event import Event, LogArchived
from vlanlog.core.state import Seq
from vlanlog.errors import ArchivedError, StoreError
from vlanlog.store import open_log
from vlanlog.store.log import SqlEventLog
from vlanlog.store.verify import audited

NOW_NS = 2**62
LAST = Seq(450)
EVENTS = history(600, host="host")


class KilledError(Exception):
    """Ends a run as a kill would."""


@pytest.fixture
def log(url: str) -> SqlEventLog:
    """Is a log of 600 events; another host's stands beside it."""
    other = open_log(url, host="other")
    other.append(history(5, host="other"))
    log = SqlEventLog(other.engine, host="host", snapshot_every=100)
    for start in range(0, len(EVENTS), 50):
        log.append(EVENTS[start : start + 50])
    return log


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Is where the files go."""
    made = tmp_path / "archive"
    made.mkdir()
    return made


def archiving(log: SqlEventLog, folder: Path, killed_at: Step | None = None) -> Archiving:
    def tell(fact: LogArchived) -> UUID:
        event: Event = happening(fact, host="host")
        log.append([event])
        return event.event_id

    def report(step: Step, _: int) -> None:
        if step is killed_at:
            raise KilledError

    return Archiving(log, folder, now_ns=NOW_NS, tell=tell, report=report)


def first_stretch(log: SqlEventLog) -> Stretch:
    stretch = stretch_before(log, NOW_NS)
    assert stretch is not None
    return Stretch(host="host", after=stretch.after, after_hash=stretch.after_hash, last=LAST)


def kept(log: SqlEventLog) -> list[int]:
    return [item.seq for item in log.read(after=LAST if log.archived() else Seq(0))]


def test_stretch_is_in_the_file_and_no_more_in_the_log(log: SqlEventLog, folder: Path) -> None:
    others = [row for row in contents(log.engine)["events"] if "other" in row]
    before = [log.state(at_seq=Seq(seq)) for seq in (LAST, 500, 600)]

    fact = archiving(log, folder).archive(first_stretch(log))

    written, content = read_back(Path(fact.file))
    assert (content.events, content.last, content.hash.hex()) == (LAST, LAST, fact.hash)
    assert (written.sha256, written.size_bytes) == (fact.sha256, fact.size_bytes)
    assert kept(log) == [*range(LAST + 1, 602)]
    fresh = SqlEventLog(log.engine, host="host")
    assert [fresh.state(at_seq=Seq(seq)) for seq in (LAST, 500, 600)] == before
    assert [row for row in contents(log.engine)["events"] if "other" in row] == others
    assert audited(log.engine, "host").flaws == ()


@pytest.mark.parametrize("step", Step)
def test_run_that_was_broken_off_is_finished_by_the_next(
    log: SqlEventLog, folder: Path, step: Step
) -> None:
    with pytest.raises(KilledError):
        archiving(log, folder, step).archive(first_stretch(log))
    assert audited(log.engine, "host").flaws == ()

    run = archiving(log, folder)
    if run.finish() is None:
        run.archive(first_stretch(log))

    newest = log.archived()
    assert newest is not None
    assert kept(log)[0] == LAST + 1
    assert len(contents(log.engine)["archives"]) == 1
    assert audited(log.engine, "host").flaws == ()
    assert [path.name for path in folder.iterdir()] == [f"host-{1:012d}-{LAST:012d}.jsonl.xz"]


@pytest.mark.parametrize("step", [Step.TOLD, Step.COVERED])
def test_file_that_was_spoiled_meanwhile_keeps_the_events(
    log: SqlEventLog, folder: Path, step: Step
) -> None:
    with pytest.raises(KilledError):
        archiving(log, folder, step).archive(first_stretch(log))
    [path] = folder.iterdir()
    path.write_bytes(path.read_bytes()[:-100])

    if step is Step.TOLD:
        assert archiving(log, folder).finish() is None
    else:
        with pytest.raises(StoreError, match="cannot be unpacked"):
            archiving(log, folder).finish()

    rows = [row for row in contents(log.engine)["events"] if "host" in row]
    assert len(rows) == 601


def test_log_lets_go_of_nothing_that_is_not_archived(log: SqlEventLog, folder: Path) -> None:
    archiving(log, folder).archive(first_stretch(log))

    for statement in (
        f"DELETE FROM events WHERE host = 'host' AND seq = {LAST + 1}",
        "DELETE FROM archives",
        "UPDATE archives SET last_seq = last_seq + 10",
        "INSERT INTO archives SELECT host, last_seq + 1, last_seq + 2, event_seq, version, payload,"
        " subjects_until, format, state FROM archives",
    ):
        with pytest.raises(DBAPIError):
            execute(log.engine, statement)

    assert audited(log.engine, "host").flaws == ()


def test_what_is_archived_is_refused_by_name(log: SqlEventLog, folder: Path) -> None:
    fact = archiving(log, folder).archive(first_stretch(log))

    with pytest.raises(
        ArchivedError, match="event 449 is archived: the events 1-450 of host"
    ) as at:
        SqlEventLog(log.engine, host="host").state(at_seq=Seq(LAST - 1))

    assert fact.file in at.value.hint
