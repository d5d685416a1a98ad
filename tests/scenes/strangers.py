"""Somebody else who changes VLANs, and how a scene finds in the log whose a change was.

Must not compare anything but what it waits for.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event as Flag
from threading import Thread
from uuid import UUID

from tests.scenes.resident import Resident
from tests.scenes.stage import BRIDGES, PORTS, Stage
from vlanlog.core import event as e
from vlanlog.core.event import ActorSource, Event

BRIDGE_REVERTS = f"{BRIDGES}foreign = revert\n"
PORT_REVERTS = PORTS.replace("tagged = 200,300", "tagged = 200,300\nforeign = revert")
PORT_ADOPTS = PORTS.replace("tagged = 200,300", "tagged = 200,300\nforeign = adopt")
NATIVE = "1 PVID Egress Untagged"
DEADLINE_S = 60.0
STRANGERS = (ActorSource.KERNEL, ActorSource.UNKNOWN)


def until(is_so: Callable[[], bool], what: str) -> None:
    ends = time.monotonic() + DEADLINE_S
    while not is_so():
        assert time.monotonic() < ends, what
        time.sleep(0.05)


def becomes(stage: Stage, expected: dict[str, str]) -> None:
    """Waits until the kernel carries that."""
    ends = time.monotonic() + DEADLINE_S
    while (carried := stage.carried()) != expected:
        assert time.monotonic() < ends, f"{carried} is not {expected}"
        time.sleep(0.05)


def vlan_events(events: list[Event]) -> list[Event]:
    return [item for item in events if isinstance(item.fact, e.VlanAdded | e.VlanRemoved)]


def cause_of(event: Event) -> UUID | None:
    return event.fact.cause if isinstance(event.fact, e.VlanAdded | e.VlanRemoved) else None


def intents_of(events: list[Event], begin: str = "") -> list[Event]:
    return [
        item
        for item in events
        if isinstance(item.fact, e.ProgramIntended) and item.fact.because.startswith(begin)
    ]


def are_told_apart(events: list[Event]) -> bool:
    """Tells whether every change has an intent and its actor, or neither and a stranger's."""
    intents = {item.event_id: item for item in intents_of(events)}
    return all(
        (cause is None and item.actor.source in STRANGERS)
        or (cause in intents and item.actor == intents[cause].actor)
        for item in vlan_events(events)
        for cause in [cause_of(item)]
    )


def facts_of(resident: Resident, *kinds: type[e.Fact]) -> list[e.Fact]:
    return [item.fact for item in resident.events() if isinstance(item.fact, kinds)]


@contextmanager
def meddling(folder: Path, *lines: str, pause_s: float = 0.0) -> Iterator[None]:
    """Runs bridge(8) with these lines again and again meanwhile, whatever it answers."""
    batch, over = folder / "meddling", Flag()
    batch.write_text("\n".join(lines) + "\n")

    def run() -> None:
        while not over.wait(pause_s):
            os.spawnlp(os.P_WAIT, "bridge", "bridge", "-force", "-batch", str(batch))

    thread = Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
