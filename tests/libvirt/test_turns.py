"""Turns of a guest's life beyond start and stop: reset, crash, save and restore, revert."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.lab.domain import Nic, write_disk
from tests.libvirt.host import (
    PORTS,
    REFERENCE,
    Guest,
    Host,
    Vlans,
    kernel_vlans,
    qemu_pid,
    wait_until,
    write_conf,
)
from tests.libvirt.story import lines, reason

pytestmark = pytest.mark.libvirt

MACS = ("52:54:00:00:00:01", "52:54:00:00:00:04")
SAVED = Path("/run/vm1.saved")
DISK = Path("/run/vm1.qcow2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """Is what a turn of the guest's life led to: the kernel's VLANs, and the log since before."""

    carried: Vlans
    told: list[str]


@pytest.fixture(scope="module")
def turns(host: Host) -> dict[str, Turn]:
    write_conf(ports=f"{PORTS}\n[VM1/{MACS[1]}]\npvid = 42\ntagged = 200-202\n")
    write_disk(DISK)
    nics = (Nic(bridge="br0", target="veth0", mac=MACS[0]), Nic(bridge="br0", mac=MACS[1]))
    guest = host.define("VM1", *nics, disk=DISK)
    found: dict[str, Turn] = {}
    seen = 0
    for name, turn in TURNS.items():
        turn(host, guest)
        told = host.history("VM1")
        found[name] = Turn(carried=kernel_vlans(), told=lines(told[seen:]))
        seen = len(told)
    return found


def _start(host: Host, guest: Guest) -> None:
    host.start(guest)


def _reset_from_inside(host: Host, guest: Guest) -> None:
    before = qemu_pid(guest)
    command = ("virsh", "event", guest.name, "--event", "reboot", "--timeout", "60")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as event:
        while event.poll() is None:
            host.daemon.virsh("inject-nmi", guest.uuid)
            _wait_a_little(event)
        assert event.stdout is not None
        assert event.stdout.readline() == f"event 'reboot' for domain '{guest.name}'\n"
    assert qemu_pid(guest) == before


def _wait_a_little(process: subprocess.Popen[str]) -> None:
    with suppress(subprocess.TimeoutExpired):
        process.wait(0.5)


def _crash(host: Host, guest: Guest) -> None:
    os.kill(qemu_pid(guest), signal.SIGKILL)
    wait_until(lambda: host.state(guest) == "shut off", "libvirt to see that QEMU is gone")


def _save(host: Host, guest: Guest) -> None:
    host.daemon.virsh("save", guest.uuid, str(SAVED))


def _restore(host: Host, guest: Guest) -> None:
    host.daemon.virsh("restore", str(SAVED))
    assert host.state(guest) == "running"


def _take_snapshot(host: Host, guest: Guest) -> None:
    host.daemon.virsh("snapshot-create-as", guest.uuid, "before")


def _revert(host: Host, guest: Guest) -> None:
    host.daemon.virsh("snapshot-revert", guest.uuid, "before")
    host.daemon.virsh("snapshot-delete", guest.uuid, "before")


def _destroy(host: Host, guest: Guest) -> None:
    host.stop(guest)


TURNS: dict[str, Callable[[Host, Guest], None]] = {
    "start": _start,
    "reset from inside": _reset_from_inside,
    "save": _save,
    "restore": _restore,
    "snapshot": _take_snapshot,
    "revert": _revert,
    "crash": _crash,
    "start after the crash": _start,
    "destroy": _destroy,
}
"""Is each turn in its order, and how it is brought about."""


def _running(tap: str) -> Vlans:
    return {
        **REFERENCE,
        "veth0": ["100 pvid untagged", "200", "300"],
        tap: ["42 pvid untagged", "200", "201", "202"],
    }


def _born(tap: str, *, before: str = "", restored: bool = False) -> list[str]:
    """Returns the story of a start: libvirt counts on, and the second NIC has another tap."""
    gone = [f"{name} port.detached unknown" for name in ("veth0", before) if before]
    return [
        *(["restore begin - of libvirtd"] if restored else []),
        "prepare begin - of libvirtd",
        "start begin - of libvirtd",
        *gone,
        "veth0 port.attached unknown",
        "veth0 +1 unknown",
        f"{tap} port.attached unknown",
        f"{tap} +1 unknown",
        "veth0: add vid 100 pvid untagged, add vid 200, add vid 300, del vid 1",
        f"{tap}: add vid 42 pvid untagged, add vid 200-202, del vid 1",
        "veth0 +100 hook",
        "veth0 +200 hook",
        "veth0 +300 hook",
        f"{tap} +42 hook",
        f"{tap} +200-202 hook",
        "veth0 -1 hook",
        f"{tap} -1 hook",
        "veth0: done",
        f"{tap}: done",
        "qemu_start_begin/vlan_filtering.py 0",
        "started begin - of libvirtd",
        "qemu_started_begin/vlan_filtering.py 0",
    ]


def _died(of: str) -> list[str]:
    return ["stopped end - of libvirtd", f"release end {reason(of)} of libvirtd"]


def _expected() -> dict[str, Turn]:
    return {
        "start": Turn(carried=_running("vnet0"), told=_born("vnet0")),
        "reset from inside": Turn(carried=_running("vnet0"), told=[]),
        "save": Turn(carried=REFERENCE, told=_died("saved")),
        "restore": Turn(
            carried=_running("vnet1"), told=_born("vnet1", before="vnet0", restored=True)
        ),
        "snapshot": Turn(carried=_running("vnet1"), told=[]),
        "revert": Turn(
            carried=_running("vnet2"),
            told=[*_died("from snapshot"), *_born("vnet2", before="vnet1")],
        ),
        "crash": Turn(carried=REFERENCE, told=_died("crashed")),
        "start after the crash": Turn(
            carried=_running("vnet3"), told=_born("vnet3", before="vnet2")
        ),
        "destroy": Turn(carried=REFERENCE, told=_died("destroyed")),
    }


@pytest.mark.parametrize("name", TURNS)
def test_turn_leaves_the_right_vlans_and_a_whole_story(turns: dict[str, Turn], name: str) -> None:
    assert turns[name] == _expected()[name]
