"""A daemon that is stopped, killed or stuck keeps no guest from its VLANs.

And what was recorded meanwhile is in the log once.
"""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.kernel.netns import bridge
from tests.scenes.guests import VM1
from tests.scenes.resident import Resident, watched
from tests.scenes.stage import VETH0, Ended, Stage
from vlanlog.core.event import Event, HookInvoked, ScriptFinished, VlanAdded, VlanRemoved

pytestmark = pytest.mark.kernel

QUIET = {"VLANLOG_RECONCILE_INTERVAL_S": "600"}
DONE = Ended(0, "", "")
HOOK_DEADLINE_S = 60.0


@pytest.fixture
def resident(reference: Stage) -> Iterator[Resident]:
    with watched(reference, QUIET) as resident:
        yield resident


def hooks_told_of(resident: Resident) -> Counter[str]:
    """Returns how often each operation of VM1 is in the log."""
    return Counter(
        event.fact.operation
        for event in resident.events()
        if isinstance(event.fact, HookInvoked) and event.subject.guest_name == "VM1"
    )


def foreign(resident: Resident, port: str) -> list[Event]:
    """Returns the changes of a port's VLANs that nobody is known for, but for the kernel's own."""
    return [
        event
        for event in resident.events()
        if isinstance(event.fact, VlanAdded | VlanRemoved)
        and event.subject.port == port
        and event.fact.cause is None
        and not (event.fact.first == event.fact.last == 1 and isinstance(event.fact, VlanAdded))
    ]


def taken_in(resident: Resident, calls: int) -> None:
    """Waits until so many calls of VM1 are in the log."""
    ends = time.monotonic() + 60
    while hooks_told_of(resident).total() < calls and time.monotonic() < ends:
        time.sleep(0.1)


ONCE = Counter({"prepare": 1, "start": 1, "started": 1})


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_guest_starts_without_the_daemon(resident: Resident, number: signal.Signals) -> None:
    resident.ended_by(number)
    resident.stage.start(VM1)
    assert resident.stage.carried()["veth0"] == VETH0
    resident.start()
    resident.settled()
    assert (hooks_told_of(resident), foreign(resident, "veth0")) == (ONCE, [])
    assert resident.stage.vlanlog("verify").status == 0


def test_a_guest_starts_while_the_daemon_is_stuck(resident: Resident) -> None:
    resident.signal(signal.SIGSTOP)
    began = time.monotonic()
    resident.stage.start(VM1)
    # Three calls, each of which may take its whole deadline; none comes near it.
    assert time.monotonic() - began < HOOK_DEADLINE_S
    assert resident.stage.carried()["veth0"] == VETH0
    assert hooks_told_of(resident) == Counter()


def test_a_daemon_that_wakes_finds_what_the_hooks_did_by_themselves(resident: Resident) -> None:
    resident.signal(signal.SIGSTOP)
    resident.stage.start(VM1)
    resident.signal(signal.SIGCONT)
    taken_in(resident, 3)
    resident.settled()
    assert (hooks_told_of(resident), foreign(resident, "veth0")) == (ONCE, [])
    assert resident.stage.carried()["veth0"] == VETH0
    assert list(resident.stage.spool.iterdir()) == []


def test_a_daemon_that_wakes_leaves_an_old_request_alone(resident: Resident) -> None:
    resident.stage.start(VM1)
    resident.signal(signal.SIGSTOP)
    assert resident.stage.call(VM1, "reconnect", "begin", VM1.live_xml()) == DONE
    # What the operator does after the call must not be undone by the call.
    bridge("vlan", "add", "dev", "veth0", "vid", "777")
    resident.signal(signal.SIGCONT)
    taken_in(resident, 4)
    resident.settled()
    assert resident.stage.carried()["veth0"] == f"{VETH0}, 777"
    assert [event.fact.first for event in foreign(resident, "veth0")] == [777]  # type: ignore[union-attr]


def test_a_daemon_that_wakes_in_the_midst_of_a_call_does_not_take_it_for_foreign(
    resident: Resident,
) -> None:
    wakes_s = (2.2, 2.6, 3.0, 3.5, 4.5, 6.0, 7.5, 8.5)
    resident.stage.start(VM1)
    for wake_s in wakes_s:
        resident.stage.flush("veth0")
        resident.settled()
        known = len(foreign(resident, "veth0"))
        resident.signal(signal.SIGSTOP)
        with ThreadPoolExecutor(1) as thread:
            call = thread.submit(resident.stage.call, VM1, "reconnect", "begin", VM1.live_xml())
            time.sleep(wake_s)
            resident.signal(signal.SIGCONT)
            assert call.result() == DONE
        taken_in(resident, 4)
        resident.settled()
        assert (wake_s, foreign(resident, "veth0")[known:]) == (wake_s, [])


def test_a_daemon_that_is_killed_at_any_moment_loses_no_call(resident: Resident) -> None:
    stage, chance = resident.stage, random.Random(7)
    stage.start(VM1)
    for _ in range(KILLS):
        stage.flush("veth0")
        with ThreadPoolExecutor(1) as thread:
            call = thread.submit(stage.call, VM1, "reconnect", "begin", VM1.live_xml())
            time.sleep(chance.uniform(0, LONGEST_S))
            resident.kill()
            resident.start()
            assert call.result() == DONE
        assert stage.carried()["veth0"] == VETH0
    taken_in(resident, KILLS + 3)
    assert hooks_told_of(resident) == ONCE + Counter({"reconnect": KILLS})
    invoked = {e.correlation_id for e in resident.events() if isinstance(e.fact, HookInvoked)}
    finished = Counter(
        event.correlation_id
        for event in resident.events()
        if isinstance(event.fact, ScriptFinished) and event.correlation_id in invoked
    )
    assert set(finished.values()) == {1}
    assert stage.vlanlog("verify").status == 0


KILLS = 12
LONGEST_S = 0.6
