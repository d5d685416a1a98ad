"""``foreign = revert``, while the daemon is told the time by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.core.making import (
    MAC1,
    VM1,
    bridge_entry,
    hooked,
    nic,
    port,
    raw,
)
from tests.daemon.fake_watch import Resident
from tests.daemon.piloting import (
    NATIVE,
    RECORD,
    REVERT,
    SELF,
    TAP2,
    TRUNK,
    VM1_VLANS,
    VlanFact,
    br0,
    delays,
    of_vm1,
    reasons,
    watched,
    with_vm1,
)
from vlanlog.core import event as e


def test_revert_puts_a_port_back_at_once_and_says_why() -> None:
    resident = with_vm1(br0(), of_vm1(REVERT))
    resident.kernel.set_vlans("veth0", port("7"))
    resident.at(100)
    assert resident.carried("veth0") == VM1_VLANS
    reason = ("veth0", "foreign = revert: vlan_filtering.conf [veth0]")
    assert reasons(resident)[1:] == [reason]
    assert resident.autopilot.due_s() is None


def test_revert_of_a_bridge_is_for_its_trunk_its_own_port_and_its_switches() -> None:
    resident = watched(br0(REVERT, default_pvid=1))
    resident.kernel.set_vlans("eth0", port("7"))
    resident.kernel.set_vlans("br0", port("8"))
    index = resident.state.table.bridges["br0"].ifindex
    resident.kernel.set_vlan_filtering(index, on=False)
    resident.at(1)
    assert (resident.carried("eth0"), resident.carried("br0")) == (TRUNK, SELF)
    assert resident.kernel.read().bridges["br0"].vlan_filtering
    because = "foreign = revert: bridge_init.conf [br0]"
    assert sorted(reasons(resident)) == [("br0", because), ("br0", because), ("eth0", because)]


def test_revert_of_a_default_pvid_takes_back_the_ports_that_were_taken_along() -> None:
    resident = watched(br0(REVERT, default_pvid=1))
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
    resident = watched(br0(REVERT, default_pvid=1))
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
    resident = watched(br0(REVERT, default_pvid=1))
    resident.kernel.add_port("dummy0", "br0")
    resident.at(1)
    resident.kernel.set_vlans("dummy0", port("", pvid=50))
    resident.at(2)
    resident.kernel.set_default_pvid(resident.state.table.bridges["br0"].ifindex, 50)
    resident.at(20)
    assert resident.carried("dummy0") == port("", pvid=50)


def test_flapping_writer_is_answered_after_one_two_four_seconds() -> None:
    resident = with_vm1(br0(), of_vm1(REVERT))
    began = len(resident.events(e.ProgramIntended))
    reverts = []
    for tick in range(20 * 20):
        resident.kernel.set_vlans("veth0", port(f"{7 + tick % 2}"))
        resident.at(100 + tick / 20)
        if resident.carried("veth0") == VM1_VLANS:
            reverts.append(tick / 20)
    assert reverts == [0.0, 1.0, 3.0, 7.0, 15.0]
    assert len(resident.events(e.ProgramIntended)) == began + 5
    # Each is said when the change is heard, 50 ms after the revert.
    said = [(number, round(delay_s)) for number, delay_s in delays(resident)]
    assert said == [(1, 1), (2, 2), (3, 4), (4, 8), (5, 16)]


def test_delay_is_said_in_the_log_about_the_port_and_on_stderr(
    caplog: pytest.LogCaptureFixture,
) -> None:
    resident = with_vm1(br0(), of_vm1(REVERT))
    for now_s in (100, 100.25, 100.5):
        resident.kernel.set_vlans("veth0", port("7"))
        resident.at(now_s)
    [event] = resident.events(e.RevertDelayed)
    assert event.fact == e.RevertDelayed(reverts=1, delay_s=0.8)
    assert (event.subject.guest_name, event.subject.port) == ("VM1", "veth0")
    assert [item.getMessage() for item in caplog.records if item.levelname == "WARNING"] == [
        "veth0: 1 revert came to nothing, the next is in 0.8 s"
    ]


def test_revert_is_at_once_again_after_a_calm_minute() -> None:
    resident = with_vm1(br0(), of_vm1(REVERT))
    for now_s in range(100, 400):
        resident.kernel.set_vlans("veth0", port(f"{7 + now_s % 2}"))
        resident.at(now_s)
    assert resident.autopilot.due_s() == 611
    resident.at(611)
    said = len(delays(resident))
    resident.kernel.set_vlans("veth0", port("7"))
    resident.at(611 + 61)
    assert (resident.carried("veth0"), len(delays(resident))) == (VM1_VLANS, said)


def test_change_that_somebody_took_back_meanwhile_costs_no_patience() -> None:
    resident = with_vm1(br0(), of_vm1(REVERT))
    for number in range(5):
        resident.kernel.set_vlans("veth0", port("7"))
        resident.hear(100 + number)
        resident.kernel.set_vlans("veth0", VM1_VLANS)
        resident.at(100 + number)
    assert delays(resident) == []


def test_switches_of_a_bridge_are_put_back_with_patience_too() -> None:
    resident = watched(br0(REVERT))
    index = resident.state.table.bridges["br0"].ifindex
    reverts = 0
    for tick in range(20 * 20):
        resident.kernel.set_vlan_filtering(index, on=False)
        resident.kernel.set_default_pvid(index, 50 + tick % 2)
        resident.at(100 + tick / 20)
        reverts += resident.kernel.read().bridges["br0"].vlan_filtering
    assert reverts == 5
    assert [number for number, _ in delays(resident)] == [1, 2, 3, 4, 5]


def test_drift_that_the_log_knew_before_the_start_is_put_back_under_revert() -> None:
    resident = watched(br0(), filtering=False)
    resident.kernel.set_vlans("eth0", port("7"))
    resident.at(1)
    resident.configure(br0(REVERT))
    resident.start()
    assert resident.carried("eth0") == TRUNK
    assert resident.kernel.read().bridges["br0"].vlan_filtering


def test_drift_of_a_default_pvid_is_put_back_at_the_start_and_all_of_it_for_one_reason() -> None:
    resident = Resident(br0(REVERT, default_pvid=1))
    resident.kernel.add_bridge("br0", vlan_filtering=True, default_pvid=50)
    resident.kernel.set_vlans("br0", SELF)
    resident.kernel.add_port("dummy0", "br0")
    resident.start()
    assert resident.kernel.read().bridges["br0"].default_pvid == 1
    assert resident.carried("dummy0") == port("", pvid=50)
    assert [because.partition(":")[0] for _, because in reasons(resident)] == [
        "foreign = revert"
    ] * 2


def test_stray_port_waits_with_its_bridge() -> None:
    resident = watched(br0(REVERT, default_pvid=1))
    resident.kernel.add_port("dummy0", "br0")
    resident.at(1)
    index = resident.state.table.bridges["br0"].ifindex
    for now_s in (*range(2, 20), 100, 100.1, 101.1, 103.1, 107.1):
        resident.at(now_s)
        if now_s >= 100:
            resident.kernel.set_default_pvid(index, 50)
        resident.at(now_s)
    assert resident.carried("dummy0") == port("", pvid=50)
    # 8 s after the last revert, and so after the port was seen to change.
    resident.at(107.1 + 8)
    assert resident.carried("dummy0") == NATIVE


def test_revert_that_the_kernel_refuses_is_tried_again_with_patience() -> None:
    resident = with_vm1(br0(), of_vm1(REVERT))
    resident.kernel.refuse("veth0", 200, "No space left on device")
    resident.kernel.set_vlans("veth0", port("7"))
    dues = []
    for _ in range(4):
        resident.at(now_s := resident.autopilot.due_s() or 100.0)
        dues.append(now_s)
    assert dues == [100.0, 101.0, 103.0, 107.0]
    assert resident.carried("veth0") == port("7")
    assert [number for number, _ in delays(resident)] == [1, 2, 3, 4]
    resident.kernel.refuse("veth0", 200, "")
    resident.at(115)
    assert (resident.carried("veth0"), resident.autopilot.due_s()) == (VM1_VLANS, None)


def test_undo_of_a_refused_revert_is_the_reverts_own_doing() -> None:
    resident = with_vm1(br0(), of_vm1(REVERT))
    resident.kernel.refuse("veth0", 200, "No space left on device")
    resident.kernel.set_vlans("veth0", port("7"))
    before = len(resident.events(e.VlanAdded, e.VlanRemoved))
    resident.hear(100)
    foreign = len(resident.events(e.VlanAdded, e.VlanRemoved))
    resident.at(100)
    intent = resident.events(e.ProgramIntended)[-1]
    found = resident.events(e.VlanAdded, e.VlanRemoved)
    causes = [fact.cause for fact in (item.fact for item in found) if isinstance(fact, VlanFact)]
    assert causes[before:foreign] == [None] * (foreign - before)
    assert causes[foreign:] == [intent.event_id] * (len(found) - foreign)
    assert len(found) > foreign


def test_port_without_vlans_that_gets_the_default_pvid_from_a_stranger_is_put_back() -> None:
    entry = replace(bridge_entry("br0", "eth0", trunk=raw("")), foreign=REVERT)
    resident = watched(entry)
    assert resident.carried("eth0") == raw("")
    resident.kernel.set_vlans("eth0", NATIVE)
    resident.at(100)
    assert resident.carried("eth0") == raw("")


def test_tap_of_an_uncertain_guest_is_spoken_of_less_and_less(
    caplog: pytest.LogCaptureFixture,
) -> None:
    resident = watched(br0(), of_vm1(REVERT))
    resident.journal.write([hooked(VM1, "VM1", "start", nic(MAC1, tap="veth0"))])
    resident.kernel.add_port("veth0", "br0", mac=TAP2)
    for tick in range(20 * 20):
        resident.kernel.set_vlans("veth0", port(f"{7 + tick % 2}"))
        resident.at(100 + tick / 20)
    said = [item.getMessage() for item in caplog.records]
    assert said.count("veth0 is not put back: which guest's it is is not certain") == 5


def test_port_whose_section_says_record_is_left_alone_on_a_bridge_that_reverts() -> None:
    resident = with_vm1(br0(REVERT), of_vm1(RECORD))
    resident.kernel.set_vlans("veth0", port("7"))
    resident.at(100)
    assert resident.carried("veth0") == port("7")
