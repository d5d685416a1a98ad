from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.kernel import oracle
from vlanlog.core.notice import LinkMessage
from vlanlog.core.state import Bridge, IfIndex
from vlanlog.errors import KernelError
from vlanlog.kernel.frame import NLM_F_DUMP, NLM_F_REQUEST, Message, WireError, message, messages
from vlanlog.kernel.links import bridges, bridges_query, link_message, set_bridge
from vlanlog.kernel.wire import RTM_DELLINK, RTM_GETLINK, RTM_NEWLINK


def link(kind: int, *attrs: Any) -> Message:
    (found,) = messages(oracle.link(kind, 0, 0, 3, list(attrs), family=0))
    return found


def linkinfo(kind: str, **data: int) -> Any:
    attrs: list[Any] = [("IFLA_INFO_KIND", kind)]
    if data:
        attrs.append(("IFLA_INFO_DATA", {"attrs": list(data.items())}))
    return ("IFLA_LINKINFO", {"attrs": attrs})


def test_bridge_is_what_pyroute2_encoded() -> None:
    received = link(
        RTM_NEWLINK,
        ("IFLA_IFNAME", "br0"),
        ("IFLA_ADDRESS", "52:54:00:AA:00:01"),
        linkinfo("bridge", IFLA_BR_VLAN_FILTERING=1, IFLA_BR_VLAN_DEFAULT_PVID=4000),
    )

    assert link_message(received) == LinkMessage(
        ifindex=IfIndex(3),
        gone=False,
        name="br0",
        mac="52:54:00:aa:00:01",
        kind="bridge",
        vlan_filtering=True,
        default_pvid=4000,
    )


def test_port_is_what_pyroute2_encoded() -> None:
    received = link(RTM_DELLINK, ("IFLA_IFNAME", "vnet5"), ("IFLA_MASTER", 3), linkinfo("tun"))

    assert link_message(received) == LinkMessage(
        ifindex=IfIndex(3), gone=True, name="vnet5", master=IfIndex(3), kind="tun"
    )


def test_bridge_without_vlans_has_no_default_pvid() -> None:
    received = link(RTM_NEWLINK, linkinfo("bridge", IFLA_BR_VLAN_FILTERING=0))

    assert link_message(received) == LinkMessage(
        ifindex=IfIndex(3), gone=False, name="", kind="bridge", vlan_filtering=False
    )


def test_bridges_are_picked_from_the_links() -> None:
    dump = [
        link(RTM_NEWLINK, ("IFLA_IFNAME", "vnet5"), linkinfo("tun")),
        link(
            RTM_NEWLINK,
            ("IFLA_IFNAME", "br0"),
            linkinfo("bridge", IFLA_BR_VLAN_FILTERING=1, IFLA_BR_VLAN_DEFAULT_PVID=0),
        ),
    ]

    br0 = Bridge(ifindex=IfIndex(3), name="br0", vlan_filtering=True, default_pvid=0)
    assert bridges(dump) == {3: br0}


def test_bridge_of_a_kernel_without_vlans_is_an_error_that_says_what_to_do() -> None:
    bare = linkinfo("bridge", IFLA_BR_VLAN_FILTERING=0)

    with pytest.raises(KernelError) as refused:
        bridges([link(RTM_NEWLINK, ("IFLA_IFNAME", "br0"), bare)])

    assert (refused.value.message, refused.value.hint) == (
        "bridge br0: the kernel's bridges know no VLANs",
        "boot a kernel with CONFIG_BRIDGE_VLAN_FILTERING",
    )


def test_query_is_what_pyroute2_sends() -> None:
    flags = NLM_F_REQUEST | NLM_F_DUMP
    attrs = [("IFLA_EXT_MASK", 8), linkinfo("bridge")]

    assert message(RTM_GETLINK, flags, 9, bridges_query()) == oracle.link(
        RTM_GETLINK, flags, 9, 0, attrs, family=0
    )


@pytest.mark.parametrize(
    ("setting", "value", "data"),
    [
        ("IFLA_BR_VLAN_FILTERING", 1, "05000700 01000000"),
        ("IFLA_BR_VLAN_DEFAULT_PVID", 4000, "06002700 a00f0000"),
    ],
)
def test_setting_a_bridge_names_kind_and_value(setting: str, value: int, data: str) -> None:
    sent = set_bridge(9, IfIndex(3), setting, value)

    assert sent.hex(" ", 4) == (
        "3c000000 10000500 09000000 00000000 00000000 03000000 00000000 00000000 "
        f"1c001200 0b000100 62726964 67650000 0c000200 {data}"
    )


@given(st.binary(max_size=120))
def test_garbage_is_read_or_refused(body: bytes) -> None:
    try:
        found = link_message(Message(RTM_NEWLINK, 0, 0, body))
    except WireError:
        return
    assert found.ifindex.bit_length() <= 32
