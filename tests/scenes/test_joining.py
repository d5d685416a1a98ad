"""Ports and bridges that come while the daemon watches."""

from __future__ import annotations

import time

import pytest

from tests.kernel.netns import bridge, ip, ip_batch
from tests.scenes.guests import VM1, VM2, Guest, GuestNic
from tests.scenes.resident import watched
from tests.scenes.stage import BRIDGES, PORTS, SELF, TRUNK, VETH0, Stage
from tests.scenes.strangers import (
    BRIDGE_REVERTS,
    NATIVE,
    PORT_REVERTS,
    are_told_apart,
    becomes,
    until,
)

pytestmark = pytest.mark.kernel


def test_trunk_that_joins_gets_its_vlans_and_a_port_that_nothing_names_does_not(
    reference: Stage,
) -> None:
    with watched(reference) as resident:
        ip("link", "set", "eth0", "nomaster")
        reference.add_device("dummy0")
        ip("link", "set", "dummy0", "master", "br0")
        ip("link", "set", "eth0", "master", "br0")
        becomes(reference, {"br0": SELF, "eth0": TRUNK, "dummy0": NATIVE})
        resident.settled()


def test_tap_with_a_guests_name_and_another_mac_is_left_alone(reference: Stage) -> None:
    reference.configure(BRIDGE_REVERTS, PORT_REVERTS)
    reference.daemon_starts()
    with watched(reference) as resident:
        reference.start(VM1)
        ip("link", "del", "veth0")
        mac = VM2.nics[0].host_mac
        ip_batch(("tuntap add dev veth0 mode tap", f"link set veth0 address {mac} master br0 up"))
        bridge("vlan", "add", "dev", "veth0", "vid", "666")
        time.sleep(3)
        resident.settled()
    assert reference.carried() == {"br0": SELF, "eth0": TRUNK, "veth0": f"{NATIVE}, 666"}


def test_tap_that_is_plugged_in_gets_its_vlans_by_the_status_file(reference: Stage) -> None:
    with watched(reference) as resident:
        # No hook tells of it, and libvirt writes its file after the tap has joined.
        ip_batch(
            (
                "tuntap add dev veth0 mode tap",
                f"link set veth0 address {VM1.nics[0].host_mac} master br0 up",
            )
        )
        time.sleep(0.3)
        resident.status_folder.mkdir()
        status = b"<domstatus state='running'>" + VM1.live_xml() + b"</domstatus>"
        (resident.status_folder / "VM1.xml").write_bytes(status)
        becomes(reference, {"br0": SELF, "eth0": TRUNK, "veth0": VETH0})
        resident.settled()


def test_bridge_that_is_made_anew_is_set_up_with_its_ports_as_they_rejoin(
    reference: Stage,
) -> None:
    reference.configure(f"{BRIDGES}default-pvid = 0\n", PORTS)
    reference.daemon_starts()
    with watched(reference) as resident:
        reference.start(VM1)
        ip("link", "del", "br0")
        ip_batch(("link add br0 type bridge", "link set br0 up"))
        until(lambda: reference.switches() == {"br0": (1, 0)}, "br0 is not set up")
        ip_batch(("link set eth0 master br0", "link set veth0 master br0"))
        becomes(reference, {"br0": SELF, "eth0": TRUNK, "veth0": VETH0})
        resident.settled()
    assert are_told_apart(resident.events())


def test_port_that_takes_the_name_of_a_trunk_gets_its_vlans(reference: Stage) -> None:
    reference.configure(BRIDGES.replace("eth0", "eth0 eth1"), PORTS)
    with watched(reference) as resident:
        reference.add_device("dummy0")
        ip("link", "set", "dummy0", "master", "br0")
        becomes(reference, {"br0": SELF, "eth0": TRUNK, "dummy0": NATIVE})
        resident.settled()
        ip("link", "set", "dummy0", "down")
        ip("link", "set", "dummy0", "name", "eth1")
        becomes(reference, {"br0": SELF, "eth0": TRUNK, "eth1": TRUNK})
        resident.settled()


def test_tap_name_that_goes_to_another_guest_brings_that_guests_vlans(reference: Stage) -> None:
    of_vm2 = Guest(name="VM2", uuid=VM2.uuid, nics=(GuestNic(mac=VM2.nics[0].mac, tap="veth0"),))
    reference.configure(BRIDGES, f"{PORTS}\n[VM2/{VM2.nics[0].mac}]\npvid = 300\n")
    with watched(reference) as resident:
        reference.start(VM1)
        # Unplugged from the one and plugged into the other, of which no hook tells.
        ip("link", "del", "veth0")
        resident.status_folder.mkdir()
        for guest in (Guest(name="VM1", uuid=VM1.uuid, nics=()), of_vm2):
            status = b"<domstatus state='running'>" + guest.live_xml() + b"</domstatus>"
            (resident.status_folder / f"{guest.name}.xml").write_bytes(status)
        mac = VM2.nics[0].host_mac
        ip_batch(("tuntap add dev veth0 mode tap", f"link set veth0 address {mac} master br0 up"))
        becomes(reference, {"br0": SELF, "eth0": TRUNK, "veth0": "300 PVID Egress Untagged"})
        resident.settled()
