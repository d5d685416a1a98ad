"""Somebody else changes VLANs while the daemon watches: whose a change is."""

from __future__ import annotations

import pytest

from tests.kernel.netns import bridge, ip, ip_batch
from tests.scenes.guests import VM1, VM2
from tests.scenes.resident import Resident, watched
from tests.scenes.stage import BRIDGES, PORTS, SELF, TRUNK, VETH0, VETH1, Stage
from tests.scenes.strangers import (
    NATIVE,
    are_told_apart,
    cause_of,
    intents_of,
    meddling,
    vlan_events,
)
from vlanlog.core import event as e
from vlanlog.core.event import ActorSource

pytestmark = pytest.mark.kernel

# How often a stranger may come too early or too late, before a test gives up.
_ATTEMPTS = 10


def test_change_of_a_strangers_has_no_cause_and_no_known_actor(reference: Stage) -> None:
    with watched(reference) as resident:
        before = len(resident.events())
        bridge("vlan", "add", "dev", "eth0", "vid", "500-510")
        # What is heard at once may be one stranger's work, and is told as that.
        resident.settled()
        bridge("vlan", "del", "dev", "eth0", "vid", "300")
        resident.settled()
        found = vlan_events(resident.events()[before:])
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
    [intent] = intents_of(events)
    joined, *caused = vlan_events(events)
    assert joined.fact == e.VlanAdded(first=1, last=1, pvid=True, untagged=True)
    assert {cause_of(item) for item in caused} == {intent.event_id}
    assert are_told_apart(events)
    assert not (reference.spool).exists() or not list(reference.spool.iterdir())


def test_operators_change_has_the_operators_intent_as_its_cause(reference: Stage) -> None:
    with watched(reference) as resident:
        reference.start(VM1)
        before = len(resident.events())
        done = reference.vlanlog("set", "veth0", "--tagged", "700-709", "--reason", "ticket 7")
        resident.settled()
        events = resident.events()[before:]
    assert (done.status, done.err) == (0, "")
    [intent] = intents_of(events)
    assert intent.actor.source is ActorSource.OPERATOR
    assert {(cause_of(item), item.actor) for item in vlan_events(events)} == {
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
    assert are_told_apart(events)
    strange = [item.fact for item in vlan_events(events) if cause_of(item) is None]
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
    # Enough work that the stranger comes in between.
    names = [f"d{number}" for number in range(60)]
    trunks = BRIDGES.replace("eth0", " ".join(["eth0", *names]))
    vids = " ".join(str(vid) for vid in range(300, 700, 2))
    reference.configure(trunks.replace("trunk-tags = 100 200 300", f"trunk-tags = {vids}"), PORTS)
    lines = [[f"link add {name} type dummy", f"link set {name} master br0"] for name in names]
    ip_batch(line for pair in lines for line in pair)
    with watched(reference) as resident:
        reference.start(VM1)
        for _ in range(_ATTEMPTS):
            events = _replayed_beside_a_stranger(reference, resident, names)
            found = vlan_events(events)
            assert are_told_apart(events)
            strangers = {_is_strange_vid(item.fact) for item in found if cause_of(item) is None}
            assert strangers <= {True}
            added = [i for i in found if cause_of(i) and isinstance(i.fact, e.VlanAdded)]
            assert {_is_strange_vid(item.fact) for item in added} == {False}
            if _came_in_between(found):
                return
    pytest.fail("the stranger never came in between")


def _replayed_beside_a_stranger(
    stage: Stage, resident: Resident, names: list[str]
) -> list[e.Event]:
    stage.flush("veth0", *names)
    resident.settled()
    before = len(resident.events())
    # A vid that nothing here ever wishes for.
    strange = ("vlan add dev veth0 vid 3000", "vlan del dev veth0 vid 3000")
    with meddling(stage.folder, *strange * 20):
        stage.vlanlog("replay")
    resident.settled()
    return resident.events()[before:]


def _came_in_between(found: list[e.Event]) -> bool:
    places = [_is_strange_vid(item.fact) for item in found]
    return True in places[places.index(False) : len(places) - places[::-1].index(False)]


def _is_strange_vid(fact: e.Fact) -> bool:
    return isinstance(fact, e.VlanAdded | e.VlanRemoved) and fact.first == fact.last == 3000


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
    assert are_told_apart(events)
    assert [item for item in vlan_events(events) if cause_of(item) is None] == []
    [of_bridge] = [
        item
        for item in intents_of(events)
        if isinstance(item.fact, e.ProgramIntended) and item.fact.steps == ("vlan_default_pvid 50",)
    ]
    assert {
        item.subject.port for item in vlan_events(events) if cause_of(item) == of_bridge.event_id
    }
