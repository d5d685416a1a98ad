"""What the kernel carries, how it differs, and an operator's wish that comes and goes.

By a daemon and without one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import nullcontext

import pytest

from tests.kernel.netns import bridge, entered, run
from tests.scenes.guests import VM1
from tests.scenes.resident import watched
from tests.scenes.stage import BRIDGES, PORTS, SELF, TRUNK, VETH0, Ended, Stage

pytestmark = pytest.mark.kernel

FROM_FILES = {"br0": SELF, "eth0": TRUNK, "veth0": VETH0}
ASSIGNED = {**FROM_FILES, "veth0": "100 PVID Egress Untagged, 200, 300-310"}
SET = ("set", "veth0", "--tagged", "200,300-310", "--reason", "ticket 42")
UNSET = ("unset", "veth0", "--reason", "done")


@pytest.fixture(scope="module", params=["alone", "daemon"])
def shared(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    """Is the reference host with VM1 alone, with and without a daemon."""
    with entered():
        stage = Stage(tmp_path_factory.mktemp("wishes"))
        stage.add_reference_host()
        with watched(stage) if request.param == "daemon" else nullcontext():
            stage.daemon_starts()
            stage.start(VM1)
            yield stage


@pytest.fixture
def host(shared: Stage) -> Stage:
    """Is the shared host, which every test leaves as the files say."""
    assert shared.carried() == FROM_FILES
    return shared


def test_set_takes_hold_and_unset_gives_back_to_the_config(host: Stage) -> None:
    done = host.vlanlog(*SET)
    said = "veth0: pvid 100, tagged 200,300-310\nDone: 1 port programmed with 1 message, re-read.\n"
    assert done == Ended(0, said, "")
    assert host.carried() == ASSIGNED
    done = host.vlanlog(*UNSET)
    assert done == Ended(0, "veth0: unset\nDone: 1 port programmed with 1 message, re-read.\n", "")
    assert host.carried() == FROM_FILES


def test_config_wins_over_a_wish_once_its_own_entry_was_edited(host: Stage) -> None:
    host.vlanlog(*SET)
    of_another = PORTS.replace("tagged = 100 200", "tagged = 150")
    host.configure(BRIDGES, of_another)
    assert host.vlanlog("replay").status == 0
    assert host.carried() == ASSIGNED
    host.configure(BRIDGES, of_another.replace("tagged = 200,300", "tagged = 400"))
    assert host.vlanlog("replay").status == 0
    assert host.carried() == {**FROM_FILES, "veth0": "100 PVID Egress Untagged, 400"}
    host.configure(BRIDGES, PORTS)
    assert host.vlanlog("replay").status == 0
    assert host.carried() == FROM_FILES


def test_state_in_json_is_what_bridge_shows(host: Stage) -> None:
    bridge("vlan", "add", "vid", "700-709", "dev", "veth0", "untagged")
    done = host.vlanlog("state", "-o", "json")
    shown = json.loads(run("bridge", "-j", "vlan", "show"))
    bridge("vlan", "del", "vid", "700-709", "dev", "veth0")
    assert (done.status, done.err) == (0, "")
    assert _vlans_by_name(json.loads(done.out)) == _vlans_by_name(shown)


def _vlans_by_name(shown: list[dict[str, object]]) -> dict[object, object]:
    return {port["ifname"]: port["vlans"] for port in shown}


def test_state_of_all_layers_as_tables(host: Stage) -> None:
    tables = [host.vlanlog("state", "--layer", name) for name in ("kernel", "observed", "desired")]
    expected = """\
BRIDGE  PORT   GUEST  MAC                PVID  TAGGED
br0     br0    self                      1     200
br0     eth0                             1     100,200,300
br0     veth0  VM1    52:54:00:00:01:00  100   200,300
"""
    assert tables == [Ended(0, expected, "")] * 3


def test_diff_tells_the_way_from_the_kernel_to_what_is_desired(host: Stage) -> None:
    assert host.vlanlog("diff") == Ended(0, "", "")
    bridge("vlan", "del", "vid", "200", "dev", "veth0")
    bridge("vlan", "add", "vid", "7", "dev", "veth0")
    table, found = host.vlanlog("diff"), host.vlanlog("diff", "-o", "json")
    bridge("vlan", "add", "vid", "200", "dev", "veth0")
    bridge("vlan", "del", "vid", "7", "dev", "veth0")
    assert table == Ended(1, "PORT   GUEST  CHANGE\nveth0  VM1    +200 -7\n", "")
    native = {"vlan": 100, "flags": ["PVID", "Egress Untagged"]}
    assert (found.status, found.err) == (1, "")
    assert json.loads(found.out) == [
        {
            "ifname": "veth0",
            "bridge": "br0",
            "guest": "VM1",
            "guest_uuid": VM1.uuid,
            "mac": VM1.nics[0].mac,
            "ifname_before": "veth0",
            "bridge_before": "br0",
            "vlans": [{"vlan": 7, "change": "removed"}, {"vlan": 200, "change": "added"}],
            "change": "+200 -7",
            "before": [{"vlan": 7}, native, {"vlan": 300}],
            "after": [native, {"vlan": 200}, {"vlan": 300}],
        }
    ]
