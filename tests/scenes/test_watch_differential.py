"""After whatever storm, the log's projection is what the kernel carries.

The storm is the same for the same seed, but for how the kernel lets its writers take turns:
``VLANLOG_STORM_SEED=N`` plays the storm of a failure again.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.kernel.netns import entered
from tests.scenes.hand import WAYS, Hand, by_batch
from tests.scenes.recording import Recording
from tests.scenes.resident import unlike, watched
from tests.scenes.stage import Stage
from tests.scenes.storm import Storm, beginning
from vlanlog.core import event as e

pytestmark = pytest.mark.kernel

BURST = {"batch": 48, "single": 8, "old": 24, "pyroute2": 24}
"""Changes that each writer makes, all at once; a process for each change is dear."""

BURSTS, BURSTS_WITH_HOLES = 28, 8
HOSTS = ("one", "two")
"""Each with its daemon and its writers; together they make 5,824 changes, and 1,664 with holes."""

EVERY_KIND = {e.PortAttached, e.PortDetached, e.BridgeChanged, e.VlanAdded, e.VlanRemoved}


@pytest.fixture
def seed() -> str:
    given = os.environ.get("VLANLOG_STORM_SEED", str(random.randrange(10**6)))
    print(f"VLANLOG_STORM_SEED={given}")
    return given


class Host:
    """Is a network namespace with a daemon and writers, while a block runs."""

    def __init__(self, folder: Path, seed: str, *, holes: bool, stack: ExitStack) -> None:
        folder.mkdir()
        stage = Stage(folder)
        stage.configure("", "")
        reconcile_s = "1" if holes else "3600"
        environ = {"VLANLOG_RECONCILE_INTERVAL_S": reconcile_s}
        self.resident = stack.enter_context(watched(stage, environ))
        self.recording = stack.enter_context(closing(Recording(self.resident)))
        self._hands = {way: stack.enter_context(closing(Hand(way))) for way in WAYS}
        self._storms = {way: Storm(f"{seed} {folder.name} {way}", holes=holes) for way in WAYS}
        self.events: list[e.Event] = []
        by_batch(beginning())

    def begins(self) -> None:
        for way, hand in self._hands.items():
            hand.begins(self._storms[way].changes(BURST[way]))

    def ends(self) -> None:
        for hand in self._hands.values():
            hand.ends()


def _hosts(folder: Path, seed: str, *, holes: bool, stack: ExitStack) -> Iterator[Host]:
    for name in HOSTS:
        stack.enter_context(entered())
        yield Host(folder / name, seed, holes=holes, stack=stack)


def test_projection_equals_the_kernel_after_each_burst_of_a_storm(
    tmp_path: Path, seed: str
) -> None:
    with ExitStack() as stack:
        hosts = list(_hosts(tmp_path, seed, holes=False, stack=stack))
        for burst in range(BURSTS):
            _burst(hosts)
            for host in hosts:
                host.events += host.recording.told()
                known, kernel = host.resident.state.table, host.recording.kernel()
                assert known == kernel, f"seed {seed}, burst {burst}: {unlike(known, kernel)}"
        for host in hosts:
            assert host.recording.folded().table == host.recording.kernel()
            assert {type(event.fact) for event in host.events} >= EVERY_KIND
            assert _found_outside_gaps(host.resident.events()) == []
            assert _gaps(host.events) == ["nobody watched before"]


def test_projection_equals_the_kernel_though_it_does_not_tell_all(
    tmp_path: Path, seed: str
) -> None:
    with ExitStack() as stack:
        hosts = list(_hosts(tmp_path, seed, holes=True, stack=stack))
        for _ in range(BURSTS_WITH_HOLES):
            _burst(hosts)
            for host in hosts:
                host.resident.settled_with(host.recording.reader)
        for host in hosts:
            assert host.recording.folded().table == host.recording.kernel()
            assert _found_outside_gaps(host.resident.events()) == []
            assert {*_gaps(host.resident.events())} == {
                "nobody watched before",
                "the kernel said nothing of these changes",
            }


def _burst(hosts: list[Host]) -> None:
    for host in hosts:
        host.begins()
    for host in hosts:
        host.ends()


def _gaps(events: list[e.Event]) -> list[str]:
    return [event.fact.reason for event in events if isinstance(event.fact, e.GapOpened)]


def _found_outside_gaps(events: list[e.Event]) -> list[e.Event]:
    """Returns what only a re-read can have found and what no gap tells of."""
    found: list[e.Event] = []
    is_open = False
    for event in events:
        if isinstance(event.fact, e.GapOpened | e.GapClosed):
            is_open = isinstance(event.fact, e.GapOpened)
        elif event.actor == e.UNKNOWN_ACTOR and not is_open:
            found.append(event)
    return found
