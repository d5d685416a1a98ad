"""The VLANs of one port as a value, with the kernel's rules for adding and deleting.

Must not know where the VLANs come from or how they are sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntFlag
from typing import NewType

Vid = NewType("Vid", int)

VID_MIN = 1
VID_MAX = 4094
_ALL_VIDS = ((1 << (VID_MAX + 1)) - 1) & ~1
# int() takes other scripts' digits too, and more than 4300 digits end it in an error of its own.
_ITEM = re.compile(r"([0-9]{1,9})(?:-([0-9]{1,9}))?")


class VlanFlags(IntFlag):
    """Has the two flags that an audit keeps; range marks stay on the wire.

    Source: ``BRIDGE_VLAN_INFO_PVID`` and ``_UNTAGGED`` in linux/if_bridge.h.
    """

    TAGGED = 0
    PVID = 2
    UNTAGGED = 4


_PVID, _UNTAGGED = VlanFlags.PVID.value, VlanFlags.UNTAGGED.value
_FLAGS = {
    (pvid, untagged): VlanFlags(pvid * _PVID | untagged * _UNTAGGED)
    for pvid in (False, True)
    for untagged in (False, True)
}


def flags_of(*, pvid: bool, untagged: bool) -> VlanFlags:
    """Returns the flags; a look-up, for operators of enums cost a fold most of its time."""
    return _FLAGS[pvid, untagged]


class VidError(ValueError):
    """Says that a vid or a list of vids is not one; ``args[0]`` tells what was expected."""


def vid(number: int) -> Vid:
    """Returns the number as a vid.

    Units: vid 1-4094.
    Raises: VidError.
    Source: IEEE 802.1Q; the kernel refuses 0 and 4095 (``br_vlan_valid_id``).
    """
    if not VID_MIN <= number <= VID_MAX:
        raise VidError(f"vid {number} is out of range, expected {VID_MIN}-{VID_MAX}")
    return Vid(number)


def span(first: int, last: int) -> int:
    """Returns the bits of the vids from first to last, both included."""
    return ((1 << (last - first + 1)) - 1) << first


def runs(bits: int) -> Iterator[tuple[Vid, Vid]]:
    """Yields each stretch of neighbouring vids as (first, last), in order."""
    while bits:
        first = (bits & -bits).bit_length() - 1
        shifted = bits >> first
        length = (~shifted & (shifted + 1)).bit_length() - 1
        yield Vid(first), Vid(first + length - 1)
        bits &= ~span(first, first + length - 1)


def parse_vids(text: str) -> int:
    """Returns the vids of a list such as ``100,200 300-310`` as bits.

    Shape: bit n stands for vid n.
    Raises: VidError, which names the item.
    """
    bits = 0
    for item in text.replace(",", " ").split():
        match = _ITEM.fullmatch(item)
        if match is None:
            raise VidError(f"{item!r} is not a vid or a range, expected e.g. 100 or 300-310")
        first = vid(int(match[1]))
        last = vid(int(match[2] or match[1]))
        if last < first:
            raise VidError(f"range {item} runs backwards, expected {last}-{first}")
        bits |= span(first, last)
    return bits


def format_vids(bits: int) -> str:
    """Returns the vids as the shortest list that ``parse_vids`` reads: ``100,300-310``."""
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in runs(bits))


@dataclass(frozen=True, slots=True)
class VlanRange:
    """Is a stretch of vids with the same flags; one with PVID has one vid.

    Units: vid 1-4094.
    """

    first: Vid
    last: Vid
    flags: VlanFlags = VlanFlags.TAGGED

    @property
    def pvid(self) -> bool:
        """Tells whether the one vid is the PVID."""
        return bool(self.flags.value & _PVID)

    @property
    def untagged(self) -> bool:
        """Tells whether the vids leave without a tag."""
        return bool(self.flags.value & _UNTAGGED)

    def __str__(self) -> str:
        vids = str(self.first) if self.first == self.last else f"{self.first}-{self.last}"
        words = [vids]
        if self.pvid:
            words.append("pvid")
        if self.untagged:
            words.append("untagged")
        return " ".join(words)


class PortVlans:
    """Is what one port carries: which vids, which of them untagged, and the PVID.

    Shape: bit n of ``members`` and ``untagged`` stands for vid n; ``untagged`` is within
    ``members``; at most one PVID, itself a member.
    """

    __slots__ = ("members", "pvid", "untagged")

    members: int
    untagged: int
    pvid: Vid | None

    def __init__(self, members: int = 0, untagged: int = 0, pvid: int | None = None) -> None:
        if members & ~_ALL_VIDS:
            raise VidError(f"vids outside {VID_MIN}-{VID_MAX}")
        if untagged & ~members:
            raise VidError("an untagged vid is not a member")
        if pvid is not None and not members >> pvid & 1:
            raise VidError(f"pvid {pvid} is not a member")
        set_ = object.__setattr__
        set_(self, "members", members)
        set_(self, "untagged", untagged)
        set_(self, "pvid", None if pvid is None else Vid(pvid))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"PortVlans is frozen, {name} cannot be set")

    @classmethod
    def of(cls, *, pvid: int | None = None, tagged: int = 0) -> PortVlans:
        """Returns a port that drops the tag of ``pvid`` and keeps those of ``tagged`` (bits).

        A vid that is both is the PVID: untagged.
        Raises: VidError.
        """
        native = 0 if pvid is None else 1 << vid(pvid)
        return cls(tagged | native, native, pvid)

    @classmethod
    def from_ranges(cls, ranges: Iterable[VlanRange]) -> PortVlans:
        """Returns the port that holds these ranges, added in turn as the kernel adds them."""
        port = NO_VLANS
        for item in ranges:
            port = port.added(item)
        return port

    def added(self, new: VlanRange) -> PortVlans:
        """Returns the port after the kernel has added the range.

        A new PVID displaces the old one, which stays an untagged member; adding the PVID's
        vid again without the flag clears the PVID.
        Source: ``__vlan_add_flags`` in br_vlan.c.
        """
        bits = span(new.first, new.last)
        untagged = self.untagged & ~bits
        if new.untagged:
            untagged |= bits
        pvid: int | None = self.pvid
        if new.pvid:
            pvid = new.last
        elif pvid is not None and new.first <= pvid <= new.last:
            pvid = None
        return PortVlans(self.members | bits, untagged, pvid)

    def removed(self, first: int, last: int) -> PortVlans:
        """Returns the port after the kernel has deleted the vids; absent ones are no error."""
        bits = span(first, last)
        gone = self.pvid is not None and first <= self.pvid <= last
        return PortVlans(self.members & ~bits, self.untagged & ~bits, None if gone else self.pvid)

    def union(self, other: PortVlans) -> PortVlans:
        """Returns the port with other's vids and flags laid over its own."""
        members = self.members | other.members
        untagged = (self.untagged & ~other.members) | other.untagged
        pvid = self.pvid
        if other.pvid is not None or (pvid is not None and other.members >> pvid & 1):
            pvid = other.pvid
        return PortVlans(members, untagged, pvid)

    def flags(self, number: int) -> VlanFlags | None:
        """Returns the flags of a vid, None where the port does not carry it."""
        if not self.members >> number & 1:
            return None
        return flags_of(pvid=number == self.pvid, untagged=bool(self.untagged >> number & 1))

    def ranges(self) -> tuple[VlanRange, ...]:
        """Returns the vids as ranges of equal flags, sorted by vid, the PVID on its own."""
        native = 0 if self.pvid is None else 1 << self.pvid
        found = [
            *(VlanRange(a, b) for a, b in runs(self.members & ~self.untagged & ~native)),
            *(VlanRange(a, b, VlanFlags.UNTAGGED) for a, b in runs(self.untagged & ~native)),
        ]
        if self.pvid is not None:
            found.append(VlanRange(self.pvid, self.pvid, self.flags(self.pvid) or VlanFlags.PVID))
        return tuple(sorted(found, key=lambda item: item.first))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PortVlans):
            return NotImplemented
        return (
            self.members == other.members
            and self.untagged == other.untagged
            and self.pvid == other.pvid
        )

    def __hash__(self) -> int:
        return hash((self.members, self.untagged, self.pvid))

    def __bool__(self) -> bool:
        return bool(self.members)

    def __repr__(self) -> str:
        return f"PortVlans<{self}>"

    def __str__(self) -> str:
        native = 0 if self.pvid is None else 1 << self.pvid
        words = []
        if self.pvid is not None:
            egress = "" if self.untagged >> self.pvid & 1 else " (tagged)"
            words.append(f"pvid {self.pvid}{egress}")
        if tagged := self.members & ~self.untagged & ~native:
            words.append(f"tagged {format_vids(tagged)}")
        if untagged := self.untagged & ~native:
            words.append(f"untagged {format_vids(untagged)}")
        return ", ".join(words) or "none"


NO_VLANS = PortVlans()
