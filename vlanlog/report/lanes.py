"""One NIC's VLANs over time, from its steps: where it was, its PVID, and lanes of vids.

Must not read a log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from vlanlog.core.vlan import NO_VLANS, PortVlans, Vid
from vlanlog.report.values import Lane, Membership, Native, Plug, Span, Stay

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Is where a NIC is plugged in from a time on, and the row that tells of it.

    Units: ns since the epoch, UTC.
    """

    at_ns: int
    row: int | None
    plugs: tuple[Plug, ...]


def stays(moments: Sequence[Moment], until_ns: int) -> tuple[Stay, ...]:
    """Returns the times at each port; a NIC that moves between hosts may be at two at once."""
    places = sorted({_place(plug) for moment in moments for plug in moment.plugs})
    found = [
        Stay(span=span, host=host, port=port, bridge=bridge)
        for host, port, bridge in places
        for span, _ in _spans(moments, until_ns, _is_at((host, port, bridge)))
    ]
    return tuple(sorted(found, key=lambda stay: stay.span.from_ns))


def natives(moments: Sequence[Moment], until_ns: int) -> tuple[Native, ...]:
    """Returns the times of each PVID."""
    return tuple(
        Native(span=span, pvid=pvid, tagged=tagged)
        for span, (pvid, tagged) in _spans(moments, until_ns, lambda m: _native(_vlans(m)))
    )


def lanes(moments: Sequence[Moment], until_ns: int) -> tuple[Lane, ...]:
    """Returns the vids that were not PVID, those in one lane that were always carried alike."""
    carried = [_masks(_vlans(moment)) for moment in moments]
    groups = _alike({mask for masks in carried for mask in masks})
    found = []
    for vids in groups:
        bit = vids & -vids

        def held(moment: Moment, bit: int = bit) -> bool | None:
            tagged, untagged = _masks(_vlans(moment))
            return True if untagged & bit else (False if tagged & bit else None)

        times = tuple(
            Membership(span=span, untagged=untagged)
            for span, untagged in _spans(moments, until_ns, held)
        )
        found.append(Lane(vids=vids, times=times))
    return tuple(found)


def _alike(masks: Iterable[int]) -> list[int]:
    """Returns the vids of the masks in groups that no mask divides, by their first vid."""
    groups: list[int] = []
    for mask in masks:
        rest = mask
        for group in groups.copy():
            if common := group & mask:
                rest &= ~group
                if common != group:
                    groups.remove(group)
                    groups += [common, group & ~common]
        if rest:
            groups.append(rest)
    return sorted(groups, key=lambda vids: vids & -vids)


def _spans(
    moments: Sequence[Moment], until_ns: int, value: Callable[[Moment], Value | None]
) -> Iterator[tuple[Span, Value]]:
    """Yields each time in which the value is the same and not None."""
    begun: Moment | None = None
    held: Value | None = None
    for moment in moments:
        now = value(moment)
        if now == held:
            continue
        if begun is not None and held is not None:
            yield _span(begun, moment.at_ns, moment.row), held
        begun, held = moment, now
    if begun is not None and held is not None:
        yield _span(begun, until_ns, None), held


def _span(begun: Moment, to_ns: int, ended: int | None) -> Span:
    return Span(from_ns=begun.at_ns, to_ns=to_ns, begun=begun.row, ended=ended)


def _place(plug: Plug) -> tuple[str, str, str]:
    return plug.host, plug.port, plug.bridge


def _is_at(place: tuple[str, str, str]) -> Callable[[Moment], bool | None]:
    return lambda moment: any(_place(plug) == place for plug in moment.plugs) or None


def _vlans(moment: Moment) -> PortVlans:
    """Returns what the NIC carries: at two hosts at once, what either of its ports does."""
    vlans = NO_VLANS
    for plug in moment.plugs:
        vlans = vlans.union(plug.vlans)
    return vlans


def _native(vlans: PortVlans) -> tuple[Vid, bool] | None:
    if vlans.pvid is None:
        return None
    return vlans.pvid, not vlans.untagged >> vlans.pvid & 1


def _masks(vlans: PortVlans) -> tuple[int, int]:
    """Returns the tagged and the untagged vids that are not the PVID."""
    native = 0 if vlans.pvid is None else 1 << vlans.pvid
    return vlans.members & ~vlans.untagged & ~native, vlans.untagged & ~native
