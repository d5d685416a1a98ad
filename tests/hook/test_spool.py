"""The spool: what is taken in, in what order, and what becomes of a file that cannot be."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import pytest

from tests.hook.tree import UUID as GUEST
from tests.hook.tree import XML, Tree
from vlanlog.core.event import (
    Actor,
    ActorSource,
    Event,
    GapOpened,
    HookInvoked,
    ScriptFinished,
    Subject,
)
from vlanlog.core.state import Nic, Seq
from vlanlog.errors import StoreError
from vlanlog.hook import encode_frame, uuid7_bytes
from vlanlog.spool import SetAside, Spool, TakenIn, UnreadableError, event_of_record
from vlanlog.store.engine import open_engine
from vlanlog.store.log import SqlEventLog
from vlanlog.store.upgrade import ensure_schema

NOTHING = TakenIn(files=0, new_events=0)
NIC = Nic(mac="52:54:00:aa:bb:cc", alias="net0", tap="vnet0", bridge="br0")
RECORD = {
    "verb": b"record",
    "kind": b"invoked",
    "event_id": UUID(int=7).bytes,
    "correlation_id": UUID(int=9).bytes,
    "at_ns": b"1700000000000000001",
    "boot_id": b"boot",
    "uid": b"0",
    "loginuid": b"1000",
    "pid": b"42",
    "parent": b"libvirtd",
    "driver": b"qemu",
    "hook": b"qemu_start_begin",
    "arguments": b"VM1\0start\0begin\0-",
    "object": b"VM1",
    "operation": b"start",
    "sub_operation": b"begin",
    "extra": b"-",
    "guest_name": b"VM1",
    "guest_uuid": GUEST.encode(),
    "xml": XML,
}
OPTIONAL = {"verb", "hook", "guest_name", "guest_uuid"}
FINISHED = {
    **RECORD,
    "kind": b"finished",
    "script": b"a.sh",
    "exit_status": b"143",
    "timed_out": b"1",
    "duration_ns": b"5",
    "log_tail": b"bad\0 \xff\n",
}
ACTOR = Actor(
    source=ActorSource.HOOK,
    uid=0,
    login_uid=1000,
    pid=42,
    command="qemu VM1 start begin -",
    parent="libvirtd",
)


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


def test_record_of_a_call_becomes_an_event() -> None:
    assert event_of_record(RECORD, host="host-a") == Event(
        event_id=UUID(int=7),
        at_ns=1700000000000000001,
        host="host-a",
        boot_id="boot",
        actor=ACTOR,
        correlation_id=UUID(int=9),
        subject=Subject(guest_uuid=GUEST, guest_name="VM1"),
        fact=HookInvoked(
            driver="qemu",
            operation="start",
            sub_operation="begin",
            extra="-",
            object="VM1",
            daemon="libvirtd",
            nics=(NIC,),
            xml_sha256=sha256(XML).hexdigest(),
        ),
    )


def test_record_of_a_scripts_end_becomes_an_event_of_text_that_any_database_holds() -> None:
    found = event_of_record(FINISHED, host="host-a")
    assert found.subject == Subject(guest_uuid=GUEST, guest_name="VM1")
    assert found.fact == ScriptFinished(
        hook="qemu_start_begin",
        script="a.sh",
        exit_status=143,
        duration_ns=5,
        timed_out=True,
        log_tail="bad\\x00 \\xff\n",
    )


def test_script_that_never_ran_has_no_exit_status() -> None:
    found = event_of_record({**FINISHED, "exit_status": b"", "timed_out": b"0"}, host="host-a")
    assert isinstance(found.fact, ScriptFinished)
    assert (found.fact.exit_status, found.fact.timed_out) == (None, False)


def test_record_of_a_daemon_hook_has_neither_guest_nor_xml() -> None:
    fields = {**RECORD, "driver": b"daemon", "object": b"-", "operation": b"start", "xml": b""}
    del fields["guest_name"], fields["guest_uuid"]
    found = event_of_record(fields, host="host-a")
    assert found.subject == Subject()
    assert found.fact == HookInvoked(
        driver="daemon",
        operation="start",
        sub_operation="begin",
        extra="-",
        object="-",
        daemon="libvirtd",
    )


@pytest.mark.parametrize("xml", [b"", b"<domain><name>VM1", b"<network/>", b"\xff\xfe\0", b"\0"])
def test_xml_that_cannot_be_read_costs_the_nics_alone(xml: bytes) -> None:
    found = event_of_record({**RECORD, "xml": xml}, host="host-a")
    assert found.subject == Subject(guest_uuid=GUEST, guest_name="VM1")
    assert isinstance(found.fact, HookInvoked)
    assert found.fact.nics == ()
    assert found.fact.xml_error
    assert found.fact.xml_sha256 == (sha256(xml).hexdigest() if xml else None)


@pytest.mark.parametrize("login_uid", [b"4294967295", b""])
def test_login_uid_that_is_not_set_is_unknown(login_uid: bytes) -> None:
    found = event_of_record({**RECORD, "loginuid": login_uid}, host="host-a")
    assert found.actor.login_uid is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"event_id": b"short"},
        {"at_ns": b"soon"},
        {"at_ns": b"-1"},
        {"at_ns": b"9223372036854775808"},
        {"pid": b""},
        {"kind": b"unheard-of"},
    ],
)
def test_record_with_a_wrong_value_is_unreadable(wrong: dict[str, bytes]) -> None:
    with pytest.raises(UnreadableError):
        event_of_record({**RECORD, **wrong}, host="host-a")


@pytest.mark.parametrize("missing", sorted(set(RECORD) - OPTIONAL))
def test_record_without_a_field_is_unreadable(missing: str) -> None:
    with pytest.raises(UnreadableError):
        event_of_record({k: v for k, v in RECORD.items() if k != missing}, host="host-a")


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
