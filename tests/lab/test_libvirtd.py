"""Shows that the lab's libvirtd calls hooks as a host's does; runs inside `run.py --libvirt`."""

import subprocess
import time
from pathlib import Path

import pytest

from .domain import Nic, domain_xml
from .inside import require_lab
from .libvirtd import libvirtd

pytestmark = pytest.mark.libvirt
_HOOK = """#!/bin/sh
echo "$(basename "$0") $1 $2 $3" >> /run/hook-calls
"""
_CALLS = (
    "daemon - start -",
    "qemu VM1 prepare begin",
    "qemu VM1 start begin",
    "qemu VM1 started begin",
    "daemon - reload begin",
    "qemu VM1 stopped end",
    "qemu VM1 release end",
    "daemon - shutdown -",
)


def test_libvirtd_calls_the_hooks_in_order_of_a_guests_life() -> None:
    require_lab()
    calls = Path("/run/hook-calls")
    calls.write_text("")
    subprocess.run(
        ("ip", "link", "add", "br0", "type", "bridge", "vlan_filtering", "1"), check=True
    )
    nics = (Nic(bridge="br0", target="veth0", mac="52:54:00:00:00:01"), Nic(bridge="br0"))
    with libvirtd({"qemu": _HOOK, "daemon": _HOOK}) as daemon:
        daemon.define(domain_xml("VM1", nics))
        daemon.virsh("start", "VM1")
        ports = subprocess.run(("bridge", "link"), capture_output=True, text=True, check=True)
        daemon.reload()
        _wait_for(calls, "daemon - reload")
        daemon.virsh("destroy", "VM1")
        _wait_for(calls, "qemu VM1 release")
    assert tuple(calls.read_text().splitlines()) == _CALLS
    assert ports.stdout.count("master br0") == 2


def _wait_for(calls: Path, call: str) -> None:
    deadline = time.monotonic() + 60
    while call not in calls.read_text() and time.monotonic() < deadline:
        time.sleep(0.1)
