"""A rehearsal changes nothing, and a replay sends nothing that is not needed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.kernel.netns import bridge
from tests.scenes.guests import VM1
from tests.scenes.stage import SELF, TRUNK, VETH0, Ended, Stage

pytestmark = pytest.mark.kernel

WITHOUT_RIGHTS = ("setpriv", "--bounding-set", "-net_admin", "--inh-caps", "-net_admin")
RTM_DELLINK, RTM_GETLINK, RTM_SETLINK = 17, 18, 19
RIGHT = {"br0": SELF, "eth0": TRUNK, "veth0": VETH0}

PLAN = """\
PORT   GUEST  CHANGE                BECAUSE
veth0  VM1    +300 -1,7 pvid 1→100  vlan_filtering.conf [veth0]
Plan: 2 to add, 2 to remove, 2 ports unchanged.
"""


@pytest.fixture
def host(reference: Stage) -> Stage:
    """Is the reference host with VM1 alone."""
    reference.start(VM1)
    return reference


def _drift() -> None:
    bridge("vlan", "del", "vid", "300", "dev", "veth0")
    bridge("vlan", "add", "vid", "7", "dev", "veth0")
    bridge("vlan", "del", "vid", "100", "dev", "veth0")
    bridge("vlan", "add", "vid", "1", "dev", "veth0", "pvid", "untagged")


def test_rehearsal_prints_the_plan_and_changes_nothing(host: Stage) -> None:
    _drift()
    # A record that only waits in the spool so far must be left there.
    host.call(VM1, "prepare", "begin", VM1.resting_xml())
    before = host.carried(), host.switches(), host.kept()
    done = host.vlanlog("replay", "--dry-run")
    assert (done.status, done.out, done.err) == (1, PLAN, "")
    assert (host.carried(), host.switches(), host.kept()) == before


def test_rehearsal_with_nothing_to_do_ends_with_0(host: Stage) -> None:
    before = host.kept()
    done = host.vlanlog("replay", "--dry-run")
    said = "Plan: 0 to add, 0 to remove, 3 ports unchanged.\n"
    assert (done.status, done.out, done.err) == (0, said, "")
    assert host.kept() == before


def test_rehearsal_on_a_new_host_makes_no_database(stage: Stage) -> None:
    stage.add_reference_host()
    done = stage.vlanlog("replay", "--dry-run")
    plan = """\
PORT  GUEST  CHANGE            BECAUSE
br0          vlan_filtering 1  bridge_init.conf [br0]
br0          +200              bridge_init.conf [br0]
eth0         +100,200,300      bridge_init.conf [br0]
Plan: 4 to add, 0 to remove, 0 ports unchanged.
"""
    assert done == Ended(1, plan, "")
    assert [path.name for path in stage.folder.iterdir()] == ["hooks"]


def test_second_replay_sends_no_message(host: Stage, tmp_path: Path) -> None:
    _drift()
    first, second = tmp_path / "first", tmp_path / "second"
    assert host.vlanlog("replay", under=_noting(first)).status == 0
    assert host.vlanlog("replay", under=_noting(second)).status == 0
    assert _kinds(first) == {RTM_GETLINK, RTM_SETLINK, RTM_DELLINK}
    assert _kinds(second) == {RTM_GETLINK}


def _noting(notes: Path) -> tuple[str, ...]:
    return sys.executable, str(Path(__file__).with_name("sent.py")), str(notes)


def _kinds(notes: Path) -> set[int]:
    return {int(line) for line in notes.read_text().splitlines()}


def test_replay_with_nothing_to_do_needs_no_right(host: Stage) -> None:
    done = host.vlanlog("replay", "-o", "json", under=WITHOUT_RIGHTS)
    assert (done.status, done.err) == (0, "")
    assert done.json == {
        "bridges": [],
        "ports": [],
        "add": 0,
        "remove": 0,
        "unchanged": 3,
        "missing": [],
        "messages": 0,
        "undone": [],
    }
    assert host.carried() == RIGHT


def test_replay_without_the_right_changes_nothing(host: Stage) -> None:
    _drift()
    before = host.carried()
    done = host.vlanlog("replay", under=WITHOUT_RIGHTS)
    said = (
        "vlanlog: error: this process may not change VLANs: it lacks CAP_NET_ADMIN\n"
        "hint: run it as root; 'vlanlog replay --dry-run' shows what it would change\n"
    )
    assert (done.status, done.out, done.err) == (3, "", said)
    assert host.carried() == before
