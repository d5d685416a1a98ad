"""Guests of the reference host from libvirtd's start to its end: the kernel and the log."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.lab.domain import Nic
from tests.libvirt.host import PORTS, REFERENCE, Guest, Host, Vlans, kernel_vlans, write_conf
from tests.libvirt.story import Event, call, expected_call, nic, reason, script_ends
from vlanlog.identity import boot_id

pytestmark = pytest.mark.libvirt

MACS = {name: f"52:54:00:00:00:0{n}" for n, name in enumerate(("a", "b", "c", "d", "e"), start=1)}
GENERATED_NAMES = f"""
[VM3/{MACS["d"]}]
pvid = 42
tagged = 200-202

[VM3/net1]
pvid =
tagged = 100
"""
VM1: Vlans = {"veth0": ["100 pvid untagged", "200", "300"]}
VM2: Vlans = {"veth1": ["1 pvid untagged", "100", "200"], "veth2": ["300 pvid untagged"]}
VM3: Vlans = {"vnet0": ["42 pvid untagged", "200", "201", "202"], "vnet1": ["100"]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """Is what was seen while three guests came and went.

    Shape: carried holds the kernel's VLANs right after each ``virsh start``, and after the end.
    """

    guests: tuple[Guest, Guest, Guest]
    carried: tuple[Vlans, ...]
    told: list[Event]
    told_of_vm1: list[Event]


@pytest.fixture(scope="module")
def life(host: Host) -> Life:
    write_conf(ports=PORTS + GENERATED_NAMES)
    vm1 = host.define("VM1", Nic(bridge="br0", target="veth0", mac=MACS["a"]))
    vm2 = host.define(
        "VM2",
        Nic(bridge="br0", target="veth1", mac=MACS["b"]),
        Nic(bridge="br0", target="veth2", mac=MACS["c"]),
    )
    vm3 = host.define("VM3", Nic(bridge="br0", mac=MACS["d"]), Nic(bridge="br0", mac=MACS["e"]))
    carried = []
    for guest in (vm1, vm2, vm3):
        host.start(guest)
        carried.append(kernel_vlans())
    host.reload()
    for guest in (vm1, vm2, vm3):
        host.stop(guest)
    host.stop_libvirtd()
    return Life(
        guests=(vm1, vm2, vm3),
        carried=(*carried, kernel_vlans()),
        told=host.history(),
        told_of_vm1=host.history("VM1"),
    )


def test_kernel_carries_what_the_files_say_when_virsh_start_returns(life: Life) -> None:
    assert life.carried == (
        {**REFERENCE, **VM1},
        {**REFERENCE, **VM1, **VM2},
        {**REFERENCE, **VM1, **VM2, **VM3},
        REFERENCE,
    )


def test_log_holds_each_hook_call_in_the_order_of_libvirtds(life: Life) -> None:
    vm1, vm2, vm3 = life.guests
    told = [call(event) for event in life.told if event["kind"] == "hook.invoked"]
    assert told == [
        _of_daemon("start", "-", "start"),
        *_start(vm1, {MACS["a"]: ("veth0", "veth0", "net0")}),
        *_start(
            vm2, {MACS["b"]: ("veth1", "veth1", "net0"), MACS["c"]: ("veth2", "veth2", "net1")}
        ),
        *_start(vm3, {MACS["d"]: (None, "vnet0", "net0"), MACS["e"]: (None, "vnet1", "net1")}),
        _of_daemon("reload", "begin", "SIGHUP"),
        *_end(vm1, {MACS["a"]: ("veth0", "net0")}),
        *_end(vm2, {MACS["b"]: ("veth1", "net0"), MACS["c"]: ("veth2", "net1")}),
        *_end(vm3, {MACS["d"]: (None, "net0"), MACS["e"]: (None, "net1")}),
        _of_daemon("shutdown", "-", "shutdown"),
    ]


def test_log_holds_each_script_with_its_exit_status(life: Life) -> None:
    of_guests = [
        (guest, f"qemu_{operation}_begin", "vlan_filtering.py", 0)
        for guest in ("VM1", "VM2", "VM3")
        for operation in ("start", "started")
    ]
    assert script_ends(life.told) == [
        (None, "daemon_start", "bridge_init.py", 0),
        *of_guests,
        (None, "daemon_reload", "bridge_init.py", 0),
    ]


def test_scripts_and_changes_are_tied_to_the_call_that_they_follow_from(life: Life) -> None:
    calls = {
        event["correlation_id"]: event["payload"]["operation"]
        for event in life.told
        if event["kind"] == "hook.invoked"
    }
    tied = [
        (calls[event["correlation_id"]], event["kind"], event["port"])
        for event in life.told_of_vm1
        if event["kind"] in ("hook.script_finished", "program.intended", "vlan.added")
        and event["actor"]["source"] == "hook"
    ]
    assert tied == [
        ("start", "program.intended", "veth0"),
        ("start", "vlan.added", "veth0"),
        ("start", "vlan.added", "veth0"),
        ("start", "vlan.added", "veth0"),
        ("start", "hook.script_finished", None),
        ("started", "hook.script_finished", None),
    ]


def test_log_says_who_gave_a_guest_its_vlans_and_why(life: Life) -> None:
    (intent,) = [event for event in life.told_of_vm1 if event["kind"] == "program.intended"]
    assert (intent["mac"], intent["bridge"], intent["payload"]) == (
        MACS["a"],
        "br0",
        {
            "before": {"members": "1", "untagged": "1", "pvid": 1},
            "after": {"members": "100,200,300", "untagged": "100", "pvid": 100},
            "steps": ["add vid 100 pvid untagged", "add vid 200", "add vid 300", "del vid 1"],
            "because": "vlan_filtering.conf [veth0]",
        },
    )
    changes = [
        (event["payload"]["first"], event["payload"]["last"], event["payload"]["cause"])
        for event in life.told_of_vm1
        if event["kind"] == "vlan.added" and event["actor"]["source"] == "hook"
    ]
    assert changes == [(vid, vid, intent["event_id"]) for vid in (100, 200, 300)]


def test_history_of_a_guest_tells_what_concerns_it_and_no_other(life: Life) -> None:
    vm1 = life.guests[0]
    assert {event["guest"] for event in life.told_of_vm1} == {"VM1"}
    assert life.told_of_vm1 == [event for event in life.told if event["guest_uuid"] == vm1.uuid]


def _of_daemon(operation: str, sub_operation: str, extra: str) -> Event:
    return expected_call("daemon", "-", operation, sub_operation, extra, boot_id=boot_id())


def _start(guest: Guest, nics: dict[str, tuple[str | None, str, str]]) -> list[Event]:
    """Returns the calls of a start; nics are the MAC's tap before, its tap and alias after."""
    bare = tuple(nic(mac, tap=before) for mac, (before, _, _) in nics.items())
    live = tuple(nic(mac, tap=tap, alias=alias) for mac, (_, tap, alias) in nics.items())
    return [
        _of_guest(guest, "prepare", "begin", bare),
        _of_guest(guest, "start", "begin", live),
        _of_guest(guest, "started", "begin", live),
    ]


def _end(guest: Guest, nics: dict[str, tuple[str | None, str]]) -> list[Event]:
    """Returns the calls of an end: the taps are gone, and with them the names that libvirt gave."""
    left = tuple(nic(mac, tap=tap, alias=alias) for mac, (tap, alias) in nics.items())
    return [
        _of_guest(guest, "stopped", "end", left),
        _of_guest(guest, "release", "end", left, reason("destroyed")),
    ]


def _of_guest(
    guest: Guest, operation: str, sub: str, nics: tuple[Event, ...], extra: str = "-"
) -> Event:
    return expected_call(
        "qemu", guest.name, operation, sub, extra, guest=guest, nics=nics, boot_id=boot_id()
    )
