"""With the daemon up a hook is one small process and one round trip, and committed."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from uuid import UUID

import pytest

from tests.hook.records import RECORD
from tests.scenes.crowd import Crowd
from tests.scenes.guests import VM1
from tests.scenes.resident import Resident, watched
from tests.scenes.stage import VETH0, Ended, Stage
from tests.scenes.wal import counted_commits
from vlanlog import identity
from vlanlog.core.event import HookInvoked, ProgramIntended, ScriptFinished
from vlanlog.hook import decode_frame, encode_frame, request

pytestmark = pytest.mark.kernel

QUIET = {"VLANLOG_RECONCILE_INTERVAL_S": "600"}
WAITING = 200
DONE = Ended(0, "", "")


@pytest.fixture
def resident(reference: Stage) -> Iterator[Resident]:
    with watched(reference, QUIET) as resident:
        yield resident


def calls(resident: Resident) -> Counter[tuple[str | None, str]]:
    """Returns how often each guest's operations are in the log."""
    return Counter(
        (event.subject.guest_name, event.fact.operation)
        for event in resident.events()
        if isinstance(event.fact, HookInvoked) and event.fact.driver == "qemu"
    )


def test_the_hook_returns_after_the_commit(resident: Resident) -> None:
    before = resident.stage.call(VM1, "prepare", "begin", VM1.resting_xml())
    resident.kill()
    assert (before, calls(resident)) == (DONE, Counter({("VM1", "prepare"): 1}))
    assert list(resident.stage.spool.iterdir()) == []


def test_a_hook_that_was_recorded_needs_no_spool(resident: Resident) -> None:
    resident.stage.start(VM1)
    assert not resident.stage.spool.exists() or list(resident.stage.spool.iterdir()) == []
    assert resident.stage.carried()["veth0"] == VETH0


def test_records_that_wait_are_committed_together(resident: Resident) -> None:
    frames = [encode_frame(told(number)) for number in range(WAITING)]
    resident.signal(signal.SIGSTOP)
    with counted_commits(resident.stage.database) as commits, ExitStack() as stack:
        peers = [stack.enter_context(connected(resident)) for _ in frames]
        for peer, frame in zip(peers, frames, strict=True):
            peer.sendall(frame)
        resident.signal(signal.SIGCONT)
        replies = {decode_frame(received(peer))["status"] for peer in peers}
        assert (replies, commits()) == ({b"ok"}, 1)
    ids = [event.event_id.int for event in resident.events() if event.event_id.int < WAITING]
    assert ids == list(range(WAITING))


@pytest.mark.timeout(900)
def test_two_hundred_guests_reconnect_at_once(resident: Resident) -> None:
    # On one slow CPU even what needs no fallback may take longer than a host's minute.
    with (resident.stage.conf / "vlanlog.conf").open("a") as settings:
        settings.write("hook-deadline = 600\nscript-deadline = 600\n")
    crowd = Crowd(resident.stage, 200)
    crowd.add_taps()
    with counted_commits(resident.stage.database) as commits:
        assert Counter(crowd.reconnect()) == Counter({DONE: 200})
        committed = commits()
    assert crowd.carried() == crowd.vlans
    resident.settled()
    until = time.monotonic() + 60
    while len(calls(resident)) < 200 and time.monotonic() < until:
        time.sleep(0.2)
    assert set(calls(resident).values()) == {1}
    records = sum(isinstance(e.fact, HookInvoked | ScriptFinished) for e in resident.events())
    intents = sum(isinstance(e.fact, ProgramIntended) for e in resident.events())
    # Alone, each record would be a transaction, and each guest's VLANs two.
    assert (len(calls(resident)), committed < records + 2 * intents) == (200, True)
    assert resident.stage.vlanlog("verify").status == 0


def test_a_client_that_lies_about_itself_is_overruled(resident: Resident) -> None:
    lies = {"uid": b"4711", "pid": b"1", "loginuid": b"4712"}
    reply = request(resident.stage.folder / "socket", "record", {**told(7), **lies}, 5)
    actor = next(event.actor for event in resident.events() if event.event_id.int == 7)
    told_by_kernel = (os.getuid(), os.getpid(), identity.login_uid(os.getpid()))
    assert (reply, (actor.uid, actor.pid, actor.login_uid)) == ({"status": b"ok"}, told_by_kernel)


def told(number: int) -> dict[str, bytes]:
    """Returns a hook's record as it goes over the socket, with an id of its own."""
    ids = {"event_id": UUID(int=number).bytes, "boot_id": identity.boot_id().encode()}
    return {**RECORD, **ids}


@contextmanager
def connected(resident: Resident) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as peer:
        peer.settimeout(60)
        peer.connect(str(resident.stage.folder / "socket"))
        yield peer


def received(peer: socket.socket) -> bytes:
    """Returns all that the daemon says before it hangs up."""
    with peer.makefile("rb") as file:
        return file.read()
