"""What the autopilot keeps in mind and what it forgets, also where the log or a port fails it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.core.making import (
    MAC1,
    VM1,
    hooked,
    nic,
    port,
)
from tests.daemon.fake_watch import Resident
from tests.daemon.piloting import (
    ADOPT,
    NATIVE,
    RECORD,
    REVERT,
    TAP2,
    TRUNK,
    VM1_VLANS,
    adopted,
    br0,
    of_vm1,
    watched,
    with_vm1,
)
from vlanlog.daemon.autopilot import RETRY_S
from vlanlog.errors import StoreError


def test_bridge_that_came_while_the_log_was_full_is_set_up_later() -> None:
    resident = watched(br0(), filtering=False)
    resident.kernel.remove("br0")
    resident.kernel.add_bridge("br0")
    resident.hear(100)
    resident.log.is_full = True
    with pytest.raises(StoreError):
        resident.autopilot.act(resident.state, 100)
    resident.log.is_full = False
    resident.at(100 + RETRY_S)
    assert resident.kernel.read().bridges["br0"].vlan_filtering


def test_adoption_that_the_log_does_not_take_is_tried_again() -> None:
    resident = with_vm1(br0(), of_vm1(ADOPT))
    resident.kernel.set_vlans("veth0", port("7"))
    resident.at(100)
    resident.log.is_full = True
    with pytest.raises(StoreError):
        resident.autopilot.act(resident.state, 101)
    resident.log.is_full = False
    resident.at(101 + RETRY_S)
    assert adopted(resident) == [port("7")]


def test_revert_that_the_log_does_not_take_is_tried_again() -> None:
    resident = with_vm1(br0(), of_vm1(REVERT))
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
    resident = watched(br0())
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
    resident = with_vm1(br0(), of_vm1(REVERT))
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


def test_tap_of_an_uncertain_guest_is_left_as_it_is_at_the_start_under_revert() -> None:
    resident = Resident(br0(), of_vm1(REVERT))
    resident.journal.write([hooked(VM1, "VM1", "start", nic(MAC1, tap="veth0"))])
    resident.kernel.add_bridge("br0")
    resident.kernel.add_port("veth0", "br0", mac=TAP2)
    resident.start()
    assert resident.carried("veth0") == NATIVE


def test_port_that_left_is_looked_for_no_more() -> None:
    resident = watched(br0())
    resident.kernel.add_port("vnet7", "br0", mac=TAP2)
    resident.at(1)
    resident.kernel.remove("vnet7")
    resident.at(1.1)
    assert resident.autopilot.due_s() is None


def test_revert_that_waits_is_dropped_when_the_policy_changes() -> None:
    resident = with_vm1(br0(), of_vm1(REVERT))
    for now_s in (100, 100.1):
        resident.kernel.set_vlans("veth0", port("7"))
        resident.at(now_s)
    resident.configure(br0(), of_vm1(RECORD))
    resident.at(102)
    assert resident.carried("veth0") == port("7")


def test_revert_that_waits_is_dropped_when_the_port_leaves() -> None:
    resident = with_vm1(br0(), of_vm1(REVERT))
    for now_s in (100, 100.1):
        resident.kernel.set_vlans("veth0", port("7"))
        resident.at(now_s)
    resident.kernel.remove("veth0")
    resident.at(101)
    resident.at(110)
    assert resident.autopilot.due_s() is None


def test_what_waits_for_a_port_that_left_is_forgotten_at_the_next_news() -> None:
    resident = with_vm1(br0(), of_vm1(REVERT))
    for now_s in (100, 100.1):
        resident.kernel.set_vlans("veth0", port("7"))
        resident.at(now_s)
    resident.kernel.remove("veth0")
    resident.kernel.set_vlans("eth0", port("7"))
    resident.at(100.2)
    assert resident.autopilot.due_s() is None


def test_port_that_joins_again_finds_fresh_patience() -> None:
    resident = watched(br0(REVERT))
    for now_s in (1, 1.1):
        resident.kernel.set_vlans("eth0", port("7"))
        resident.at(now_s)
    resident.kernel.leave("eth0")
    resident.at(1.2)
    resident.kernel.join("eth0", "br0")
    resident.at(1.3)
    assert (resident.carried("eth0"), resident.autopilot.due_s()) == (TRUNK, None)
    resident.kernel.set_vlans("eth0", port("7"))
    resident.at(1.4)
    assert resident.carried("eth0") == TRUNK


def test_adoption_is_dropped_when_the_policy_changes() -> None:
    resident = with_vm1(br0(), of_vm1(ADOPT))
    resident.kernel.set_vlans("veth0", port("7"))
    resident.at(100)
    resident.configure(br0(), replace(of_vm1(), prune=False))
    resident.at(101)
    assert adopted(resident) == []


def test_adoption_is_dropped_when_the_port_joins_anew() -> None:
    resident = watched(br0(ADOPT))
    resident.kernel.set_vlans("eth0", port("7"))
    resident.at(100)
    resident.kernel.leave("eth0")
    resident.at(100.1)
    resident.kernel.join("eth0", "br0")
    resident.at(100.2)
    assert (resident.carried("eth0"), resident.autopilot.due_s()) == (TRUNK, None)


def test_bridge_that_vanishes_before_its_change_is_heeded_ends_nothing() -> None:
    resident = watched(br0(REVERT))
    index = resident.state.table.bridges["br0"].ifindex
    resident.kernel.set_vlan_filtering(index, on=False)
    resident.observer.hear()
    resident.kernel.remove("br0")
    resident.at(1)
    resident.kernel.add_bridge("br0")
    resident.at(2)
    assert resident.kernel.read().bridges["br0"].vlan_filtering


def test_bridge_that_vanishes_before_its_revert_is_due_ends_nothing() -> None:
    resident = watched(br0(REVERT))
    index = resident.state.table.bridges["br0"].ifindex
    for now_s in (1, 1.1):
        resident.kernel.set_vlan_filtering(index, on=False)
        resident.at(now_s)
    resident.kernel.remove("br0")
    resident.at(5)
    assert resident.autopilot.due_s() is None


def test_bridge_that_is_made_anew_finds_fresh_patience() -> None:
    resident = watched(br0(REVERT))
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
