"""Links and bridges: which there are, what they are called, and how a bridge is set.

Must not know VLANs of ports. Reading decodes the few attributes that are needed: importing
pyroute2 alone takes longer than reading a thousand ports. Setting is rare, and its messages are
pyroute2's.
"""

from __future__ import annotations

from collections.abc import Iterable

from vlanlog.core.notice import LinkMessage
from vlanlog.core.state import Bridge, IfIndex
from vlanlog.errors import KernelError
from vlanlog.kernel.frame import (
    NLM_F_ACK,
    NLM_F_REQUEST,
    Message,
    attribute,
    attributes,
    text,
    unpacked,
)
from vlanlog.kernel.wire import (
    IFLA_ADDRESS,
    IFLA_EXT_MASK,
    IFLA_IFNAME,
    IFLA_MASTER,
    LINK_HEADER,
    RTM_DELLINK,
    RTM_NEWLINK,
    U16,
    U32,
)

_IFLA_LINKINFO = 18
_IFLA_INFO_KIND = 1
_IFLA_INFO_DATA = 2
_IFLA_BR_VLAN_FILTERING = 7
_IFLA_BR_VLAN_DEFAULT_PVID = 39

_FILTER_SKIP_STATS = 8

_NO_VLANS = "the kernel's bridges know no VLANs"
_NO_VLANS_HINT = "boot a kernel with CONFIG_BRIDGE_VLAN_FILTERING"


def link_message(received: Message) -> LinkMessage:
    """Returns what a link message says.

    Raises: WireError.
    """
    body = received.body
    ifindex = unpacked(LINK_HEADER, body, "link message")[2]
    name, mac, master = "", None, None
    kind, data = "", b""
    for attribute_kind, payload in attributes(body, LINK_HEADER.size):
        if attribute_kind == IFLA_IFNAME:
            name = text(payload)
        elif attribute_kind == IFLA_ADDRESS:
            mac = payload.hex(":") or None
        elif attribute_kind == IFLA_MASTER:
            master = IfIndex(unpacked(U32, payload, "master")[0])
        elif attribute_kind == _IFLA_LINKINFO:
            info = dict(attributes(payload))
            kind, data = text(info.get(_IFLA_INFO_KIND, b"")), info.get(_IFLA_INFO_DATA, b"")
    vlan_filtering, default_pvid = _bridge_settings(data) if kind == "bridge" else (None, None)
    return LinkMessage(
        ifindex=IfIndex(ifindex),
        gone=received.kind == RTM_DELLINK,
        name=name,
        master=master,
        mac=mac,
        kind=kind,
        vlan_filtering=vlan_filtering,
        default_pvid=default_pvid,
    )


def _bridge_settings(data: bytes) -> tuple[bool | None, int | None]:
    vlan_filtering = default_pvid = None
    for kind, payload in attributes(data):
        if kind == _IFLA_BR_VLAN_FILTERING:
            vlan_filtering = payload != b"\0"
        elif kind == _IFLA_BR_VLAN_DEFAULT_PVID:
            (default_pvid,) = unpacked(U16, payload, "default PVID")
    return vlan_filtering, default_pvid


def bridges_query() -> bytes:
    """Returns the body of an RTM_GETLINK dump of bridges alone, without their statistics."""
    info = attribute(_IFLA_INFO_KIND, b"bridge\0")
    return (
        LINK_HEADER.pack(0, 0, 0, 0, 0)
        + attribute(IFLA_EXT_MASK, U32.pack(_FILTER_SKIP_STATS))
        + attribute(_IFLA_LINKINFO, info)
    )


def bridges(dump: Iterable[Message]) -> dict[IfIndex, Bridge]:
    """Returns every bridge of a link dump.

    Raises: KernelError where they know no VLANs; WireError.
    """
    found = {}
    for part in dump:
        link = link_message(part)
        # Kernels whose bridge module is not loaded do not know the kind and filter nothing.
        if link.kind != "bridge":
            continue
        # br_fill_info leaves it out where VLANs were not compiled in.
        if link.default_pvid is None:
            raise KernelError(f"bridge {link.name}: {_NO_VLANS}", hint=_NO_VLANS_HINT)
        found[link.ifindex] = Bridge(
            ifindex=link.ifindex,
            name=link.name,
            vlan_filtering=bool(link.vlan_filtering),
            default_pvid=link.default_pvid,
        )
    return found


def set_bridge(seq: int, bridge: IfIndex, setting: str, value: int) -> bytes:
    """Returns the request that sets ``IFLA_BR_VLAN_FILTERING`` or ``IFLA_BR_VLAN_DEFAULT_PVID``.

    Source: ``br_changelink``, which takes a default PVID at any time; sysfs refuses it while
    filtering is on.
    """
    from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg

    request = ifinfmsg()
    request["index"] = int(bridge)
    data = {"attrs": [(setting, value)]}
    info = {"attrs": [("IFLA_INFO_KIND", "bridge"), ("IFLA_INFO_DATA", data)]}
    request["attrs"] = [("IFLA_LINKINFO", info)]
    request["header"]["type"] = RTM_NEWLINK
    request["header"]["flags"] = NLM_F_REQUEST | NLM_F_ACK
    request["header"]["sequence_number"] = seq
    request.encode()
    return bytes(request.data)
