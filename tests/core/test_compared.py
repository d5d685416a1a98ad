"""Which ports and bridges differ between two tables, and which port is which."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from tests.core.making import (
    MAC1,
    MAC2,
    NATIVE,
    VM1,
    VM2,
    bridge,
    device,
    guest,
    nic,
    port,
    raw,
    table,
)
from tests.properties.strategies import port_vlans, tables
from vlanlog.core.compared import (
    BridgeDifference,
    PortDifference,
    Side,
    VidDifference,
    bridge_differences,
    port_differences,
    vid_differences,
)
from vlanlog.core.state import Guest, HostState, Owners, Port, PortTable, tap_mac
from vlanlog.core.vlan import NO_VLANS, PortVlans, VlanFlags

BR0 = bridge("br0", 1)
ETH0 = device("eth0", 2, port("100", pvid=1))
NEXT_BOOT = "boot-2"


def owners(*guests: Guest) -> Owners:
    return HostState(guests={item.uuid: item for item in guests}).owners()


def side(
    *parts: Port, boot: str = "boot-1", of: Owners | None = None, is_whole: bool = True
) -> Side:
    return Side(table=table(BR0, *parts), boot_id=boot, owners=of or Owners({}), is_whole=is_whole)


def carrying(what: Port, vlans: PortVlans) -> Port:
    return replace(what, vlans=vlans)


def test_table_and_itself_do_not_differ() -> None:
    assert port_differences(side(ETH0), side(ETH0)) == ()
    assert bridge_differences(side(), side()) == ()


def test_port_with_other_vlans_differs() -> None:
    other = carrying(ETH0, port("200", pvid=1))

    assert port_differences(side(ETH0), side(other)) == (
        PortDifference(before=ETH0, after=other, port=other),
    )


def test_port_of_one_table_alone_differs_by_what_it_carries() -> None:
    assert port_differences(side(ETH0), side()) == (
        PortDifference(before=ETH0, after=None, port=ETH0),
    )
    assert port_differences(side(), side(ETH0)) == (
        PortDifference(before=None, after=ETH0, port=ETH0),
    )
    assert port_differences(side(), side(carrying(ETH0, NO_VLANS))) == ()


def test_port_that_moved_differs_with_the_same_vlans() -> None:
    moved = replace(ETH0, bridge="br1")

    assert port_differences(side(ETH0), side(moved)) == (
        PortDifference(before=ETH0, after=moved, port=moved),
    )


@pytest.mark.parametrize("turned", [False, True])
def test_port_that_a_table_need_not_name_is_no_difference(turned: bool) -> None:
    lone = device("lone", 3, port(pvid=1))
    named = side(carrying(ETH0, port(pvid=7)), is_whole=False)
    pair = (named, side(ETH0, lone)) if turned else (side(ETH0, lone), named)

    assert [item.port.name for item in port_differences(*pair)] == ["eth0"]


@pytest.mark.parametrize("turned", [False, True])
def test_port_that_is_named_and_not_there_differs(turned: bool) -> None:
    named = side(ETH0, is_whole=False)
    pair = (named, side()) if turned else (side(), named)

    assert [item.port.name for item in port_differences(*pair)] == ["eth0"]


def test_port_is_itself_under_another_name_while_the_boot_lasts() -> None:
    renamed = carrying(replace(ETH0, name="lan0"), port("200"))

    assert port_differences(side(ETH0), side(renamed)) == (
        PortDifference(before=ETH0, after=renamed, port=renamed),
    )


def test_port_of_another_boot_is_known_by_its_name() -> None:
    other = carrying(replace(ETH0, ifindex=device("", 7).ifindex), port("200"))
    in_its_place = device("eth1", 2, port("100", pvid=1))

    assert port_differences(side(ETH0), side(other, in_its_place, boot=NEXT_BOOT)) == (
        PortDifference(before=None, after=in_its_place, port=in_its_place),
        PortDifference(before=ETH0, after=other, port=other),
    )


def test_name_that_was_made_up_is_nobodys_in_another_boot() -> None:
    tap, other = device("vnet0", 5, port("100")), device("vnet0", 6, port("200"))

    assert port_differences(side(tap), side(other, boot=NEXT_BOOT)) == (
        PortDifference(before=tap, after=None, port=tap),
        PortDifference(before=None, after=other, port=other),
    )


@pytest.mark.parametrize("boot", ["boot-1", NEXT_BOOT])
def test_nic_is_itself_whatever_its_tap_is_called(boot: str) -> None:
    one = guest(VM1, "VM1", nic(MAC1, tap="vnet0"))
    again = guest(VM1, "VM1 renamed", nic(MAC1, tap="vnet4"))
    other = guest(VM2, "VM2", nic(MAC2, tap="vnet0"))
    tap = replace(device("vnet0", 5, port("100")), mac=tap_mac(MAC1))
    renumbered = replace(device("vnet4", 9, port("200")), mac=tap_mac(MAC1))
    of_another = replace(device("vnet0", 10, port("100")), mac=tap_mac(MAC2))

    found = port_differences(
        side(tap, of=owners(one)), side(renumbered, of_another, boot=boot, of=owners(again, other))
    )

    assert found == (
        PortDifference(before=tap, after=renumbered, port=renumbered, owner=(again, again.nics[0])),
        PortDifference(
            before=None, after=of_another, port=of_another, owner=(other, other.nics[0])
        ),
    )


def test_port_that_is_gone_is_still_somebodys() -> None:
    one = guest(VM1, "VM1", nic(MAC1, tap="vnet0"))
    tap = replace(device("vnet0", 5, port("100")), mac=tap_mac(MAC1))

    [found] = port_differences(side(tap, of=owners(one)), side())

    assert found.owner == (one, one.nics[0])


def test_bridge_with_other_switches_differs() -> None:
    before, after = side(), Side(table=table(replace(BR0, default_pvid=0)), boot_id="boot-1")

    assert bridge_differences(before, after) == (
        BridgeDifference(name="br0", before=BR0, after=replace(BR0, default_pvid=0)),
    )


def test_bridge_that_only_has_another_number_does_not_differ() -> None:
    again = Side(table=table(replace(BR0, ifindex=device("", 9).ifindex)))

    assert bridge_differences(side(), again) == ()


def test_bridge_of_one_table_alone_differs_where_it_need_be_named() -> None:
    none = Side(table=PortTable())

    assert bridge_differences(none, side()) == (
        BridgeDifference(name="br0", before=None, after=BR0),
    )
    assert bridge_differences(replace(none, is_whole=False), side()) == ()


def test_vids_that_differ_are_told_with_their_flags() -> None:
    before = raw("1,10-20,30", untagged="1", pvid=1)
    after = raw("1,5,12-20,30", untagged="1,30", pvid=5)

    assert vid_differences(before, after) == (
        VidDifference(first=1, last=1, before=NATIVE, after=VlanFlags.UNTAGGED),
        VidDifference(first=5, last=5, before=None, after=VlanFlags.PVID),
        VidDifference(first=10, last=11, before=VlanFlags.TAGGED, after=None),
        VidDifference(first=30, last=30, before=VlanFlags.TAGGED, after=VlanFlags.UNTAGGED),
    )


@given(port_vlans(), port_vlans())
def test_vids_that_differ_are_those_whose_flags_differ(before: PortVlans, after: PortVlans) -> None:
    told = {
        vid: (item.before, item.after)
        for item in vid_differences(before, after)
        for vid in range(item.first, item.last + 1)
    }

    assert told == {
        vid: (before.flags(vid), after.flags(vid))
        for vid in range(1, 4095)
        if before.flags(vid) != after.flags(vid)
    }


def numbered(found: PortTable) -> PortTable:
    """Returns the table with names that tell no more than the numbers do."""
    ports = {index: replace(item, name=f"vnet{index}") for index, item in found.ports.items()}
    return replace(found, ports=ports)


def differ(before: Port | None, after: Port | None) -> bool:
    carried = [item.vlans if item else NO_VLANS for item in (before, after)]
    return carried[0] != carried[1] or len({item.bridge for item in (before, after) if item}) == 2


@given(tables().map(numbered), tables().map(numbered))
def test_every_port_of_a_boot_is_compared_once(one: PortTable, two: PortTable) -> None:
    found = port_differences(Side(table=one), Side(table=two))

    pairs = {
        index: (one.ports.get(index), two.ports.get(index)) for index in {*one.ports, *two.ports}
    }
    assert {item.port.ifindex: (item.before, item.after) for item in found} == {
        index: pair for index, pair in pairs.items() if differ(*pair)
    }
    assert len(found) == len({item.port.ifindex for item in found})


def test_device_that_was_made_anew_is_known_by_its_name() -> None:
    anew = carrying(replace(ETH0, ifindex=device("", 7).ifindex), port("200"))

    assert port_differences(side(ETH0), side(anew)) == (
        PortDifference(before=ETH0, after=anew, port=anew),
    )
