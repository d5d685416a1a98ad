"""Whose a change is: the facts that a plan's intents explain, told apart from all others.

Must not record anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from vlanlog.core import event as e
from vlanlog.core.observe import Finding
from vlanlog.core.program import BridgePlan, Plan, PortPlan
from vlanlog.core.state import IfIndex
from vlanlog.core.vlan import PortVlans, runs, span

_VlanFact = e.VlanAdded | e.VlanRemoved


@dataclass(frozen=True, slots=True, kw_only=True)
class Intents:
    """Holds the event ids of a plan's intents; a bridge and its own port share an ifindex."""

    bridges: Mapping[IfIndex, UUID]
    ports: Mapping[IfIndex, UUID]


class Authorship:
    """Tells the changes that a plan aims at from those of others, while it is carried out."""

    def __init__(self, todo: Plan, intents: Intents) -> None:
        self._intents = intents
        self._aims = {item.wish.port.ifindex: [item.wish.vlans] for item in todo.ports}
        self._switched = {item.bridge.ifindex: item for item in todo.bridges}
        self._moved = {
            item.bridge.name: item for item in todo.bridges if item.default_pvid is not None
        }

    @property
    def ports(self) -> frozenset[IfIndex] | None:
        """Returns the ports that the plan may change, None where it is not known beforehand."""
        return None if self._switched else frozenset(self._aims)

    def undoing(self, items: Iterable[PortPlan]) -> None:
        """Counts what leads these ports back to what they carried as the plan's doing too."""
        for item in items:
            self._aims[item.wish.port.ifindex].append(item.before)

    def told_apart(self, findings: Iterable[Finding]) -> list[tuple[Finding, bool]]:
        """Returns the facts in their order, each with whether it is the plan's own.

        Those have their cause. A range of which only some vids were aimed at is cut.
        """
        told: list[tuple[Finding, bool]] = []
        for subject, fact in findings:
            index = IfIndex(subject.ifindex or 0)
            match fact:
                case e.VlanAdded() | e.VlanRemoved():
                    told += (((subject, part), own) for part, own in self._cut(subject, fact))
                case e.BridgeChanged() if index in self._switched:
                    told.append(((subject, fact), _is_as_planned(fact, self._switched[index])))
                case _:
                    told.append(((subject, fact), False))
        return told

    def _cut(self, subject: e.Subject, fact: _VlanFact) -> Iterator[tuple[_VlanFact, bool]]:
        index = IfIndex(subject.ifindex or 0)
        own = 0
        for aim in self._aims.get(index, ()):
            own |= _aimed_at(fact, aim)
        bridge = self._moved.get(subject.bridge or "")
        taken, cause = 0, None
        if bridge is not None:
            # The kernel takes ports along when a default PVID moves.
            taken = _follows(fact, bridge) & ~own
            cause = self._intents.bridges[bridge.bridge.ifindex]
        found = [(part, False) for part in _parts(fact, ~(own | taken))]
        found += ((part, True) for part in _parts(replace(fact, cause=cause), taken))
        cause = self._intents.ports.get(index)
        found += ((part, True) for part in _parts(replace(fact, cause=cause), own))
        yield from sorted(found, key=lambda item: item[0].first)


def _aimed_at(fact: _VlanFact, wanted: PortVlans) -> int:
    """Returns the vids (bits) for which the fact leads to what was wanted."""
    if isinstance(fact, e.VlanRemoved):
        return ~wanted.members
    native = 0 if wanted.pvid is None else 1 << wanted.pvid
    egress = wanted.untagged if fact.untagged else ~wanted.untagged
    return wanted.members & egress & (native if fact.pvid else ~native)


def _follows(fact: _VlanFact, item: BridgePlan) -> int:
    """Returns the vid (a bit) that the kernel moves with a default PVID, of those of the fact."""
    if isinstance(fact, e.VlanRemoved):
        return span(fact.first, fact.last) & 1 << item.bridge.default_pvid
    is_native = fact.pvid and fact.untagged
    return 1 << fact.first if is_native and fact.first == item.default_pvid else 0


def _parts(fact: _VlanFact, bits: int) -> Iterator[_VlanFact]:
    for first, last in runs(span(fact.first, fact.last) & bits):
        yield replace(fact, first=first, last=last)


def _is_as_planned(fact: e.BridgeChanged, item: BridgePlan) -> bool:
    now = item.bridge
    filtering = now.vlan_filtering if item.filtering is None else item.filtering
    default_pvid = now.default_pvid if item.default_pvid is None else item.default_pvid
    aimed = {(now.vlan_filtering, default_pvid), (filtering, default_pvid)}
    return not fact.gone and (fact.vlan_filtering, fact.default_pvid) in aimed


NOBODY = Authorship(Plan(), Intents(bridges={}, ports={}))
"""Explains nothing: every change is someone else's."""
