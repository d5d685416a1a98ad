"""The daemon was stopped or killed, the host booted, life went on."""

from __future__ import annotations

import random
import re
import time
from contextlib import closing

import pytest

from tests.kernel.netns import bridge, ip_batch
from tests.scenes.gale import blowing
from tests.scenes.guests import VM1
from tests.scenes.recording import Recording
from tests.scenes.resident import Resident, watched
from tests.scenes.stage import VETH0, Stage
from vlanlog.core import event as e
from vlanlog.core.fold import advance, fold
from vlanlog.core.state import HostState, PortTable, Seq
from vlanlog.kernel.read import NetlinkReader

pytestmark = pytest.mark.kernel

ENVIRON = {"VLANLOG_RECONCILE_INTERVAL_S": "3600"}
MAC_BR0, MAC_D0, MAC_D1 = "52:54:00:00:00:01", "52:54:00:00:00:02", "52:54:00:00:00:03"
TIME = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+Z)?")
SPAN = re.compile(r"(?<=for )(less than )?\d+ \w+")

FOUND = [
    ("daemon started", "daemon", ""),
    ("d0 +10-20 1 untagged pvid 1→30", "unknown", "found by a re-read"),
    ("d1 joined br0: pvid 1", "unknown", "found by a re-read"),
]
AGAIN = "the watch begins; a re-read found 4 changes"
STOPPED = [
    ("daemon stopped", "daemon", ""),
    ("-- not recorded from here on --", "daemon", "the daemon stops"),
    *FOUND,
    ("-- not recorded for SPAN --", "daemon", f"the daemon stops; {AGAIN}"),
]
KILLED = [
    ("-- not recorded since TIME --", "unknown", "the daemon ended without a word"),
    *FOUND,
    ("-- not recorded for SPAN --", "daemon", f"the daemon ended without a word; {AGAIN}"),
]


@pytest.fixture
def host(stage: Stage) -> Stage:
    """Is br0 with the port d0, of which no config knows."""
    stage.configure("", "")
    _make_devices("")
    return stage


def _make_devices(d0: str) -> None:
    ip_batch(
        (
            f"link add br0 index 101 address {MAC_BR0} type bridge",
            "link set br0 up",
            f"link add d0 index 102 address {MAC_D0} type dummy",
            "link set d0 master br0 up",
        )
    )
    if d0:
        bridge("vlan", "add", "dev", "d0", "vid", d0)


def _change() -> None:
    """Does what happens on a host while nobody looks."""
    bridge("vlan", "add", "dev", "d0", "vid", "10-20")
    bridge("vlan", "add", "dev", "d0", "vid", "30", "pvid", "untagged")
    ip_batch((f"link add d1 address {MAC_D1} type dummy", "link set d1 master br0 up"))


def _kernel() -> PortTable:
    with NetlinkReader() as reader:
        return reader.read()


def _ends(resident: Resident, how: str) -> None:
    if how == "stop":
        assert resident.stop() == 0
    else:
        resident.kill()


def _told(stage: Stage) -> list[tuple[str, str, str]]:
    """Returns the columns WHAT, BY and WHY of the history, times cut."""
    head, *lines = stage.vlanlog("history").out.splitlines()
    what, by, why = (head.index(title) for title in ("WHAT", "BY", "WHY"))
    cells = ((line[what:by], line[by:why], line[why:]) for line in lines)
    return [
        (SPAN.sub("SPAN", TIME.sub("TIME", a)).rstrip(), b.rstrip(), c.rstrip())
        for a, b, c in cells
    ]


def _gaps(events: list[e.Event]) -> list[e.GapOpened]:
    return [event.fact for event in events if isinstance(event.fact, e.GapOpened)]


def _lost_after(event: e.Event) -> e.GapOpened:
    return e.GapOpened(reason="the daemon ended without a word", since_ns=event.at_ns)


@pytest.mark.parametrize(("how", "story"), [("stop", STOPPED), ("kill", KILLED)])
def test_changes_without_a_daemon_stand_in_the_history_within_a_gap(
    host: Stage, how: str, story: list[tuple[str, str, str]]
) -> None:
    with watched(host, ENVIRON) as resident:
        before = _told(host)
        _ends(resident, how)
        _change()
        resident.start()

        assert _told(host) == [*before, *story]
        assert fold(resident.log.read()).table == _kernel()


def test_gap_after_a_kill_begins_with_the_last_event_before_it(host: Stage) -> None:
    with watched(host, ENVIRON) as resident:
        last = resident.events()[-1]
        resident.kill()
        resident.start()

        assert _gaps(resident.events())[1:] == [_lost_after(last)]


def test_hook_after_a_kill_opens_the_gap_before_it_writes(reference: Stage) -> None:
    with watched(reference, ENVIRON) as resident:
        before = resident.events()
        resident.kill()
        reference.start(VM1)
        hooked = resident.events()[len(before) :]
        resident.start()
        found = resident.events()[len(before) + len(hooked) :]

        assert hooked[0].fact == _lost_after(before[-1])
        assert isinstance(hooked[1].fact, e.HookInvoked)
        assert len(_gaps([*hooked, *found])) == 1
        assert isinstance(found[-1].fact, e.GapClosed)
        assert reference.carried()["veth0"] == VETH0
        assert fold(resident.log.read()).table == _kernel()


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_boot_ends_all_ports_of_the_one_before(host: Stage, how: str) -> None:
    bridge("vlan", "add", "dev", "d0", "vid", "10-20")
    with watched(host, ENVIRON) as resident:
        before = resident.events()
        _ends(resident, how)
        host.reboot()
        # The same names and numbers, and yet none of it is what it was.
        _make_devices("40")
        resident.start()

        recorded = list(resident.log.read())
        boot = next(
            item for item in recorded[len(before) :] if isinstance(item.event.fact, e.HostBooted)
        )
        assert boot.event.fact == e.HostBooted(previous_boot_id=before[-1].boot_id)
        assert fold(recorded[: boot.seq]).table == PortTable()
        after = [item.event for item in recorded[boot.seq :]]
        assert host.boot_id is not None
        assert {event.boot_id for event in after} == {host.boot_id.read_text().strip()}
        assert [event.fact for event in after] == [
            e.DaemonStarted(),
            e.BridgeChanged(vlan_filtering=False, default_pvid=1),
            e.PortAttached(),
            e.VlanAdded(first=1, last=1, pvid=True, untagged=True),
            e.PortAttached(mac=MAC_D0),
            e.VlanAdded(first=1, last=1, pvid=True, untagged=True),
            e.VlanAdded(first=40, last=40),
            e.GapClosed(reason="the watch begins; a re-read found 6 changes"),
        ]
        assert fold(recorded).table == _kernel()


def test_kills_in_a_storm_leave_a_log_that_is_whole(host: Stage) -> None:
    kills = 5
    with watched(host, ENVIRON) as resident, closing(Recording(resident)) as recording:
        with blowing(host.folder, "d0"):
            for _ in range(kills):
                time.sleep(random.uniform(0.1, 0.8))
                resident.kill()
                resident.start()
        recording.told()

        recorded = list(resident.log.read())
        events = [item.event for item in recorded]
        losses = [
            (item.event.fact, _lost_after(recorded[item.seq - 2].event))
            for item in recorded
            if isinstance(item.event.fact, e.GapOpened) and item.event.fact.since_ns is not None
        ]
        verified = host.vlanlog("verify")
        assert (verified.status, verified.err) == (0, "")
        assert len({event.event_id for event in events}) == len(events)
        assert [found for found, _ in losses] == [expected for _, expected in losses]
        assert len(losses) == kills
        assert _idle(events) == []
        assert fold(recorded).table == recording.kernel()


def _idle(events: list[e.Event]) -> list[e.Event]:
    """Returns what says of a VLAN what was known before it: said twice."""
    found: list[e.Event] = []
    state = HostState()
    for seq, event in enumerate(events, start=1):
        before, state = state, advance([(Seq(seq), event)], state)
        if isinstance(event.fact, e.VlanAdded | e.VlanRemoved) and before.table == state.table:
            found.append(event)
    return found


def test_daemon_stops_in_a_storm_with_its_last_words(host: Stage) -> None:
    with watched(host, ENVIRON) as resident, blowing(host.folder, "d0"):
        assert resident.stop() == 0

        assert [event.fact for event in resident.events()[-2:]] == [
            e.DaemonStopped(),
            e.GapOpened(reason="the daemon stops"),
        ]
