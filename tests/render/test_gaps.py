"""Gaps as lines of a story: when they begin, how long they lasted, and why."""

from __future__ import annotations

from tests.report.scribe import DAEMON, Scribe
from vlanlog.core import event as e
from vlanlog.core.state import HostState
from vlanlog.history import lines
from vlanlog.render.story import what, why

SECOND_NS = 1_000_000_000
BEGIN_NS = 1_762_178_400 * SECOND_NS  # 2025-11-03 14:00 UTC

OPENED = (e.NO_SUBJECT, e.GapOpened(reason="the daemon stops"))
CLOSED = (e.NO_SUBJECT, e.GapClosed(reason="a re-read found 2 changes"))


def told(scribe: Scribe) -> list[tuple[str, str]]:
    """Returns what each line tells, and why."""
    return [(what(line, utc=True), why(line)) for line in lines(scribe.log.read(), HostState())]


def test_gap_says_where_it_begins_how_long_it_was_and_why() -> None:
    scribe = Scribe()
    scribe.at(BEGIN_NS).wrote(OPENED, by=DAEMON)
    scribe.at(BEGIN_NS + 200 * SECOND_NS).wrote(CLOSED, by=DAEMON)

    assert told(scribe) == [
        ("-- not recorded from here on --", "the daemon stops"),
        ("-- not recorded for 3 min 20 s --", "the daemon stops; a re-read found 2 changes"),
    ]


def test_gap_that_is_found_later_says_since_when() -> None:
    scribe = Scribe()
    lost = e.GapOpened(reason="the daemon ended without a word", since_ns=BEGIN_NS)
    scribe.at(BEGIN_NS + 3600 * SECOND_NS).wrote((e.NO_SUBJECT, lost))
    scribe.wrote(CLOSED, by=DAEMON)

    assert told(scribe) == [
        ("-- not recorded since 2025-11-03 14:00:00 --", lost.reason),
        ("-- not recorded for 1 h --", f"{lost.reason}; a re-read found 2 changes"),
    ]


def test_gap_within_a_gap_does_not_shorten_it() -> None:
    scribe = Scribe()
    scribe.at(BEGIN_NS).wrote(OPENED, by=DAEMON)
    again = (e.NO_SUBJECT, e.GapOpened(reason="lost again"))
    scribe.at(BEGIN_NS + 60 * SECOND_NS).wrote(again, by=DAEMON)
    scribe.at(BEGIN_NS + 120 * SECOND_NS).wrote(CLOSED, by=DAEMON)

    assert told(scribe)[-1] == (
        "-- not recorded for 2 min --",
        "the daemon stops; a re-read found 2 changes",
    )


def test_gap_that_began_before_the_story_says_that_it_ends() -> None:
    scribe = Scribe()
    scribe.wrote(CLOSED, by=DAEMON)

    assert told(scribe) == [("-- recorded again --", "a re-read found 2 changes")]


def test_second_gap_begins_anew() -> None:
    scribe = Scribe()
    for hour in range(2):
        scribe.at(BEGIN_NS + hour * 3600 * SECOND_NS).wrote(OPENED, by=DAEMON)
        scribe.at(scribe.at_ns + 10 * SECOND_NS).wrote(CLOSED, by=DAEMON)

    assert [words for words, _ in told(scribe)] == 2 * [
        "-- not recorded from here on --",
        "-- not recorded for 10 s --",
    ]


def test_gap_over_which_the_clock_was_set_back_has_no_length() -> None:
    scribe = Scribe()
    scribe.at(BEGIN_NS).wrote(OPENED, by=DAEMON)
    scribe.at(BEGIN_NS - 3600 * SECOND_NS).wrote(CLOSED, by=DAEMON)

    assert told(scribe)[-1][0] == "-- not recorded for 0 s --"
