"""Requests of real clients, answered by a daemon's loop that the test turns by hand."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from socket import socket
from uuid import UUID

import pytest

from tests.daemon.serving import Served, connected, frame, reply_to, served
from tests.fakes.log import MemoryEventLog
from tests.hook.records import RECORD
from vlanlog import identity
from vlanlog.core import event as e
from vlanlog.core.event import Event
from vlanlog.core.state import Seq
from vlanlog.daemon.answering import Answering
from vlanlog.errors import StoreError
from vlanlog.host.host import Host
from vlanlog.journal import Envelope, Journal

OK = {"status": b"ok"}


class Log(MemoryEventLog):
    """Notes what came in one transaction; fails where it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.transactions: list[list[int]] = []
        self.fails = False

    def append(self, events: Sequence[Event]) -> list[Seq]:
        if self.fails:
            raise StoreError("the database is locked")
        self.transactions.append([event.event_id.int for event in events])
        return super().append(events)


class Loop:
    """Is the part of the daemon's loop that has to do with clients.

    Commands are carried out on no host: what is done is noted, and takes ``work_s``.
    """

    def __init__(self, one: Served) -> None:
        self.one = one
        self.log = Log()
        self.done: list[bytes] = []
        self.work_s = 0.0
        actor = e.Actor(source=e.ActorSource.DAEMON)
        envelope = Envelope(host="host", boot_id="boot", actor=actor, correlation_id=UUID(int=1))
        self.journal = Journal(log=self.log, clock=identity.SystemClock(), envelope=envelope)
        self.answering = Answering(self.journal, identity.SystemClock(), self._lend, self._command)

    def round(self) -> None:
        events = self.one.selector.select(0)
        self.answering.serve(self.one.server.ready(events, queued=self.answering.queue))

    @contextmanager
    def _lend(self, envelope: Envelope) -> Iterator[Host]:
        with self.journal.acting(envelope):
            yield Host.__new__(Host)

    def _command(self, _host: Host, fields: dict[str, bytes]) -> dict[str, bytes]:
        if "bug" in fields:
            raise RuntimeError("a bug")
        time.sleep(self.work_s)
        self.done.append(fields["name"])
        return {"actor": b"%d" % (self.journal.envelope.actor.pid or 0)}


@pytest.fixture
def loop(tmp_path: Path) -> Iterator[Loop]:
    with served(tmp_path / "socket") as one:
        yield Loop(one)


def asks(loop: Loop, verb: str, **fields: bytes) -> socket:
    return connected(loop.one.path, frame(verb, **fields))


def tells(loop: Loop, number: int, **fields: bytes) -> socket:
    told = {**RECORD, "event_id": UUID(int=number).bytes, **fields}
    del told["verb"]
    return asks(loop, "record", **told)


def test_records_of_a_round_are_one_transaction(loop: Loop) -> None:
    clients = [tells(loop, number) for number in (1, 2, 3)]
    loop.round()
    assert loop.log.transactions == [[1, 2, 3]]
    assert [reply_to(client) for client in clients] == [OK, OK, OK]


def test_record_that_cannot_be_read_keeps_no_other_out(loop: Loop) -> None:
    bad, good = tells(loop, 1, at_ns=b"yesterday"), tells(loop, 2)
    loop.round()
    assert loop.log.transactions == [[2]]
    assert (reply_to(bad)["error_code"], reply_to(good)) == (b"bad-request", OK)


def test_record_that_the_log_does_not_take_is_refused(loop: Loop) -> None:
    client = tells(loop, 1)
    loop.log.fails = True
    loop.round()
    error = {"error_code": b"database", "error": b"the database is locked"}
    assert reply_to(client) == {"status": b"error", **error}


def test_record_is_of_whom_the_kernel_names(loop: Loop) -> None:
    with tells(loop, 1, uid=b"4711", pid=b"1", loginuid=b"4712"):
        loop.round()
    actor = next(loop.log.read()).event.actor
    known = (os.getuid(), os.getpid(), identity.login_uid(os.getpid()))
    assert (actor.uid, actor.pid, actor.login_uid) == known


def test_command_is_carried_out_in_the_name_of_its_client(loop: Loop) -> None:
    client = asks(loop, "command", name=b"a")
    loop.round()
    assert reply_to(client) == {**OK, "actor": b"%d" % os.getpid()}


def test_command_that_nobody_waits_for_is_left_alone(loop: Loop) -> None:
    late = asks(loop, "command", name=b"late", ends_monotonic_ns=b"%d" % time.monotonic_ns())
    asks(loop, "command", name=b"gone").close()
    loop.round()
    assert (loop.done, reply_to(late)["error_code"]) == ([], b"too-late")


def test_bug_in_one_command_is_told_to_its_client_alone(loop: Loop) -> None:
    bad, good = asks(loop, "command", bug=b""), asks(loop, "command", name=b"good")
    loop.round()
    assert (reply_to(bad)["error_code"], reply_to(good)["status"]) == (b"internal", b"ok")


def test_record_does_not_wait_for_the_commands_before_it(loop: Loop) -> None:
    loop.work_s = 0.06
    commands = [asks(loop, "command", name=name) for name in (b"a", b"b", b"c")]
    loop.round()
    record = tells(loop, 1)
    loop.round()
    assert (loop.done, loop.log.transactions, reply_to(record)) == ([b"a", b"b"], [[1]], OK)
    loop.round()
    assert [reply_to(client)["status"] for client in commands] == [b"ok"] * 3
