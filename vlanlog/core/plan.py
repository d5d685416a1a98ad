"""From what a port carries to what it shall carry: the fewest messages, make before break.

Must not send anything.
"""

from __future__ import annotations

from dataclasses import dataclass

from vlanlog.core.state import IfIndex
from vlanlog.core.vlan import PortVlans, VlanFlags, VlanRange, runs, span


@dataclass(frozen=True, slots=True, kw_only=True)
class PortChange:
    """Is one request for one port: ranges to add, or to delete, in the order to be taken."""

    ifindex: IfIndex
    is_self: bool
    ranges: tuple[VlanRange, ...]


def additions(now: PortVlans, wanted: PortVlans) -> tuple[VlanRange, ...]:
    """Returns what to add: the PVID first, so that the port is never without the one it keeps.

    A displaced PVID stays an untagged member (``__vlan_add_pvid`` in br_vlan.c), so where it is
    wanted tagged it is among the ranges that follow.
    """
    first: list[VlanRange] = []
    if wanted.pvid is not None and (
        wanted.pvid != now.pvid or wanted.flags(wanted.pvid) != now.flags(wanted.pvid)
    ):
        flags = wanted.flags(wanted.pvid) or VlanFlags.PVID
        first.append(VlanRange(wanted.pvid, wanted.pvid, flags))
    midway = added(now, tuple(first))
    wrong = wanted.members & (~midway.members | (wanted.untagged ^ midway.untagged))
    if midway.pvid is not None and wanted.pvid is None:
        wrong |= wanted.members & (1 << midway.pvid)
    if wanted.pvid is not None:
        wrong &= ~(1 << wanted.pvid)
    rest = [
        *(VlanRange(a, b) for a, b in runs(wrong & ~wanted.untagged)),
        *(VlanRange(a, b, VlanFlags.UNTAGGED) for a, b in runs(wrong & wanted.untagged)),
    ]
    return (*first, *sorted(rest, key=lambda item: item.first))


def deletions(now: PortVlans, wanted: PortVlans) -> tuple[VlanRange, ...]:
    """Returns the ranges that the port carries and shall not carry."""
    return tuple(VlanRange(a, b) for a, b in runs(now.members & ~wanted.members))


def added(now: PortVlans, ranges: tuple[VlanRange, ...]) -> PortVlans:
    """Returns the port after the kernel has taken the additions."""
    for item in ranges:
        now = now.added(item)
    return now


def deleted(now: PortVlans, ranges: tuple[VlanRange, ...]) -> PortVlans:
    """Returns the port after the kernel has taken the deletions."""
    gone = 0
    for item in ranges:
        gone |= span(item.first, item.last)
    pvid = None if now.pvid is not None and gone >> now.pvid & 1 else now.pvid
    return PortVlans(now.members & ~gone, now.untagged & ~gone, pvid)
