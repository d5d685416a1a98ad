"""Times as journalctl takes them: absolute, relative, and the words yesterday, today, now.

Must not read the clock: the caller gives the present.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from vlanlog.errors import UsageError

_UNITS = {
    "s": 1, "sec": 1, "second": 1, "seconds": 1,
    "m": 60, "min": 60, "minute": 60, "minutes": 60,
    "h": 3600, "hr": 3600, "hour": 3600, "hours": 3600,
    "d": 86400, "day": 86400, "days": 86400,
    "w": 604800, "week": 604800, "weeks": 604800,
    "month": 2629800, "months": 2629800,
    "y": 31557600, "year": 31557600, "years": 31557600,
}  # fmt: skip
_SPAN = re.compile(r"([0-9]{1,12})\s*([a-z]+)\s*")
_EPOCH = re.compile(r"@([0-9]{1,12})(?:\.([0-9]{1,9}))?")
_SECOND_NS = 1_000_000_000
_LAST_NS = 2**63 - 1  # what a database's INTEGER holds: the year 2262
_HINT = "e.g. '2026-11-03 14:00', '14:00', 'yesterday', '-2h', '3 days ago', '@1762178400'"
_CLOCKS = ("%H:%M:%S", "%H:%M")


def parse_time(text: str, now: datetime) -> int:
    """Returns the moment that the text names, as seen at ``now`` and in its time zone.

    Units: ns since the epoch, UTC.
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
    words = text.lower()
    if match := _EPOCH.fullmatch(words):
        return int(match[1]) * _SECOND_NS + int((match[2] or "").ljust(9, "0"))
    seconds = _relative(words)
    if seconds is not None:
        # Elapsed time, also over the night in which the clocks are set.
        return _ns(now) + seconds * _SECOND_NS
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    named = {
        "now": now,
        "today": midnight,
        "yesterday": midnight - timedelta(days=1),
        "tomorrow": midnight + timedelta(days=1),
    }
    found = named.get(words) or _absolute(text, now)
    return None if found is None else _ns(found)


def _ns(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000_000) * 1000


def _relative(words: str) -> int | None:
    """Returns a span in seconds from now, negative for the past; None where it is none."""
    if words.startswith(("-", "+")):
        sign, body = words[0], words[1:]
    elif words.endswith("ago"):
        sign, body = "-", words[:-3]
    else:
        return None
    body, seconds = body.strip(), 0
    if not body:
        return None
    while body:
        match = _SPAN.match(body)
        if match is None or match[2] not in _UNITS:
            return None
        seconds += int(match[1]) * _UNITS[match[2]]
        body = body[match.end() :]
    return -seconds if sign == "-" else seconds


def _absolute(text: str, now: datetime) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        pass
    else:
        # A bare date and a time without a zone are of the caller's zone.
        return moment if moment.tzinfo else moment.replace(tzinfo=now.tzinfo)
    for form in _CLOCKS:
        try:
            clock = datetime.strptime(text, form)
        except ValueError:
            continue
        return now.replace(hour=clock.hour, minute=clock.minute, second=clock.second, microsecond=0)
    return None
