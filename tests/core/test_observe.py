"""The facts between two tables: which, about whom, and in which order."""

from __future__ import annotations

from uuid import UUID

import pytest

from tests.core.making import (
    BOOT,
    MAC1,
    MAC2,
    VM1,
    VM2,
    bridge,
    device,
    guest,
    nic,
    numbered,
    on_bridge,
    on_port,
    port,
    raw,
    table,
)
from vlanlog.core import event as e
from vlanlog.core.fold import advance
from vlanlog.core.observe import differences, subject_of, vlan_facts
from vlanlog.core.state import HostState, PortTable
from vlanlog.core.vlan import NO_VLANS, PortVlans

BR0 = bridge("br0", 1)
SELF = device("br0", 1, port(pvid=1))
VETH0 = device("veth0", 2, port("200", pvid=100))
HERE = table(BR0, SELF, VETH0)


def known(*items: object) -> HostState:
    return HostState(boot_id=BOOT, table=table(*items))  # type: ignore[arg-type]


def found(before: PortTable, after: PortTable) -> list[tuple[e.Subject, e.Fact]]:
    return differences(HostState(boot_id=BOOT, table=before), after)


def test_first_look_finds_bridges_then_ports_with_their_vlans() -> None:
    assert found(PortTable(), HERE) == [
        (on_bridge("br0", 1), e.BridgeChanged(vlan_filtering=True, default_pvid=1)),
        (on_port("br0", 1), e.PortAttached()),
        (on_port("br0", 1), e.VlanAdded(first=1, last=1, pvid=True, untagged=True)),
        (on_port("veth0", 2), e.PortAttached()),
        (on_port("veth0", 2), e.VlanAdded(first=100, last=100, pvid=True, untagged=True)),
        (on_port("veth0", 2), e.VlanAdded(first=200, last=200)),
    ]


def test_port_that_left_is_detached_and_no_more() -> None:
    assert found(HERE, table(BR0, SELF)) == [(on_port("veth0", 2), e.PortDetached())]


def test_port_that_moved_left_one_bridge_and_joined_the_other() -> None:
    br1 = bridge("br1", 9, default_pvid=0)
    before = table(BR0, SELF, br1, device("br1", 9, of="br1"), VETH0)
    after = table(
        BR0, SELF, br1, device("br1", 9, of="br1"), device("veth0", 2, port("5"), of="br1")
    )

    assert found(before, after) == [
        (on_port("veth0", 2), e.PortDetached()),
        (on_port("veth0", 2, "br1"), e.PortAttached()),
        (on_port("veth0", 2, "br1"), e.VlanAdded(first=5, last=5)),
    ]


def test_bridge_that_was_made_anew_under_its_name_is_another_one() -> None:
    after = table(
        bridge("br0", 8), device("br0", 8, port(pvid=1)), device("veth0", 2, port("200", pvid=100))
    )

    assert found(HERE, after) == [
        (on_bridge("br0", 1), e.BridgeChanged(gone=True)),
        (on_bridge("br0", 8), e.BridgeChanged(vlan_filtering=True, default_pvid=1)),
        (on_port("br0", 1), e.PortDetached()),
        (on_port("br0", 8), e.PortAttached()),
        (on_port("br0", 8), e.VlanAdded(first=1, last=1, pvid=True, untagged=True)),
        # The same device with the same VLANs, but it was out of a bridge in between.
        (on_port("veth0", 2), e.PortAttached()),
        (on_port("veth0", 2), e.VlanAdded(first=100, last=100, pvid=True, untagged=True)),
        (on_port("veth0", 2), e.VlanAdded(first=200, last=200)),
    ]


def test_bridge_that_took_another_name_keeps_no_port_in_the_old_one() -> None:
    after = table(
        bridge("lan", 1), device("lan", 1, port(pvid=1), of="lan"), device("veth0", 2, of="lan")
    )
    state = HostState(boot_id=BOOT, table=HERE)

    assert advance(numbered(differences(state, after)), state).table == after


def test_bridges_switches_are_told_together() -> None:
    after = table(bridge("br0", 1, filtering=False, default_pvid=0), SELF, VETH0)

    assert found(HERE, after) == [
        (on_bridge("br0", 1), e.BridgeChanged(vlan_filtering=False, default_pvid=0))
    ]


def test_renamed_port_is_told_under_its_new_name_with_its_vlans_kept() -> None:
    after = table(BR0, SELF, device("lan0", 2, port("200", pvid=100)))

    assert found(HERE, after) == [(on_port("lan0", 2), e.PortAttached())]


@pytest.mark.parametrize(
    ("before", "after", "facts"),
    [
        (port("5"), port("5"), []),
        (port("5-9"), port("5,9"), [e.VlanRemoved(first=6, last=8)]),
        (port(pvid=1), port(pvid=100), [
            e.VlanRemoved(first=1, last=1),
            e.VlanAdded(first=100, last=100, pvid=True, untagged=True),
        ]),
        # The displaced PVID stays an untagged member by itself: nothing to say of it.
        (port(pvid=1), raw("1,100", untagged="1,100", pvid=100), [
            e.VlanAdded(first=100, last=100, pvid=True, untagged=True),
        ]),
        (port(pvid=1), raw("1,100", untagged="100", pvid=100), [
            e.VlanAdded(first=100, last=100, pvid=True, untagged=True),
            e.VlanAdded(first=1, last=1),
        ]),
        (port(pvid=1), raw("1", untagged="1"), [e.VlanAdded(first=1, last=1, untagged=True)]),
    ],
)  # fmt: skip
def test_facts_between_two_ports(before: PortVlans, after: PortVlans, facts: list[e.Fact]) -> None:
    assert list(vlan_facts(before, after)) == facts


def test_facts_carry_the_cause_that_is_given() -> None:
    cause = UUID(int=7)

    assert list(vlan_facts(port("5"), port("6"), cause)) == [
        e.VlanRemoved(first=5, last=5, cause=cause),
        e.VlanAdded(first=6, last=6, cause=cause),
    ]


def test_subject_of_an_owned_port_is_the_guests_nic() -> None:
    tap = device("vnet0", 5, mac="fe:54:00:00:00:01")
    owner = guest(VM1, "VM1", nic(MAC1, tap="vnet0"))
    state = HostState(guests={VM1: owner})

    assert subject_of(state.owners(), tap) == e.Subject(
        guest_uuid=VM1, guest_name="VM1", mac=MAC1, bridge="br0", port="vnet0", ifindex=5
    )


def test_subject_of_a_stopped_guests_tap_is_the_port_alone() -> None:
    tap = device("veth0", 5, mac="fe:54:00:00:00:01")
    owner = guest(VM1, "VM1", nic(MAC1, tap="veth0"), running=False)
    state = HostState(guests={VM1: owner})

    assert subject_of(state.owners(), tap) == e.Subject(
        mac="fe:54:00:00:00:01", bridge="br0", port="veth0", ifindex=5
    )


@pytest.mark.parametrize("running", [True, False])
def test_tap_that_is_gone_was_its_last_owners_even_if_another_has_its_name(running: bool) -> None:
    gone = device("vnet0", 5, mac="fe:54:00:00:00:01")
    new = device("vnet0", 6, mac="fe:54:00:00:00:02")
    rest = guest(VM1, "VM1", nic(MAC1, tap="vnet9" if running else None), running=running)
    state = HostState(
        boot_id=BOOT,
        table=table(BR0, SELF, gone),
        guests={VM1: rest, VM2: guest(VM2, "VM2", nic(MAC2, tap="vnet0"))},
    )
    subject = e.Subject(
        guest_uuid=VM1, guest_name="VM1", mac=MAC1, bridge="br0", port="vnet0", ifindex=5
    )

    assert differences(state, table(BR0, SELF, new))[0] == (subject, e.PortDetached())


def test_tap_that_is_gone_is_nobodys_where_two_guests_have_its_mac() -> None:
    gone = device("vnet0", 5, mac="fe:54:00:00:00:01")
    state = HostState(
        boot_id=BOOT,
        table=table(BR0, SELF, gone),
        guests={name: guest(name, name, nic(MAC1), running=False) for name in (VM1, VM2)},
    )
    subject = e.Subject(mac="fe:54:00:00:00:01", bridge="br0", port="vnet0", ifindex=5)

    assert differences(state, table(BR0, SELF)) == [(subject, e.PortDetached())]


def test_vlans_of_an_empty_port_are_no_fact() -> None:
    state = known(BR0, SELF, device("veth0", 2, NO_VLANS))

    assert differences(state, table(BR0, SELF, device("veth0", 2, NO_VLANS))) == []
