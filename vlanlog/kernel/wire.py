"""The VLAN messages of bridges: bytes to values and back.

Must not send or receive; flags and vids that the kernel would refuse are refused here.
Source: linux/if_bridge.h, linux/rtnetlink.h, linux/if_link.h; br_netlink.c, br_vlan.c.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

from vlanlog.core.notice import PortMessage, VlanMessage
from vlanlog.core.plan import PortChange
from vlanlog.core.state import IfIndex
from vlanlog.core.vlan import (
    VID_MAX,
    VID_MIN,
    PortVlans,
    Vid,
    VidError,
    VlanFlags,
    VlanRange,
    span,
)
from vlanlog.kernel.frame import (
    NLM_F_ACK,
    NLM_F_REQUEST,
    Message,
    WireError,
    attribute,
    attributes,
    message,
    text,
    unpacked,
)

RTM_NEWLINK = 16
RTM_DELLINK = 17
RTM_GETLINK = 18
RTM_SETLINK = 19
RTM_NEWVLAN = 112
RTM_DELVLAN = 113
RTM_GETVLAN = 114

AF_BRIDGE = 7

RTNLGRP_LINK = 1
RTNLGRP_BRVLAN = 33

IFLA_ADDRESS = 1
IFLA_IFNAME = 3
IFLA_MASTER = 10
IFLA_AF_SPEC = 26
IFLA_EXT_MASK = 29

_IFLA_BRIDGE_FLAGS = 0
_IFLA_BRIDGE_VLAN_INFO = 2
_BRIDGE_FLAGS_SELF = 2

_VLANDB_ENTRY = 1
_ENTRY_INFO = 1
_ENTRY_RANGE = 2

_PVID = int(VlanFlags.PVID)
_UNTAGGED = int(VlanFlags.UNTAGGED)
_RANGE_BEGIN = 8
_RANGE_END = 16
_KEPT = _PVID | _UNTAGGED
_FLAGS = {number: VlanFlags(number) for number in (0, _PVID, _UNTAGGED, _KEPT)}

_FILTER_BRVLAN_COMPRESSED = 4

LINK_HEADER = struct.Struct("=BxHiII")
"""Is ``struct ifinfomsg``: family, type, index, flags, change."""
U16 = struct.Struct("=H")
U32 = struct.Struct("=I")
_VLAN_HEADER = struct.Struct("=B3xi")
_INFO = struct.Struct("=HH")
_INFO_ATTRIBUTE = struct.Struct("=HHHH")


def setlink(seq: int, change: PortChange) -> bytes:
    """Returns the request that adds the change's ranges.

    Raises: WireError.
    """
    return _programming(RTM_SETLINK, seq, change)


def dellink(seq: int, change: PortChange) -> bytes:
    """Returns the request that deletes the change's ranges.

    Raises: WireError.
    """
    return _programming(RTM_DELLINK, seq, change)


def _programming(kind: int, seq: int, change: PortChange) -> bytes:
    spec = [_info(item) for item in change.ranges]
    if change.is_self:
        spec.insert(0, attribute(_IFLA_BRIDGE_FLAGS, U16.pack(_BRIDGE_FLAGS_SELF)))
    body = LINK_HEADER.pack(AF_BRIDGE, 0, change.ifindex, 0, 0)
    body += attribute(IFLA_AF_SPEC, b"".join(spec))
    return message(kind, NLM_F_REQUEST | NLM_F_ACK, seq, body)


def _info(item: VlanRange) -> bytes:
    first, last, flags = item.first, item.last, int(item.flags)
    if not VID_MIN <= first <= last <= VID_MAX:
        raise WireError(f"{item} is no range within {VID_MIN}-{VID_MAX}")
    if first == last:
        return _INFO_ATTRIBUTE.pack(8, _IFLA_BRIDGE_VLAN_INFO, flags, first)
    if flags & _PVID:
        raise WireError(f"{item}: a PVID is one vid, not a range")
    return _INFO_ATTRIBUTE.pack(
        8, _IFLA_BRIDGE_VLAN_INFO, flags | _RANGE_BEGIN, first
    ) + _INFO_ATTRIBUTE.pack(8, _IFLA_BRIDGE_VLAN_INFO, flags | _RANGE_END, last)


def vlans_query(ifindex: int = 0) -> bytes:
    """Returns the body of an RTM_GETVLAN dump: of one port, or of all for 0."""
    return _VLAN_HEADER.pack(AF_BRIDGE, ifindex)


def ports_query() -> bytes:
    """Returns the body of an RTM_GETLINK dump of all bridges' ports with compressed VLANs."""
    mask = attribute(IFLA_EXT_MASK, U32.pack(_FILTER_BRVLAN_COMPRESSED))
    return LINK_HEADER.pack(AF_BRIDGE, 0, 0, 0, 0) + mask


def vlan_message(received: Message) -> VlanMessage:
    """Returns what an RTM_NEWVLAN or RTM_DELVLAN says, a notification or a part of a dump.

    Raises: WireError.
    """
    body = received.body
    _, ifindex = unpacked(_VLAN_HEADER, body, "VLAN message")
    return VlanMessage(
        ifindex=IfIndex(ifindex),
        gone=received.kind == RTM_DELVLAN,
        ranges=tuple(
            _entry(entry)
            for kind, entry in attributes(body, _VLAN_HEADER.size)
            if kind == _VLANDB_ENTRY
        ),
    )


def _entry(entry: bytes) -> VlanRange:
    flags = first = last = 0
    for kind, payload in attributes(entry):
        if kind == _ENTRY_INFO:
            flags, first = unpacked(_INFO, payload, "VLAN entry")
        elif kind == _ENTRY_RANGE:
            (last,) = unpacked(U16, payload, "VLAN range")
    last = last or first
    if not VID_MIN <= first <= last <= VID_MAX:
        raise WireError(f"vids {first}-{last} are no range within {VID_MIN}-{VID_MAX}")
    if flags & _PVID and first != last:
        raise WireError(f"PVID on the range {first}-{last}")
    return VlanRange(Vid(first), Vid(last), _FLAGS[flags & _KEPT])


def port_message(received: Message) -> PortMessage:
    """Returns what an AF_BRIDGE link message says; its VLANs may be compressed or not.

    Raises: WireError.
    """
    body = received.body
    family, _, ifindex, _, _ = unpacked(LINK_HEADER, body, "link message")
    if family != AF_BRIDGE:
        raise WireError(f"link message of family {family}, expected {AF_BRIDGE}")
    name, mac, master, spec = "", None, None, b""
    for kind, payload in attributes(body, LINK_HEADER.size):
        if kind == IFLA_IFNAME:
            name = text(payload)
        elif kind == IFLA_ADDRESS:
            mac = payload.hex(":") or None
        elif kind == IFLA_MASTER:
            master = IfIndex(unpacked(U32, payload, "master")[0])
        elif kind == IFLA_AF_SPEC:
            spec = payload
    vlans, switchdev = _spec(spec)
    return PortMessage(
        ifindex=IfIndex(ifindex),
        gone=received.kind == RTM_DELLINK,
        name=name,
        master=master,
        mac=mac,
        vlans=vlans,
        switchdev=switchdev,
    )


def _spec(spec: bytes) -> tuple[PortVlans, bool]:
    """Returns the VLANs of an IFLA_AF_SPEC, and whether it is of a NIC's own switch."""
    count = len(spec) // _INFO_ATTRIBUTE.size
    words = struct.unpack_from(f"={4 * count}H", spec)
    if words[0::4].count(8) == words[1::4].count(_IFLA_BRIDGE_VLAN_INFO) == len(spec) / 8:
        # Nothing but VLAN infos: what kernels send for bridges, here in an eighth of the time.
        return _gathered(zip(words[2::4], words[3::4], strict=True)), False
    infos: list[tuple[int, int]] = []
    switchdev = False
    for kind, payload in attributes(spec):
        if kind == _IFLA_BRIDGE_VLAN_INFO:
            flags, number = unpacked(_INFO, payload, "VLAN info")
            infos.append((flags, number))
        elif kind == _IFLA_BRIDGE_FLAGS:
            (flags,) = unpacked(U16, payload, "bridge flags")
            switchdev = bool(flags & _BRIDGE_FLAGS_SELF)
    return _gathered(infos), switchdev


def _gathered(infos: Iterable[tuple[int, int]]) -> PortVlans:
    """Returns the VLANs of (flags, vid) pairs, each RANGE_BEGIN joined with its RANGE_END.

    A range has the flags of its begin: ``br_process_vlan_info`` takes no others.
    """
    members = untagged = 0
    pvid = begun = None
    for flags, number in infos:
        if begun is None and not flags:
            members |= 1 << number
            continue
        if begun is None and flags & _RANGE_BEGIN:
            begun = flags, number
            continue
        kept, bits = _run(begun, flags, number)
        begun = None
        members |= bits
        if kept & _UNTAGGED:
            untagged |= bits
        if kept & _PVID:
            pvid = number
    if begun is not None:
        raise WireError(f"range from vid {begun[1]} does not end")
    try:
        return PortVlans(members, untagged, pvid)
    except VidError as e:
        raise WireError(str(e)) from e


def _run(begun: tuple[int, int] | None, flags: int, number: int) -> tuple[int, int]:
    """Returns flags and bits of a single, or of the range that ends here."""
    if bool(flags & _RANGE_END) is not (begun is not None):
        raise WireError(f"range marks before vid {number} do not pair")
    if begun is None:
        return flags, 1 << number
    begun_flags, first = begun
    if first > number or begun_flags & _PVID:
        raise WireError(f"{first}-{number} is no range, or one with a PVID")
    return begun_flags, span(first, number)
