"""Changes to VLANs, ports and bridges made up at random, the same ones for the same seed.

Must not carry anything out: hand.py does.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

BRIDGES = ("b0", "b1", "b2", "b3")
DEVICES = (*(f"p{number}" for number in range(10)), "v0", "v1")
_INDEXES = range(1001, 1031)
"""Fewer than names in their turns need: an ifindex goes from a port to a bridge and back."""


@dataclass(frozen=True)
class Vlans:
    """Adds or deletes vids; ``whose`` is ``self`` for a bridge's own port.

    ``both`` marks the vid with BRIDGE_VLAN_INFO_MASTER: the bridge is to follow its port.
    """

    verb: str
    device: str
    first: int
    last: int
    flags: tuple[str, ...] = ()
    whose: str = ""
    both: bool = False


@dataclass(frozen=True)
class Joins:
    """Puts a port into a bridge, or takes it out."""

    device: str
    bridge: str | None


@dataclass(frozen=True)
class Makes:
    """Makes a bridge, a dummy or a VLAN device (over ``under``), in a bridge or not."""

    device: str
    ifindex: int
    kind: str
    under: str = ""
    master: str = ""
    default_pvid: int = 1
    filtering: int = 0


@dataclass(frozen=True)
class Deletes:
    """Deletes a device."""

    device: str


@dataclass(frozen=True)
class Sets:
    """Sets one thing of a device: ``name``, ``address``, ``vlan_filtering``, ``up`` …"""

    device: str
    what: str
    value: str


Change = Vlans | Joins | Makes | Deletes | Sets


def beginning() -> list[Change]:
    """Returns what makes all devices, half of them in a bridge."""
    made: list[Change] = [
        Makes(name, 1001 + number, "bridge") for number, name in enumerate(BRIDGES)
    ]
    for number, name in enumerate(DEVICES[:10]):
        made.append(Makes(name, 1005 + number, "dummy"))
        if number % 2:
            made.append(Joins(name, BRIDGES[number % 4]))
    return made


class Storm:
    """Makes up changes; with ``holes`` also such as the kernel does not tell of."""

    def __init__(self, seed: str, *, holes: bool = False) -> None:
        self._random = random.Random(seed)
        self._holes = holes

    def changes(self, count: int) -> list[Change]:
        """Returns the next changes; one to what is not there is refused by the kernel."""
        kinds: list[tuple[Callable[[], Change], int]] = [
            (self._vlans, 60),
            (self._joins, 16),
            (self._makes, 12),
            (self._deletes, 2),
            (self._setting, 7),
            (self._renames, 2),
            (self._address, 2),
            (self._raises if self._holes else self._vlans, 4),
        ]
        makers, weights = zip(*kinds, strict=True)
        return [make() for make in self._random.choices(makers, weights, k=count)]

    def _vlans(self) -> Vlans:
        first = self._random.choice((1, 1, 5, self._random.randrange(1, 60), 100, 4000, 4094))
        spread = self._random.choice((0, 0, 1, 3, 30, 200))
        verb = self._random.choice(("add", "add", "del"))
        flags = self._random.choice(((), (), ("untagged",), ("pvid", "untagged"), ("pvid",)))
        whole = self._random.random() < 0.01
        own = self._random.random() < 0.2
        return Vlans(
            verb=verb,
            device=self._random.choice(BRIDGES if own else DEVICES),
            first=1 if whole else first,
            # The kernel takes no PVID in a range.
            last=4094 if whole else first if "pvid" in flags else min(first + spread, 4094),
            flags=() if verb == "del" or whole else flags,
            whose="self" if own else "",
            # The kernel does not say that a vid of both is deleted from the bridge.
            both=not own and (self._holes or verb == "add") and self._random.random() < 0.1,
        )

    def _joins(self) -> Joins:
        out = self._random.random() < 0.15
        return Joins(self._random.choice(DEVICES), None if out else self._random.choice(BRIDGES))

    def _makes(self) -> Makes:
        index = self._random.choice(_INDEXES)
        name = self._random.choice((*BRIDGES, *DEVICES))
        if name in BRIDGES:
            pvid, filtering = self._random.choice((0, 1, 1, 7)), self._random.choice((0, 1))
            return Makes(name, index, "bridge", default_pvid=pvid, filtering=filtering)
        master = self._random.choice((*BRIDGES, ""))
        if name.startswith("v"):
            under = self._random.choice(DEVICES[:10])
            return Makes(name, index, "vlan", under=under, master=master)
        return Makes(name, index, "dummy", master=master)

    def _deletes(self) -> Deletes:
        return Deletes(self._random.choice((*BRIDGES, *DEVICES)))

    def _setting(self) -> Sets:
        if self._random.random() < 0.5:
            value = self._random.choice(("0", "1", "1", "5", "100"))
            return Sets(self._random.choice(BRIDGES), "vlan_default_pvid", value)
        return Sets(self._random.choice(BRIDGES), "vlan_filtering", self._random.choice(("0", "1")))

    def _renames(self) -> Sets:
        old, new = self._random.sample((*BRIDGES, *DEVICES), 2)
        return Sets(old, "name", new)

    def _address(self) -> Sets:
        mac = f"52:54:00:00:00:{self._random.randrange(256):02x}"
        return Sets(self._random.choice(DEVICES), "address", mac)

    def _raises(self) -> Sets:
        return Sets(self._random.choice(BRIDGES), "up", self._random.choice(("0", "1")))
