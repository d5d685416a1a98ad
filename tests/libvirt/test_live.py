"""What libvirt's status files tell of a guest from its start to its end, hot plug included."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.lab.domain import Nic as LabNic
from tests.lab.domain import domain_xml
from tests.lab.libvirtd import Libvirtd, libvirtd
from tests.libvirt.host import Host, ip, wait_until
from tests.libvirt.plug import Plugged, move, plug, unplug
from vlanlog.core.state import Guest, Nic, tap_mac
from vlanlog.libvirt import STATUS_FOLDER, running_guests

pytestmark = pytest.mark.libvirt

SEEN = Path("/run/seen-live")
# Keeps what the folder holds at each call.
_WITNESS = f"""#!/bin/sh
cp -a {STATUS_FOLDER} {SEEN}/$2
exit 0
"""
_NETWORK = "<network><name>lan</name><forward mode='bridge'/><bridge name='br1'/></network>"
UUID = "6c7f4c1e-8a0b-4d0f-9a53-0d1c6f0a5a11"
GENERATED = Nic(mac="52:54:00:00:01:01", alias="net0", tap="vnet0", bridge="br0")
FIXED = Nic(mac="52:54:00:00:01:02", alias="net1", tap="veth0", bridge="br0")
PLUGGED = Nic(mac="52:54:00:00:01:03", alias="net2", tap="vnet1", bridge="br0")
ODD_MAC = Nic(mac="fe:54:00:00:01:04", alias="net3", tap="vnet2", bridge="br0")
OF_NETWORK = Nic(mac="52:54:00:00:01:05", alias="net4", tap="vnet3", bridge="br1", network="lan")
MOVED = replace(PLUGGED, bridge="br1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """Is what was read: by the step that had just ended, and by the hook that was being called."""

    after: dict[str, list[Guest]]
    at_hook: dict[str, list[Guest]]
    plugged: list[Plugged]


def guests(*nics: Nic) -> list[Guest]:
    return [Guest(uuid=UUID, name="VM1", running=True, nics=nics)]


def told(folder: Path = STATUS_FOLDER) -> list[Guest]:
    live = running_guests(folder)
    assert live.unread == ()
    return list(live.guests.values())


@contextmanager
def _bridges() -> Iterator[None]:
    for name in ("br0", "br1"):
        ip(f"link add {name} type bridge vlan_filtering 1")
        ip(f"link set {name} up")
    yield
    for name in ("br0", "br1"):
        ip(f"link del {name}")


@pytest.fixture(scope="module")
def life(one_host: Host) -> Iterator[Life]:
    one_host.close()
    shutil.rmtree(SEEN, ignore_errors=True)
    SEEN.mkdir()
    with _bridges(), libvirtd({"qemu": _WITNESS}) as daemon:
        _define(daemon)
        after, plugged = _live(daemon)
        at_hook = {path.name: told(path) for path in SEEN.iterdir()}
        yield Life(after=after, at_hook=at_hook, plugged=plugged)
        daemon.virsh("net-destroy", "lan")
        daemon.virsh("net-undefine", "lan")


def _define(daemon: Libvirtd) -> None:
    network = Path("/run/lan.xml")
    network.write_text(_NETWORK)
    daemon.virsh("net-define", str(network))
    daemon.virsh("net-start", "lan")
    nics = (
        LabNic(bridge="br0", mac=GENERATED.mac),
        LabNic(bridge="br0", mac=FIXED.mac, target=FIXED.tap),
    )
    daemon.define(domain_xml("VM1", nics, uuid=UUID, acpi=True))


def _live(daemon: Libvirtd) -> tuple[dict[str, list[Guest]], list[Plugged]]:
    after = {"define": told()}
    daemon.virsh("start", "VM1")
    after["start"] = told()
    plugged = [
        plug(daemon, "VM1", PLUGGED.mac),
        plug(daemon, "VM1", ODD_MAC.mac),
        plug(daemon, "VM1", OF_NETWORK.mac, network="lan"),
    ]
    after["attach-interface"] = told()
    move(daemon, "VM1", PLUGGED.mac, "br1")
    after["update-device"] = told()
    daemon.virsh("suspend", "VM1")
    after["suspend"] = told()
    daemon.virsh("resume", "VM1")
    unplug(daemon, "VM1", PLUGGED.mac)
    wait_until(lambda: told() != after["suspend"], "the file without the NIC")
    after["detach-interface"] = told()
    daemon.stop()
    after["libvirtd's end"] = told()
    daemon.start()
    wait_until((SEEN / "reconnect").exists, "the hook `reconnect`")
    daemon.virsh("domstate", "VM1")
    after["libvirtd's start"] = told()
    daemon.virsh("destroy", "VM1")
    after["destroy"] = told()
    return after, plugged


def test_no_file_tells_of_a_guest_until_its_hook_start_has_ended(life: Life) -> None:
    assert {hook: life.at_hook[hook] for hook in ("prepare", "start", "started")} == {
        "prepare": [],
        "start": [],
        "started": guests(GENERATED, FIXED),
    }


def test_file_tells_of_what_was_plugged_in_when_virsh_returns(life: Life) -> None:
    for item in life.plugged:
        print(item)
    assert [life.after[step] for step in ("define", "start", "attach-interface")] == [
        [],
        guests(GENERATED, FIXED),
        guests(GENERATED, FIXED, PLUGGED, ODD_MAC, OF_NETWORK),
    ]


def test_taps_that_were_plugged_in_have_the_macs_that_libvirt_makes_of_their_nics(
    life: Life,
) -> None:
    assert {item.tap: item.tap_mac for item in life.plugged} == {
        nic.tap: tap_mac(nic.mac) for nic in (PLUGGED, ODD_MAC, OF_NETWORK)
    }


def test_file_tells_the_bridge_to_which_a_nic_was_moved(life: Life) -> None:
    assert life.after["update-device"] == guests(GENERATED, FIXED, MOVED, ODD_MAC, OF_NETWORK)


def test_guest_that_is_paused_has_its_taps(life: Life) -> None:
    assert life.after["suspend"] == life.after["update-device"]


def test_file_no_more_tells_of_a_nic_that_was_taken_out(life: Life) -> None:
    assert life.after["detach-interface"] == guests(GENERATED, FIXED, ODD_MAC, OF_NETWORK)


def test_files_outlive_libvirtd(life: Life) -> None:
    steps = ("libvirtd's end", "libvirtd's start")
    seen = [*(life.after[step] for step in steps), life.at_hook["reconnect"]]
    assert seen == [guests(GENERATED, FIXED, ODD_MAC, OF_NETWORK)] * 3


def test_file_of_a_guest_that_ends_goes_after_its_hook_stopped(life: Life) -> None:
    """Until then it names taps that are gone: a name alone does not tell whose a tap is."""
    assert (life.at_hook["stopped"], life.at_hook["release"], life.after["destroy"]) == (
        guests(GENERATED, FIXED, ODD_MAC, OF_NETWORK),
        [],
        [],
    )
