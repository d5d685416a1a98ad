"""Which lines of a story are wanted, and which events are read for them.

Must not read a log.
"""

from __future__ import annotations

from dataclasses import replace

from vlanlog.core.query import EventFilter, matches
from vlanlog.history import Line

COVERAGE = frozenset(
    {"host.booted", "daemon.started", "daemon.stopped", "watch.gap_opened", "watch.gap_closed"}
)
"""The kinds that say what the record covers."""


def whole(wanted: EventFilter) -> EventFilter:
    """Returns the filter of the events that are told, of which ``is_wanted`` then chooses lines.

    A change without what came before it, or without the intent that caused it, would be told
    wrong.
    """
    return replace(wanted, kinds=frozenset(), vids=0, by=())


def is_wanted(line: Line, wanted: EventFilter) -> bool:
    """Tells whether the line has an event that is wanted."""
    about_all = replace(wanted, subjects=())
    return any(matches(about_all, event) for event in (line.event, *line.more))


def wants_coverage(wanted: EventFilter) -> bool:
    """Tells whether what the record covers is to be added: it is part of every subject's story."""
    return bool(wanted.subjects) and wanted == whole(wanted)
