"""Whose a change is: the facts that a plan's intents explain, told apart from all others.

Must not record anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from vlanlog.core import event as e
from vlanlog.core.observe import Finding
from vlanlog.core.program import BridgePlan, Plan
from vlanlog.core.state import IfIndex
from vlanlog.core.vlan import PortVlans, runs, span


@dataclass(frozen=True, slots=True, kw_only=True)
class Intents:
    """Holds the event ids of a plan's intents; a bridge and its own port share an ifindex."""

    bridges: Mapping[IfIndex, UUID]
    ports: Mapping[IfIndex, UUID]


def told_apart(
    findings: Iterable[Finding], todo: Plan, intents: Intents
) -> tuple[list[Finding], list[Finding]]:
    """Returns the facts that the plan aimed at, with their cause, and all others.

    A range of which only some vids were aimed at is cut. The others are to be recorded first.
    """
    wanted = {item.wish.port.ifindex: item.wish.vlans for item in todo.ports}
    switched = {item.bridge.ifindex: item for item in todo.bridges}
    ours: list[Finding] = []
    others: list[Finding] = []
    for subject, fact in findings:
        index = IfIndex(subject.ifindex or 0)
        match fact:
            case e.VlanAdded() | e.VlanRemoved() if index in wanted:
                own = _aimed_at(fact, wanted[index])
                caused = replace(fact, cause=intents.ports[index])
                ours += ((subject, part) for part in _parts(caused, own))
                others += ((subject, part) for part in _parts(fact, ~own))
            case e.BridgeChanged() if index in switched and _is_as_planned(fact, switched[index]):
                ours.append((subject, fact))
            case _:
                others.append((subject, fact))
    return ours, others


def _aimed_at(fact: e.VlanAdded | e.VlanRemoved, wanted: PortVlans) -> int:
    """Returns the vids (bits) for which the fact leads to what was wanted."""
    if isinstance(fact, e.VlanRemoved):
        return ~wanted.members
    native = 0 if wanted.pvid is None else 1 << wanted.pvid
    egress = wanted.untagged if fact.untagged else ~wanted.untagged
    return wanted.members & egress & (native if fact.pvid else ~native)


def _parts(fact: e.VlanAdded | e.VlanRemoved, bits: int) -> Iterator[e.VlanAdded | e.VlanRemoved]:
    for first, last in runs(span(fact.first, fact.last) & bits):
        yield replace(fact, first=first, last=last)


def _is_as_planned(fact: e.BridgeChanged, item: BridgePlan) -> bool:
    now = item.bridge
    filtering = now.vlan_filtering if item.filtering is None else item.filtering
    default_pvid = now.default_pvid if item.default_pvid is None else item.default_pvid
    return (fact.gone, fact.vlan_filtering, fact.default_pvid) == (False, filtering, default_pvid)
