"""Histories to fill a log with: every kind of fact, many actors, a clock that is set back.

Must not append anything.
"""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import count
from uuid import UUID

from tests.core import samples
from vlanlog.core import event as e

BEGIN_NS = 1_700_000_000_000_000_000
SECOND_NS = 1_000_000_000

ACTORS = (
    e.Actor(
        source=e.ActorSource.OPERATOR,
        uid=0,
        user="root",
        login_uid=1000,
        pid=4711,
        command="vlanlog set veth0 --reason 'ä 50%_\\ of \"it\"'",
        parent="bash",
    ),
    e.Actor(source=e.ActorSource.OPERATOR, uid=1000, user="Ann", command="vlanlog replay"),
    e.Actor(source=e.ActorSource.HOOK, uid=0, pid=1, parent="libvirtd"),
    e.Actor(source=e.ActorSource.DAEMON),
    e.UNKNOWN_ACTOR,
)
GUESTS = ("4dea22b3-1d52-d8f3-2516-782e98ab3fa0", "c7df0e96-9d0e-4b84-8d4a-3f9d7b4f4a51")
MACS = ("52:54:00:00:00:01", "52:54:00:00:00:02")

_ids = count(1)


def subjects() -> tuple[e.Subject, ...]:
    """Returns combinations of names: with and without each, the same port of two guests."""
    return (
        e.NO_SUBJECT,
        e.Subject(bridge="br0", ifindex=3),
        e.Subject(bridge="br0", port="vnet0", ifindex=7),
        e.Subject(bridge="br0", port="vnet0", ifindex=8),
        e.Subject(bridge="br1", port="vnet1", ifindex=7),
        e.Subject(guest_uuid=GUESTS[0], guest_name="VM ä"),
        e.Subject(guest_uuid=GUESTS[0], guest_name="renamed"),
        e.Subject(guest_uuid=GUESTS[1], guest_name="VM%2", mac=MACS[1], bridge="br0"),
        e.Subject(
            guest_uuid=GUESTS[0], guest_name="VM ä", mac=MACS[0], bridge="br0", port="vnet0",
            ifindex=7,
        ),
    )  # fmt: skip


def happening(fact: e.Fact, *, host: str, number: int = 0, boot: str = "boot-1") -> e.Event:
    """Returns an event with an id that no other has, ``number`` seconds after the beginning."""
    return e.Event(
        event_id=UUID(int=(7 << 76) + (8 << 60) + next(_ids)),
        at_ns=BEGIN_NS + number * SECOND_NS,
        host=host,
        boot_id=boot,
        actor=ACTORS[number % len(ACTORS)],
        correlation_id=UUID(int=abs(number) // 3),
        fact=fact,
    )


def history(size: int, *, host: str, seed: int = 0) -> list[e.Event]:
    """Returns so many events; one stamp in eight lies behind the one before."""
    chance = random.Random(seed)
    happened, second = [], 0
    for number in range(size):
        second += chance.choice((1, 1, 1, 0, 2, 5, 3, -10))
        event = happening(chance.choice(samples.FACTS), host=host, number=second)
        happened.append(
            replace(
                event,
                actor=chance.choice(ACTORS),
                subject=chance.choice(subjects()),
                boot_id=f"boot-{number // 50}",
            )
        )
    return happened
