"""Whatever way a change is made, the daemon records it as it happened.

One daemon hears all of it, in the order of the cases; what the kernel does not say, a second one
finds that reads the kernel every second.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.kernel.doings import Case, Said, set_up
from tests.kernel.ear import Ear, listening
from tests.kernel.netns import entered, ip, run
from tests.kernel.port_changes import PORT_CHANGES
from tests.kernel.vlan_changes import SILENT, VLAN_CHANGES
from tests.scenes.recording import MARK, Recording
from tests.scenes.resident import watched
from tests.scenes.stage import Stage
from vlanlog.core import event as e

pytestmark = pytest.mark.kernel

Told = tuple[e.Actor, e.Subject, e.Fact]


@dataclass(frozen=True)
class Scene:
    """Is what the daemon records, and who is called what in it."""

    recording: Recording
    ear: Ear

    def plays(self, case: Case) -> list[e.Event]:
        """Returns what is recorded of a change to the two bridges and three devices."""
        set_up_again()
        self.recording.told()
        case.do()
        events = self.recording.told()
        self.ear.notices()
        return events

    def expected(self, said: Said, actor: e.Actor) -> list[Told]:
        return [(actor, self._subject(place), fact) for place, fact in said]

    def _subject(self, place: str) -> e.Subject:
        name, _, port = place.partition("/")
        return self.ear.on(port, name) if port else self.ear.of(name)


def set_up_again() -> None:
    for device in json.loads(run("ip", "-j", "link")):
        if device["ifname"] not in ("lo", MARK):
            ip("link", "del", device["ifname"])
    set_up()


@contextmanager
def _played(folder: Path, environ: Mapping[str, str]) -> Iterator[Scene]:
    with entered():
        stage = Stage(folder)
        stage.configure("", "")
        with (
            watched(stage, environ) as resident,
            closing(Recording(resident)) as recording,
            listening() as ear,
        ):
            yield Scene(recording, ear)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Is a daemon that only listens: its next re-read is an hour away."""
    environ = {"VLANLOG_RECONCILE_INTERVAL_S": "3600"}
    with _played(tmp_path_factory.mktemp("heard"), environ) as scene:
        yield scene


@pytest.fixture(scope="module")
def rereading(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Is a daemon that reads the kernel every second."""
    environ = {"VLANLOG_RECONCILE_INTERVAL_S": "1"}
    with _played(tmp_path_factory.mktemp("read"), environ) as scene:
        yield scene


def _told(events: list[e.Event]) -> list[Told]:
    return [(event.actor, event.subject, event.fact) for event in events]


@pytest.mark.parametrize("case", [*VLAN_CHANGES, *PORT_CHANGES], ids=lambda case: case.title)
def test_change_is_recorded_whole_and_as_nobodys_known(scene: Scene, case: Case) -> None:
    events = scene.plays(case)

    assert _told(events) == scene.expected(case.said, e.UNKNOWN_WRITER)
    assert scene.recording.folded().table == scene.recording.kernel()


@pytest.mark.parametrize("case", SILENT, ids=lambda case: case.title)
def test_change_that_the_kernel_does_not_say_is_found_within_a_gap(
    rereading: Scene, case: Case
) -> None:
    recording = rereading.recording
    events = rereading.plays(case)
    recording.resident.settled()
    events += recording.told()

    said = [event for event in events if event.actor == e.UNKNOWN_WRITER]
    found = [event for event in events if event.actor != e.UNKNOWN_WRITER]
    opened = found[0].fact
    assert isinstance(opened, e.GapOpened)
    assert _told(said) == rereading.expected(case.said, e.UNKNOWN_WRITER)
    assert _told(found) == [
        (_daemon(recording), e.NO_SUBJECT, opened),
        *rereading.expected(case.unsaid, e.UNKNOWN_ACTOR),
        (_daemon(recording), e.NO_SUBJECT, e.GapClosed(reason="a re-read found 1 changes")),
    ]
    assert opened.reason == "the kernel said nothing of these changes"
    assert recording.folded().table == recording.kernel()


def _daemon(recording: Recording) -> e.Actor:
    events = recording.resident.events()
    return next(event.actor for event in events if isinstance(event.fact, e.DaemonStarted))


def test_gap_of_an_unsaid_change_begins_with_the_last_reading_before_it(rereading: Scene) -> None:
    recording = rereading.recording
    set_up_again()
    ip("link", "set", "br0", "down")
    recording.told()
    changed: list[int] = []
    since: list[int] = []
    for on in ("1", "0"):
        changed.append(time.time_ns())
        ip("link", "set", "br0", "type", "bridge", "vlan_filtering", on)
        recording.resident.settled()
        facts = [event.fact for event in recording.told()]
        since += [fact.since_ns or 0 for fact in facts if isinstance(fact, e.GapOpened)]

    assert since == sorted({*since})
    assert [since[0] < changed[0], since[1] < changed[1]] == [True, True]
