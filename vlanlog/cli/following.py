"""Shows a story as it goes on, for ``watch`` and ``history -f``, until it is interrupted.

Must not decide what belongs to it.
"""

from __future__ import annotations

import errno
import select
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from typing import TypeVar

from vlanlog.cli import show
from vlanlog.cli.options import Output
from vlanlog.config import Settings
from vlanlog.core import event as e
from vlanlog.core.query import Head
from vlanlog.core.state import Coverage
from vlanlog.errors import UsageError
from vlanlog.follow import Events, Lines, Story, Watch
from vlanlog.history import Line, merged
from vlanlog.host.fleet import neighbour
from vlanlog.host.host import Host
from vlanlog.host.live import LiveLog
from vlanlog.host.opening import Mode, opened
from vlanlog.ports import EventLog
from vlanlog.render import json, oneline, stream

_PAUSE_MS = 200
"""Between two looks: hardly seen by a person, and hardly felt by the database."""

_SHORTEST_PAUSE_MS = 20

_Follower = TypeVar("_Follower", Lines, Events)
_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """Is a story, and the logs by their hosts in which it is followed.

    Shape: heads has that of each log before the story's names were looked up.
    """

    story: Story
    logs: Mapping[str, EventLog]
    heads: Mapping[str, Head | None]


def follow(
    settings: Settings,
    begin: Callable[[Host], Followed],
    *,
    output: Output,
    one_line: bool = False,
    utc: bool = False,
) -> None:
    """Prints the story, each line as soon as it is whole, each event as soon as it is committed.

    Raises: UsageError, StoreError; BrokenPipeError once nobody reads it.
    """
    if output is Output.JSON:
        raise UsageError(
            "one JSON text has an end, what is followed has none",
            hint="give -o jsonl: an event a line",
        )
    with opened(settings, Mode.READ) as host:
        for line in host.notes:
            show.note(line)
        if host.state.coverage is not Coverage.WATCHED:
            show.note("no daemon is running: only what hooks and commands record will show")
        followed = begin(host)
        story, heads = followed.story, followed.heads
        if output is Output.TABLE:
            lines = {name: Lines(story, log, heads[name]) for name, log in followed.logs.items()}
        else:
            events = {name: Events(story, log, heads[name]) for name, log in followed.logs.items()}
    with LiveLog(settings, show.note) as live:
        if output is Output.TABLE:
            _show_lines(lines, live, story, one_line=one_line, utc=utc)
        else:
            _print_events(merged(item.past for item in events.values())[-_last(story) :])
            for found in _in_turn(item.new(watch) for item, watch in _watches(events, live)):
                _print_events(found)


def _show_lines(
    followers: Mapping[str, Lines], live: LiveLog, story: Story, *, one_line: bool, utc: bool
) -> None:
    uuids = {subject.guest_uuid for subject in story.wanted.subjects} - {None}
    guests, hosts = not story.is_awaited and len(uuids) != 1, len(followers) > 1
    form = stream.layout(width=show.width(), guests=guests, hosts=hosts, utc=utc)

    def shown(lines: Iterable[Line]) -> Iterable[str]:
        if not one_line:
            return stream.rows(lines, form)
        width = show.width()
        return (
            oneline.row(line, width=width, guests=guests, hosts=hosts, utc=utc) for line in lines
        )

    if not one_line:
        _print([stream.heading(form, colour=show.colour())])
    _print(shown(merged(item.past for item in followers.values())[-_last(story) :]))
    for lines in _in_turn(item.new(watch) for item, watch in _watches(followers, live)):
        _print(shown(lines))


def _last(story: Story) -> int:
    """Returns how many of the past come first, 0 for all: those of each host are as many."""
    return story.number or 0


def _watches(
    followers: Mapping[str, _Follower], live: LiveLog
) -> Iterator[tuple[_Follower, Watch]]:
    """Yields each follower with how it looks at its host's log; the pauses share their time."""
    pause_ms = max(_PAUSE_MS // max(len(followers), 1), _SHORTEST_PAUSE_MS)
    say = _Remarks()
    for name, follower in followers.items():
        look = _Look(live, name)
        yield follower, Watch(look=look, pause=partial(_pause, pause_ms), say=say)


@dataclass(frozen=True, slots=True)
class _Look:
    """Looks at the log of one host of the database."""

    live: LiveLog
    host: str

    def __call__(self, *, anew: bool) -> EventLog:
        return neighbour(self.live.look(anew=anew), self.host)


class _Remarks:
    """Says once what comes of each host alike: a database that is away."""

    def __init__(self) -> None:
        self._last = ""

    def __call__(self, text: str) -> None:
        if text != self._last:
            show.note(text)
        self._last = text


def _in_turn(streams: Iterable[Iterator[list[_Item]]]) -> Iterator[list[_Item]]:
    for found in cycle(list(streams)):
        yield next(found)


def _print_events(found: Iterable[e.Recorded]) -> None:
    _print(json.one_line(json.event(item)) for item in found)


def _print(texts: Iterable[str]) -> None:
    try:
        for text in texts:
            print(text)
        sys.stdout.flush()
    except OSError as error:
        # A terminal that is gone, to a process that its hang-up did not end.
        if error.errno == errno.EIO:
            raise BrokenPipeError from error
        raise


def _pause(pause_ms: int) -> None:
    """Waits for the next look, or ends at once when whoever read what is printed has gone."""
    reader = select.poll()
    reader.register(sys.stdout, 0)
    if reader.poll(pause_ms):
        raise BrokenPipeError
