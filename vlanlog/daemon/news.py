"""What the observer found, as far as somebody may have to act on it.

Must not act, nor ask who may be meant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from vlanlog.core import event as e
from vlanlog.core.observe import Finding
from vlanlog.core.state import IfIndex, PortTable

Told = Sequence[tuple[Finding, bool]]
"""Is facts, each with whether it is our own doing."""


@dataclass(slots=True)
class News:
    """Is what happened since it was last asked for.

    Shape: arrived are ports that joined a bridge or took another name, readdressed those that
    got another MAC alone, foreign those whose VLANs someone else changed; bridges by name
    likewise.
    """

    arrived: set[IfIndex] = field(default_factory=set)
    readdressed: set[IfIndex] = field(default_factory=set)
    foreign: set[IfIndex] = field(default_factory=set)
    bridges_arrived: set[str] = field(default_factory=set)
    bridges_foreign: set[str] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(
            self.arrived
            or self.readdressed
            or self.foreign
            or self.bridges_arrived
            or self.bridges_foreign
        )


class Gathering:
    """Makes news of facts, as they come."""

    def __init__(self) -> None:
        self._news = News()
        self._joining: set[IfIndex] = set()

    def news(self) -> News:
        """Returns what happened since the last call."""
        news, self._news = self._news, News()
        return news

    def joined(self, index: IfIndex) -> None:
        """Is told that the kernel has done with this port: what comes now is somebody's doing."""
        self._joining.discard(index)

    def take(self, told: Told, known: PortTable) -> None:
        """Notes what the facts, told apart by author, give cause to act on.

        ``known`` is what was known before them.
        """
        bridges = set(known.bridges)
        left: set[IfIndex] = set()
        for (subject, fact), own in told:
            index, name = IfIndex(subject.ifindex or 0), subject.bridge or ""
            match fact:
                case e.PortAttached():
                    self._attached(subject, index, None if index in left else known)
                case e.PortDetached():
                    left.add(index)
                    self._forget(index)
                case e.VlanAdded() | e.VlanRemoved():
                    if not own and index not in self._news.arrived and not self._joins(index, fact):
                        self._news.foreign.add(index)
                    self._joining.discard(index)
                case e.BridgeChanged(gone=True):
                    bridges.discard(name)
                    self._news.bridges_arrived.discard(name)
                    self._news.bridges_foreign.discard(name)
                case e.BridgeChanged() if name not in bridges:
                    self._news.bridges_arrived.add(name)
                case e.BridgeChanged() if not own and name not in self._news.bridges_arrived:
                    self._news.bridges_foreign.add(name)
                case _:
                    continue

    def _attached(self, subject: e.Subject, index: IfIndex, known: PortTable | None) -> None:
        port = known.ports.get(index) if known is not None else None
        if port is None or (port.bridge, port.name) != (subject.bridge, subject.port):
            self._news.arrived.add(index)
            self._joining.add(index)
        elif index not in self._news.arrived:
            self._news.readdressed.add(index)

    def _forget(self, index: IfIndex) -> None:
        for indexes in (self._news.arrived, self._news.readdressed, self._news.foreign):
            indexes.discard(index)
        self._joining.discard(index)

    def _joins(self, index: IfIndex, fact: e.VlanAdded | e.VlanRemoved) -> bool:
        """Tells whether the kernel gives a port its bridge's default PVID, as it does at first."""
        return index in self._joining and isinstance(fact, e.VlanAdded) and fact.pvid
