"""More changes than it can take in at once.

Either all are recorded, or the log says that some were not, and what then held.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.kernel.netns import index, ip_batch, run
from tests.scenes.gale import blowing
from tests.scenes.guests import VM1
from tests.scenes.recording import Recording
from tests.scenes.resident import watched
from tests.scenes.stage import VETH0, Stage
from vlanlog.core import event as e
from vlanlog.core.state import Coverage

pytestmark = pytest.mark.kernel

MAC_D0 = "52:54:00:00:00:02"
ROUNDS, FIRST, LAST = 50, 2, 401
CHANGES = [
    (verb, vid) for _ in range(ROUNDS) for verb in ("add", "del") for vid in range(FIRST, LAST + 1)
]
"""Forty thousand, each of which changes something."""

TINY = {"VLANLOG_RECEIVE_BUFFER_BYTES": "4608"}
OVERRUN = "ENOBUFS: No buffer space available"


@contextmanager
def _watching(stage: Stage, environ: dict[str, str]) -> Iterator[Recording]:
    environ = {"VLANLOG_RECONCILE_INTERVAL_S": "3600", **environ}
    with watched(stage, environ) as resident, closing(Recording(resident)) as recording:
        yield recording


def _batch(folder: Path) -> Path:
    path = folder / "storm"
    path.write_text("".join(f"vlan {verb} dev d0 vid {vid}\n" for verb, vid in CHANGES))
    return path


@pytest.fixture
def stage_with_d0(stage: Stage) -> Stage:
    stage.configure("", "")
    stage.add_bridge("br0")
    ip_batch((f"link add d0 address {MAC_D0} type dummy", "link set d0 master br0 up"))
    return stage


def test_storm_is_recorded_change_by_change_and_in_order(stage_with_d0: Stage) -> None:
    d0 = e.Subject(bridge="br0", port="d0", ifindex=index("d0"), mac=MAC_D0)
    with _watching(stage_with_d0, {}) as recording:
        recording.told()

        run("bridge", "-batch", str(_batch(stage_with_d0.folder)))

        assert [(event.actor, event.subject, event.fact) for event in recording.told()] == [
            (
                e.UNKNOWN_WRITER,
                d0,
                e.VlanAdded(first=vid, last=vid)
                if verb == "add"
                else e.VlanRemoved(first=vid, last=vid),
            )
            for verb, vid in CHANGES
        ]
        assert recording.folded().table == recording.kernel()


def test_storm_that_is_too_much_stands_in_the_log_as_gaps(stage_with_d0: Stage) -> None:
    with _watching(stage_with_d0, TINY) as recording:
        started = recording.told()[-1]

        run("bridge", "-batch", str(_batch(stage_with_d0.folder)))
        # What the kernel shows in the end is no sign: a storm leaves it as it was before.
        run("bridge", "vlan", "add", "dev", "d0", "vid", "4090")
        recording.resident.settled_with(recording.reader)

        state = recording.folded()
        events = recording.resident.events()
        begin = [event.event_id for event in events].index(started.event_id) + 1
        storm = events[begin:]
        assert (state.table, state.coverage) == (recording.kernel(), Coverage.WATCHED)
        assert {*_reasons(storm)} == {OVERRUN}
        assert 0 < len(storm) < len(CHANGES)
        assert _unexplained(events, begin) == []


def _reasons(events: list[e.Event]) -> list[str]:
    return [event.fact.reason for event in events if isinstance(event.fact, e.GapOpened)]


def _unexplained(events: list[e.Event], begin: int) -> list[e.Event]:
    """Returns gaps in gaps, and what a re-read found where no gap is, from a place on.

    With so small a buffer a gap may well be open there.
    """
    found: list[e.Event] = []
    is_open = False
    for place, event in enumerate(events):
        wrong = event.actor == e.UNKNOWN_ACTOR and not is_open
        if isinstance(event.fact, e.GapOpened | e.GapClosed):
            opens = isinstance(event.fact, e.GapOpened)
            wrong, is_open = opens == is_open, opens
        found += [event] if wrong and place >= begin else []
    return found


def test_guest_that_starts_in_a_storm_has_its_vlans(reference: Stage) -> None:
    """A loss in the middle of programming is no reason to believe anything."""
    ip_batch((f"link add d0 address {MAC_D0} type dummy", "link set d0 master br0 up"))
    starts = 5
    carried: list[str] = []
    with _watching(reference, TINY) as recording:
        with blowing(reference.folder, "d0"):
            for _ in range(starts):
                reference.start(VM1)
                carried.append(reference.carried()["veth0"])
                reference.stop(VM1)

        events = recording.resident.events()
        hooked = [at for at, event in enumerate(events) if isinstance(event.fact, e.HookInvoked)]
        finished = [event.fact for event in events if isinstance(event.fact, e.ProgramFinished)]
        assert carried == [VETH0] * starts
        assert [fact.outcome for fact in finished][-starts:] == [e.Outcome.DONE] * starts
        assert OVERRUN in _reasons(events[hooked[0] : hooked[-1]])
