"""Random VLANs, ports and tables for the properties."""

from __future__ import annotations

from hypothesis import strategies as st

from vlanlog.core.state import Bridge, IfIndex, Port, PortTable
from vlanlog.core.vlan import PortVlans

vids = st.one_of(st.integers(1, 12), st.integers(1, 4094))


@st.composite
def port_vlans(draw: st.DrawFn) -> PortVlans:
    members = 0
    for number in draw(st.lists(vids, max_size=12)):
        members |= 1 << number
    held = [number for number in range(1, 4095) if members >> number & 1]
    untagged = 0
    if held:
        for number in draw(st.lists(st.sampled_from(held), max_size=4)):
            untagged |= 1 << number
    pvid = draw(st.none() | st.sampled_from(held)) if held else None
    return PortVlans(members, untagged, pvid)


@st.composite
def tables(draw: st.DrawFn) -> PortTable:
    """Returns up to two bridges, with their own ports and some others among them."""
    bridges, ports = {}, {}
    for number, name in enumerate(("br0", "br1")):
        if not draw(st.booleans()):
            continue
        index = IfIndex(draw(st.sampled_from((10 + number, 20 + number))))
        bridges[name] = Bridge(
            ifindex=index,
            name=name,
            vlan_filtering=draw(st.booleans()),
            default_pvid=draw(st.sampled_from((0, 1, 7))),
        )
        ports[index] = Port(ifindex=index, name=name, bridge=name, vlans=draw(port_vlans()))
    for number in range(1, 5) if bridges else ():
        if draw(st.booleans()):
            index = IfIndex(number)
            ports[index] = Port(
                ifindex=index,
                name=draw(st.sampled_from(("veth0", f"vnet{number}"))),
                bridge=draw(st.sampled_from(sorted(bridges))),
                mac=draw(st.sampled_from((None, "fe:54:00:00:00:01"))),
                vlans=draw(port_vlans()),
            )
    return PortTable(bridges=bridges, ports=ports)
