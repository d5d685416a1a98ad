"""``foreign = record``, ``revert`` and ``adopt``, on the real kernel."""

from __future__ import annotations

import time
from collections import Counter
from random import Random

import pytest

from tests.kernel.netns import bridge, ip, ip_batch
from tests.scenes.guests import VM1
from tests.scenes.resident import watched
from tests.scenes.stage import BRIDGES, PORTS, SELF, TRUNK, VETH0, Stage
from tests.scenes.strangers import (
    BRIDGE_REVERTS,
    NATIVE,
    PORT_ADOPTS,
    PORT_REVERTS,
    are_told_apart,
    becomes,
    cause_of,
    facts_of,
    intents_of,
    meddling,
    until,
    vlan_events,
)
from vlanlog.core import event as e
from vlanlog.core.event import ActorSource

pytestmark = pytest.mark.kernel


def test_revert_puts_a_guests_port_back_in_the_daemons_name(reference: Stage) -> None:
    reference.configure(BRIDGES, PORT_REVERTS)
    with watched(reference) as resident:
        reference.start(VM1)
        before = len(resident.events())
        bridge("vlan", "add", "dev", "veth0", "vid", "666", "pvid", "untagged")
        becomes(reference, {"br0": SELF, "eth0": TRUNK, "veth0": VETH0})
        resident.settled()
        events = resident.events()[before:]
    [intent] = intents_of(events)
    assert isinstance(intent.fact, e.ProgramIntended)
    assert intent.fact.because == "foreign = revert: vlan_filtering.conf [veth0]"
    assert (intent.actor.source, intent.subject.guest_name) == (ActorSource.DAEMON, "VM1")
    assert are_told_apart(events)
    assert [item.fact for item in vlan_events(events) if cause_of(item) is None] == [
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
    assert intents_of(events, "foreign") == []
    assert reference.carried() == {"br0": SELF, "eth0": f"{NATIVE}, 701", "veth0": VETH0}


def test_flapping_writer_is_fought_less_and_less(reference: Stage) -> None:
    reference.configure(BRIDGE_REVERTS, PORTS)
    reference.daemon_starts()
    with watched(reference) as resident:
        before = len(resident.events())
        with meddling(reference.folder, "vlan add dev eth0 vid 666", pause_s=0.05):
            time.sleep(20)
        resident.settled()
        events = resident.events()[before:]
        said = resident.said.read_text()
    reverts = intents_of(events, "foreign = revert: ")
    delays = [item.fact.delay_s for item in events if isinstance(item.fact, e.RevertDelayed)]
    assert 2 <= len(reverts) <= 6
    assert [delay_s / 2**n <= 1 for n, delay_s in enumerate(delays)] == [True] * len(delays)
    assert len(delays) in (len(reverts), len(reverts) - 1)
    assert "eth0: 1 revert came to nothing, the next is in" in said
    assert are_told_apart(events)


def test_revert_puts_switches_back(reference: Stage) -> None:
    reference.configure(f"{BRIDGE_REVERTS}default-pvid = 1\n", PORTS)
    reference.daemon_starts()
    expected = {"br0": SELF, "eth0": TRUNK, "dummy0": NATIVE}
    reference.add_device("dummy0")
    ip("link", "set", "dummy0", "master", "br0")
    with watched(reference) as resident:
        ip("link", "set", "br0", "type", "bridge", "vlan_filtering", "0")
        until(lambda: reference.switches() == {"br0": (1, 1)}, "filtering stays off")
        ip("link", "set", "br0", "type", "bridge", "vlan_default_pvid", "50")
        until(lambda: reference.switches() == {"br0": (1, 1)}, "the default PVID stays")
        becomes(reference, expected)
        resident.settled()
        events = resident.events()
    assert are_told_apart(events)
    steps = [item.fact.steps for item in intents_of(events, "foreign = revert: ")
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
        becomes(reference, {"br0": SELF, "eth0": TRUNK, "veth0": VETH0})
        until(lambda: reference.switches() == {"br0": (1, 1)}, "filtering stays off")
        resident.settled()
    assert are_told_apart(resident.events())


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
    assert intents_of(events) == []


def test_adopted_change_outlives_daemon_and_guest_until_it_is_unset(reference: Stage) -> None:
    reference.configure(BRIDGES, PORT_ADOPTS)
    with watched(reference) as resident:
        reference.start(VM1)
        bridge("vlan", "add", "dev", "veth0", "vid", "701-710")
        until(lambda: bool(facts_of(resident, e.AssignmentSet)), "nothing was adopted")
        resident.settled()
        resident.stop()
        reference.stop(VM1)
        resident.start()
        reference.start(VM1)
        becomes(reference, {"br0": SELF, "eth0": TRUNK, "veth0": f"{VETH0}, 701-710"})
        done = reference.vlanlog("unset", "veth0", "--reason", "over")
        time.sleep(2)
        resident.settled()
        wishes = facts_of(resident, e.AssignmentSet)
    assert (done.status, len(wishes)) == (0, 1)
    assert reference.carried() == {"br0": SELF, "eth0": TRUNK, "veth0": VETH0}


def test_change_from_before_the_start_is_adopted_too(reference: Stage) -> None:
    reference.configure(BRIDGES, PORT_ADOPTS)
    reference.start(VM1)
    bridge("vlan", "add", "dev", "veth0", "vid", "701")
    with watched(reference) as resident:
        until(lambda: bool(facts_of(resident, e.AssignmentSet)), "nothing was adopted")
        resident.settled()
    done = reference.vlanlog("replay")
    assert (done.status, reference.carried()["veth0"]) == (0, f"{VETH0}, 701")


def test_burst_of_changes_is_adopted_as_one_wish(reference: Stage) -> None:
    reference.configure(BRIDGES, PORT_ADOPTS)
    with watched(reference) as resident:
        reference.start(VM1)
        for vid in range(1000, 1030, 2):
            bridge("vlan", "add", "dev", "veth0", "vid", f"{vid}")
            time.sleep(0.05)
        time.sleep(2)
        state = resident.settled()
        wishes = facts_of(resident, e.AssignmentSet)
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
        wishes = facts_of(resident, e.AssignmentSet)
    assert wishes == []
    assert reference.carried() == {"br0": SELF, "eth0": TRUNK, "veth0": VETH0}


def test_switch_that_goes_off_without_a_word_is_put_back_at_the_next_reconcile(
    reference: Stage,
) -> None:
    reference.configure(BRIDGE_REVERTS, PORTS)
    reference.daemon_starts()
    with watched(reference, {"VLANLOG_RECONCILE_INTERVAL_S": "1"}) as resident:
        # A bridge that is down says nothing of its switches.
        ip("link", "set", "br0", "down")
        ip("link", "set", "br0", "type", "bridge", "vlan_filtering", "0")
        until(lambda: reference.switches() == {"br0": (1, 1)}, "filtering stays off")
        resident.settled()


def test_flush_of_a_hundred_ports_is_put_back_with_one_intent_each(reference: Stage) -> None:
    names = [f"d{number}" for number in range(100)]
    trunks = f"{BRIDGE_REVERTS}prune = yes\n".replace("eth0", " ".join(["eth0", *names]))
    reference.configure(trunks, PORTS)
    lines = [[f"link add {name} type dummy", f"link set {name} master br0"] for name in names]
    ip_batch(line for pair in lines for line in pair)
    reference.daemon_starts()
    with watched(reference) as resident:
        before = len(resident.events())
        batch = reference.folder / "flush"
        batch.write_text("".join(f"vlan del dev {name} vid 1-4094\n" for name in names))
        bridge("-batch", str(batch))
        becomes(reference, {"br0": SELF, **dict.fromkeys(["eth0", *names], TRUNK)})
        resident.settled()
        events = resident.events()[before:]
    assert are_told_apart(events)
    counts = Counter(item.subject.port for item in intents_of(events, "foreign = revert: "))
    assert counts.keys() == set(names)
    # A flush is three messages of the kernel's: the daemon may act after the first.
    assert max(counts.values()) <= 2


def test_stranger_who_changes_everything_at_random_is_undone_once_he_rests(
    reference: Stage,
) -> None:
    reference.configure(f"{BRIDGE_REVERTS}default-pvid = 1\n", PORT_REVERTS)
    reference.daemon_starts()
    chance = Random("a stranger")
    with watched(reference) as resident:
        reference.start(VM1)
        for _ in range(150):
            device, whose = chance.choice((("eth0", ""), ("veth0", ""), ("br0", " self")))
            vid, verb = chance.choice((1, 100, 200, 300, 666)), chance.choice(("add", "del"))
            flags = chance.choice(("", " pvid untagged")) if verb == "add" else ""
            switch = chance.choice(("vlan_filtering 0", "vlan_default_pvid 50"))
            if chance.random() < 0.1:
                ip(*f"link set br0 type bridge {switch}".split())
            else:
                bridge(*f"vlan {verb} dev {device} vid {vid}{flags}{whose}".split())
        # What was put back four times waits for eight seconds.
        becomes(reference, {"br0": SELF, "eth0": TRUNK, "veth0": VETH0})
        until(lambda: reference.switches() == {"br0": (1, 1)}, "the switches are not put back")
        resident.settled()
        events = resident.events()
    assert are_told_apart(events)
    assert reference.vlanlog("verify").status == 0
    assert 0 < len(intents_of(events, "foreign = revert: ")) <= 5 * 6


def test_change_of_a_trunk_is_adopted_by_its_bridges_section(reference: Stage) -> None:
    reference.configure(f"{BRIDGES}foreign = adopt\n", PORTS)
    with watched(reference) as resident:
        bridge("vlan", "add", "dev", "eth0", "vid", "700")
        until(lambda: bool(facts_of(resident, e.AssignmentSet)), "nothing was adopted")
        ip("link", "set", "eth0", "nomaster")
        ip("link", "set", "eth0", "master", "br0")
        becomes(reference, {"br0": SELF, "eth0": f"{TRUNK}, 700"})
        resident.settled()
        wishes = facts_of(resident, e.AssignmentSet)
    assert len(wishes) == 1


def test_operator_need_not_wait_for_a_revert_that_does(reference: Stage) -> None:
    reference.configure(BRIDGES, PORT_REVERTS)
    with watched(reference) as resident:
        reference.start(VM1)
        with meddling(reference.folder, "vlan add dev veth0 vid 666", pause_s=0.05):
            until(lambda: len(facts_of(resident, e.RevertDelayed)) >= 4, "the stranger wins")
        done = reference.vlanlog("set", "veth0", "--tagged", "700", "--reason", "r")
        carried = reference.carried()["veth0"]
        resident.settled()
    assert (done.status, carried) == (0, "100 PVID Egress Untagged, 700")


def test_daemon_that_is_killed_while_it_fights_puts_back_what_it_finds(reference: Stage) -> None:
    reference.configure(BRIDGE_REVERTS, PORTS)
    reference.daemon_starts()
    with watched(reference) as resident:
        with meddling(reference.folder, "vlan add dev eth0 vid 666", pause_s=0.05):
            until(lambda: bool(facts_of(resident, e.RevertDelayed)), "nothing was put back")
            resident.kill()
            time.sleep(0.5)
        resident.start()
        becomes(reference, {"br0": SELF, "eth0": TRUNK})
        resident.settled()
        events = resident.events()
    assert are_told_apart(events)
    assert reference.vlanlog("verify").status == 0
