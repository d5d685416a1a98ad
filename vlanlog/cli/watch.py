"""``vlanlog watch``: what happens on this host, as it happens."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from vlanlog.cli.following import Followed, follow
from vlanlog.cli.options import DatabaseOption, HooksOption, Output, OutputOption
from vlanlog.config import load_settings
from vlanlog.core.query import EventFilter
from vlanlog.follow import Story
from vlanlog.host.host import Host


def command(
    *,
    number: Annotated[
        int, typer.Option("--lines", "-n", min=0, help="So many of the past come first.")
    ] = 10,
    utc: Annotated[bool, typer.Option("--utc", help="Times in UTC.")] = False,
    output: OutputOption = Output.TABLE,
    hooks_dir: HooksOption = None,
    database: DatabaseOption = None,
) -> None:
    """Show what is recorded, as it is recorded, until Ctrl-C.

    The last lines of the log come first. One guest is watched with: history GUEST -f

    Exit status: 130 when interrupted.
    """
    settings = load_settings(os.environ, hooks_dir, database=database)
    story = Story(wanted=EventFilter(newest_first=False), number=number)

    def begin(host: Host) -> Followed:
        log = host.log
        return Followed(story=story, logs={settings.host: log}, heads={settings.host: log.head()})

    follow(settings, begin, output=output, utc=utc)
