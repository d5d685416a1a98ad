"""A host's VLANs kept the long way round: a dictionary of flags for each port, after each event.

Must not use the program's fold, its ports or its VLANs: it is what they are held against.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from vlanlog.core import event as e

Flags = tuple[bool, bool]
"""Is whether a vid is the PVID, and whether it is untagged."""


@dataclass
class NaivePort:
    """Is a port: what it is called, where it is, its vids' flags, and which event set each.

    Shape: lost are the vids that it had, by the event that took each and the flags it had then.
    """

    name: str
    bridge: str
    vids: dict[int, Flags] = field(default_factory=dict)
    setter: dict[int, int] = field(default_factory=dict)
    lost: dict[int, tuple[int, Flags]] = field(default_factory=dict)


@dataclass
class NaiveHost:
    """Is what a host carries after an event."""

    boot: str = ""
    watched: bool = False
    ports: dict[int, NaivePort] = field(default_factory=dict)

    def after(self, seq: int, event: e.Event) -> NaiveHost:
        """Returns the host after one more event."""
        host = deepcopy(self)
        host._take(seq, event)
        return host

    def _take(self, seq: int, event: e.Event) -> None:
        match event.fact:
            case e.HostBooted():
                self.boot, self.ports = event.boot_id, {}
            case e.GapOpened():
                self.watched = False
            case e.GapClosed():
                self.watched = True
            case _ if event.boot_id == self.boot:
                self._happen(seq, event)

    def _happen(self, seq: int, event: e.Event) -> None:
        index, bridge = event.subject.ifindex or 0, event.subject.bridge or ""
        match event.fact:
            case e.BridgeChanged(gone=True):
                self.ports = {i: port for i, port in self.ports.items() if port.bridge != bridge}
            case e.PortAttached():
                port = self.ports.get(index)
                if port is None or port.bridge != bridge:
                    port = self.ports[index] = NaivePort("", bridge)
                port.name = event.subject.port or ""
            case e.PortDetached():
                self.ports.pop(index, None)
            case e.VlanAdded() as fact:
                for vid in range(fact.first, fact.last + 1):
                    self._set(self.ports[index], vid, fact, seq)
            case e.VlanRemoved() as fact:
                port = self.ports[index]
                for vid in {*range(fact.first, fact.last + 1)} & port.vids.keys():
                    port.lost[vid] = (seq, port.vids.pop(vid))
            case _:
                pass

    def _set(self, port: NaivePort, vid: int, fact: e.VlanAdded, seq: int) -> None:
        if fact.pvid:
            # A port has one: the one before is only a member now.
            port.vids = {old: (False, untagged) for old, (_, untagged) in port.vids.items()}
        port.vids[vid] = (fact.pvid, fact.untagged)
        port.setter[vid] = seq
        port.lost.pop(vid, None)

    def shown(self) -> list[dict[str, Any]]:
        """Returns what ``bridge -j vlan show`` would, with the bridges."""
        return [
            {"ifname": port.name, "bridge": port.bridge, "vlans": shown_vids(port.vids)}
            for _, port in sorted(self.ports.items())
            if port.vids
        ]

    def blamed(self) -> dict[tuple[str, int], tuple[int, Flags]]:
        """Returns for each vid of each port which event set it, and the flags that it has."""
        return {
            (port.name, vid): (port.setter[vid], flags)
            for port in self.ports.values()
            for vid, flags in port.vids.items()
        }

    def lost(self) -> dict[tuple[str, int], tuple[int, Flags]]:
        """Returns likewise which event took each vid that a port has no more."""
        return {
            (port.name, vid): taken
            for port in self.ports.values()
            for vid, taken in port.lost.items()
        }


def shown_vids(vids: dict[int, Flags]) -> list[dict[str, Any]]:
    """Returns vids as ``bridge -j vlan show`` would."""
    shown = []
    for vid, (pvid, untagged) in sorted(vids.items()):
        words = ["PVID"] * pvid + ["Egress Untagged"] * untagged
        shown.append({"vlan": vid, "flags": words} if words else {"vlan": vid})
    return shown


def last_of(stamps: list[int], at: int) -> int:
    """Returns the number of the last event of a time: 0 where the log begins later.

    A clock that is set back goes through a time again: the latest reading of the clock up to
    the time is meant, and what was recorded behind it before the clock was beyond it.
    """
    past = [stamp for stamp in stamps if stamp <= at]
    if not past:
        return 0
    newest = max(number for number, stamp in enumerate(stamps, 1) if stamp == max(past))
    beyond = [number for number, stamp in enumerate(stamps, 1) if number > newest and stamp > at]
    return min(beyond, default=len(stamps) + 1) - 1


def pairs(a: NaiveHost, b: NaiveHost) -> list[tuple[NaivePort | None, NaivePort | None]]:
    """Returns which port is which: by number within a boot, else by a name that nobody made up."""
    left, right = dict(a.ports), dict(b.ports)
    found: list[tuple[NaivePort | None, NaivePort | None]] = []
    for index in [index for index in left if index in right and a.boot == b.boot]:
        found.append((left.pop(index), right.pop(index)))
    for index, port in list(left.items()):
        for other, again in list(right.items()):
            if port.name == again.name and not port.name.startswith("vnet"):
                found.append((left.pop(index), right.pop(other)))
    found += [(port, None) for port in left.values()]
    return found + [(None, port) for port in right.values()]


def differing(a: NaiveHost, b: NaiveHost) -> list[dict[str, Any]]:
    """Returns the ports that differ, with what they carry before and after, sorted."""
    found = []
    for before, after in pairs(a, b):
        one, two = (port.vids if port else {} for port in (before, after))
        moved = before is not None and after is not None and before.bridge != after.bridge
        if one == two and not moved:
            continue
        port = after or before
        assert port is not None
        found.append(
            {
                "ifname": port.name,
                "bridge": port.bridge,
                "ifname_before": before.name if before else None,
                "before": shown_vids(one),
                "after": shown_vids(two),
                "differ": [vid for vid in sorted(one | two) if one.get(vid) != two.get(vid)],
            }
        )
    return sorted(found, key=repr)
