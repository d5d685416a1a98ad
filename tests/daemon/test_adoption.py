"""``foreign = adopt`` and ``record``, while the daemon is told the time by hand."""

from __future__ import annotations

from tests.core.making import (
    MAC1,
    VM1,
    port,
)
from tests.daemon.piloting import (
    ADOPT,
    NATIVE,
    TAP1,
    VM1_VLANS,
    adopted,
    br0,
    of_vm1,
    watched,
    with_vm1,
)
from vlanlog.core import event as e
from vlanlog.core.state import Assignee
from vlanlog.daemon.autopilot import SETTLED_S


def test_record_does_nothing() -> None:
    resident = with_vm1(br0(), of_vm1())
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


def test_adopt_takes_a_burst_for_one_wish_once_it_has_rested() -> None:
    resident = with_vm1(br0(), of_vm1(ADOPT))
    for tick in range(10):
        resident.kernel.set_vlans("veth0", port(f"200-{201 + tick}", pvid=100))
        resident.at(100 + tick / 10)
    resident.at(100.9 + SETTLED_S - 0.01)
    assert adopted(resident) == []
    resident.at(100.9 + SETTLED_S)
    resident.at(200)
    assert adopted(resident) == [port("200-210", pvid=100)]
    [wish] = resident.state.assignments
    assert wish.assignee == Assignee(guest_uuid=VM1, mac=MAC1)


def test_adopted_wish_is_what_the_port_gets_when_it_joins_again() -> None:
    resident = with_vm1(br0(), of_vm1(ADOPT))
    resident.kernel.set_vlans("veth0", port("7"))
    resident.at(100)
    resident.at(101)
    resident.kernel.remove("veth0")
    resident.at(102)
    resident.kernel.add_port("veth0", "br0", mac=TAP1)
    resident.at(103)
    assert resident.carried("veth0") == port("7")
    assert adopted(resident) == [port("7")]


def test_change_that_was_taken_back_is_not_adopted() -> None:
    resident = with_vm1(br0(), of_vm1(ADOPT))
    resident.kernel.set_vlans("veth0", port("7"))
    resident.at(100)
    resident.kernel.set_vlans("veth0", VM1_VLANS)
    resident.at(100.1)
    resident.at(101)
    assert adopted(resident) == []


def test_default_pvid_of_a_port_that_joins_is_never_adopted() -> None:
    resident = watched(br0(ADOPT))
    resident.kernel.leave("eth0")
    resident.at(1)
    resident.kernel.join("eth0", "br0")
    # The kernel refuses the trunk's VLANs, so that it keeps the default PVID.
    resident.kernel.refuse("eth0", 100, "No space left on device")
    for tick in range(50):
        resident.at(2 + tick / 10)
    assert resident.carried("eth0") == NATIVE
    assert adopted(resident) == []


def test_port_that_nothing_names_is_not_adopted() -> None:
    resident = watched(br0(ADOPT))
    resident.kernel.add_port("dummy0", "br0")
    resident.at(1)
    resident.kernel.set_vlans("dummy0", port("7"))
    resident.at(2)
    resident.at(3)
    assert adopted(resident) == []
