"""A host to the config that describes it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.capture.hosts import (
    DEFAULT_VLANS,
    guest,
    host_of,
    hosts,
    in_force,
    mac_of,
    planned,
    wished,
)
from vlanlog.capture import NO_GUEST, Captured, captured
from vlanlog.core.device import Device
from vlanlog.core.entry import BridgeEntry, PortEntry, Selector, SelectorKind
from vlanlog.core.state import Guest, IfIndex, Nic, PortTable
from vlanlog.core.vlan import NO_VLANS, PortVlans, parse_vids
from vlanlog.errors import UsageError

TAGGED = PortVlans.of(pvid=1, tagged=parse_vids("100-110"))
VM1 = guest("VM1", "vnet0")


def nic_entry(
    whose: str, value: str, vlans: PortVlans, kind: SelectorKind = SelectorKind.MAC
) -> PortEntry:
    selector = Selector(kind=kind, guest=whose, value=value)
    return PortEntry(section=f"{whose}/{value}", selector=selector, vlans=vlans)


def port_entry(name: str, vlans: PortVlans) -> PortEntry:
    selector = Selector(kind=SelectorKind.TAP, guest=NO_GUEST, value=name)
    return PortEntry(section=name, selector=selector, vlans=vlans)


@given(host=hosts(), data=st.data())
def test_replay_after_a_capture_plans_nothing_and_every_port_is_named_or_told(
    host: tuple[PortTable, dict[IfIndex, Device], tuple[Guest, ...]], data: st.DataObject
) -> None:
    table, devices, guests = host
    ports = sorted(port.name for port in table.ports.values() if not port.is_self)
    trunks = data.draw(st.sets(st.sampled_from(ports)) if ports else st.just(set()))
    found = captured(table, guests, devices, trunks=trunks)
    config = in_force(found)
    assert (tuple(held.entry for held in config.bridges.values()), set(config.ports)) == (
        found.bridges,
        {entry.section for entry in found.ports},
    )
    todo = planned(table, guests, config)
    assert (todo.bridges, todo.ports, todo.missing) == ((), (), ())
    named = {wish.port.name for wish in wished(table, guests, config).ports}
    told = {re.split(r" (?:in|itself)\b|:", line)[0] for line in found.left_out}
    silent = {name for name, bridge in table.bridges.items() if not bridge.vlan_filtering} | {
        name for name in table.bridges if f"{name}: no section can have this name" in found.left_out
    }
    there = {port.name for port in table.ports.values() if port.bridge not in silent}
    assert there <= named | told


def test_host_is_described_by_bridge_trunk_self_and_macs() -> None:
    table, devices = host_of(
        ("br0", 0, True),
        ports={
            "bond0": ("br0", "bond", TAGGED),
            "vnet0": ("br0", "tun", PortVlans.of(pvid=100)),
            "veth9": ("br0", "veth", NO_VLANS),
        },
        own={"br0": NO_VLANS},
    )
    assert captured(table, [VM1], devices) == Captured(
        bridges=(
            BridgeEntry(
                name="br0", trunk_ports=("bond0",), trunk=TAGGED, own=NO_VLANS, default_pvid=0
            ),
        ),
        ports=(
            nic_entry("VM1", mac_of("vnet0"), PortVlans.of(pvid=100)),
            port_entry("veth9", NO_VLANS),
        ),
        comments={
            "br0": ["trunk bond0: bond"],
            f"VM1/{mac_of('vnet0')}": ["vnet0 in br0"],
            "veth9": ["veth9 in br0, no guest's"],
        },
    )


@pytest.mark.parametrize(
    ("kind", "is_trunk"),
    [
        *(("", True), ("bond", True), ("team", True), ("vlan", True), ("vxlan", True)),
        *(("tun", False), ("veth", False), ("dummy", False), ("macvtap", False)),
    ],
)
def test_trunk_is_what_leads_out_of_the_host(kind: str, is_trunk: bool) -> None:
    table, devices = host_of(("br0", 1, True), ports={"up0": ("br0", kind, TAGGED)})
    [entry] = captured(table, [], devices).bridges
    assert entry.trunk_ports == (("up0",) if is_trunk else ())


def test_trunk_that_is_named_is_the_only_one_of_its_bridge() -> None:
    table, devices = host_of(
        ("br0", 1, True),
        ("br1", 1, True),
        ports={
            "eth0": ("br0", "", TAGGED),
            "veth0": ("br0", "veth", TAGGED),
            "eth1": ("br1", "", TAGGED),
        },
    )
    found = captured(table, [], devices, trunks=["veth0"])
    assert [entry.trunk_ports for entry in found.bridges] == [("veth0",), ("eth1",)]
    assert found.ports == (port_entry("eth0", TAGGED),)


def test_tap_of_a_guest_is_a_trunk_only_if_it_is_named() -> None:
    table, devices = host_of(("br0", 1, True), ports={"lan0": ("br0", "", TAGGED)})
    owner = Guest(uuid=VM1.uuid, name="VM1", running=True, nics=(Nic(mac=mac_of("a"), tap="lan0"),))
    assert captured(table, [owner], devices).bridges[0].trunk_ports == ()
    assert captured(table, [owner], devices, trunks=["lan0"]).bridges[0].trunk_ports == ("lan0",)


def test_trunks_that_differ_have_sections_of_their_own() -> None:
    other = PortVlans.of(tagged=parse_vids("7"))
    table, devices = host_of(
        ("br0", 1, True),
        ports={
            "eth0": ("br0", "", other),
            "eth1": ("br0", "", TAGGED),
            "eth2": ("br0", "", TAGGED),
        },
    )
    found = captured(table, [], devices)
    assert [entry.trunk_ports for entry in found.bridges] == [("eth1", "eth2")]
    assert found.ports == (port_entry("eth0", other),)
    assert found.comments["eth0"] == [
        "eth0 in br0, a trunk that carries other VLANs than those of the bridge's section"
    ]


@pytest.mark.parametrize(
    ("vlans", "why"),
    [
        (PortVlans(1 << 5, 0, 5), "PVID 5 that leaves with a tag"),
        (PortVlans(0b110, 0b110, 1), "2 untagged besides the PVID"),
        (PortVlans(0b1100, 0b1000, 2), "PVID 2 that leaves with a tag and 3 untagged besides"),
        (PortVlans(0b1100, 0b1100, None), "2-3 untagged besides the PVID"),
    ],
)
def test_port_that_no_section_can_describe_is_left_out_and_told(vlans: PortVlans, why: str) -> None:
    table, devices = host_of(
        ("br0", 1, True), ports={"eth0": ("br0", "", vlans), "vnet0": ("br0", "tun", vlans)}
    )
    found = captured(table, [VM1], devices)
    assert [entry.trunk_ports for entry in found.bridges] == [()]
    assert found.ports == ()
    assert [line.partition(why)[1] for line in found.left_out] == [why, why]
    assert [line.split()[0] for line in found.left_out] == ["eth0", "vnet0"]


def test_bridge_whose_own_port_cannot_be_described_keeps_what_it_has_by_prune() -> None:
    odd = PortVlans(0b110, 0b110, 1)
    table, devices = host_of(
        ("br0", 1, True), ports={"eth0": ("br0", "", TAGGED)}, own={"br0": odd}
    )
    found = captured(table, [], devices)
    assert found.bridges == (
        BridgeEntry(
            name="br0",
            trunk_ports=("eth0",),
            trunk=TAGGED,
            own=NO_VLANS,
            default_pvid=1,
            prune=False,
        ),
    )
    assert found.left_out == (
        "br0 itself (pvid 1, untagged 2): no section can say 2 untagged besides the PVID",
    )


def test_tap_with_a_made_up_name_and_no_known_guest_is_left_out() -> None:
    table, devices = host_of(("br0", 1, True), ports={"vnet0": ("br0", "tun", DEFAULT_VLANS)})
    stranger = Guest(
        uuid=VM1.uuid, name="VM1", running=True, nics=(Nic(mac=mac_of("x"), tap="vnet0"),)
    )
    for guests in ([], [stranger]):
        found = captured(table, guests, devices)
        assert (found.ports, found.left_out) == (
            (),
            (
                "vnet0 in br0 (pvid 1): no running guest is known to have it, "
                "and its name is another's tomorrow",
            ),
        )


def test_bridge_that_does_not_filter_is_left_alone_and_said() -> None:
    table, devices = host_of(("virbr0", 1, False), ports={"vnet0": ("virbr0", "tun", TAGGED)})
    assert captured(table, [VM1], devices) == Captured(
        notes=("virbr0 does not filter VLANs: a section would switch that on",)
    )


def test_nic_whose_vlans_libvirt_sets_needs_no_section() -> None:
    table, devices = host_of(("br0", 1, True), ports={"vnet0": ("br0", "tun", TAGGED)})
    nics = (Nic(mac=mac_of("vnet0"), tap="vnet0", native_vlan="trunk 5,6"),)
    owner = Guest(uuid=VM1.uuid, name="VM1", running=True, nics=nics)
    found = captured(table, [owner], devices)
    assert (found.ports, found.left_out, found.notes) == (
        (),
        (),
        (
            f"vnet0 in br0, VM1/{mac_of('vnet0')}: libvirt itself sets its <vlan> trunk 5,6, "
            "no section is needed",
        ),
    )


def test_two_nics_with_one_mac_are_told_apart_by_their_aliases() -> None:
    table, devices = host_of(
        ("br0", 1, True),
        ports={"lan0": ("br0", "tun", TAGGED), "lan1": ("br0", "tun", DEFAULT_VLANS)},
    )
    nics = tuple(Nic(mac=mac_of("x"), tap=f"lan{n}", alias=f"net{n}") for n in (0, 1))
    twin = Guest(uuid=VM1.uuid, name="VM1", running=True, nics=nics)
    assert captured(table, [twin], devices).ports == (
        nic_entry("VM1", "net0", TAGGED, SelectorKind.ALIAS),
        nic_entry("VM1", "net1", DEFAULT_VLANS, SelectorKind.ALIAS),
    )


def test_guest_whose_name_no_heading_can_hold_is_named_by_its_uuid() -> None:
    table, devices = host_of(("br0", 1, True), ports={"vnet0": ("br0", "tun", TAGGED)})
    odd = guest("\x85odd", "vnet0")
    found = captured(table, [odd], devices)
    assert found.ports == (nic_entry(odd.uuid, mac_of("vnet0"), TAGGED),)
    assert list(found.comments.values())[1] == ["vnet0 in br0, guest \x85odd"]


def test_only_the_bridges_that_are_named_are_described() -> None:
    table, devices = host_of(
        ("br0", 1, True), ("br1", 1, True), ports={"eth0": ("br0", "", TAGGED)}
    )
    assert [entry.name for entry in captured(table, [], devices, bridges=["br1"]).bridges] == [
        "br1"
    ]


@pytest.mark.parametrize(
    ("bridges", "trunks", "message"),
    [
        (["br9"], [], "there is no bridge br9"),
        ([], ["eth9"], "eth9 is no port of a bridge"),
        ([], ["br0"], "br0 is no port of a bridge"),
    ],
)
def test_name_of_nothing_is_refused(bridges: list[str], trunks: list[str], message: str) -> None:
    table, devices = host_of(("br0", 1, True), ports={})
    with pytest.raises(UsageError, match=message):
        captured(table, [], devices, bridges=bridges, trunks=trunks)
