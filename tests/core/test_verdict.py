"""What keeps a guest's VLANs from being set, and whether it may start all the same."""

from __future__ import annotations

import pytest

from tests.core.making import (
    MAC1,
    MAC2,
    VM1,
    bridge,
    bridge_entry,
    device,
    guest,
    in_force,
    nic,
    port,
    port_entry,
    table,
)
from vlanlog.core.entry import OnFailure, PortEntry
from vlanlog.core.state import Assignee, Assignment, HostState, Nic, PortTable, Seq
from vlanlog.core.verdict import obstacles, on_failure

FILTERS = table(bridge("br0", 1), device("vnet0", 2), device("vnet1", 3))
DOES_NOT = table(bridge("br0", 1, filtering=False), device("vnet0", 2))
FIRST = nic(MAC1, tap="vnet0", alias="net0")
SECOND = nic(MAC2, tap="vnet1", alias="net1")
BY_GUEST = port_entry("VM1/*", port(pvid=10))
BY_MAC = port_entry(f"VM1/{MAC1}", port(pvid=10))
BY_TAP = port_entry("veth0", port(pvid=10), of="VM1")


def found(
    kernel: PortTable, *nics: Nic, by: tuple[PortEntry, ...] = (), assigned: bool = False
) -> tuple[str, ...]:
    wish = Assignment(
        assignee=Assignee(guest_uuid=VM1, mac=MAC1), vlans=port("7"), reason="r", since=Seq(1)
    )
    state = HostState(config=in_force(*by), assignments=(wish,) if assigned else ())
    return obstacles(state, kernel, guest(VM1, "VM1", *nics))


def test_nic_on_a_bridge_that_filters_has_no_obstacle() -> None:
    assert found(FILTERS, FIRST, by=(BY_GUEST,)) == ()


def test_guest_that_nothing_names_has_no_obstacle() -> None:
    assert found(DOES_NOT, FIRST) == ()


def test_named_nic_on_a_bridge_that_does_not_filter_is_an_obstacle() -> None:
    assert found(DOES_NOT, FIRST, by=(BY_GUEST,)) == (
        "NIC 52:54:00:00:00:01 (vnet0): bridge br0 does not filter VLANs "
        "(give it a section in bridge_init.conf and run 'vlanlog replay')",
    )


def test_assigned_nic_on_a_bridge_that_does_not_filter_is_an_obstacle() -> None:
    assert len(found(DOES_NOT, FIRST, assigned=True)) == 1


@pytest.mark.parametrize(("tap", "label"), [("vnet9", "vnet9"), (None, "no tap")])
def test_named_nic_in_no_bridge_is_an_obstacle(tap: str | None, label: str) -> None:
    assert found(FILTERS, nic(MAC1, tap=tap), by=(BY_GUEST,)) == (
        f"NIC 52:54:00:00:00:01 ({label}) is in no bridge",
    )


def test_each_nic_is_looked_at() -> None:
    gone = table(bridge("br0", 1), device("vnet0", 2))

    assert found(gone, FIRST, SECOND, by=(BY_GUEST,)) == (
        "NIC 52:54:00:00:00:02 (vnet1) is in no bridge",
    )


def test_section_that_fits_no_nic_is_an_obstacle_where_one_is_left_over() -> None:
    # The tap was meant to be called veth0, and libvirt gave it another name.
    assert found(FILTERS, FIRST, by=(BY_TAP,)) == ("section [veth0] fits no NIC of the guest",)


def test_section_that_fits_no_nic_is_none_where_all_are_taken_care_of() -> None:
    assert found(FILTERS, FIRST, by=(BY_TAP, BY_MAC)) == ()


def test_section_that_fits_no_nic_is_none_where_the_nic_is_assigned() -> None:
    assert found(FILTERS, FIRST, by=(BY_TAP,), assigned=True) == ()


def test_nic_that_nothing_names_beside_one_that_is_named_is_no_obstacle() -> None:
    assert found(FILTERS, FIRST, SECOND, by=(BY_MAC,)) == ()


def test_wildcard_makes_a_configured_bridge_that_does_not_filter_an_obstacle() -> None:
    any_guest = port_entry("*", port(pvid=9))
    state = HostState(config=in_force(any_guest, bridge_entry("br0")))

    assert len(obstacles(state, DOES_NOT, guest(VM1, "VM1", FIRST))) == 1


def test_wildcard_leaves_a_nat_network_alone() -> None:
    assert found(DOES_NOT, FIRST, by=(port_entry("*", port(pvid=9)),)) == ()


ALLOW, REFUSE = OnFailure.ALLOW, OnFailure.REFUSE


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        ({}, REFUSE),
        ({"VM1/*": ALLOW}, ALLOW),
        ({"VM1/*": REFUSE}, REFUSE),
        ({"VM1/net0": ALLOW, "VM1/net1": REFUSE}, REFUSE),
        ({"*": ALLOW}, ALLOW),
        ({"*": REFUSE, "VM1/*": ALLOW}, ALLOW),
        ({"*": ALLOW, "VM1/*": REFUSE}, REFUSE),
        ({"VM2/*": ALLOW}, REFUSE),
        ({f"{VM1}/*": ALLOW}, ALLOW),
    ],
)
def test_strictest_section_of_the_guest_decides(
    said: dict[str, OnFailure], verdict: OnFailure
) -> None:
    entries = [port_entry(name, port(), on_failure=value) for name, value in said.items()]
    state = HostState(config=in_force(*entries))

    assert on_failure(state, guest(VM1, "VM1", FIRST)) is verdict
