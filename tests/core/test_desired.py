"""Which VLANs each port should carry, and which ports are nobody's business."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.core.making import (
    BOOT,
    MAC1,
    MAC2,
    VM1,
    VM2,
    bridge,
    bridge_entry,
    device,
    guest,
    in_force,
    nic,
    port,
    port_entry,
    raw,
    table,
)
from vlanlog.core.desired import BridgeWish, Desired, EntryIndex, desired
from vlanlog.core.entry import BridgeEntry, PortEntry
from vlanlog.core.state import (
    Assignee,
    Assignment,
    ConfigInForce,
    Guest,
    HostState,
    PortTable,
    Seq,
)
from vlanlog.core.vlan import NO_VLANS, PortVlans

EXACT_FIRST = ("VM1/52:54:00:00:00:01", "VM1/net0", "vnet0", "VM1/*", "*")
HERE = table(bridge("br0", 1), device("br0", 1), device("vnet0", 2, port(pvid=1)))
RUNNING = guest(VM1, "VM1", nic(MAC1, tap="vnet0", alias="net0"))
OF_NIC = Assignee(guest_uuid=VM1, mac=MAC1)


def host(
    config: ConfigInForce | None = None, *guests: Guest, assigned: tuple[Assignment, ...] = ()
) -> HostState:
    return HostState(
        boot_id=BOOT,
        guests={guest.uuid: guest for guest in guests},
        config=config or ConfigInForce(),
        assignments=assigned,
    )


def wishes(state: HostState, kernel: PortTable = HERE) -> dict[str, tuple[PortVlans, str]]:
    return {wish.port.name: (wish.vlans, wish.because) for wish in desired(state, kernel).ports}


def entries(*sections: str) -> tuple[PortEntry, ...]:
    """Returns an entry per section, each with a PVID of its own, 10 for the first of all."""
    return tuple(
        port_entry(
            section,
            port(pvid=10 + EXACT_FIRST.index(section)),
            of="VM1" if section == "vnet0" else "",
        )
        for section in sections
    )


@pytest.mark.parametrize("at", range(len(EXACT_FIRST)))
def test_most_exact_section_wins(at: int) -> None:
    # In reversed order, so that none wins by standing first.
    config = in_force(*reversed(entries(*EXACT_FIRST[at:])))

    assert wishes(host(config, RUNNING)) == {
        "vnet0": (port(pvid=10 + at), f"vlan_filtering.conf [{EXACT_FIRST[at]}]")
    }


def test_section_by_uuid_comes_before_the_one_by_name() -> None:
    by_name = port_entry("VM1/*", port(pvid=10))
    by_uuid = port_entry(f"{VM1}/*", port(pvid=20))

    assert wishes(host(in_force(by_name, by_uuid), RUNNING)) == {
        "vnet0": (port(pvid=20), f"vlan_filtering.conf [{VM1}/*]")
    }


def test_exact_section_by_name_comes_before_a_wide_one_by_uuid() -> None:
    exact = port_entry("VM1/net0", port(pvid=10))
    wide = port_entry(f"{VM1}/*", port(pvid=20))

    assert wishes(host(in_force(wide, exact), RUNNING))["vnet0"][0] == port(pvid=10)


def test_section_of_another_guest_with_the_same_tap_is_not_taken() -> None:
    # Two sections of one tap name: the guest that runs decides.
    other = port_entry("vnet0", port(pvid=50), of="VM2")

    assert wishes(host(in_force(other), RUNNING)) == {}


def test_section_of_an_unowned_tap_names_the_port_by_its_device() -> None:
    entry = port_entry("veth0", port("200", pvid=100), of="VM1")
    kernel = table(bridge("br0", 1), device("veth0", 2))

    assert wishes(host(in_force(entry)), kernel) == {
        "veth0": (port("200", pvid=100), "vlan_filtering.conf [veth0]")
    }


def test_port_that_nothing_names_is_not_in_the_answer() -> None:
    config = in_force(bridge_entry("br0"), port_entry("VM9/*", port(pvid=9)))

    assert wishes(host(config, RUNNING)) == {"br0": (NO_VLANS, "bridge_init.conf [br0]")}


@pytest.mark.parametrize(
    ("filtering", "configured", "reached"),
    [(True, False, True), (False, True, True), (True, True, True), (False, False, False)],
)
def test_wildcard_reaches_bridges_that_filter_or_are_configured(
    filtering: bool, configured: bool, reached: bool
) -> None:
    any_guest: tuple[BridgeEntry | PortEntry, ...] = (port_entry("*", port(pvid=9)),)
    config = in_force(*any_guest, *([bridge_entry("br0")] if configured else []))
    kernel = table(bridge("br0", 1, filtering=filtering), device("vnet0", 2))

    assert ("vnet0" in wishes(host(config, RUNNING), kernel)) is reached


def test_wildcard_does_not_reach_ports_without_a_guest() -> None:
    assert wishes(host(in_force(port_entry("*", port(pvid=9))))) == {}


def test_wildcard_does_not_reach_trunks_and_the_bridge_itself() -> None:
    config = in_force(
        bridge_entry("br0", "vnet0", trunk=port("100"), own=port(pvid=2)),
        port_entry("*", port(pvid=9)),
    )

    assert wishes(host(config, RUNNING)) == {
        "br0": (port(pvid=2), "bridge_init.conf [br0]"),
        "vnet0": (port("100"), "bridge_init.conf [br0]"),
    }


@pytest.mark.parametrize(
    ("changed_at", "assigned_at", "vlans", "because"),
    [
        (3, 5, port("7"), "assignment: ticket 42"),
        (5, 3, port(pvid=10), "vlan_filtering.conf [VM1/*]"),
    ],
)
def test_newest_of_assignment_and_entry_wins(
    changed_at: int, assigned_at: int, vlans: PortVlans, because: str
) -> None:
    config = in_force(port_entry("VM1/*", port(pvid=10)), since=changed_at)
    assigned = Assignment(
        assignee=OF_NIC, vlans=port("7"), reason="ticket 42", since=Seq(assigned_at)
    )

    assert wishes(host(config, RUNNING, assigned=(assigned,))) == {"vnet0": (vlans, because)}


def test_assignment_alone_names_a_port() -> None:
    assigned = Assignment(assignee=OF_NIC, vlans=port("7"), reason="r", since=Seq(1))

    assert wishes(host(None, RUNNING, assigned=(assigned,))) == {
        "vnet0": (port("7"), "assignment: r")
    }


def test_assignment_of_a_nic_follows_it_to_another_tap() -> None:
    assigned = Assignment(assignee=OF_NIC, vlans=port("7"), reason="r", since=Seq(1))
    moved = replace(RUNNING, nics=(nic(MAC2, tap="vnet0"), nic(MAC1, tap="vnet5")))
    kernel = table(bridge("br0", 1), device("vnet0", 2), device("vnet5", 3))

    assert wishes(host(None, moved, assigned=(assigned,)), kernel) == {
        "vnet5": (port("7"), "assignment: r")
    }


def test_assignment_of_a_port_does_not_reach_a_guests_nic_of_that_name() -> None:
    assigned = Assignment(
        assignee=Assignee(port="vnet0"), vlans=port("7"), reason="r", since=Seq(1)
    )

    assert wishes(host(None, RUNNING, assigned=(assigned,))) == {}


def test_assignment_prunes_where_the_section_does_not() -> None:
    config = in_force(port_entry("VM1/*", port("10"), prune=False), since=1)
    assigned = Assignment(assignee=OF_NIC, vlans=port("7"), reason="r", since=Seq(2))

    assert wishes(host(config, RUNNING, assigned=(assigned,)))["vnet0"][0] == port("7")


def test_section_without_prune_leaves_what_else_is_there() -> None:
    config = in_force(port_entry("VM1/*", port("10"), prune=False))

    assert wishes(host(config, RUNNING))["vnet0"][0] == port("10", pvid=1)


def test_new_pvid_without_prune_leaves_the_old_vid_untagged() -> None:
    config = in_force(port_entry("VM1/*", port(pvid=10), prune=False))

    assert wishes(host(config, RUNNING))["vnet0"][0] == raw("1,10", untagged="1,10", pvid=10)


def test_stopped_guest_owns_no_port() -> None:
    config = in_force(port_entry("VM1/*", port(pvid=10)))

    assert wishes(host(config, replace(RUNNING, running=False))) == {}


def test_bridge_is_wished_with_filtering_and_its_default_pvid() -> None:
    state = host(in_force(bridge_entry("br0", own=port("2"), default_pvid=0)))

    assert desired(state, HERE).bridges == (
        BridgeWish(name="br0", default_pvid=0, because="bridge_init.conf [br0]"),
    )


def test_what_is_not_there_is_missing_and_the_rest_is_wished() -> None:
    config = in_force(
        bridge_entry("br0", "eth0", "eth1", "eth2", trunk=port("100")),
        bridge_entry("br9", "eth9"),
    )
    kernel = table(
        bridge("br0", 1),
        bridge("br1", 2),
        device("br0", 1),
        device("eth0", 3),
        device("eth1", 4, of="br1"),
    )

    found = desired(host(config), kernel)

    assert {wish.port.name: wish.vlans for wish in found.ports} == {
        "br0": NO_VLANS,
        "eth0": port("100"),
    }
    assert [str(item) for item in found.missing] == [
        "trunk eth1 is in br1, not in br0",
        "trunk eth2 is not in any bridge (bridge_init.conf [br0])",
        "bridge br9 does not exist (bridge_init.conf [br9])",
    ]


def test_nothing_is_wished_where_nothing_is_configured() -> None:
    assert desired(host(None, RUNNING), HERE) == Desired()


def test_wish_says_whose_port_it_is() -> None:
    config = in_force(port_entry("VM1/*", port(pvid=10)))
    [wish] = desired(host(config, RUNNING), HERE).ports

    assert (wish.subject.guest_uuid, wish.subject.mac, wish.subject.port) == (VM1, MAC1, "vnet0")


def test_entries_of_a_guest_are_those_that_name_it() -> None:
    config = in_force(
        port_entry("*", port(pvid=1)),
        port_entry("VM1/*", port(pvid=2)),
        port_entry(f"{VM1}/net0", port(pvid=3)),
        port_entry("veth0", port(pvid=4), of="VM1"),
        port_entry(f"{VM2}/*", port(pvid=5)),
    )

    assert [held.entry.section for held in EntryIndex(config).of_guest("VM1", VM1)] == [
        "VM1/*",
        f"{VM1}/net0",
        "veth0",
    ]
