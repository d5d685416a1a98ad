"""The lines of a story that are wanted: all of them, or the last, which are read from the end.

Must not format.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from vlanlog.core import event as e
from vlanlog.core.query import EventFilter
from vlanlog.core.state import Seq
from vlanlog.history import Line
from vlanlog.lookback.changes import ended, from_begin
from vlanlog.lookback.filters import is_wanted, whole
from vlanlog.lookback.reading import MANY
from vlanlog.lookback.tell import told_of
from vlanlog.ports import EventLog

_CHUNK = 200
_EVENTS_A_LINE = 4

_NEAR = 1000
"""Wanted events that lie so near each other are told in one go: to learn what the ports carried
takes as long as to go through what lies between them."""

_ABOUT_VIDS = frozenset({"vlan.added", "vlan.removed", "program.finished", "assignment.set"})
"""The kinds that concern a vid and can be a line; an intent is none."""


def told(log: EventLog, wanted: EventFilter) -> list[Line]:
    """Returns the lines that have an event that is wanted.

    Raises: StoreError.
    """
    forward = replace(wanted, newest_first=False)
    if wanted == whole(wanted):
        return told_of(log, wanted, list(log.select(forward)))
    anchors = [item for item in log.select(_sought(forward)) if _is_line(item.event.fact)]
    return _in_order(line for near in _grouped(anchors) for line in _around(log, wanted, near))


def last_told(
    log: EventLog, wanted: EventFilter, number: int, *, chunk: int = _CHUNK
) -> list[Line]:
    """Returns the last of these lines, reading back no farther than they need.

    Raises: StoreError.
    """
    found: list[Line] = []
    if wanted == whole(wanted):
        pieces = _told_back(log, wanted, max(chunk, _EVENTS_A_LINE * number))
    else:
        pieces = _chosen_back(log, wanted, number)
    for piece in pieces:
        # A change that two pieces met is told twice, and the same.
        found = _in_order([*piece, *found])
        if len(found) >= number:
            break
    return found[-number:]


def _told_back(log: EventLog, wanted: EventFilter, size: int) -> Iterator[list[Line]]:
    """Yields a whole story piece by piece, the newest first, each as if it were told in one go."""
    newest, end = replace(wanted, newest_first=True, limit=size), None
    while True:
        own = list(log.select(newest))[::-1]
        if is_cut := len(own) == size:
            own = from_begin(log, wanted, own)
        yield told_of(log, wanted, own, end)
        if not is_cut:
            return
        end = own[0].seq
        newest = replace(newest, until=Seq(end - 1))


def _chosen_back(log: EventLog, wanted: EventFilter, size: int) -> Iterator[list[Line]]:
    """Yields the lines about wanted events, the newest first."""
    newest = replace(_sought(wanted), newest_first=True, limit=size)
    while True:
        found = list(log.select(newest))
        anchors = [item for item in reversed(found) if _is_line(item.event.fact)]
        for near in reversed(_grouped(anchors)):
            yield _around(log, wanted, near)
        if len(found) < size:
            return
        size = min(MANY, 2 * size)
        newest = replace(newest, until=Seq(found[-1].seq - 1), limit=size)


def _sought(wanted: EventFilter) -> EventFilter:
    return replace(wanted, kinds=_ABOUT_VIDS) if wanted.vids and not wanted.kinds else wanted


def _is_line(fact: e.Fact) -> bool:
    """Tells whether the fact can be a line, or a part of one."""
    match fact:
        case e.ProgramIntended() | e.ProgramFinished(outcome=e.Outcome.DONE):
            return False
        case _:
            return True


def _grouped(events: Iterable[e.Recorded]) -> list[list[e.Recorded]]:
    """Returns the events, of which those that lie near each other are together."""
    groups: list[list[e.Recorded]] = []
    for item in events:
        if groups and item.seq - groups[-1][-1].seq <= _NEAR:
            groups[-1].append(item)
        else:
            groups.append([item])
    return groups


def _around(log: EventLog, wanted: EventFilter, near: Sequence[e.Recorded]) -> list[Line]:
    """Returns the lines about wanted events that lie near each other."""
    first, last = near[0], near[-1]
    between = replace(whole(wanted), newest_first=False, after=Seq(first.seq - 1), until=last.seq)
    story = list(log.select(between)) if len(near) > 1 else list(near)
    story = from_begin(log, wanted, [*story, *ended(log, wanted, story)])
    return [line for line in told_of(log, wanted, story) if is_wanted(line, wanted)]


def _in_order(found: Iterable[Line]) -> list[Line]:
    """Returns the lines as the story has them, each once."""
    by_seq = {line.seq: line for line in found}
    return [by_seq[seq] for seq in sorted(by_seq)]
