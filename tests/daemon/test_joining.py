"""Ports and bridges that come, while the daemon is told the time by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.core.making import (
    MAC1,
    MAC2,
    VM1,
    VM2,
    guest,
    hooked,
    nic,
    port,
    port_entry,
)
from tests.daemon.fake_watch import Resident
from tests.daemon.piloting import (
    NATIVE,
    REVERT,
    SELF,
    STATUS,
    TAP1,
    TAP2,
    TRUNK,
    VM1_VLANS,
    VM2_VLANS,
    br0,
    of_vm1,
    reasons,
    watched,
    with_vm1,
)
from vlanlog.core import event as e
from vlanlog.core.entry import Foreign, PortEntry
from vlanlog.libvirt import Unread


def test_trunk_that_joins_gets_its_vlans() -> None:
    resident = watched(br0())
    resident.kernel.remove("eth0")
    resident.at(1)
    resident.kernel.add_port("eth0", "br0")
    resident.at(2)
    assert resident.carried("eth0") == TRUNK
    assert reasons(resident) == [("eth0", "bridge_init.conf [br0]")]
    assert resident.autopilot.due_s() is None


def test_trunk_that_joins_and_gets_another_mac_at_once_gets_its_vlans() -> None:
    resident = watched(br0())
    resident.kernel.remove("eth0")
    resident.kernel.add_port("eth0", "br0")
    resident.hear(1)
    resident.kernel.set_mac("eth0", "02:00:00:00:00:01")
    resident.at(1)
    assert resident.carried("eth0") == TRUNK


def test_trunk_that_joins_leaves_the_switches_of_its_bridge_alone() -> None:
    resident = watched(br0())
    resident.kernel.set_vlan_filtering(resident.state.table.bridges["br0"].ifindex, on=False)
    resident.kernel.leave("eth0")
    resident.at(1)
    resident.kernel.join("eth0", "br0")
    resident.at(2)
    assert resident.carried("eth0") == TRUNK
    assert not resident.kernel.read().bridges["br0"].vlan_filtering


def test_port_that_joined_is_given_its_vlans_once_and_left_alone_under_record() -> None:
    resident = watched(br0())
    resident.kernel.remove("eth0")
    resident.kernel.add_port("eth0", "br0")
    resident.at(1)
    resident.kernel.set_vlans("eth0", port("500"))
    for now_s in (1.05, 1.2, 1.5, 2, 5, 10, 20):
        resident.at(now_s)
    assert resident.carried("eth0") == port("500")


def test_port_of_no_guest_that_joins_gets_what_it_was_assigned() -> None:
    resident = watched(br0())
    subject = e.Subject(port="dummy0")
    resident.journal.write([(subject, e.AssignmentSet(vlans=port("7"), reason="r"))])
    resident.kernel.add_port("dummy0", "br0")
    resident.at(1)
    assert resident.carried("dummy0") == port("7")


def test_port_that_nothing_names_is_not_touched() -> None:
    resident = watched(br0(REVERT))
    resident.kernel.add_port("dummy0", "br0")
    resident.at(1)
    resident.kernel.set_vlans("dummy0", port("7"))
    resident.at(2)
    assert resident.carried("dummy0") == port("7")
    assert resident.facts(e.ProgramIntended, e.RevertDelayed) == []


def test_tap_that_joins_gets_its_guests_vlans_where_its_mac_is_the_nics() -> None:
    resident = watched(br0(), of_vm1())
    resident.journal.write([hooked(VM1, "VM1", "start", nic(MAC1, tap="veth0"))])
    resident.kernel.add_port("veth0", "br0", mac=TAP1)
    resident.at(1)
    assert resident.carried("veth0") == VM1_VLANS


@pytest.mark.parametrize("entry", [of_vm1(), port_entry("VM1/*", VM1_VLANS)])
@pytest.mark.parametrize("foreign", Foreign)
def test_tap_with_a_guests_name_but_not_its_mac_is_not_touched(
    foreign: Foreign, entry: PortEntry
) -> None:
    resident = watched(br0(), replace(entry, foreign=foreign))
    resident.journal.write([hooked(VM1, "VM1", "start", nic(MAC1, tap="veth0"))])
    resident.kernel.add_port("veth0", "br0", mac=TAP2)
    for now_s in range(1, 20):
        resident.at(now_s)
    resident.kernel.set_vlans("veth0", port("7"))
    for now_s in range(20, 30):
        resident.at(now_s)
    assert resident.carried("veth0") == port("7")
    assert resident.facts(e.ProgramIntended, e.AssignmentSet) == []


def test_tap_with_the_name_of_a_guest_that_does_not_run_is_not_touched() -> None:
    resident = watched(br0(), of_vm1(REVERT))
    resident.kernel.add_port("veth0", "br0", mac=TAP1)
    for now_s in range(1, 20):
        resident.at(now_s)
    assert resident.carried("veth0") == NATIVE


def test_trunk_gets_its_bridges_vlans_whatever_guest_a_section_gives_it_to() -> None:
    resident = watched(br0(), of_vm1(section="eth0"))
    resident.kernel.remove("eth0")
    resident.kernel.add_port("eth0", "br0")
    resident.at(1)
    assert resident.carried("eth0") == TRUNK


def test_tap_of_a_guest_that_the_log_does_not_know_is_put_back_at_the_start() -> None:
    resident = Resident(br0(), replace(port_entry("VM2/*", VM2_VLANS), foreign=REVERT))
    resident.kernel.add_bridge("br0")
    resident.kernel.add_port("vnet7", "br0", mac=TAP2)
    resident.guests[STATUS / "VM2.xml"] = guest(VM2, "VM2", nic(MAC2, tap="vnet7"))
    resident.start()
    assert resident.carried("vnet7") == VM2_VLANS


def test_tap_that_libvirt_did_not_make_is_its_guests_where_the_status_file_says_so() -> None:
    resident = watched(br0(), of_vm1())
    own = nic(MAC1, tap="veth0")
    resident.journal.write([hooked(VM1, "VM1", "start", own)])
    resident.guests[STATUS / "VM1.xml"] = guest(VM1, "VM1", own)
    resident.kernel.add_port("veth0", "br0", mac="02:00:00:00:00:01")
    resident.at(1)
    assert resident.carried("veth0") == VM1_VLANS


def test_tap_that_was_plugged_in_gets_its_vlans_as_soon_as_the_status_file_tells_the_guest() -> (
    None
):
    resident = watched(br0(), port_entry("VM2/*", VM2_VLANS))
    resident.kernel.add_port("vnet7", "br0", mac=TAP2)
    resident.at(1)
    assert resident.carried("vnet7") == NATIVE
    seen = guest(VM2, "VM2", nic(MAC2, tap="vnet7", alias="net1"))
    resident.guests[STATUS / "VM2.xml"] = seen
    resident.at(1.5)
    assert resident.carried("vnet7") == VM2_VLANS
    assert resident.facts(e.GuestObserved) == [
        e.GuestObserved(nics=seen.nics, source=str(STATUS / "VM2.xml"))
    ]


def test_chosen_name_that_went_to_another_guest_gets_that_guests_vlans() -> None:
    resident = with_vm1(br0(), of_vm1(), port_entry("VM2/*", VM2_VLANS))
    resident.kernel.remove("veth0")
    resident.at(2)
    resident.guests[STATUS / "VM2.xml"] = guest(VM2, "VM2", nic(MAC2, tap="veth0"))
    resident.kernel.add_port("veth0", "br0", mac=TAP2)
    resident.at(3)
    assert resident.carried("veth0") == VM2_VLANS


def test_status_file_with_the_name_of_a_tap_and_another_mac_proves_nothing() -> None:
    resident = watched(br0(), port_entry("VM1/*", VM1_VLANS))
    resident.guests[STATUS / "VM1.xml"] = guest(VM1, "VM1", nic(MAC1, tap="vnet7"))
    resident.kernel.add_port("vnet7", "br0", mac=TAP2)
    for now_s in range(1, 15):
        resident.at(now_s)
    assert resident.carried("vnet7") == NATIVE
    assert resident.facts(e.GuestObserved) == []


def test_search_for_a_guest_ends() -> None:
    resident = watched(br0())
    resident.kernel.add_port("vnet7", "br0", mac=TAP2)
    looks, now_s = 0, 1.0
    resident.at(now_s)
    while (due_s := resident.autopilot.due_s()) is not None:
        looks, now_s = looks + 1, due_s
        resident.at(now_s)
        assert looks < 20
    assert (looks, round(now_s, 1)) == (11, 10.7)


def test_status_file_that_cannot_be_read_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    resident = watched(br0())
    resident.unread = (Unread(path=STATUS / "VM9.xml", reason="Permission denied"),)
    for number in range(3):
        resident.kernel.add_port(f"vnet{number}", "br0", mac=TAP2)
        resident.at(1 + number)
    assert [record.getMessage() for record in caplog.records] == [
        "/run/libvirt/qemu/VM9.xml: Permission denied"
    ]


def test_tap_that_gets_its_mac_after_it_joined_is_found_then() -> None:
    resident = watched(br0(), of_vm1())
    resident.journal.write([hooked(VM1, "VM1", "start", nic(MAC1, tap="veth0"))])
    resident.kernel.add_port("veth0", "br0", mac="02:00:00:00:00:01")
    for now_s in range(1, 20):
        resident.at(now_s)
    assert resident.autopilot.due_s() is None
    resident.kernel.set_mac("veth0", TAP1)
    resident.at(20)
    assert resident.carried("veth0") == VM1_VLANS


def test_trunk_that_gets_another_mac_is_left_alone() -> None:
    resident = watched(br0())
    resident.kernel.set_vlans("eth0", port("500"))
    resident.at(1)
    resident.kernel.set_mac("eth0", "02:00:00:00:00:01")
    resident.at(2)
    assert resident.carried("eth0") == port("500")


def test_bridge_that_is_made_anew_is_set_up_with_its_ports_as_they_come() -> None:
    resident = watched(br0(default_pvid=0))
    resident.kernel.remove("br0")
    resident.at(1)
    resident.kernel.add_bridge("br0")
    resident.at(2)
    resident.kernel.join("eth0", "br0")
    resident.at(3)
    bridge = resident.kernel.read().bridges["br0"]
    assert (bridge.vlan_filtering, bridge.default_pvid) == (True, 0)
    assert (resident.carried("br0"), resident.carried("eth0")) == (SELF, TRUNK)


def test_bridge_that_went_and_came_between_two_rounds_is_set_up() -> None:
    resident = watched(br0())
    resident.kernel.remove("br0")
    resident.kernel.add_bridge("br0")
    resident.at(1)
    assert resident.kernel.read().bridges["br0"].vlan_filtering
    assert resident.carried("br0") == SELF
