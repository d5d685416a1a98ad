"""Hosts for captures: tables with guests and devices, and what config files make of them.

Must not compare anything.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from hypothesis import strategies as st

from tests.properties.strategies import port_vlans
from vlanlog.capture import Captured
from vlanlog.config import read_bridges, read_ports
from vlanlog.config.writing import bridges_text, ports_text
from vlanlog.core.desired import Desired, desired
from vlanlog.core.device import Device
from vlanlog.core.program import Plan, Scope, plan
from vlanlog.core.state import (
    Bridge,
    ConfigInForce,
    Guest,
    HeldBridge,
    HeldPort,
    HostState,
    IfIndex,
    Nic,
    Port,
    PortTable,
    Seq,
    tap_mac,
)
from vlanlog.core.vlan import PortVlans

KINDS = ("", "bond", "vlan", "tun", "veth", "dummy")
DEFAULT_VLANS = PortVlans.of(pvid=1)
UUID = "11111111-1111-4111-8111-11111111111%d"


def host_of(
    *bridges: tuple[str, int, bool],
    ports: Mapping[str, tuple[str, str, PortVlans]],
    own: Mapping[str, PortVlans] | None = None,
) -> tuple[PortTable, dict[IfIndex, Device]]:
    """Returns a table and its devices; bridges are (name, default PVID, filters), ports by name
    (bridge, kind, VLANs), ``own`` the bridges' own ports where they are not VLAN 1 alone."""
    table: dict[str, Bridge] = {}
    members: dict[IfIndex, Port] = {}
    devices: dict[IfIndex, Device] = {}
    for number, (name, default_pvid, filters) in enumerate(bridges, start=2):
        index = IfIndex(number)
        table[name] = Bridge(
            ifindex=index, name=name, vlan_filtering=filters, default_pvid=default_pvid
        )
        vlans = (own or {}).get(name, DEFAULT_VLANS)
        members[index] = Port(ifindex=index, name=name, bridge=name, vlans=vlans)
        devices[index] = Device(ifindex=index, name=name, kind="bridge")
    for number, (name, (bridge, kind, vlans)) in enumerate(ports.items(), start=20):
        index = IfIndex(number)
        mac = tap_mac(mac_of(name)) if kind == "tun" else f"02:00:00:00:00:{number:02x}"
        members[index] = Port(ifindex=index, name=name, bridge=bridge, mac=mac, vlans=vlans)
        devices[index] = Device(ifindex=index, name=name, kind=kind, master=table[bridge].ifindex)
    return PortTable(bridges=table, ports=members), devices


def mac_of(tap: str) -> str:
    """Returns the MAC of the NIC that has the tap."""
    return "52:54:00:" + tap.encode().ljust(3, b"\0")[-3:].hex(":")


def guest(name: str, *taps: str, number: int = 1) -> Guest:
    """Returns a guest that runs on these taps."""
    nics = tuple(
        Nic(mac=mac_of(tap), tap=tap, alias=f"net{place}") for place, tap in enumerate(taps)
    )
    return Guest(uuid=UUID % number, name=name, running=True, nics=nics)


@st.composite
def hosts(draw: st.DrawFn) -> tuple[PortTable, dict[IfIndex, Device], tuple[Guest, ...]]:
    """Returns any host of two bridges: odd VLANs, odd names, taps with and without a guest."""
    bridges = [
        (name, draw(st.sampled_from((0, 1, 7))), draw(st.sampled_from((True, True, False))))
        for name in ("br0", draw(st.sampled_from(("br1", "br=1", "DEFAULT", "brücke"))))
    ]
    names = st.sampled_from(
        ("eth0", "eth,1", "bond0", "bond0.7", "vnet0", "vnet1", "vnet2", "veth0", "*", "a#b", "ü%s")
    )
    few = port_vlans() | st.sampled_from((DEFAULT_VLANS, PortVlans.of(pvid=1, tagged=1 << 100)))
    ports = {
        name: (draw(st.sampled_from(bridges))[0], draw(st.sampled_from(KINDS)), draw(few))
        for name in draw(st.lists(names, max_size=8, unique=True))
    }
    own = {name: draw(few) for name, *_ in bridges}
    table, devices = host_of(*bridges, ports=ports, own=own)
    taps = draw(st.lists(st.sampled_from(sorted(ports)), unique=True)) if ports else []
    cut = draw(st.integers(0, len(taps)))
    called = draw(st.sampled_from(("VM1", "my vm; [x] #1", "*", "a%(b)s", "\x85odd", "DEFAULT")))
    guests = (guest(called, *taps[:cut]), guest("VM2", *taps[cut:], number=2))
    return table, devices, guests


def in_force(found: Captured) -> ConfigInForce:
    """Returns the config after both files were written and read again."""
    comments = found.comments
    with tempfile.TemporaryDirectory() as folder:
        first, second = Path(folder) / "bridge_init.conf", Path(folder) / "vlan_filtering.conf"
        first.write_text(bridges_text(found.bridges, comments), newline="")
        second.write_text(ports_text(found.ports, comments), newline="")
        bridges, ports = read_bridges(first), read_ports(second)
    assert (bridges.errors, bridges.warnings, ports.errors, ports.warnings) == ((), (), (), ())
    return ConfigInForce(
        bridges={entry.name: HeldBridge(entry=entry, since=Seq(1)) for entry in bridges.bridges},
        ports={entry.section: HeldPort(entry=entry, since=Seq(1)) for entry in ports.ports},
    )


def wished(table: PortTable, guests: tuple[Guest, ...], config: ConfigInForce) -> Desired:
    """Returns what the config wishes for a host that knows its guests."""
    known = {guest.uuid: guest for guest in guests}
    return desired(HostState(table=table, guests=known, config=config), table)


def planned(table: PortTable, guests: tuple[Guest, ...], config: ConfigInForce) -> Plan:
    """Returns what a replay would do."""
    return plan(wished(table, guests, config), table, Scope())
