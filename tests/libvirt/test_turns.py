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

from tests.lab.domain import write_disk
from tests.libvirt.host import (
    REFERENCE,
    Guest,
    Host,
    Vlans,
    kernel_vlans,
    qemu_pid,
    wait_until,
    write_conf,
)
from tests.libvirt.story import lines
from tests.libvirt.vm1 import NAMED, NICS, born, died, running

pytestmark = pytest.mark.libvirt

SAVED = Path("/run/vm1.saved")
DISK = Path("/run/vm1.qcow2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """Is what a turn of the guest's life led to: the kernel's VLANs, and the log since before."""

    carried: Vlans
    told: list[str]


@pytest.fixture(scope="module")
def turns(host: Host) -> dict[str, Turn]:
    write_conf(ports=NAMED)
    write_disk(DISK)
    guest = host.define("VM1", *NICS, disk=DISK)
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
    virsh = ("virsh", "--connect", "qemu:///system")
    command = (*virsh, "event", guest.name, "--event", "reboot", "--timeout", "60")
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


def _expected() -> dict[str, Turn]:
    return {
        "start": Turn(carried=running("vnet0"), told=born("vnet0")),
        "reset from inside": Turn(carried=running("vnet0"), told=[]),
        "save": Turn(carried=REFERENCE, told=died("saved")),
        "restore": Turn(carried=running("vnet1"), told=born("vnet1", before="vnet0", by="restore")),
        "snapshot": Turn(carried=running("vnet1"), told=[]),
        "revert": Turn(
            carried=running("vnet2"),
            told=[*died("from snapshot"), *born("vnet2", before="vnet1")],
        ),
        "crash": Turn(carried=REFERENCE, told=died("crashed")),
        "start after the crash": Turn(carried=running("vnet3"), told=born("vnet3", before="vnet2")),
        "destroy": Turn(carried=REFERENCE, told=died("destroyed")),
    }


@pytest.mark.parametrize("name", TURNS)
def test_turn_leaves_the_right_vlans_and_a_whole_story(turns: dict[str, Turn], name: str) -> None:
    assert turns[name] == _expected()[name]
