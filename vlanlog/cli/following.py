"""Shows a story as it goes on, for ``watch`` and ``history -f``, until it is interrupted.

Must not decide what belongs to it.
"""

from __future__ import annotations

import errno
import select
import sys
from collections.abc import Callable, Iterable

from vlanlog.cli import show
from vlanlog.cli.options import Output
from vlanlog.config import Settings
from vlanlog.core.state import Coverage
from vlanlog.errors import UsageError
from vlanlog.follow import Events, Lines, Story, Watch
from vlanlog.host.host import Host
from vlanlog.host.live import LiveLog
from vlanlog.host.opening import Mode, opened
from vlanlog.render import json, stream

_PAUSE_MS = 200
"""Between two looks: hardly seen by a person, and hardly felt by the database."""


def follow(
    settings: Settings, story_of: Callable[[Host], Story], *, output: Output, utc: bool = False
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
        story = story_of(host)
        follower = (Lines if output is Output.TABLE else Events)(story, host.log)
    with LiveLog(settings, show.note) as live:
        watch = Watch(look=live.look, pause=_pause, say=show.note)
        if isinstance(follower, Events):
            _print(json.one_line(json.event(item)) for item in follower.past)
            for events in follower.new(watch):
                _print(json.one_line(json.event(item)) for item in events)
            return
        form = stream.layout(width=show.width(), guests=not story.name, utc=utc)
        _print([stream.heading(form, colour=show.colour())])
        _print(stream.rows(follower.past, form))
        for lines in follower.new(watch):
            _print(stream.rows(lines, form))


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


def _pause() -> None:
    """Waits for the next look, or ends at once when whoever read what is printed has gone."""
    reader = select.poll()
    reader.register(sys.stdout, 0)
    if reader.poll(_PAUSE_MS):
        raise BrokenPipeError
