from __future__ import annotations

import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.kernel import oracle
from tests.properties.strategies import port_vlans
from vlanlog.core.notice import PortMessage, VlanMessage
from vlanlog.core.plan import PortChange
from vlanlog.core.state import IfIndex
from vlanlog.core.vlan import PortVlans, Vid, VlanFlags, VlanRange
from vlanlog.kernel.frame import NLM_F_DUMP, NLM_F_REQUEST, Message, WireError, message, messages
from vlanlog.kernel.wire import (
    RTM_DELLINK,
    RTM_DELVLAN,
    RTM_GETLINK,
    RTM_GETVLAN,
    RTM_NEWLINK,
    RTM_NEWVLAN,
    RTM_SETLINK,
    dellink,
    port_message,
    ports_query,
    setlink,
    vlan_message,
    vlans_query,
)

REQUEST_ACK = 5
NATIVE = VlanFlags.PVID | VlanFlags.UNTAGGED
EVERY_OTHER = tuple(VlanRange(Vid(vid), Vid(vid)) for vid in range(2, 4095, 2))


def ranged(first: int, last: int | None = None, flags: VlanFlags = VlanFlags.TAGGED) -> VlanRange:
    return VlanRange(Vid(first), Vid(last or first), flags)


def change(*ranges: VlanRange, is_self: bool = False) -> PortChange:
    return PortChange(ifindex=IfIndex(5), is_self=is_self, ranges=ranges)


changes = st.builds(
    PortChange,
    ifindex=st.integers(1, 2**31 - 1).map(IfIndex),
    is_self=st.booleans(),
    ranges=port_vlans().flatmap(lambda vlans: st.permutations(vlans.ranges())).map(tuple),
)
vlan_messages = st.builds(
    VlanMessage,
    ifindex=st.integers(1, 2**31 - 1).map(IfIndex),
    gone=st.booleans(),
    ranges=port_vlans().map(PortVlans.ranges),
)


def only(datagram: bytes) -> Message:
    (found,) = messages(datagram)
    return found


@given(changes, st.integers(1, 2**32 - 1))
@example(change(*EVERY_OTHER), 1)
@example(change(ranged(1, 4094)), 1)
def test_programming_is_what_pyroute2_sends(wanted: PortChange, seq: int) -> None:
    sent = (setlink(seq, wanted), dellink(seq, wanted))

    assert sent == (
        oracle.programming(RTM_SETLINK, REQUEST_ACK, seq, wanted),
        oracle.programming(RTM_DELLINK, REQUEST_ACK, seq, wanted),
    )


def test_queries_are_what_pyroute2_sends() -> None:
    flags = NLM_F_REQUEST | NLM_F_DUMP
    mask = [("IFLA_EXT_MASK", 4)]

    sent = (
        message(RTM_GETVLAN, flags, 9, vlans_query(7)),
        message(RTM_GETVLAN, flags, 9, vlans_query()),
        message(RTM_GETLINK, flags, 9, ports_query()),
    )

    assert sent == (
        oracle.vlans(RTM_GETVLAN, 7, [], flags=flags, seq=9),
        oracle.vlans(RTM_GETVLAN, 0, [], flags=flags, seq=9),
        oracle.link(RTM_GETLINK, flags, 9, 0, mask),
    )


def test_setlink_marks_ranges_and_leaves_the_pvid_alone() -> None:
    wanted = change(ranged(10, flags=NATIVE), ranged(100, 200, VlanFlags.UNTAGGED), is_self=True)

    body = only(setlink(1, wanted)).body

    assert body[16:].hex(" ", 4) == (
        "24001a00 06000000 02000000 08000200 06000a00 08000200 0c006400 08000200 1400c800"
    )


@given(changes)
@example(change(*EVERY_OTHER))
def test_programming_reads_back_as_the_same_vlans(wanted: PortChange) -> None:
    read = port_message(only(setlink(1, wanted)))

    assert (read.ifindex, read.vlans) == (wanted.ifindex, PortVlans.from_ranges(wanted.ranges))


@pytest.mark.parametrize(
    "item",
    [
        pytest.param(ranged(10, 12, VlanFlags.PVID), id="pvid on a range"),
        pytest.param(ranged(200, 100), id="backwards"),
        pytest.param(VlanRange(Vid(0), Vid(0)), id="vid 0"),
        pytest.param(ranged(4095), id="vid 4095"),
    ],
)
def test_programming_refuses_what_the_kernel_would_refuse(item: VlanRange) -> None:
    with pytest.raises(WireError):
        setlink(1, change(ranged(5), item))


def test_programming_refuses_more_than_one_message_holds() -> None:
    with pytest.raises(WireError, match="longer than 65535"):
        setlink(1, change(*[ranged(5)] * 8192))


@given(vlan_messages)
@example(VlanMessage(ifindex=IfIndex(5), gone=False, ranges=EVERY_OTHER))
def test_vlan_message_is_what_pyroute2_encoded(sent: VlanMessage) -> None:
    kind = RTM_DELVLAN if sent.gone else RTM_NEWVLAN

    assert vlan_message(only(oracle.vlans(kind, sent.ifindex, sent.ranges))) == sent


def test_vlan_message_passes_over_options_and_global_ones() -> None:
    entry = b"\x08\0\x01\0\x04\0\x0a\0\x06\0\x02\0\x14\0\0\0\x05\0\x03\0\x03\0\0\0"
    body = (
        struct.pack("=B3xi", 7, 5)
        + struct.pack("=HH", 4 + len(entry), 0x8001)
        + entry
        + struct.pack("=HHHH", 8, 0x8002, 1, 2)
    )

    assert vlan_message(Message(RTM_NEWVLAN, 0, 0, body)) == VlanMessage(
        ifindex=IfIndex(5), gone=False, ranges=(ranged(10, 20, VlanFlags.UNTAGGED),)
    )


def test_vlan_message_without_entries_is_a_port_without_vlans() -> None:
    sent = VlanMessage(ifindex=IfIndex(5), gone=False, ranges=())

    assert vlan_message(only(oracle.vlans(RTM_NEWVLAN, 5, ()))) == sent


@pytest.mark.parametrize(
    "item",
    [
        pytest.param(ranged(10, 12, VlanFlags.PVID), id="pvid on a range"),
        pytest.param(ranged(200, 100), id="backwards"),
        pytest.param(VlanRange(Vid(0), Vid(0)), id="vid 0"),
        pytest.param(ranged(4095), id="vid 4095"),
    ],
)
def test_vlan_message_that_no_kernel_sends_is_refused(item: VlanRange) -> None:
    with pytest.raises(WireError):
        vlan_message(only(oracle.vlans(RTM_NEWVLAN, 5, [item])))


def port_bytes(vlans: PortVlans, *, compressed: bool) -> bytes:
    ranges = vlans.ranges()
    if not compressed:
        ranges = tuple(
            ranged(vid, flags=item.flags)
            for item in ranges
            for vid in range(item.first, item.last + 1)
        )
    attrs = [
        ("IFLA_IFNAME", "vnet5"),
        ("IFLA_MASTER", 3),
        ("IFLA_MTU", 1500),
        ("IFLA_ADDRESS", "fe:54:00:AA:bb:cc"),
        ("IFLA_AF_SPEC", {"attrs": oracle.infos(ranges)}),
    ]
    return oracle.link(RTM_NEWLINK, 0, 0, 5, attrs)


@given(port_vlans(), st.booleans())
@example(PortVlans((1 << 4095) - 2), False)
@example(PortVlans.from_ranges(EVERY_OTHER), True)
def test_port_message_is_what_pyroute2_encoded(vlans: PortVlans, compressed: bool) -> None:
    read = port_message(only(port_bytes(vlans, compressed=compressed)))

    assert read == PortMessage(
        ifindex=IfIndex(5),
        gone=False,
        name="vnet5",
        master=IfIndex(3),
        mac="fe:54:00:aa:bb:cc",
        vlans=vlans,
        switchdev=False,
    )


def test_port_message_of_a_nics_own_switch_is_marked() -> None:
    spec = {"attrs": [("IFLA_BRIDGE_FLAGS", 2), ("IFLA_BRIDGE_MODE", 0)]}
    sent = oracle.link(RTM_DELLINK, 0, 0, 5, [("IFLA_AF_SPEC", spec)])

    assert port_message(only(sent)) == PortMessage(
        ifindex=IfIndex(5),
        gone=True,
        name="",
        master=None,
        mac=None,
        vlans=PortVlans(),
        switchdev=True,
    )


def test_port_message_gives_a_range_the_flags_of_its_begin() -> None:
    infos = [
        ("IFLA_BRIDGE_VLAN_INFO", {"flags": 8 | 4, "vid": 10}),
        ("IFLA_BRIDGE_VLAN_INFO", {"flags": 16, "vid": 12}),
    ]
    sent = oracle.link(RTM_SETLINK, 0, 0, 5, [("IFLA_AF_SPEC", {"attrs": infos})])

    assert port_message(only(sent)).vlans == PortVlans.from_ranges(
        [ranged(10, 12, VlanFlags.UNTAGGED)]
    )


@pytest.mark.parametrize(
    "infos",
    [
        pytest.param([(8, 10)], id="begin alone"),
        pytest.param([(8, 0)], id="begin alone at vid 0"),
        pytest.param([(16, 10)], id="end alone"),
        pytest.param([(8, 10), (8, 11)], id="two begins"),
        pytest.param([(8, 10), (0, 11), (16, 12)], id="single within"),
        pytest.param([(8, 12), (16, 10)], id="backwards"),
        pytest.param([(8 | 2, 10), (16 | 2, 12)], id="pvid on a range"),
        pytest.param([(0, 0)], id="vid 0"),
        pytest.param([(0, 4095)], id="vid 4095"),
        pytest.param([(8, 10), (16, 65535)], id="end beyond 4094"),
    ],
)
def test_port_message_that_no_kernel_sends_is_refused(infos: list[tuple[int, int]]) -> None:
    spec = [("IFLA_BRIDGE_VLAN_INFO", {"flags": flags, "vid": vid}) for flags, vid in infos]
    sent = oracle.link(RTM_NEWLINK, 0, 0, 5, [("IFLA_AF_SPEC", {"attrs": spec})])

    with pytest.raises(WireError):
        port_message(only(sent))


def test_port_message_of_another_family_is_refused() -> None:
    sent = oracle.link(RTM_NEWLINK, 0, 0, 5, [], family=0)

    with pytest.raises(WireError, match="family 0"):
        port_message(only(sent))


@given(port_vlans(), vlan_messages, st.data())
def test_damaged_bytes_are_read_or_refused(
    vlans: PortVlans, sent: VlanMessage, data: st.DataObject
) -> None:
    for read, whole in (
        (port_message, port_bytes(vlans, compressed=True)),
        (vlan_message, oracle.vlans(RTM_NEWVLAN, sent.ifindex, sent.ranges)),
    ):
        body = bytearray(whole[16:])
        for _ in range(data.draw(st.integers(0, 4))):
            body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
        cut = data.draw(st.integers(0, len(body)))
        try:
            found = read(Message(RTM_NEWLINK, 0, 0, bytes(body[:cut])))
        except WireError:
            continue
        assert found.ifindex.bit_length() <= 31


@given(st.binary(max_size=120))
def test_garbage_is_read_or_refused(body: bytes) -> None:
    for read in (port_message, vlan_message):
        try:
            found = read(Message(RTM_NEWLINK, 0, 0, b"\x07" + body))
        except WireError:
            continue
        assert found.ifindex.bit_length() <= 32
