"""Where in the log a moment is, and what is said of a stretch in which nobody watched."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest

from tests.core.making import on_port
from tests.report.sample import ns
from tests.report.scribe import DAEMON, Scribe
from vlanlog.core import event as e
from vlanlog.core.state import Seq
from vlanlog.errors import UsageError
from vlanlog.host.covers import covers
from vlanlog.host.place import At, Place, place_of, unwatched

MINUTE_NS = 60_000_000_000
BEGIN_NS = ns("02T08:00")
NOW_NS = BEGIN_NS + 600 * MINUTE_NS
TAP = on_port("vnet0", 5)
MS = 1_000_000


def at(minutes: float) -> int:
    return BEGIN_NS + round(minutes * MINUTE_NS)


def written(scribe: Scribe, minutes: float, *facts: e.Fact) -> list[UUID]:
    return scribe.at(at(minutes)).wrote(*((e.NO_SUBJECT, fact) for fact in facts), by=DAEMON)


@pytest.fixture
def scribe() -> Scribe:
    """Is a log of a watch from minute 10 on, with an event in minute 20."""
    scribe = Scribe()
    scribe.at(at(0)).booted("boot")
    written(scribe, 10, e.GapOpened(reason="begins"), e.GapClosed(reason="watches"))
    scribe.at(at(20)).wrote((TAP, e.PortAttached()))
    return scribe


def place(scribe: Scribe, moment: At) -> Place:
    return place_of(scribe.log, moment, now_ns=NOW_NS, utc=True)


def test_time_is_the_last_event_by_then(scribe: Scribe) -> None:
    assert place(scribe, At(at_ns=at(15))) == Place(seq=Seq(3), at_ns=at(15))


def test_event_is_itself_at_its_time(scribe: Scribe) -> None:
    [known] = scribe.log.read(after=Seq(1), until=Seq(2))
    expected = Place(seq=Seq(2), at_ns=known.event.at_ns)

    assert place(scribe, At(seq=Seq(2))) == expected
    assert place(scribe, At(event_id=known.event.event_id)) == expected


def test_present_is_covered_whenever_the_last_event_was(scribe: Scribe) -> None:
    assert place(scribe, At(at_ns=NOW_NS)) == Place(seq=Seq(4), at_ns=NOW_NS)


def test_time_that_a_fast_clock_has_stamped_is_no_future(scribe: Scribe) -> None:
    ahead = (NOW_NS - BEGIN_NS) / MINUTE_NS + 60
    written(scribe, ahead, e.DaemonStarted())
    written(scribe, 30, e.DaemonStopped())

    assert place(scribe, At(at_ns=at(ahead) + MS)) == Place(seq=Seq(6), at_ns=at(ahead) + MS)
    with pytest.raises(UsageError, match="lies in the future"):
        place(scribe, At(at_ns=at(ahead) + 2 * MS))


COVERED = "the log covers 2026-11-02 08:00:00 to 2026-11-02 08:20:00 UTC"
REFUSED: dict[str, tuple[At, str, str]] = {
    "future": (
        At(at_ns=NOW_NS + 1), "2026-11-02 18:00:00 lies in the future", COVERED
    ),
    "before": (
        At(at_ns=at(0)), "the log does not reach back to 2026-11-02 08:00:00", COVERED
    ),
    "seq": (
        At(seq=Seq(5)), "event #5 is not in the log", f"{COVERED}, with the events #1 to #4"
    ),
    "id": (
        At(event_id=UUID(int=1)),
        "event 00000000-0000-0000-0000-000000000001 is not in the log",
        f"{COVERED}, with the events #1 to #4",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_the_log_does_not_cover_is_refused(scribe: Scribe, what: str) -> None:
    moment, message, hint = REFUSED[what]

    with pytest.raises(UsageError) as caught:
        place(scribe, moment)

    assert (caught.value.message, caught.value.hint) == (message, hint)


def test_empty_log_covers_nothing() -> None:
    with pytest.raises(UsageError) as caught:
        place(Scribe(), At(seq=Seq(1)))

    assert (caught.value.message, caught.value.hint) == (
        "event #1 is not in the log", "the log is empty"
    )  # fmt: skip


def remark(scribe: Scribe, minutes: float) -> str | None:
    where = place(scribe, At(at_ns=at(minutes)))
    coverage = scribe.log.state(at_seq=where.seq).coverage
    return unwatched(scribe.log, where, coverage, utc=True)


def noticed_late(scribe: Scribe) -> None:
    """Finds in minute 40 that nobody watched since minute 30."""
    opened = e.GapOpened(reason="ended without a word", since_ns=at(30))
    written(scribe, 40, opened, e.GapClosed(reason="re-read"))


def stopped(scribe: Scribe) -> None:
    written(scribe, 30, e.GapOpened(reason="stopped"))


def stopped_for_a_while(scribe: Scribe) -> None:
    stopped(scribe)
    written(scribe, 40, e.GapClosed(reason="re-read"))


def begun_again(scribe: Scribe) -> None:
    """Goes on to watch a second gap, so that a third is not mistaken for the one meant."""
    stopped_for_a_while(scribe)
    written(scribe, 50, e.GapOpened(reason="again"))
    written(scribe, 55, e.GapClosed(reason="re-read"))


def told(where: str, minute: int) -> str:
    return f"nobody watched {where}: of 2026-11-02 08:{minute}:00 this is what was last known"


def nothing(_: Scribe) -> None:
    """Lets the watch go on."""


REMARKS: dict[str, tuple[Callable[[Scribe], None], float, str | None]] = {
    "before the watch": (nothing, 5, told("before 2026-11-02 08:10:00", 5).replace(":5:", ":05:")),
    "watched": (nothing, 15, None),
    "noticed late, before": (noticed_late, 29, None),
    "noticed late, at the last that is vouched for": (noticed_late, 30, None),
    "noticed late": (
        noticed_late, 35,
        told("between 2026-11-02 08:30:00 and 2026-11-02 08:40:00 (ended without a word)", 35),
    ),
    "noticed late, after": (noticed_late, 41, None),
    "stopped, before": (stopped, 29, None),
    "stopped": (stopped, 35, told("since 2026-11-02 08:30:00 (stopped)", 35)),
    "stopped for a while": (
        stopped_for_a_while, 35,
        told("between 2026-11-02 08:30:00 and 2026-11-02 08:40:00 (stopped)", 35),
    ),
    "stopped for a while, after": (stopped_for_a_while, 45, None),
    "the first of two": (
        begun_again, 35, told("between 2026-11-02 08:30:00 and 2026-11-02 08:40:00 (stopped)", 35)
    ),
    "between two": (begun_again, 45, None),
}  # fmt: skip


@pytest.mark.parametrize("what", REMARKS)
def test_remark_is_on_the_stretch_around_the_moment(scribe: Scribe, what: str) -> None:
    goes_on, minutes, expected = REMARKS[what]
    goes_on(scribe)

    assert remark(scribe, minutes) == expected


def test_remark_on_a_log_that_nobody_ever_watched() -> None:
    scribe = Scribe()
    scribe.at(at(0)).booted("boot")

    assert remark(scribe, 10) == told("by then", 10)


def test_coverage_is_told_in_the_local_zone_or_in_utc(scribe: Scribe) -> None:
    assert covers(scribe.log, utc=True) == COVERED
