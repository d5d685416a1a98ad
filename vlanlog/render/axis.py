"""A time axis: where a moment lies in a period, and ticks at times that a person would choose.

Must not draw.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_SECOND_NS = 1_000_000_000
_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86400
_STEPS_S = (
    *(1, 2, 5, 10, 15, 30),
    *(m * _MINUTE_S for m in (1, 2, 5, 10, 15, 30)),
    *(h * _HOUR_S for h in (1, 2, 3, 6, 12)),
    *(d * _DAY_S for d in (1, 2, 7, 14)),
)
_STEPS_MONTHS = (1, 2, 3, 6, 12, 24, 60, 120)
_MONTH_S = 30.4 * _DAY_S
_MOST = 7
_MONDAY = datetime(2001, 1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """Is a mark on the axis.

    Units: at is a share of the axis, 0-1.
    """

    at: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """Is a period in the local zone or in UTC.

    Units: ns since the epoch, UTC.
    """

    since_ns: int
    until_ns: int
    utc: bool

    def share(self, at_ns: int) -> float:
        """Returns where the moment lies. Units: 0-1, whatever lies outside is moved in."""
        length = max(1, self.until_ns - self.since_ns)
        return min(1.0, max(0.0, (at_ns - self.since_ns) / length))

    def ticks(self) -> tuple[Tick, ...]:
        """Returns at most seven ticks, at whole hours or days and the like of the zone."""
        length_s = (self.until_ns - self.since_ns) / _SECOND_NS
        step_s = next((step for step in _STEPS_S if length_s / step <= _MOST), None)
        found = []
        last = None
        for moment in self._days(length_s) if step_s is None else self._clock(step_s):
            at_ns = self._ns(moment)
            if self.since_ns <= at_ns <= self.until_ns:
                label = _label(moment, step_s, last)
                found.append(Tick(at=self.share(at_ns), label=label))
                last = moment
        return tuple(found)

    def _clock(self, step_s: int) -> Iterator[datetime]:
        """Yields the times of a step that is counted from midnight, or in days from a Monday."""
        begin = self._local(self.since_ns)
        midnight = begin.replace(hour=0, minute=0, second=0, microsecond=0)
        if step_s >= _DAY_S:
            days = step_s // _DAY_S
            midnight -= timedelta(days=(midnight - _MONDAY).days % days)
        end = self._local(self.until_ns)
        moment = midnight + (begin - midnight) // timedelta(seconds=step_s) * timedelta(
            seconds=step_s
        )
        while moment <= end:
            yield moment
            moment += timedelta(seconds=step_s)

    def _days(self, length_s: float) -> Iterator[datetime]:
        months = next(
            (n for n in _STEPS_MONTHS if length_s / (n * _MONTH_S) <= _MOST), _STEPS_MONTHS[-1]
        )
        begin, end = self._local(self.since_ns), self._local(self.until_ns)
        number = (begin.year * 12 + begin.month - 1) // months * months
        while number // 12 <= end.year:
            yield datetime(number // 12, number % 12 + 1, 1)
            number += months

    def _local(self, at_ns: int) -> datetime:
        """Returns the wall clock's time, without a zone."""
        moment = datetime.fromtimestamp(at_ns // _SECOND_NS, UTC)
        return (moment if self.utc else moment.astimezone()).replace(tzinfo=None)

    def _ns(self, moment: datetime) -> int:
        zoned = moment.replace(tzinfo=UTC) if self.utc else moment.astimezone()
        return round(zoned.timestamp()) * _SECOND_NS


def _label(moment: datetime, step_s: int | None, last: datetime | None) -> str:
    """Returns the time of day, with the date where it is the first of a day, or the date."""
    date = f"{moment.day} {moment:%b}"
    if step_s is None:
        return f"{moment:%b %Y}"
    if step_s >= _DAY_S:
        return f"{date} {moment.year}" if last is None or last.year != moment.year else date
    clock = f"{moment:%H:%M:%S}" if step_s < _MINUTE_S else f"{moment:%H:%M}"
    return clock if last is not None and last.date() == moment.date() else f"{date} {clock}"
