"""A NIC whose VLANs libvirt itself sets is recorded, and nothing is desired of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.core.making import (
    BOOT,
    MAC1,
    MAC2,
    VM1,
    bridge,
    device,
    guest,
    in_force,
    nic,
    port,
    port_entry,
    table,
)
from vlanlog.core.desired import desired
from vlanlog.core.entry import PortEntry
from vlanlog.core.state import Assignee, Assignment, HostState, PortTable, Seq
from vlanlog.core.verdict import obstacles

KERNEL = table(bridge("br0", 1), device("vnet0", 2, port(pvid=42)), device("vnet1", 3))
DOES_NOT_FILTER = table(bridge("br0", 1, filtering=False), device("vnet0", 2), device("vnet1", 3))
NATIVE = replace(nic(MAC1, tap="vnet0", alias="net0"), native_vlan="42")
OURS = nic(MAC2, tap="vnet1", alias="net1")
WISH = Assignment(
    assignee=Assignee(guest_uuid=VM1, mac=MAC1), vlans=port("7"), reason="r", since=Seq(9)
)
SECTIONS = ("vnet0", f"VM1/{MAC1}", "VM1/net0", "VM1/*", "*")


def host(*entries: PortEntry, assigned: tuple[Assignment, ...] = ()) -> HostState:
    return HostState(
        boot_id=BOOT,
        guests={VM1: guest(VM1, "VM1", NATIVE, OURS)},
        config=in_force(*entries),
        assignments=assigned,
    )


def wished(state: HostState, kernel: PortTable = KERNEL) -> list[str]:
    return [wish.port.name for wish in desired(state, kernel).ports]


@pytest.mark.parametrize("section", SECTIONS)
def test_nothing_is_desired_of_a_nic_with_a_native_vlan_whatever_names_it(section: str) -> None:
    entry = port_entry(section, port(pvid=10), of="VM1" if section == "vnet0" else "")
    assert "vnet0" not in wished(host(entry))


def test_native_vlan_wins_over_an_assignment_too() -> None:
    assert wished(host(assigned=(WISH,))) == []


def test_other_nic_of_the_guest_is_desired_all_the_same() -> None:
    assert wished(host(port_entry("VM1/*", port(pvid=10)))) == ["vnet1"]


def test_bridge_that_does_not_filter_is_no_obstacle_to_a_native_vlan() -> None:
    state = host(port_entry(f"VM1/{MAC1}", port(pvid=10)))
    assert obstacles(state, DOES_NOT_FILTER, state.guests[VM1]) == ()


def test_section_that_fits_no_nic_is_an_obstacle_beside_a_native_vlan() -> None:
    state = host(port_entry("VM1/net7", port(pvid=10)))
    assert obstacles(state, KERNEL, state.guests[VM1]) == (
        "section [VM1/net7] fits no NIC of the guest",
    )


def test_section_of_a_guest_that_has_native_vlans_only_is_no_obstacle() -> None:
    state = host(port_entry("VM1/net7", port(pvid=10)))
    assert obstacles(state, KERNEL, guest(VM1, "VM1", NATIVE)) == ()
