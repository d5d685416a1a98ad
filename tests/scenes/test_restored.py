"""After a flush, a new bridge or a reboot, replay puts back what files and events say."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.kernel.netns import bridge, entered, ip
from tests.scenes.guests import VM1, VM2, VM3
from tests.scenes.stage import BRIDGES, PORTS, REFERENCE, Stage

pytestmark = pytest.mark.kernel

BY_MAC = """
[VM3/52:54:00:00:03:00]
pvid = 40
tagged = 41-43
"""
VNET = "40 PVID Egress Untagged, 41-43"
OTHER = "500-502, 600 PVID Egress Untagged"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Is the reference host with a third guest, an assignment, and a port that nothing names."""
    with entered():
        stage = Stage(tmp_path_factory.mktemp("host"))
        stage.configure(BRIDGES, PORTS + BY_MAC)
        stage.add_reference_host()
        _join_other(stage)
        stage.daemon_starts()
        stage.start(VM1)
        stage.start(VM2)
        stage.start(VM3, {VM3.nics[0].mac: "vnet0"})
        stage.vlanlog("set", "veth0", "--tagged", "200,300-310", "--reason", "ticket 42")
        yield stage


@pytest.fixture
def host(shared: Stage) -> Stage:
    """Is the shared host, which every test leaves as the files and the assignment say."""
    assert shared.carried() == _wanted(shared)
    return shared


def _wanted(stage: Stage) -> dict[str, str]:
    """Returns the reference host's table with the assignment, whatever VM3's tap is called."""
    return {
        **REFERENCE,
        "veth0": "100 PVID Egress Untagged, 200, 300-310",
        "other0": OTHER,
        **{tap: VNET for tap, guest in stage.taps.items() if guest == VM3},
    }


def _flush(stage: Stage) -> None:
    stage.flush(*(port for port in _wanted(stage) if port != "other0"))
    assert stage.carried() == {"other0": OTHER}


def _join_other(stage: Stage) -> None:
    stage.add_device("other0")
    ip("link", "set", "other0", "master", "br0")
    _set_other_by_hand()


def _set_other_by_hand() -> None:
    bridge("vlan", "del", "vid", "1", "dev", "other0")
    bridge("vlan", "add", "vid", "500-502", "dev", "other0")
    bridge("vlan", "add", "vid", "600", "dev", "other0", "pvid", "untagged")


def test_replay_puts_back_what_a_flush_took(host: Stage) -> None:
    _flush(host)
    done = host.vlanlog("replay")
    assert (done.status, done.err) == (0, "")
    assert host.carried() == _wanted(host)


def test_daemon_reload_puts_back_what_a_flush_took(host: Stage) -> None:
    _flush(host)
    host.daemon_reloads()
    assert host.carried() == _wanted(host)


def test_replay_sets_up_a_bridge_that_was_made_anew(host: Stage) -> None:
    ip("link", "del", "br0")
    host.add_bridge("br0", *(port for port in _wanted(host) if port != "br0"))
    _set_other_by_hand()
    assert host.switches() == {"br0": (0, 1)}
    as_made = dict.fromkeys(_wanted(host), "1 PVID Egress Untagged")
    assert host.carried() == {**as_made, "other0": OTHER}
    done = host.vlanlog("replay")
    assert (done.status, done.err) == (0, "")
    assert host.switches() == {"br0": (1, 1)}
    assert host.carried() == _wanted(host)


def test_reboot_ends_with_files_and_assignment_on_the_taps_of_the_new_boot(host: Stage) -> None:
    _reboot(host, "vnet5")
    assert host.switches() == {"br0": (1, 1)}
    assert host.carried() == _wanted(host)
    _flush(host)
    done = host.vlanlog("replay")
    assert (done.status, done.err) == (0, "")
    assert host.carried() == _wanted(host)


def _reboot(stage: Stage, made_up: str) -> None:
    stage.reboot()
    stage.add_reference_host()
    _join_other(stage)
    stage.daemon_starts()
    stage.start(VM3, {VM3.nics[0].mac: made_up})
    stage.start(VM2)
    stage.start(VM1)
