"""A native ``<vlan>`` in a guest's XML (libvirt 11 and newer): recorded, and not fought."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from tests.lab.domain import Nic
from tests.libvirt.host import (
    LOGS,
    REFERENCE,
    Guest,
    Host,
    bridge,
    kernel_vlans,
    watched,
    write_conf,
)
from tests.libvirt.story import calls, lines

pytestmark = pytest.mark.libvirt

TRUNK = "<vlan trunk='yes'><tag id='42' nativeMode='untagged'/><tag id='47'/></vlan>"
ACCESS = "<vlan><tag id='43'/></vlan>"
MACS = [f"52:54:00:00:03:0{n}" for n in range(1, 4)]
# Names each NIC, and wants all changes of others undone.
PORTS = f"""\
[DEFAULT]
foreign = revert

[veth0]
guest = VM1
pvid = 100

[VM1/{MACS[1]}]
pvid = 100

[VM1/*]
pvid = 110
tagged = 200
"""
CARRIED = {
    **REFERENCE,
    "veth0": ["42 pvid untagged", "47"],
    "tap1": ["43 pvid untagged"],
    "tap2": ["110 pvid untagged", "200"],
}


@pytest.fixture(scope="module")
def guest(host: Host) -> Iterator[Guest]:
    write_conf(ports=PORTS)
    yield host.started(
        "VM1",
        Nic(bridge="br0", target="veth0", mac=MACS[0], vlan=TRUNK),
        Nic(bridge="br0", target="tap1", mac=MACS[1], vlan=ACCESS),
        Nic(bridge="br0", target="tap2", mac=MACS[2]),
    )
    host.stop_all()


@pytest.mark.usefixtures("guest")
def test_start_leaves_native_vlans_alone_and_sets_the_others(host: Host) -> None:
    assert kernel_vlans() == CARRIED
    assert lines(host.history("VM1")) == [
        *calls("prepare begin -", "start begin -"),
        "veth0 port.attached unknown",
        "veth0 +42 unknown",
        "veth0 +47 unknown",
        "tap1 port.attached unknown",
        "tap1 +43 unknown",
        "tap2 port.attached unknown",
        "tap2 +1 unknown",
        "tap2: add vid 110 pvid untagged, add vid 200, del vid 1",
        "tap2 +110 hook",
        "tap2 +200 hook",
        "tap2 -1 hook",
        "tap2: done",
        "qemu_start_begin/vlan_filtering.py 0",
        *calls("started begin -"),
        "qemu_started_begin/vlan_filtering.py 0",
    ]


@pytest.mark.usefixtures("guest")
def test_log_says_which_vlans_are_native(host: Host) -> None:
    (start,) = [
        event["payload"]["nics"]
        for event in host.history("VM1", "--kind", "hook.invoked")
        if event["payload"]["operation"] == "start"
    ]
    assert {nic["tap"]: nic["native_vlan"] for nic in start} == {
        "veth0": "trunk 42 untagged,47",
        "tap1": "43",
        "tap2": None,
    }


@pytest.mark.usefixtures("guest")
def test_script_says_what_it_leaves_to_libvirt() -> None:
    log = (LOGS / "qemu_start_begin_VM1_vlan_filtering.log").read_text()
    assert [line for line in log.splitlines() if "libvirt" in line] == [
        f"vlanlog: NIC {MACS[0]} (veth0) is left to libvirt: "
        "<vlan> trunk 42 untagged,47 in the domain's XML",
        f"vlanlog: NIC {MACS[1]} (tap1) is left to libvirt: <vlan> 43 in the domain's XML",
    ]


@pytest.mark.usefixtures("guest")
def test_replay_leaves_native_vlans_alone(host: Host) -> None:
    done = host.vlanlog("replay")
    assert (done.returncode, kernel_vlans()) == (0, CARRIED)


@pytest.mark.usefixtures("guest")
def test_reload_and_reconnect_leave_native_vlans_alone(host: Host) -> None:
    host.reload()
    host.stop_libvirtd()
    host.start_libvirtd()
    assert kernel_vlans() == CARRIED


@pytest.mark.usefixtures("guest")
def test_doctor_warns_of_nics_that_a_section_names_too(host: Host) -> None:
    done = host.vlanlog("doctor", "--check", "native-vlan", "--output", "jsonl")
    findings = [json.loads(line) for line in done.stdout.splitlines()]
    told = [(item["grade"], item["text"].partition(",")[0]) for item in findings]
    assert (done.returncode, told) == (
        1,
        [
            ("warn", f"VM1/{MACS[0]}: libvirt sets <vlan> trunk 42 untagged"),
            ("warn", f"VM1/{MACS[1]}: libvirt sets <vlan> 43"),
        ],
    )


@pytest.mark.usefixtures("guest")
def test_set_of_a_native_vlan_is_refused(host: Host) -> None:
    done = host.vlanlog("set", "tap1", "--pvid", "7", "--reason", "r")
    assert (done.returncode, done.stderr.splitlines()[0], kernel_vlans()) == (
        2,
        f"vlanlog: error: VM1/{MACS[1]} has its VLANs from libvirt itself: "
        "<vlan> 43 in the domain's XML",
        CARRIED,
    )


def test_daemon_that_reverts_records_changes_of_native_vlans_and_leaves_them(
    host: Host, guest: Guest
) -> None:
    host.stop(guest)
    with watched():
        host.start(guest)
        started = kernel_vlans()
        bridge("vlan add dev veth0 vid 99")
        bridge("vlan add dev tap2 vid 99")
        _wait_until_reverted("tap2")
        carried = kernel_vlans()
        told = lines(host.history("VM1"))
    assert started == CARRIED
    assert carried == {**CARRIED, "veth0": ["42 pvid untagged", "47", "99"]}
    assert [line for line in told if "99" in line] == [
        "veth0 +99 kernel",
        "tap2 +99 kernel",
        "tap2: del vid 99",
        "tap2 -99 daemon",
    ]


def _wait_until_reverted(port: str) -> None:
    ends = time.monotonic() + 30
    while "99" in kernel_vlans()[port] and time.monotonic() < ends:
        time.sleep(0.1)
