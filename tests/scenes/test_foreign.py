"""Scene 5: somebody else changes VLANs while the daemon watches."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event as Flag
from threading import Thread
from uuid import UUID

import pytest

from tests.kernel.netns import bridge, ip, ip_batch
from tests.scenes.guests import VM1, VM2
from tests.scenes.resident import Resident, watched
from tests.scenes.stage import BRIDGES, PORTS, SELF, TRUNK, VETH0, VETH1, Stage
from vlanlog.core import event as e
from vlanlog.core.event import ActorSource, Event

pytestmark = pytest.mark.kernel

BRIDGE_REVERTS = f"{BRIDGES}foreign = revert\n"
PORT_REVERTS = PORTS.replace("tagged = 200,300", "tagged = 200,300\nforeign = revert")
PORT_ADOPTS = PORTS.replace("tagged = 200,300", "tagged = 200,300\nforeign = adopt")
NATIVE = "1 PVID Egress Untagged"
DEADLINE_S = 60.0
STRANGERS = (ActorSource.KERNEL, ActorSource.UNKNOWN)


def _until(is_so: Callable[[], bool], what: str) -> None:
    ends = time.monotonic() + DEADLINE_S
    while not is_so():
        assert time.monotonic() < ends, what
        time.sleep(0.05)


def _becomes(stage: Stage, expected: dict[str, str]) -> None:
    """Waits until the kernel carries that."""
    ends = time.monotonic() + DEADLINE_S
    while (carried := stage.carried()) != expected:
        assert time.monotonic() < ends, f"{carried} is not {expected}"
        time.sleep(0.05)


def _vlan_events(events: list[Event]) -> list[Event]:
    return [item for item in events if isinstance(item.fact, e.VlanAdded | e.VlanRemoved)]


def _cause(event: Event) -> UUID | None:
    return event.fact.cause if isinstance(event.fact, e.VlanAdded | e.VlanRemoved) else None


def _intents(events: list[Event], begin: str = "") -> list[Event]:
    return [
        item
        for item in events
        if isinstance(item.fact, e.ProgramIntended) and item.fact.because.startswith(begin)
    ]


def _are_told_apart(events: list[Event]) -> bool:
    """Tells whether every change has an intent and its actor, or neither and a stranger's."""
    intents = {item.event_id: item for item in _intents(events)}
    return all(
        (cause is None and item.actor.source in STRANGERS)
        or (cause in intents and item.actor == intents[cause].actor)
        for item in _vlan_events(events)
        for cause in [_cause(item)]
    )


def _facts(resident: Resident, *kinds: type[e.Fact]) -> list[e.Fact]:
    return [item.fact for item in resident.events() if isinstance(item.fact, kinds)]


@contextmanager
def _meddling(folder: Path, *lines: str, pause_s: float = 0.0) -> Iterator[None]:
    """Runs bridge(8) with these lines again and again meanwhile, whatever it answers."""
    batch, over = folder / "meddling", Flag()
    batch.write_text("\n".join(lines) + "\n")

    def run() -> None:
        while not over.wait(pause_s):
            os.spawnlp(os.P_WAIT, "bridge", "bridge", "-force", "-batch", str(batch))

    thread = Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


# Whose a change is.


def test_change_of_a_strangers_has_no_cause_and_no_known_actor(reference: Stage) -> None:
    with watched(reference) as resident:
        before = len(resident.events())
        bridge("vlan", "add", "dev", "eth0", "vid", "500-510")
        bridge("vlan", "del", "dev", "eth0", "vid", "300")
        resident.settled()
        found = _vlan_events(resident.events()[before:])
    assert [(item.fact, item.actor) for item in found] == [
        (e.VlanAdded(first=500, last=510), e.UNKNOWN_WRITER),
        (e.VlanRemoved(first=300, last=300), e.UNKNOWN_WRITER),
    ]
    assert len({item.correlation_id for item in found}) == len(found)


def test_changes_at_a_guests_start_have_the_hooks_intent_as_their_cause(reference: Stage) -> None:
    with watched(reference) as resident:
        before = len(resident.events())
        reference.start(VM1)
        resident.settled()
        events = resident.events()[before:]
    assert reference.carried() == {"br0": SELF, "eth0": TRUNK, "veth0": VETH0}
    [intent] = _intents(events)
    joined, *caused = _vlan_events(events)
    assert joined.fact == e.VlanAdded(first=1, last=1, pvid=True, untagged=True)
    assert {_cause(item) for item in caused} == {intent.event_id}
    assert _are_told_apart(events)
    assert not (reference.spool).exists() or not list(reference.spool.iterdir())


def test_operators_change_has_the_operators_intent_as_its_cause(reference: Stage) -> None:
    with watched(reference) as resident:
        reference.start(VM1)
        before = len(resident.events())
        done = reference.vlanlog("set", "veth0", "--tagged", "700-709", "--reason", "ticket 7")
        resident.settled()
        events = resident.events()[before:]
    assert (done.status, done.err) == (0, "")
    [intent] = _intents(events)
    assert intent.actor.source is ActorSource.OPERATOR
    assert {(_cause(item), item.actor) for item in _vlan_events(events)} == {
        (intent.event_id, intent.actor)
    }


def test_replay_puts_back_what_a_stranger_did_each_with_its_author(reference: Stage) -> None:
    with watched(reference) as resident:
        reference.start(VM1)
        reference.start(VM2)
        before = len(resident.events())
        reference.flush("veth0", "eth0")
        bridge("vlan", "add", "dev", "veth1", "vid", "900", "pvid", "untagged")
        done = reference.vlanlog("replay")
        resident.settled()
        events = resident.events()[before:]
    assert done.status == 0
    assert reference.carried()["veth1"] == VETH1
    assert (reference.carried()["veth0"], reference.carried()["eth0"]) == (VETH0, TRUNK)
    assert _are_told_apart(events)
    strange = [item.fact for item in _vlan_events(events) if _cause(item) is None]
    assert strange == [
        e.VlanRemoved(first=100, last=100),
        e.VlanRemoved(first=200, last=200),
        e.VlanRemoved(first=300, last=300),
        e.VlanRemoved(first=1, last=1),
        e.VlanRemoved(first=100, last=100),
        e.VlanRemoved(first=200, last=200),
        e.VlanRemoved(first=300, last=300),
        e.VlanAdded(first=900, last=900, pvid=True, untagged=True),
    ]


def test_stranger_at_the_same_moment_on_the_same_port_is_told_apart(reference: Stage) -> None:
    with watched(reference) as resident:
        reference.start(VM1)
        before = len(resident.events())
        # Vids that no wish here ever names: none of these may be called ours.
        lines = ("vlan add dev veth0 vid 3000-3010", "vlan del dev veth0 vid 3000-3010")
        with _meddling(reference.folder, *lines):
            for number in range(5):
                reference.vlanlog("set", "veth0", "--tagged", f"{700 + number}", "--reason", "r")
                reference.vlanlog("unset", "veth0", "--reason", "r")
        bridge("vlan", "del", "dev", "veth0", "vid", "3000-3010")
        resident.settled()
        events = resident.events()[before:]
    found = _vlan_events(events)
    assert _are_told_apart(events)
    assert {_is_strange_vid(item.fact) for item in found if _cause(item) is None} == {True}
    added = [item for item in found if _cause(item) and isinstance(item.fact, e.VlanAdded)]
    assert {_is_strange_vid(item.fact) for item in added} == {False}
    # Where a replay found vids of the stranger's, it took them away in its own name.
    assert any(_cause(item) is None for item in found)


def _is_strange_vid(fact: e.Fact) -> bool:
    return isinstance(fact, e.VlanAdded | e.VlanRemoved) and 3000 <= fact.first <= fact.last <= 3010


def test_ports_that_a_default_pvid_takes_along_have_the_bridges_intent(reference: Stage) -> None:
    with watched(reference) as resident:
        reference.start(VM1)
        reference.add_device("dummy0")
        ip("link", "set", "dummy0", "master", "br0")
        resident.settled()
        before = len(resident.events())
        reference.configure(f"{BRIDGES}default-pvid = 50\n", PORTS)
        done = reference.vlanlog("replay")
        resident.settled()
        events = resident.events()[before:]
    assert done.status == 0, done
    assert reference.switches() == {"br0": (1, 50)}
    assert reference.carried() == {"br0": SELF, "eth0": TRUNK, "veth0": VETH0, "dummy0": NATIVE}
    assert _are_told_apart(events)
    assert [item for item in _vlan_events(events) if _cause(item) is None] == []
    [of_bridge] = [
        item
        for item in _intents(events)
        if isinstance(item.fact, e.ProgramIntended) and item.fact.steps == ("vlan_default_pvid 50",)
    ]
    assert {
        item.subject.port for item in _vlan_events(events) if _cause(item) == of_bridge.event_id
    }


# foreign = revert


def test_revert_puts_a_guests_port_back_in_the_daemons_name(reference: Stage) -> None:
    reference.configure(BRIDGES, PORT_REVERTS)
    with watched(reference) as resident:
        reference.start(VM1)
        before = len(resident.events())
        bridge("vlan", "add", "dev", "veth0", "vid", "666", "pvid", "untagged")
        _becomes(reference, {"br0": SELF, "eth0": TRUNK, "veth0": VETH0})
        resident.settled()
        events = resident.events()[before:]
    [intent] = _intents(events)
    assert isinstance(intent.fact, e.ProgramIntended)
    assert intent.fact.because == "foreign = revert: vlan_filtering.conf [veth0]"
    assert (intent.actor.source, intent.subject.guest_name) == (ActorSource.DAEMON, "VM1")
    assert _are_told_apart(events)
    assert [item.fact for item in _vlan_events(events) if _cause(item) is None] == [
        e.VlanAdded(first=666, last=666, pvid=True, untagged=True)
    ]


def test_revert_does_not_fight_what_hooks_and_operators_do(reference: Stage) -> None:
    reference.configure(BRIDGE_REVERTS, PORT_REVERTS)
    reference.daemon_starts()
    with watched(reference) as resident:
        before = len(resident.events())
        reference.start(VM1)
        reference.vlanlog("set", "veth0", "--tagged", "700", "--reason", "r")
        reference.vlanlog("set", "eth0", "--tagged", "701", "--reason", "r")
        reference.vlanlog("unset", "veth0", "--reason", "r")
        reference.daemon_reloads()
        resident.settled()
        events = resident.events()[before:]
    assert _intents(events, "foreign") == []
    assert reference.carried() == {"br0": SELF, "eth0": f"{NATIVE}, 701", "veth0": VETH0}


def test_flapping_writer_is_fought_less_and_less(reference: Stage) -> None:
    reference.configure(BRIDGE_REVERTS, PORTS)
    reference.daemon_starts()
    with watched(reference) as resident:
        before = len(resident.events())
        with _meddling(reference.folder, "vlan add dev eth0 vid 666", pause_s=0.05):
            time.sleep(20)
        resident.settled()
        events = resident.events()[before:]
        said = resident.said.read_text()
    reverts = _intents(events, "foreign = revert: ")
    delays = [item.fact.delay_s for item in events if isinstance(item.fact, e.RevertDelayed)]
    assert 2 <= len(reverts) <= 6
    assert [delay_s / 2**n <= 1 for n, delay_s in enumerate(delays)] == [True] * len(delays)
    assert len(delays) in (len(reverts), len(reverts) - 1)
    assert "eth0: 1 revert came to nothing, the next is in" in said
    assert _are_told_apart(events)


def test_revert_puts_switches_back(reference: Stage) -> None:
    reference.configure(f"{BRIDGE_REVERTS}default-pvid = 1\n", PORTS)
    reference.daemon_starts()
    expected = {"br0": SELF, "eth0": TRUNK, "dummy0": NATIVE}
    reference.add_device("dummy0")
    ip("link", "set", "dummy0", "master", "br0")
    with watched(reference) as resident:
        ip("link", "set", "br0", "type", "bridge", "vlan_filtering", "0")
        _until(lambda: reference.switches() == {"br0": (1, 1)}, "filtering stays off")
        ip("link", "set", "br0", "type", "bridge", "vlan_default_pvid", "50")
        _until(lambda: reference.switches() == {"br0": (1, 1)}, "the default PVID stays")
        _becomes(reference, expected)
        resident.settled()
        events = resident.events()
    assert _are_told_apart(events)
    steps = [item.fact.steps for item in _intents(events, "foreign = revert: ")
             if isinstance(item.fact, e.ProgramIntended) and item.subject.port is None]  # fmt: skip
    assert steps == [("vlan_filtering 1",), ("vlan_default_pvid 1",)]


def test_drift_from_before_the_start_is_put_back_under_revert(reference: Stage) -> None:
    reference.configure(BRIDGE_REVERTS, PORT_REVERTS)
    reference.daemon_starts()
    reference.start(VM1)
    reference.flush("eth0", "veth0")
    ip("link", "set", "br0", "type", "bridge", "vlan_filtering", "0")
    # The log knows of it: the daemon's first look finds nothing new.
    reference.vlanlog("diff")
    with watched(reference) as resident:
        _becomes(reference, {"br0": SELF, "eth0": TRUNK, "veth0": VETH0})
        _until(lambda: reference.switches() == {"br0": (1, 1)}, "filtering stays off")
        resident.settled()
    assert _are_told_apart(resident.events())


# foreign = record


def test_record_leaves_everything_as_the_stranger_wants_it(reference: Stage) -> None:
    with watched(reference, {"VLANLOG_RECONCILE_INTERVAL_S": "1"}) as resident:
        reference.start(VM1)
        before = len(resident.events())
        bridge("vlan", "add", "dev", "veth0", "vid", "666")
        bridge("vlan", "del", "dev", "eth0", "vid", "300")
        ip("link", "set", "br0", "type", "bridge", "vlan_filtering", "0")
        time.sleep(4)
        resident.settled()
        events = resident.events()[before:]
    assert reference.carried()["veth0"] == f"{VETH0}, 666"
    assert reference.carried()["eth0"] == f"{NATIVE}, 100, 200"
    assert reference.switches() == {"br0": (0, 1)}
    assert _intents(events) == []


# foreign = adopt


def test_adopted_change_outlives_the_daemon_until_it_is_unset(reference: Stage) -> None:
    reference.configure(BRIDGES, PORT_ADOPTS)
    adopted = {"br0": SELF, "eth0": TRUNK, "veth0": f"{VETH0}, 701-710"}
    with watched(reference) as resident:
        reference.start(VM1)
        for vid in range(701, 711):
            bridge("vlan", "add", "dev", "veth0", "vid", f"{vid}")
        _until(lambda: bool(_facts(resident, e.AssignmentSet)), "nothing was adopted")
        resident.settled()
        resident.stop()
        reference.flush("veth0")
        resident.start()
        # What it finds at its start is a stranger's change as well: two wishes so far.
        _until(lambda: len(_facts(resident, e.AssignmentSet)) == 2, "the flush was not adopted")
        reference.vlanlog("set", "veth0", "--pvid", "100", "--tagged", "200,300,701-710",
                          "--reason", "r")  # fmt: skip
        reference.stop(VM1)
        reference.start(VM1)
        _becomes(reference, adopted)
        done = reference.vlanlog("unset", "veth0", "--reason", "over")
        resident.settled()
        wishes = _facts(resident, e.AssignmentSet)
    assert done.status == 0
    assert len(wishes) == 3
    assert reference.carried() == {**adopted, "veth0": VETH0}


def test_burst_of_changes_is_adopted_as_one_wish(reference: Stage) -> None:
    reference.configure(BRIDGES, PORT_ADOPTS)
    with watched(reference) as resident:
        reference.start(VM1)
        batch = reference.folder / "burst"
        batch.write_text("".join(f"vlan add dev veth0 vid {vid}\n" for vid in range(1000, 1100, 2)))
        bridge("-batch", str(batch))
        _until(lambda: bool(_facts(resident, e.AssignmentSet)), "nothing was adopted")
        time.sleep(2)
        state = resident.settled()
        wishes = _facts(resident, e.AssignmentSet)
    port = state.table.named("veth0")
    assert port is not None
    assert wishes == [e.AssignmentSet(vlans=port.vlans, reason="foreign = adopt")]


def test_port_that_joins_is_not_adopted_with_its_default_pvid(reference: Stage) -> None:
    reference.configure(f"{BRIDGES}foreign = adopt\n", PORT_ADOPTS)
    with watched(reference) as resident:
        reference.start(VM1)
        for _ in range(3):
            ip("link", "set", "eth0", "nomaster")
            ip("link", "set", "eth0", "master", "br0")
        time.sleep(2)
        resident.settled()
        wishes = _facts(resident, e.AssignmentSet)
    assert wishes == []
    assert reference.carried() == {"br0": SELF, "eth0": TRUNK, "veth0": VETH0}


# Ports and bridges that come.


def test_trunk_that_joins_gets_its_vlans_and_a_port_that_nothing_names_does_not(
    reference: Stage,
) -> None:
    with watched(reference) as resident:
        ip("link", "set", "eth0", "nomaster")
        reference.add_device("dummy0")
        ip("link", "set", "dummy0", "master", "br0")
        ip("link", "set", "eth0", "master", "br0")
        _becomes(reference, {"br0": SELF, "eth0": TRUNK, "dummy0": NATIVE})
        resident.settled()


def test_tap_with_a_guests_name_and_another_mac_is_left_alone(reference: Stage) -> None:
    reference.configure(BRIDGE_REVERTS, PORT_REVERTS)
    reference.daemon_starts()
    with watched(reference) as resident:
        reference.start(VM1)
        ip("link", "del", "veth0")
        mac = VM2.nics[0].host_mac
        ip_batch(("tuntap add dev veth0 mode tap", f"link set veth0 address {mac} master br0 up"))
        bridge("vlan", "add", "dev", "veth0", "vid", "666")
        time.sleep(3)
        resident.settled()
    assert reference.carried() == {"br0": SELF, "eth0": TRUNK, "veth0": f"{NATIVE}, 666"}


def test_tap_that_is_plugged_in_gets_its_vlans_by_the_status_file(reference: Stage) -> None:
    with watched(reference) as resident:
        # No hook tells of it, and libvirt writes its file after the tap has joined.
        ip_batch(
            (
                "tuntap add dev veth0 mode tap",
                f"link set veth0 address {VM1.nics[0].host_mac} master br0 up",
            )
        )
        time.sleep(0.3)
        resident.status_folder.mkdir()
        status = b"<domstatus state='running'>" + VM1.live_xml() + b"</domstatus>"
        (resident.status_folder / "VM1.xml").write_bytes(status)
        _becomes(reference, {"br0": SELF, "eth0": TRUNK, "veth0": VETH0})
        resident.settled()


def test_bridge_that_is_made_anew_is_set_up_with_its_ports_as_they_rejoin(
    reference: Stage,
) -> None:
    reference.configure(f"{BRIDGES}default-pvid = 0\n", PORTS)
    reference.daemon_starts()
    with watched(reference) as resident:
        reference.start(VM1)
        ip("link", "del", "br0")
        ip_batch(("link add br0 type bridge", "link set br0 up"))
        _until(lambda: reference.switches() == {"br0": (1, 0)}, "br0 is not set up")
        ip_batch(("link set eth0 master br0", "link set veth0 master br0"))
        _becomes(reference, {"br0": SELF, "eth0": TRUNK, "veth0": VETH0})
        resident.settled()
    assert _are_told_apart(resident.events())
