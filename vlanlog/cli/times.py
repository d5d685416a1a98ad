"""Times as journalctl takes them: absolute, relative, and the words yesterday, today, now.

Must not read the clock: the caller gives the present.
"""

from __future__ import annotations

import re
import time
from datetime import datetime, timedelta, timezone, tzinfo
from fractions import Fraction

from vlanlog.errors import UsageError

_UNITS: dict[str, int | Fraction] = {
    "ns": Fraction(1, 10**9), "us": Fraction(1, 10**6), "µs": Fraction(1, 10**6),
    "ms": Fraction(1, 1000), "msec": Fraction(1, 1000),
    "s": 1, "sec": 1, "second": 1, "seconds": 1,
    "m": 60, "min": 60, "minute": 60, "minutes": 60,
    "h": 3600, "hr": 3600, "hour": 3600, "hours": 3600,
    "d": 86400, "day": 86400, "days": 86400,
    "w": 604800, "week": 604800, "weeks": 604800,
    "M": 2629800, "month": 2629800, "months": 2629800,
    "y": 31557600, "year": 31557600, "years": 31557600,
}  # fmt: skip
_SPAN = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,9})?)\s*([a-zµ]+)\s*", re.IGNORECASE)
_EPOCH = re.compile(r"@([0-9]{1,12})(?:\.([0-9]{1,9}))?")
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WEEKDAY = re.compile(
    rf"({'|'.join(f'{name[:3]}(?:{name[3:]})?' for name in _WEEKDAYS)}),?\s+", re.I
)
_ZONE = re.compile(
    r"\s+(?:([+-][0-9]{2}):?([0-9]{2})|([A-Za-z]{1,5}|[A-Za-z_]+(?:/[A-Za-z0-9_+-]+)+))$"
)
_DAY_AND_CLOCK = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(?:[ T]\s*(.+))?", re.IGNORECASE)
_CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,9}))?)?")
_DAYS = {"yesterday": -1, "today": 0, "tomorrow": 1}
_SECOND_NS = 1_000_000_000
_LAST_NS = 2**63 - 1  # what a database's INTEGER holds: the year 2262
_HINT = (
    "e.g. '2026-11-03 14:00', '2026-11-03 14:00 UTC', '14:00', 'yesterday', '-2h', "
    "'3 days ago', '@1762178400'"
)


def parse_time(text: str, now: datetime) -> int:
    """Returns the moment that the text names, as seen at ``now`` and in its time zone.

    Units: ns since the epoch, UTC.
    Shape: a naive ``now`` is of the zone of the process. A clock time that is there twice, in
    the night when clocks are put back, is the first of the two; a zone (CET, +01:00) chooses.
    Raises: UsageError.
    Source: systemd.time(7).
    """
    try:
        at_ns = _moment(text.strip(), now)
    except (ValueError, OverflowError):
        # datetime ends before a time that can be written down does.
        at_ns = None
    if at_ns is None or not 0 <= at_ns <= _LAST_NS:
        raise UsageError(f"{text!r} is not a time", hint=f"give a time as in journalctl: {_HINT}")
    return at_ns


def _moment(text: str, now: datetime) -> int | None:
    if match := _EPOCH.fullmatch(text):
        return int(match[1]) * _SECOND_NS + _fraction_ns(match[2])
    if text.lower() == "now":
        return _ns(now)
    span_ns = _relative_ns(text)
    if span_ns is not None:
        # Elapsed time, also over the night in which the clocks are set.
        return _ns(now) + span_ns
    return _absolute(text, now)


def _ns(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000_000) * 1000


def _fraction_ns(digits: str | None) -> int:
    return int((digits or "").ljust(9, "0"))


def _relative_ns(text: str) -> int | None:
    """Returns a span from now, negative for the past; None where it is none."""
    if text.startswith(("-", "+")):
        sign, body = (-1 if text[0] == "-" else 1), text[1:]
    elif text.lower().endswith("ago"):
        sign, body = -1, text[:-3]
    else:
        return None
    body, seconds = body.strip(), Fraction(0)
    if not body:
        return None
    while body:
        match = _SPAN.match(body)
        # Only of m the case tells: M is a month.
        unit = match and (_UNITS.get(match[2]) or _UNITS.get(match[2].lower()))
        if match is None or unit is None:
            return None
        seconds += Fraction(match[1]) * unit
        body = body[match.end() :]
    return sign * int(seconds * _SECOND_NS)


def _absolute(text: str, now: datetime) -> int | None:
    """Returns a day, a time of day, or both, in the zone that stands behind it or in that of now.

    Shape: a weekday may stand before a date, and must be its own.
    """
    try:
        # What other programs write, with T and Z or an offset.
        found = datetime.fromisoformat(text)
    except ValueError:
        pass
    else:
        if found.tzinfo is not None:
            return _ns(found)
    match = _ZONE.search(text)
    return _in_zone(text[: match.start()], match, now) if match else _in_local_zone(text, now)


def _in_zone(text: str, match: re.Match[str], now: datetime) -> int | None:
    if match[1]:
        sign = -1 if match[1][0] == "-" else 1
        offset = timedelta(hours=int(match[1][1:]), minutes=int(match[2])) * sign
        return _in_local_zone(text, now.astimezone(timezone(offset)))
    name = match[3]
    if now.tzinfo is None and name in time.tzname:
        # Which of the two: CET or CEST, where the night has an hour twice.
        folds = (_local(text, now, fold=fold) for fold in (0, 1))
        return next((_ns(at) for at in folds if at and at.astimezone().tzname() == name), None)
    zone = _zone(name)
    return None if zone is None else _in_local_zone(text, now.astimezone(zone))


def _zone(name: str) -> tzinfo | None:
    # It is seldom asked for, and every command would wait for it.
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo("UTC" if name.upper() in ("UTC", "Z") else name)
    except (KeyError, ValueError, OSError):
        return None


def _in_local_zone(text: str, now: datetime) -> int | None:
    found = _local(text, now, fold=0)
    return None if found is None else _ns(found) + _beyond_us(text)


def _beyond_us(text: str) -> int:
    """Returns the nanoseconds that a datetime cannot hold."""
    match = re.search(r"\.([0-9]{1,9})$", text.strip())
    return _fraction_ns(match[1]) % 1000 if match else 0


def _local(text: str, now: datetime, *, fold: int) -> datetime | None:
    weekday = _WEEKDAY.match(text)
    if weekday:
        text = text[weekday.end() :]
    word, _, rest = text.strip().partition(" ")
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0, fold=fold)
    if word.lower() in _DAYS:
        day, clock = midnight + timedelta(days=_DAYS[word.lower()]), rest.strip()
    elif match := _DAY_AND_CLOCK.fullmatch(text):
        year, month, number = (int(match[n]) for n in (1, 2, 3))
        day, clock = midnight.replace(year=year, month=month, day=number), match[4] or ""
    else:
        day, clock = midnight, text.strip()
        if weekday or not clock:
            return None
    if weekday and not _is_called(day, weekday[1].lower()):
        return None
    return _at_clock(day, clock)


def _is_called(day: datetime, word: str) -> bool:
    name = _WEEKDAYS[day.weekday()]
    return word in (name, name[:3])


def _at_clock(day: datetime, clock: str) -> datetime | None:
    if not clock:
        return day
    match = _CLOCK.fullmatch(clock)
    if match is None:
        return None
    hour, minute, second = (int(match[n] or 0) for n in (1, 2, 3))
    return day.replace(
        hour=hour, minute=minute, second=second, microsecond=_fraction_ns(match[4]) // 1000
    )
