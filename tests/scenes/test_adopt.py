"""A change by another hand becomes the wish, by a daemon and without one, until unset."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import nullcontext

import pytest

from tests.kernel.netns import bridge, ip
from tests.scenes.guests import VM1, VM2
from tests.scenes.resident import watched
from tests.scenes.stage import BRIDGES, PORTS, REFERENCE, SELF, VETH0, Ended, Stage

pytestmark = pytest.mark.kernel

REASON = ("--reason", "ticket 7")
STRANGE = f"{VETH0}, 666"


@pytest.fixture(params=["alone", "daemon"])
def host(request: pytest.FixtureRequest, reference: Stage) -> Iterator[Stage]:
    """Is the reference host with both guests running, with and without a daemon."""
    with watched(reference) if request.param == "daemon" else nullcontext():
        reference.start(VM1)
        reference.start(VM2)
        yield reference


def _table(*rows: str, closing: str) -> str:
    return "\n".join([*rows, closing, ""])


ROWS = ("PORT   GUEST  CHANGE  INSTEAD OF", "veth0  VM1    +666    vlan_filtering.conf [veth0]")


def _drift() -> None:
    bridge("vlan", "add", "vid", "666", "dev", "veth0")


def test_adopted_change_outlives_the_guest_and_a_replay_until_it_is_unset(host: Stage) -> None:
    _drift()
    assert host.vlanlog("diff") == Ended(1, "PORT   GUEST  CHANGE\nveth0  VM1    -666\n", "")
    done = host.vlanlog("adopt", "veth0", *REASON)
    assert done == Ended(0, _table(*ROWS, closing="Adopted 1 port."), "")
    assert host.vlanlog("diff") == Ended(0, "", "")
    host.stop(VM1)
    host.start(VM1)
    assert host.vlanlog("replay").status == 0
    assert host.carried() == {**REFERENCE, "veth0": STRANGE}
    done = host.vlanlog("unset", "VM1/net0", "--reason", "done")
    said = "VM1/net0: unset\nDone: 1 port programmed with 1 message, re-read.\n"
    assert done == Ended(0, said, "")
    assert host.carried() == REFERENCE


def test_adoption_is_in_the_story_with_who_and_why(host: Stage) -> None:
    _drift()
    host.vlanlog("adopt", "--all", *REASON)
    told = host.vlanlog("history", "VM1", "--kind", "assignment.set", "-o", "jsonl")
    [event] = [json.loads(line) for line in told.out.splitlines()]
    actor = event["actor"]
    assert (event["guest"], event["port"], event["payload"]["reason"]) == (
        "VM1",
        "veth0",
        "ticket 7",
    )
    assert (actor["source"], actor["uid"]) == ("operator", 0)
    assert actor["command"].endswith("vlanlog adopt --all --reason 'ticket 7'")


def test_rehearsal_of_an_adoption_changes_nothing(host: Stage) -> None:
    _drift()
    assert host.vlanlog("replay", "--port", "eth0").status == 0
    before = host.kept()
    done = host.vlanlog("adopt", "--dry-run", "veth0")
    assert done == Ended(1, _table(*ROWS, closing="Would adopt 1 port."), "")
    assert host.kept() == before
    assert host.vlanlog("replay").status == 0
    assert host.carried() == REFERENCE


def test_bridge_is_adopted_with_its_own_port_and_no_other_bridge(host: Stage) -> None:
    host.add_bridge("br1")
    host.configure(BRIDGES + "[br1]\nbr-pvid = 5\n", PORTS)
    _drift()
    bridge("vlan", "add", "vid", "9", "dev", "br0", "self")
    ip("link", "set", "br1", "type", "bridge", "vlan_filtering", "1")
    done = host.vlanlog("adopt", "--bridge", "br0", *REASON)
    table = _table(
        "PORT   GUEST  CHANGE  INSTEAD OF",
        "br0           +9      bridge_init.conf [br0]",
        "veth0  VM1    +666    vlan_filtering.conf [veth0]",
        closing="Adopted 2 ports.",
    )
    assert done == Ended(0, table, "")
    assert host.vlanlog("replay").status == 0
    own = {"br0": f"{SELF.split(',')[0]}, 9, 200", "br1": "5 PVID Egress Untagged"}
    assert host.carried() == {**REFERENCE, **own, "veth0": STRANGE}


def test_port_that_nothing_names_is_adopted_by_its_name_alone(host: Stage) -> None:
    host.add_device("other0")
    ip("link", "set", "other0", "master", "br0")
    bridge("vlan", "add", "vid", "500-502", "dev", "other0")
    assert host.vlanlog("adopt", "--all", *REASON) == Ended(0, "Nothing to adopt.\n", "")
    done = host.vlanlog("adopt", "other0", *REASON)
    table = _table(
        "PORT    GUEST  CHANGE              INSTEAD OF",
        "other0         +500-502 pvid none→1  nothing named it",
        closing="Adopted 1 port.",
    )
    assert (done.status, done.out.split()) == (0, table.split())
    host.flush("other0")
    assert host.vlanlog("replay").status == 0
    assert host.carried()["other0"] == "1 PVID Egress Untagged, 500-502"


def test_switches_of_a_bridge_are_told_and_not_adopted(host: Stage) -> None:
    ip("link", "set", "br0", "type", "bridge", "vlan_filtering", "0")
    done = host.vlanlog("adopt", "--all", *REASON)
    told = (
        "vlanlog: br0: a bridge's own switches are not adopted; due: vlan_filtering 1\n"
        "hint: change conf/bridge_init.conf, or put the switches back with 'vlanlog replay'\n"
    )
    assert done == Ended(1, "Nothing to adopt.\n", told)


def test_adoption_as_json(host: Stage) -> None:
    _drift()
    done = host.vlanlog("adopt", "veth0", *REASON, "-o", "json")
    native = {"vlan": 100, "flags": ["PVID", "Egress Untagged"]}
    assert (done.status, done.err) == (0, "")
    assert done.json == {
        "ports": [
            {
                "port": "veth0",
                "bridge": "br0",
                "guest": "VM1",
                "guest_uuid": VM1.uuid,
                "mac": VM1.nics[0].mac,
                "change": "+666",
                "desired": [native, {"vlan": 200}, {"vlan": 300}],
                "adopted": [native, {"vlan": 200}, {"vlan": 300}, {"vlan": 666}],
                "instead_of": "vlan_filtering.conf [veth0]",
            }
        ],
        "bridges": [],
    }


def test_name_that_is_unknown_is_refused_with_near_ones(host: Stage) -> None:
    done = host.vlanlog("adopt", "veth0", "veht1", *REASON)
    said = "vlanlog: error: no port and no NIC is called 'veht1'\nhint: did you mean "
    assert (done.status, done.out, done.err[: len(said)]) == (2, "", said)
