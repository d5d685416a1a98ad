"""Times as journalctl takes them, with a fixed present, also in the nights when clocks are set."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from vlanlog.cli.times import parse_time
from vlanlog.errors import UsageError

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 23, 15, 30, 45, 123456, tzinfo=BERLIN)
# 02:00 is put forward to 03:00 on 29 March, 03:00 back to 02:00 on 25 October.
SPRING = datetime(2026, 3, 29, 4, 30, tzinfo=BERLIN)
AUTUMN = datetime(2026, 10, 25, 4, 30, tzinfo=BERLIN)


def told(text: str, now: datetime = NOW) -> str:
    """Returns the time in UTC, as RFC 3339 writes it."""
    seconds, ns = divmod(parse_time(text, now), 1_000_000_000)
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}" + (f".{ns:09d}" if ns else "")


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("now", "2026-11-23T14:30:45.123456000"),
        (" NOW ", "2026-11-23T14:30:45.123456000"),
        ("today", "2026-11-22T23:00:00"),
        ("yesterday", "2026-11-21T23:00:00"),
        ("tomorrow", "2026-11-23T23:00:00"),
        ("-2h", "2026-11-23T12:30:45.123456000"),
        ("+2h", "2026-11-23T16:30:45.123456000"),
        ("-1h 30min", "2026-11-23T13:00:45.123456000"),
        ("-1h30m15s", "2026-11-23T13:00:30.123456000"),
        ("3 days ago", "2026-11-20T14:30:45.123456000"),
        ("2 weeks ago", "2026-11-09T14:30:45.123456000"),
        ("1month ago", "2026-10-24T04:00:45.123456000"),
        ("-0s", "2026-11-23T14:30:45.123456000"),
        ("14:00", "2026-11-23T13:00:00"),
        ("14:00:05", "2026-11-23T13:00:05"),
        ("2026-11-03", "2026-11-02T23:00:00"),
        ("2026-11-03 14:00", "2026-11-03T13:00:00"),
        ("2026-11-03 14:00:05.5", "2026-11-03T13:00:05.500000000"),
        ("2026-07-03 14:00", "2026-07-03T12:00:00"),
        ("2026-11-03 9:00", "2026-11-03T08:00:00"),
        ("2026-11-3", "2026-11-02T23:00:00"),
        ("2026-11-03 14:00:05.000000001", "2026-11-03T13:00:05.000000001"),
        ("14:00:05.25", "2026-11-23T13:00:05.250000000"),
        ("yesterday 14:00", "2026-11-22T13:00:00"),
        ("Tue 2026-11-03 14:00", "2026-11-03T13:00:00"),
        ("tuesday, 2026-11-03", "2026-11-02T23:00:00"),
        ("-1.5h", "2026-11-23T13:00:45.123456000"),
        ("-500ms", "2026-11-23T14:30:44.623456000"),
        ("-90 seconds", "2026-11-23T14:29:15.123456000"),
        ("+5min", "2026-11-23T14:35:45.123456000"),
        ("1 week ago", "2026-11-16T14:30:45.123456000"),
        ("2 Days Ago", "2026-11-21T14:30:45.123456000"),
        # Of m alone the case tells: minutes or months.
        ("-1m", "2026-11-23T14:29:45.123456000"),
        ("-1M", "2026-10-24T04:00:45.123456000"),
        ("2026-11-03T14:00:00Z", "2026-11-03T14:00:00"),
        ("2026-11-03 14:00 UTC", "2026-11-03T14:00:00"),
        ("2026-11-03 14:00 +05:30", "2026-11-03T08:30:00"),
        ("2026-11-03 14:00 -0300", "2026-11-03T17:00:00"),
        ("2026-11-03 14:00 America/New_York", "2026-11-03T19:00:00"),
        ("2026-07-03 14:00 America/New_York", "2026-07-03T18:00:00"),
        ("2026-11-03 UTC", "2026-11-03T00:00:00"),
        ("14:00 UTC", "2026-11-23T14:00:00"),
        ("14:00 +0530", "2026-11-23T08:30:00"),
        # 15:30 in Berlin is the next day already in Auckland.
        ("00:30 Pacific/Auckland", "2026-11-23T11:30:00"),
        ("today UTC", "2026-11-23T00:00:00"),
        ("yesterday Asia/Tokyo", "2026-11-21T15:00:00"),
        ("Tue 2026-11-03 14:00:05 UTC", "2026-11-03T14:00:05"),
        ("2026-11-03T14:00:00+05:30", "2026-11-03T08:30:00"),
        ("@0", "1970-01-01T00:00:00"),
        ("@1762178400", "2025-11-03T14:00:00"),
        ("@1762178400.000000001", "2025-11-03T14:00:00.000000001"),
        ("@1762178400.5", "2025-11-03T14:00:00.500000000"),
    ],
)
def test_time_is_read_in_the_zone_of_the_present(text: str, utc: str) -> None:
    assert told(text) == utc


@pytest.mark.parametrize(
    ("now", "text", "utc"),
    [
        # 04:30 CEST is 02:30 UTC; three hours of elapsed time before it is the old time's 00:30.
        (SPRING, "-3h", "2026-03-28T23:30:00"),
        (SPRING, "-1d", "2026-03-28T02:30:00"),
        (SPRING, "today", "2026-03-28T23:00:00"),
        (SPRING, "tomorrow", "2026-03-29T22:00:00"),
        (SPRING, "yesterday", "2026-03-27T23:00:00"),
        # The hour that is left out is read with the offset from before it.
        (SPRING, "2026-03-29 02:30", "2026-03-29T01:30:00"),
        # 04:30 CET is 03:30 UTC; the hour from two to three was there twice.
        (AUTUMN, "-3h", "2026-10-25T00:30:00"),
        (AUTUMN, "-1d", "2026-10-24T03:30:00"),
        (AUTUMN, "today", "2026-10-24T22:00:00"),
        (AUTUMN, "tomorrow", "2026-10-25T23:00:00"),
        (AUTUMN, "2026-10-25 02:30", "2026-10-25T00:30:00"),
        (AUTUMN, "2026-10-25T02:30+01:00", "2026-10-25T01:30:00"),
        (AUTUMN, "2026-10-25 02:30 +02:00", "2026-10-25T00:30:00"),
        (AUTUMN, "2026-10-25 02:30 UTC", "2026-10-25T02:30:00"),
        (AUTUMN, "02:59:59", "2026-10-25T00:59:59"),
        (AUTUMN, "03:00", "2026-10-25T02:00:00"),
        (AUTUMN, "yesterday 02:30", "2026-10-24T00:30:00"),
    ],
)
def test_time_is_right_in_the_nights_when_clocks_are_set(
    now: datetime, text: str, utc: str
) -> None:
    assert told(text, now) == utc


@pytest.mark.usefixtures("in_berlin")
@pytest.mark.parametrize("now", [SPRING, AUTUMN])
def test_naive_present_is_the_local_zone_with_its_summer_times(now: datetime) -> None:
    naive = now.replace(tzinfo=None)

    assert [told(text, naive) for text in ("-3h", "today", "2026-07-03 14:00")] == [
        told(text, now) for text in ("-3h", "today", "2026-07-03 14:00")
    ]


@pytest.mark.usefixtures("in_berlin")
@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-10-25 02:30 CEST", "2026-10-25T00:30:00"),
        ("2026-10-25 02:30 CET", "2026-10-25T01:30:00"),
        ("2026-11-03 14:00 CET", "2026-11-03T13:00:00"),
        ("02:30 CET", "2026-10-25T01:30:00"),
    ],
)
def test_abbreviation_of_the_local_zone_chooses_the_hour_that_is_there_twice(
    text: str, utc: str
) -> None:
    assert told(text, AUTUMN.replace(tzinfo=None)) == utc


@pytest.mark.usefixtures("in_berlin")
def test_summer_abbreviation_is_no_time_in_winter() -> None:
    with pytest.raises(UsageError):
        parse_time("2026-11-03 14:00 CEST", NOW.replace(tzinfo=None))


@pytest.mark.parametrize(
    "text",
    [
        "", "foo", "-", "+", "ago", "-h", "-2", "-2 parsecs", "2h", "25:00", "2026-13-01",
        "2026-02-30", "@", "@-5", "@1.2.3", "@²", "@1762178400.0000000001",
        "@99999999999999999999", "-99999999999y", "+9999y", "9999-12-31", "0001-01-01",
        "1969-12-31", "-100y", "1 2 3", "\x00", "−2h", "٣ days ago",
        "UTC", "2026-11-03 14:00 Mars/Phobos", "2026-11-03 14:00 Europe", "14:00 ../../etc/passwd",
        "14:00 /etc/localtime", "Mon 2026-11-03", "Tue", "Tue 14:00", "yesterday noon", "-1.h",
        "2026-11-03 14:00 +25:00", "14:60", "2026-11-03 14", "yesterday ago", "now UTC",
    ],
)  # fmt: skip
def test_what_is_no_time_is_said_with_an_example(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_time(text, NOW)

    assert (caught.value.message, caught.value.exit_code) == (f"{text!r} is not a time", 2)
    assert caught.value.hint.startswith("give a time as in journalctl: e.g. ")
