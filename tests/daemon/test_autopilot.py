"""What the daemon does by itself, told the time by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.core.making import (
    MAC1,
    MAC2,
    VM1,
    VM2,
    bridge_entry,
    guest,
    hooked,
    nic,
    port,
    port_entry,
    raw,
)
from tests.daemon.fake_watch import Resident
from vlanlog.core import event as e
from vlanlog.core.entry import BridgeEntry, Foreign, PortEntry
from vlanlog.core.state import Assignee, tap_mac
from vlanlog.core.vlan import PortVlans
from vlanlog.daemon.autopilot import RETRY_S, SETTLED_S
from vlanlog.errors import StoreError
from vlanlog.libvirt import Unread

RECORD, REVERT, ADOPT = Foreign.RECORD, Foreign.REVERT, Foreign.ADOPT
NATIVE = port("", pvid=1)
TRUNK, SELF = port("100,200", pvid=1), port("200", pvid=1)
VM1_VLANS, VM2_VLANS = port("200", pvid=100), port("400", pvid=300)
TAP1, TAP2 = tap_mac(MAC1), tap_mac(MAC2)
STATUS = Path("/run/libvirt/qemu")


def _br0(foreign: Foreign = RECORD, *, default_pvid: int | None = None) -> BridgeEntry:
    entry = bridge_entry("br0", "eth0", trunk=TRUNK, own=SELF, default_pvid=default_pvid)
    return replace(entry, foreign=foreign)


def _of_vm1(foreign: Foreign = RECORD, section: str = "veth0") -> PortEntry:
    return replace(port_entry(section, VM1_VLANS, of="VM1"), foreign=foreign)


def _watched(*entries: BridgeEntry | PortEntry, filtering: bool = True) -> Resident:
    """Returns a daemon that watches br0 with the trunk eth0, both as br0's section says."""
    resident = Resident(*entries)
    resident.kernel.add_bridge("br0", vlan_filtering=filtering)
    resident.kernel.add_port("eth0", "br0", mac="52:54:00:00:00:ee")
    resident.kernel.set_vlans("br0", SELF)
    resident.kernel.set_vlans("eth0", TRUNK)
    resident.start()
    return resident


def _with_vm1(*entries: BridgeEntry | PortEntry) -> Resident:
    """Returns a daemon on whose host VM1 runs on veth0 with its VLANs."""
    resident = _watched(*entries)
    resident.journal.write([hooked(VM1, "VM1", "start", nic(MAC1, tap="veth0"))])
    resident.kernel.add_port("veth0", "br0", mac=TAP1)
    resident.at(1)
    assert resident.carried("veth0") == VM1_VLANS
    return resident


def _reasons(resident: Resident) -> list[tuple[str | None, str]]:
    return [
        (event.subject.port or event.subject.bridge, event.fact.because)
        for event in resident.events(e.ProgramIntended)
        if isinstance(event.fact, e.ProgramIntended)
    ]


def _delays(resident: Resident) -> list[tuple[int, float]]:
    return [
        (fact.reverts, fact.delay_s)
        for fact in resident.facts(e.RevertDelayed)
        if isinstance(fact, e.RevertDelayed)
    ]


# Ports and bridges that come.


def test_trunk_that_joins_gets_its_vlans() -> None:
    resident = _watched(_br0())
    resident.kernel.remove("eth0")
    resident.at(1)
    resident.kernel.add_port("eth0", "br0")
    resident.at(2)
    assert resident.carried("eth0") == TRUNK
    assert _reasons(resident) == [("eth0", "bridge_init.conf [br0]")]


def test_port_that_joined_is_given_its_vlans_once_and_left_alone_under_record() -> None:
    resident = _watched(_br0())
    resident.kernel.remove("eth0")
    resident.kernel.add_port("eth0", "br0")
    resident.at(1)
    resident.kernel.set_vlans("eth0", port("500"))
    for now_s in (1.05, 1.2, 1.5, 2, 5, 10, 20):
        resident.at(now_s)
    assert resident.carried("eth0") == port("500")


def test_port_of_no_guest_that_joins_gets_what_it_was_assigned() -> None:
    resident = _watched(_br0())
    subject = e.Subject(port="dummy0")
    resident.journal.write([(subject, e.AssignmentSet(vlans=port("7"), reason="r"))])
    resident.kernel.add_port("dummy0", "br0")
    resident.at(1)
    assert resident.carried("dummy0") == port("7")


def test_port_that_nothing_names_is_not_touched() -> None:
    resident = _watched(_br0(REVERT))
    resident.kernel.add_port("dummy0", "br0")
    resident.at(1)
    resident.kernel.set_vlans("dummy0", port("7"))
    resident.at(2)
    assert resident.carried("dummy0") == port("7")
    assert resident.facts(e.ProgramIntended, e.RevertDelayed) == []


def test_tap_that_joins_gets_its_guests_vlans_where_its_mac_is_the_nics() -> None:
    resident = _watched(_br0(), _of_vm1())
    resident.journal.write([hooked(VM1, "VM1", "start", nic(MAC1, tap="veth0"))])
    resident.kernel.add_port("veth0", "br0", mac=TAP1)
    resident.at(1)
    assert resident.carried("veth0") == VM1_VLANS


@pytest.mark.parametrize("foreign", Foreign)
def test_tap_with_a_guests_name_but_not_its_mac_is_not_touched(foreign: Foreign) -> None:
    resident = _watched(_br0(), _of_vm1(foreign))
    resident.journal.write([hooked(VM1, "VM1", "start", nic(MAC1, tap="veth0"))])
    resident.kernel.add_port("veth0", "br0", mac=TAP2)
    for now_s in range(1, 20):
        resident.at(now_s)
    resident.kernel.set_vlans("veth0", port("7"))
    for now_s in range(20, 30):
        resident.at(now_s)
    assert resident.carried("veth0") == port("7")
    assert resident.facts(e.ProgramIntended, e.AssignmentSet) == []


def test_tap_of_an_uncertain_guest_is_left_as_it_is_at_the_start_under_revert() -> None:
    resident = Resident(_br0(), _of_vm1(REVERT))
    resident.journal.write([hooked(VM1, "VM1", "start", nic(MAC1, tap="veth0"))])
    resident.kernel.add_bridge("br0")
    resident.kernel.add_port("veth0", "br0", mac=TAP2)
    resident.start()
    assert resident.carried("veth0") == NATIVE


def test_tap_that_libvirt_did_not_make_is_its_guests_where_the_status_file_says_so() -> None:
    resident = _watched(_br0(), _of_vm1())
    own = nic(MAC1, tap="veth0")
    resident.journal.write([hooked(VM1, "VM1", "start", own)])
    resident.guests[STATUS / "VM1.xml"] = guest(VM1, "VM1", own)
    resident.kernel.add_port("veth0", "br0", mac="02:00:00:00:00:01")
    resident.at(1)
    assert resident.carried("veth0") == VM1_VLANS


def test_tap_that_was_plugged_in_gets_its_vlans_as_soon_as_the_status_file_tells_the_guest() -> (
    None
):
    resident = _watched(_br0(), port_entry("VM2/*", VM2_VLANS))
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
    resident = _with_vm1(_br0(), _of_vm1(), port_entry("VM2/*", VM2_VLANS))
    resident.kernel.remove("veth0")
    resident.at(2)
    resident.guests[STATUS / "VM2.xml"] = guest(VM2, "VM2", nic(MAC2, tap="veth0"))
    resident.kernel.add_port("veth0", "br0", mac=TAP2)
    resident.at(3)
    assert resident.carried("veth0") == VM2_VLANS


def test_status_file_with_the_name_of_a_tap_and_another_mac_proves_nothing() -> None:
    resident = _watched(_br0(), port_entry("VM1/*", VM1_VLANS))
    resident.guests[STATUS / "VM1.xml"] = guest(VM1, "VM1", nic(MAC1, tap="vnet7"))
    resident.kernel.add_port("vnet7", "br0", mac=TAP2)
    for now_s in range(1, 15):
        resident.at(now_s)
    assert resident.carried("vnet7") == NATIVE
    assert resident.facts(e.GuestObserved) == []


def test_search_for_a_guest_ends() -> None:
    resident = _watched(_br0())
    resident.kernel.add_port("vnet7", "br0", mac=TAP2)
    looks, now_s = 0, 1.0
    resident.at(now_s)
    while (due_s := resident.autopilot.due_s()) is not None:
        looks, now_s = looks + 1, due_s
        resident.at(now_s)
        assert looks < 20
    assert (looks, round(now_s, 1)) == (11, 10.7)


def test_port_that_left_is_looked_for_no_more() -> None:
    resident = _watched(_br0())
    resident.kernel.add_port("vnet7", "br0", mac=TAP2)
    resident.at(1)
    resident.kernel.remove("vnet7")
    resident.at(1.1)
    assert resident.autopilot.due_s() is None


def test_status_file_that_cannot_be_read_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    resident = _watched(_br0())
    resident.unread = (Unread(path=STATUS / "VM9.xml", reason="Permission denied"),)
    for number in range(3):
        resident.kernel.add_port(f"vnet{number}", "br0", mac=TAP2)
        resident.at(1 + number)
    assert [record.getMessage() for record in caplog.records] == [
        "/run/libvirt/qemu/VM9.xml: Permission denied"
    ]


def test_tap_that_gets_its_mac_after_it_joined_is_found_then() -> None:
    resident = _watched(_br0(), _of_vm1())
    resident.journal.write([hooked(VM1, "VM1", "start", nic(MAC1, tap="veth0"))])
    resident.kernel.add_port("veth0", "br0", mac="02:00:00:00:00:01")
    resident.at(1)
    resident.kernel.set_mac("veth0", TAP1)
    resident.at(20)
    assert resident.carried("veth0") == VM1_VLANS


def test_trunk_that_gets_another_mac_is_left_alone() -> None:
    resident = _watched(_br0())
    resident.kernel.set_vlans("eth0", port("500"))
    resident.at(1)
    resident.kernel.set_mac("eth0", "02:00:00:00:00:01")
    resident.at(2)
    assert resident.carried("eth0") == port("500")


def test_bridge_that_is_made_anew_is_set_up_with_its_ports_as_they_come() -> None:
    resident = _watched(_br0(default_pvid=0))
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
    resident = _watched(_br0())
    resident.kernel.remove("br0")
    resident.kernel.add_bridge("br0")
    resident.at(1)
    assert resident.kernel.read().bridges["br0"].vlan_filtering
    assert resident.carried("br0") == SELF


# foreign = record


def test_record_does_nothing() -> None:
    resident = _with_vm1(_br0(), _of_vm1())
    before = len(resident.events(e.ProgramIntended))
    resident.kernel.set_vlans("veth0", port("7"))
    resident.kernel.set_vlans("eth0", port("8"))
    resident.kernel.set_vlan_filtering(resident.state.table.bridges["br0"].ifindex, on=False)
    for now_s in range(2, 100, 7):
        resident.at(now_s)
    assert (resident.carried("veth0"), resident.carried("eth0")) == (port("7"), port("8"))
    assert not resident.kernel.read().bridges["br0"].vlan_filtering
    assert len(resident.events(e.ProgramIntended)) == before
    assert resident.facts(e.AssignmentSet) == []


# foreign = revert


def test_revert_puts_a_port_back_at_once_and_says_why() -> None:
    resident = _with_vm1(_br0(), _of_vm1(REVERT))
    resident.kernel.set_vlans("veth0", port("7"))
    resident.at(100)
    assert resident.carried("veth0") == VM1_VLANS
    reason = ("veth0", "foreign = revert: vlan_filtering.conf [veth0]")
    assert _reasons(resident)[1:] == [reason]
    assert resident.autopilot.due_s() is None


def test_revert_of_a_bridge_is_for_its_trunk_its_own_port_and_its_switches() -> None:
    resident = _watched(_br0(REVERT, default_pvid=1))
    resident.kernel.set_vlans("eth0", port("7"))
    resident.kernel.set_vlans("br0", port("8"))
    index = resident.state.table.bridges["br0"].ifindex
    resident.kernel.set_vlan_filtering(index, on=False)
    resident.at(1)
    assert (resident.carried("eth0"), resident.carried("br0")) == (TRUNK, SELF)
    assert resident.kernel.read().bridges["br0"].vlan_filtering
    because = "foreign = revert: bridge_init.conf [br0]"
    assert sorted(_reasons(resident)) == [("br0", because), ("br0", because), ("eth0", because)]


def test_revert_of_a_default_pvid_takes_back_the_ports_that_were_taken_along() -> None:
    resident = _watched(_br0(REVERT, default_pvid=1))
    resident.kernel.add_port("named", "br0")
    resident.kernel.add_port("dummy0", "br0")
    resident.kernel.add_port("own", "br0")
    resident.kernel.set_vlans("own", port("", pvid=50))
    resident.at(1)
    resident.kernel.set_default_pvid(resident.state.table.bridges["br0"].ifindex, 50)
    assert resident.carried("dummy0") == port("", pvid=50)
    resident.at(2)
    assert resident.kernel.read().bridges["br0"].default_pvid == 1
    assert (resident.carried("eth0"), resident.carried("br0")) == (TRUNK, SELF)
    assert resident.carried("dummy0") == NATIVE
    # It was so before: the kernel would have taken it along as well.
    assert resident.carried("own") == port("", pvid=50)


def test_ports_of_which_the_kernel_tells_before_the_bridge_are_taken_back_too() -> None:
    resident = _watched(_br0(REVERT, default_pvid=1))
    resident.kernel.add_port("dummy0", "br0")
    resident.at(1)
    resident.kernel.set_vlans("dummy0", port("", pvid=50))
    resident.at(2)
    resident.kernel.set_vlans("dummy0", NATIVE)
    index = resident.state.table.bridges["br0"].ifindex
    resident.kernel.set_default_pvid(index, 50)
    resident.at(2.1)
    assert resident.carried("dummy0") == NATIVE


def test_port_that_nothing_names_keeps_what_it_had_long_before_a_default_pvid_moved() -> None:
    resident = _watched(_br0(REVERT, default_pvid=1))
    resident.kernel.add_port("dummy0", "br0")
    resident.at(1)
    resident.kernel.set_vlans("dummy0", port("", pvid=50))
    resident.at(2)
    resident.kernel.set_default_pvid(resident.state.table.bridges["br0"].ifindex, 50)
    resident.at(20)
    assert resident.carried("dummy0") == port("", pvid=50)


def test_flapping_writer_is_answered_after_one_two_four_seconds() -> None:
    resident = _with_vm1(_br0(), _of_vm1(REVERT))
    began = len(resident.events(e.ProgramIntended))
    reverts = []
    for tick in range(20 * 20):
        now_s = 100 + tick / 20
        if resident.carried("veth0") == VM1_VLANS:
            resident.kernel.set_vlans("veth0", port("7"))
        resident.at(now_s)
        if resident.carried("veth0") == VM1_VLANS:
            reverts.append(tick / 20)
    assert reverts == [0.0, 1.0, 3.0, 7.0, 15.0]
    assert len(resident.events(e.ProgramIntended)) == began + 5
    # Each is said when the change is heard, 50 ms after the revert.
    delays = [(number, round(delay_s)) for number, delay_s in _delays(resident)]
    assert delays == [(1, 1), (2, 2), (3, 4), (4, 8), (5, 16)]


def test_delay_is_said_in_the_log_about_the_port_and_on_stderr(
    caplog: pytest.LogCaptureFixture,
) -> None:
    resident = _with_vm1(_br0(), _of_vm1(REVERT))
    for now_s in (100, 100.25, 100.5):
        resident.kernel.set_vlans("veth0", port("7"))
        resident.at(now_s)
    [event] = resident.events(e.RevertDelayed)
    assert event.fact == e.RevertDelayed(reverts=1, delay_s=0.8)
    assert (event.subject.guest_name, event.subject.port) == ("VM1", "veth0")
    assert [item.getMessage() for item in caplog.records if item.levelname == "WARNING"] == [
        "veth0 was put back 1 time and changed again each time: next time in 0.8 s"
    ]


def test_revert_is_at_once_again_after_a_calm_minute() -> None:
    resident = _with_vm1(_br0(), _of_vm1(REVERT))
    for tick in range(20 * 20):
        resident.kernel.set_vlans("veth0", port("7"))
        resident.at(100 + tick / 20)
    resident.at(140)
    assert resident.carried("veth0") == VM1_VLANS
    said = len(_delays(resident))
    resident.kernel.set_vlans("veth0", port("7"))
    resident.at(200)
    assert (resident.carried("veth0"), len(_delays(resident))) == (VM1_VLANS, said)


def test_change_that_somebody_took_back_meanwhile_costs_no_patience() -> None:
    resident = _with_vm1(_br0(), _of_vm1(REVERT))
    for number in range(5):
        resident.kernel.set_vlans("veth0", port("7"))
        resident.hear(100 + number)
        resident.kernel.set_vlans("veth0", VM1_VLANS)
        resident.at(100 + number)
    assert _delays(resident) == []


def test_switches_of_a_bridge_are_put_back_with_patience_too() -> None:
    resident = _watched(_br0(REVERT))
    index = resident.state.table.bridges["br0"].ifindex
    reverts = 0
    for tick in range(20 * 20):
        reverts += resident.kernel.read().bridges["br0"].vlan_filtering
        resident.kernel.set_vlan_filtering(index, on=False)
        resident.at(100 + tick / 20)
    assert reverts == 6
    assert [number for number, _ in _delays(resident)] == [1, 2, 3, 4, 5]


def test_drift_that_the_log_knew_before_the_start_is_put_back_under_revert() -> None:
    resident = _watched(_br0(), filtering=False)
    resident.kernel.set_vlans("eth0", port("7"))
    resident.at(1)
    resident.configure(_br0(REVERT))
    resident.start()
    assert resident.carried("eth0") == TRUNK
    assert resident.kernel.read().bridges["br0"].vlan_filtering


def test_revert_that_waits_is_dropped_when_the_policy_changes() -> None:
    resident = _with_vm1(_br0(), _of_vm1(REVERT))
    for now_s in (100, 100.1):
        resident.kernel.set_vlans("veth0", port("7"))
        resident.at(now_s)
    resident.configure(_br0(), _of_vm1(RECORD))
    resident.at(102)
    assert resident.carried("veth0") == port("7")


def test_revert_that_waits_is_dropped_when_the_port_leaves() -> None:
    resident = _with_vm1(_br0(), _of_vm1(REVERT))
    for now_s in (100, 100.1):
        resident.kernel.set_vlans("veth0", port("7"))
        resident.at(now_s)
    resident.kernel.remove("veth0")
    resident.at(101)
    resident.at(110)
    assert resident.autopilot.due_s() is None


def test_bridge_that_vanishes_before_its_change_is_heeded_ends_nothing() -> None:
    resident = _watched(_br0(REVERT))
    index = resident.state.table.bridges["br0"].ifindex
    resident.kernel.set_vlan_filtering(index, on=False)
    resident.observer.hear()
    resident.kernel.remove("br0")
    resident.at(1)
    resident.kernel.add_bridge("br0")
    resident.at(2)
    assert resident.kernel.read().bridges["br0"].vlan_filtering


def test_bridge_that_vanishes_before_its_revert_is_due_ends_nothing() -> None:
    resident = _watched(_br0(REVERT))
    index = resident.state.table.bridges["br0"].ifindex
    for now_s in (1, 1.1):
        resident.kernel.set_vlan_filtering(index, on=False)
        resident.at(now_s)
    resident.kernel.remove("br0")
    resident.at(5)
    assert resident.autopilot.due_s() is None


def test_revert_that_the_log_does_not_take_is_tried_again() -> None:
    resident = _with_vm1(_br0(), _of_vm1(REVERT))
    resident.kernel.set_vlans("veth0", port("7"))
    resident.hear(100)
    resident.log.is_full = True
    with pytest.raises(StoreError):
        resident.autopilot.act(resident.state, 100)
    assert resident.autopilot.due_s() == 100 + RETRY_S
    resident.log.is_full = False
    resident.at(100 + RETRY_S)
    assert resident.carried("veth0") == VM1_VLANS


def test_port_that_joined_while_the_log_was_full_is_set_later() -> None:
    resident = _watched(_br0())
    resident.kernel.remove("eth0")
    resident.kernel.add_port("eth0", "br0")
    resident.hear(100)
    resident.log.is_full = True
    with pytest.raises(StoreError):
        resident.autopilot.act(resident.state, 100)
    resident.log.is_full = False
    resident.at(100 + RETRY_S)
    assert resident.carried("eth0") == TRUNK


def test_delay_that_cannot_be_recorded_is_kept_all_the_same() -> None:
    resident = _with_vm1(_br0(), _of_vm1(REVERT))
    resident.kernel.set_vlans("veth0", port("7"))
    resident.at(100)
    resident.kernel.set_vlans("veth0", port("7"))
    resident.observer.hear()
    resident.log.is_full = True
    with pytest.raises(StoreError):
        resident.hear(100.25)
    resident.log.is_full = False
    assert resident.autopilot.due_s() == 101
    resident.at(101)
    assert resident.carried("veth0") == VM1_VLANS


# foreign = adopt


def _adopted(resident: Resident) -> list[PortVlans]:
    return [
        fact.vlans for fact in resident.facts(e.AssignmentSet) if isinstance(fact, e.AssignmentSet)
    ]


def test_adopt_takes_a_burst_for_one_wish_once_it_has_rested() -> None:
    resident = _with_vm1(_br0(), _of_vm1(ADOPT))
    for tick in range(10):
        resident.kernel.set_vlans("veth0", port(f"200-{201 + tick}", pvid=100))
        resident.at(100 + tick / 10)
    resident.at(100.9 + SETTLED_S - 0.01)
    assert _adopted(resident) == []
    resident.at(100.9 + SETTLED_S)
    resident.at(200)
    assert _adopted(resident) == [port("200-210", pvid=100)]
    [wish] = resident.state.assignments
    assert wish.assignee == Assignee(guest_uuid=VM1, mac=MAC1)


def test_adopted_wish_is_what_the_port_gets_when_it_joins_again() -> None:
    resident = _with_vm1(_br0(), _of_vm1(ADOPT))
    resident.kernel.set_vlans("veth0", port("7"))
    resident.at(100)
    resident.at(101)
    resident.kernel.remove("veth0")
    resident.at(102)
    resident.kernel.add_port("veth0", "br0", mac=TAP1)
    resident.at(103)
    assert resident.carried("veth0") == port("7")
    assert _adopted(resident) == [port("7")]


def test_change_that_was_taken_back_is_not_adopted() -> None:
    resident = _with_vm1(_br0(), _of_vm1(ADOPT))
    resident.kernel.set_vlans("veth0", port("7"))
    resident.at(100)
    resident.kernel.set_vlans("veth0", VM1_VLANS)
    resident.at(100.1)
    resident.at(101)
    assert _adopted(resident) == []


def test_default_pvid_of_a_port_that_joins_is_never_adopted() -> None:
    resident = _watched(_br0(ADOPT))
    resident.kernel.leave("eth0")
    resident.at(1)
    resident.kernel.join("eth0", "br0")
    # The kernel refuses the trunk's VLANs, so that it keeps the default PVID.
    resident.kernel.refuse("eth0", 100, "No space left on device")
    for tick in range(50):
        resident.at(2 + tick / 10)
    assert resident.carried("eth0") == NATIVE
    assert _adopted(resident) == []


def test_port_without_vlans_that_gets_the_default_pvid_from_a_stranger_is_put_back() -> None:
    entry = replace(bridge_entry("br0", "eth0", trunk=raw("")), foreign=REVERT)
    resident = _watched(entry)
    assert resident.carried("eth0") == raw("")
    resident.kernel.set_vlans("eth0", NATIVE)
    resident.at(100)
    assert resident.carried("eth0") == raw("")


def test_port_that_nothing_names_is_not_adopted() -> None:
    resident = _watched(_br0(ADOPT))
    resident.kernel.add_port("dummy0", "br0")
    resident.at(1)
    resident.kernel.set_vlans("dummy0", port("7"))
    resident.at(2)
    resident.at(3)
    assert _adopted(resident) == []


# What it remembers.


def test_bridge_that_is_made_anew_finds_fresh_patience() -> None:
    resident = _watched(_br0(REVERT))
    for now_s in (1, 1.1):
        index = resident.state.table.bridges["br0"].ifindex
        resident.kernel.set_vlan_filtering(index, on=False)
        resident.at(now_s)
    resident.kernel.remove("br0")
    resident.kernel.add_bridge("br0")
    resident.at(1.2)
    index = resident.state.table.bridges["br0"].ifindex
    resident.kernel.set_vlan_filtering(index, on=False)
    resident.at(1.3)
    assert resident.kernel.read().bridges["br0"].vlan_filtering
