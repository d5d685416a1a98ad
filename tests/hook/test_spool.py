"""The spool: what is taken in, in what order, and what becomes of a file that cannot be."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import pytest

from tests.hook.records import ACTOR, NIC, RECORD
from tests.hook.tree import Tree
from vlanlog.core.event import (
    Event,
    GapOpened,
    HookInvoked,
    ScriptFinished,
)
from vlanlog.core.state import Seq
from vlanlog.errors import StoreError
from vlanlog.hook import encode_frame, uuid7_bytes
from vlanlog.spool import SetAside, Spool, TakenIn
from vlanlog.store.engine import open_engine
from vlanlog.store.log import SqlEventLog
from vlanlog.store.upgrade import ensure_schema

NOTHING = TakenIn(files=0, new_events=0)


class MemoryLog:
    """Keeps events in order and passes over those whose event_id it knows."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def append(self, events: Sequence[Event]) -> list[Seq]:
        known = {event.event_id for event in self.events}
        new = [event for event in events if event.event_id not in known]
        self.events += new
        return [Seq(number) for number in range(len(self.events) - len(new), len(self.events))]


class FailingLog:
    """Is a database that cannot be written."""

    def append(self, _events: Sequence[Event]) -> list[Seq]:
        raise StoreError("the database is locked")


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool", host="host-a")


def event(number: int, *, host: str = "host-a") -> Event:
    return Event(
        event_id=UUID(bytes=uuid7_bytes()),
        at_ns=number,
        host=host,
        boot_id="boot",
        actor=ACTOR,
        correlation_id=UUID(int=number),
        fact=GapOpened(reason=f"gap {number}"),
    )


def put(spool: Spool, name: str, content: bytes) -> Path:
    spool.folder.mkdir(exist_ok=True)
    (spool.folder / name).write_bytes(content)
    return spool.folder / name


def test_hooks_of_a_real_call_are_taken_in(tree: Tree) -> None:
    tree.add("qemu_start_begin.d/a.sh", "echo said")
    tree.call("qemu", "VM1", "start", "begin", "-")
    log = MemoryLog()
    assert Spool(tree.spool, host="host-a").take_in(log) == TakenIn(files=2, new_events=2)
    invoked, finished = (found.fact for found in log.events)
    assert isinstance(invoked, HookInvoked)
    assert isinstance(finished, ScriptFinished)
    assert (invoked.nics, finished.log_tail) == ((NIC,), "said\n")
    assert list(tree.spool.iterdir()) == []


def test_events_come_back_as_they_were_written(spool: Spool) -> None:
    events = [event(1), event(2)]
    spool.write_events(events)
    log = MemoryLog()
    assert spool.take_in(log) == TakenIn(files=1, new_events=2)
    assert log.events == events


def test_events_of_nothing_make_no_file(spool: Spool) -> None:
    spool.write_events([])
    assert (spool.pending(), spool.take_in(MemoryLog())) == ([], NOTHING)


def test_files_of_both_kinds_are_taken_in_by_time(spool: Spool) -> None:
    times = [9, 1_000, 3, 20]
    for number in times:
        spool.write_events([event(number)])
    put(spool, f"{10:020d}-{UUID(int=7).hex}.hook", encode_frame({**RECORD, "at_ns": b"10"}))
    log = MemoryLog()
    spool.take_in(log)
    assert [found.at_ns for found in log.events] == [3, 9, 10, 20, 1_000]


def test_what_the_log_knows_is_not_appended_again(spool: Spool) -> None:
    known = event(1)
    log = MemoryLog()
    log.append([known])
    spool.write_events([known, event(2)])
    assert spool.take_in(log) == TakenIn(files=1, new_events=1)
    assert spool.pending() == []


def test_what_cannot_be_appended_stays_pending(spool: Spool) -> None:
    spool.write_events([event(1)])
    pending = spool.pending()
    with pytest.raises(StoreError):
        spool.take_in(FailingLog())
    assert spool.pending() == pending


@pytest.mark.parametrize(
    ("suffix", "content"),
    [
        (".hook", b""),
        (".hook", encode_frame(RECORD)[:-1]),
        (".hook", b"VLANLOG/2\n\0\0\0\0"),
        (".hook", encode_frame({"verb": b"record"})),
        (".events", b"{}\n"),
        (".events", b"not json\n"),
        (".events", b'{"kind": "from.the.future"}\n'),
        (".events", b"[]\n"),
        (".events", b'{"cut short'),
    ],
)
def test_file_that_cannot_be_read_is_set_aside_with_the_reason(
    spool: Spool, suffix: str, content: bytes
) -> None:
    put(spool, f"0-bad{suffix}", content)
    spool.write_events([event(1)])
    log = MemoryLog()
    taken = spool.take_in(log)
    aside = spool.folder / "bad" / f"0-bad{suffix}"
    why = aside.with_name(f"0-bad{suffix}.why").read_text().strip()
    assert taken == TakenIn(files=1, new_events=1, set_aside=(SetAside(path=aside, reason=why),))
    assert (aside.read_bytes(), len(log.events), spool.pending()) == (content, 1, [])
    assert why


def test_events_of_another_host_are_set_aside(spool: Spool) -> None:
    spool.write_events([event(1, host="host-b")])
    (aside,) = spool.take_in(MemoryLog()).set_aside
    assert aside.reason == "an event of host 'host-b', and this is 'host-a'"


def test_file_of_a_writer_at_work_is_left_alone(spool: Spool) -> None:
    path = put(spool, f"{1:020d}-x.hook.tmp", encode_frame(RECORD))
    assert spool.take_in(MemoryLog()) == NOTHING
    assert path.exists()


def test_whole_file_of_a_writer_that_died_is_taken_in(spool: Spool) -> None:
    path = put(spool, f"{1:020d}-x.hook.tmp", encode_frame(RECORD))
    hours_ago = time.time() - 7200
    os.utime(path, (hours_ago, hours_ago))
    assert spool.take_in(MemoryLog()) == TakenIn(files=1, new_events=1)


def test_half_a_file_of_a_writer_that_died_is_set_aside(spool: Spool) -> None:
    path = put(spool, f"{1:020d}-x.hook.tmp", encode_frame(RECORD)[:50])
    hours_ago = time.time() - 7200
    os.utime(path, (hours_ago, hours_ago))
    assert [item.path.name for item in spool.take_in(MemoryLog()).set_aside] == [path.stem]


def test_spool_that_is_not_there_holds_nothing(spool: Spool) -> None:
    assert (spool.pending(), spool.take_in(MemoryLog())) == ([], NOTHING)


TAKE_IN = """
import os, sys
from pathlib import Path
from vlanlog.spool import Spool
from vlanlog.store.engine import open_engine
from vlanlog.store.log import SqlEventLog

class Ending(SqlEventLog):
    left = int(sys.argv[3])

    def append(self, events):
        if self.left == 0:
            os._exit(9)
        seqs = super().append(events)
        self.left -= 1
        if self.left == 0:
            os._exit(9)
        return seqs

log = Ending(open_engine(sys.argv[2], timeout_s=60), host="host-a")
Spool(Path(sys.argv[1]), host="host-a").take_in(log)
"""


def _database(folder: Path) -> str:
    url = f"sqlite:///{folder}/log.db"
    engine = open_engine(url)
    ensure_schema(engine)
    engine.dispose()
    return url


def _told(url: str) -> list[int]:
    return [one.event.at_ns for one in SqlEventLog(open_engine(url), host="host-a").read()]


def _taker(spool: Spool, url: str, commits: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", TAKE_IN, spool.folder, url, str(commits)])


def test_taker_that_dies_after_a_commit_loses_and_doubles_nothing(
    spool: Spool, tmp_path: Path
) -> None:
    url = _database(tmp_path)
    for number in range(300):
        spool.write_events([event(number)])
    assert _taker(spool, url, 1).wait() == 9
    assert (len(_told(url)), len(spool.pending())) == (200, 300)
    assert _taker(spool, url, -1).wait() == 0
    assert (_told(url), spool.pending()) == (list(range(300)), [])


def test_takers_at_once_lose_and_double_nothing(spool: Spool, tmp_path: Path) -> None:
    url = _database(tmp_path)
    for number in range(600):
        spool.write_events([event(number)])
    put(spool, "0-bad.hook", b"")
    takers = [_taker(spool, url, -1) for _ in range(3)]
    assert [taker.wait() for taker in takers] == [0, 0, 0]
    assert (_told(url), spool.pending()) == (list(range(600)), [])
    assert len(list((spool.folder / "bad").iterdir())) == 2


def test_spool_is_copied_whole_by_its_files_alone(spool: Spool, tmp_path: Path) -> None:
    spool.write_events([event(1)])
    shutil.copytree(spool.folder, tmp_path / "copy")
    log = MemoryLog()
    Spool(tmp_path / "copy", host="host-a").take_in(log)
    spool.take_in(log)
    assert [found.at_ns for found in log.events] == [1]
