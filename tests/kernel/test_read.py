from __future__ import annotations

from vlanlog.core.notice import PortMessage
from vlanlog.core.state import Bridge, IfIndex, Port, PortTable
from vlanlog.core.vlan import NO_VLANS, PortVlans
from vlanlog.kernel.read import table, vlans_of

BR0 = Bridge(ifindex=IfIndex(2), name="br0", vlan_filtering=True, default_pvid=1)
VLAN_7 = PortVlans.of(pvid=7)


def said(
    ifindex: int, name: str, master: int | None, vlans: PortVlans = VLAN_7, *, nic: bool = False
) -> PortMessage:
    return PortMessage(
        ifindex=IfIndex(ifindex),
        gone=False,
        name=name,
        master=None if master is None else IfIndex(master),
        mac=None,
        vlans=vlans,
        switchdev=nic,
    )


def port(ifindex: int, name: str, vlans: PortVlans = VLAN_7) -> Port:
    return Port(ifindex=IfIndex(ifindex), name=name, bridge="br0", vlans=vlans)


def test_table_joins_bridges_and_ports() -> None:
    found = table({IfIndex(2): BR0}, [said(2, "br0", 2), said(3, "vnet5", 2, NO_VLANS)])

    assert found == PortTable(
        bridges={"br0": BR0},
        ports={IfIndex(2): port(2, "br0"), IfIndex(3): port(3, "vnet5", NO_VLANS)},
    )


def test_table_takes_a_ports_vlans_from_its_bridge_and_not_from_its_nic() -> None:
    own = said(3, "eth0", 2, NO_VLANS, nic=True)
    messages = [own, said(2, "br0", 2), said(3, "eth0", 2), own, said(4, "eth1", None, nic=True)]

    found = table({IfIndex(2): BR0}, messages)

    assert found.ports == {IfIndex(2): port(2, "br0"), IfIndex(3): port(3, "eth0")}


def test_table_leaves_out_a_bridge_that_vanished_and_one_that_appeared() -> None:
    gone = Bridge(ifindex=IfIndex(9), name="br9")
    messages = [said(2, "br0", 2), said(3, "vnet5", 9), said(20, "br20", 20), said(4, "vnet6", 20)]

    found = table({IfIndex(2): BR0, IfIndex(9): gone}, messages)

    assert found == PortTable(bridges={"br0": BR0}, ports={IfIndex(2): port(2, "br0")})


def test_table_calls_a_bridge_that_is_renamed_meanwhile_by_one_name() -> None:
    found = table({IfIndex(2): BR0}, [said(2, "lan0", 2)])

    assert found.ports == {IfIndex(2): port(2, "br0")}


def test_one_ports_vlans_are_found_without_a_vlan_dump() -> None:
    messages = [said(3, "eth0", 2, NO_VLANS, nic=True), said(2, "br0", 2), said(3, "eth0", 2)]

    found = [vlans_of(messages, IfIndex(number)) for number in (3, 99)]

    assert found == [VLAN_7, NO_VLANS]
