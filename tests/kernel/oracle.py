"""What pyroute2 makes of the same values: the second opinion on every byte."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pyroute2.netlink.rtnl.br_vlan import br_vlan_msg
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg

from vlanlog.core.plan import PortChange
from vlanlog.core.vlan import VlanRange

AF_BRIDGE = 7
RANGE_BEGIN, RANGE_END = 8, 16
SELF = 2


def encoded(message: Any, kind: int, flags: int, seq: int) -> bytes:
    message["header"]["type"] = kind
    message["header"]["flags"] = flags
    message["header"]["sequence_number"] = seq
    message.encode()
    return bytes(message.data)


def infos(ranges: Sequence[VlanRange]) -> list[tuple[str, dict[str, int]]]:
    found = []
    for item in ranges:
        flags = int(item.flags)
        if item.first == item.last:
            pairs = [(flags, item.first)]
        else:
            pairs = [(flags | RANGE_BEGIN, item.first), (flags | RANGE_END, item.last)]
        found += [("IFLA_BRIDGE_VLAN_INFO", {"flags": f, "vid": vid}) for f, vid in pairs]
    return found


def programming(kind: int, flags: int, seq: int, change: PortChange) -> bytes:
    spec: list[Any] = [("IFLA_BRIDGE_FLAGS", SELF)] if change.is_self else []
    return link(
        kind, flags, seq, change.ifindex, [("IFLA_AF_SPEC", {"attrs": spec + infos(change.ranges)})]
    )


def link(
    kind: int, flags: int, seq: int, index: int, attrs: list[Any], *, family: int = AF_BRIDGE
) -> bytes:
    message = ifinfmsg()
    message["family"] = family
    message["index"] = index
    message["attrs"] = attrs
    return encoded(message, kind, flags, seq)


def vlans(
    kind: int, index: int, ranges: Sequence[VlanRange], *, flags: int = 0, seq: int = 0
) -> bytes:
    """Returns an RTM_NEWVLAN, RTM_DELVLAN or RTM_GETVLAN."""
    entries = []
    for item in ranges:
        attrs: list[Any] = [
            ("BRIDGE_VLANDB_ENTRY_INFO", {"flags": int(item.flags), "vid": item.first})
        ]
        if item.last != item.first:
            attrs.append(("BRIDGE_VLANDB_ENTRY_RANGE", item.last))
        entries.append(("BRIDGE_VLANDB_ENTRY", {"attrs": attrs}))
    message = br_vlan_msg()
    message["family"] = AF_BRIDGE
    message["ifindex"] = index
    message["attrs"] = entries
    return encoded(message, kind, flags, seq)
