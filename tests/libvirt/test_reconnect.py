"""Failures at `started` and `reconnect`, where a hook's no would kill a running guest."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.domain import Nic
from tests.libvirt.host import (
    Guest,
    Host,
    bridge,
    ip,
    kernel_vlans,
    qemu_pid,
    without_interpreter,
    write_conf,
)
from tests.libvirt.story import operations, script_ends, unprogrammed

pytestmark = pytest.mark.libvirt

MAC = "52:54:00:00:00:08"
_NO_FILTER = f"NIC {MAC} (tap1): bridge br1 does not filter VLANs"
_FILTERED = ["100 pvid untagged", "200"]


@pytest.fixture(scope="module")
def unlucky(host: Host) -> Iterator[Guest]:
    """A guest that runs although all scripts failed at `started`.

    Its bridge filters no more when the last script of `start` has ended; no file names it, so
    that no other hook mends it.
    """
    ip("link add br1 type bridge vlan_filtering 1")
    ip("link set br1 up")
    write_conf(ports="[UNLUCKY/*]\npvid = 100\ntagged = 200\n")
    host.add_script("qemu_started_begin.d/50-other", "exit 1")
    host.add_script("qemu_reconnect_begin.d/50-other", "exit 1")
    spoil = host.add_script(
        "qemu_start_begin.d/zz-spoil", "ip link set br1 type bridge vlan_filtering 0"
    )
    yield host.started("UNLUCKY", Nic(bridge="br1", target="tap1", mac=MAC))
    spoil.unlink()
    host.stop_all()
    ip("link del br1")


def test_failure_at_started_leaves_the_guest_running(host: Host, unlucky: Guest) -> None:
    assert host.state(unlucky) == "running"
    told = host.history("UNLUCKY")
    assert script_ends(told) == [
        ("UNLUCKY", "qemu_start_begin", "vlan_filtering.py", 0),
        ("UNLUCKY", "qemu_start_begin", "zz-spoil", 0),
        ("UNLUCKY", "qemu_started_begin", "50-other", 1),
        ("UNLUCKY", "qemu_started_begin", "vlan_filtering.py", 1),
    ]
    assert unprogrammed(told) == [("started", False, (_NO_FILTER,))]


def test_failure_at_reconnect_leaves_the_guest_running(host: Host, unlucky: Guest) -> None:
    ip("link set br1 type bridge vlan_filtering 0")
    pid = qemu_pid(unlucky)
    seen = len(host.history("UNLUCKY"))
    host.stop_libvirtd()
    host.start_libvirtd()
    assert (host.state(unlucky), qemu_pid(unlucky)) == ("running", pid)
    told = host.history("UNLUCKY")[seen:]
    assert operations(told) == ["reconnect"]
    assert script_ends(told) == [
        ("UNLUCKY", "qemu_reconnect_begin", "50-other", 1),
        ("UNLUCKY", "qemu_reconnect_begin", "vlan_filtering.py", 1),
    ]
    assert unprogrammed(told) == [("reconnect", False, (_NO_FILTER,))]


def test_reconnect_without_an_interpreter_leaves_the_guest_running(
    host: Host, unlucky: Guest
) -> None:
    pid = qemu_pid(unlucky)
    host.stop_libvirtd()
    with without_interpreter():
        host.start_libvirtd()
    assert (host.state(unlucky), qemu_pid(unlucky)) == ("running", pid)


def test_reconnect_restores_what_was_flushed(host: Host, unlucky: Guest) -> None:
    ip("link set br1 type bridge vlan_filtering 1")
    host.stop_libvirtd()
    for vid in (100, 200):
        bridge(f"vlan del dev tap1 vid {vid}")
    assert "tap1" not in kernel_vlans()
    host.start_libvirtd()
    assert host.state(unlucky) == "running"
    assert kernel_vlans()["tap1"] == _FILTERED
