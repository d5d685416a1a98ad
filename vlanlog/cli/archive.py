"""``vlanlog archive``: move the beginning of the log into a file that can still be verified."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from vlanlog.archive.file import held, name_of
from vlanlog.archive.run import Archiving, Step
from vlanlog.archive.stretch import Stretch, packed_bytes, stretch_before
from vlanlog.cli import show
from vlanlog.cli.ask import answer_to
from vlanlog.cli.options import DatabaseOption, HooksOption, moment
from vlanlog.config import Settings, load_settings
from vlanlog.core.event import LogArchived
from vlanlog.core.state import Seq
from vlanlog.errors import UsageError
from vlanlog.host.commands.answer import ArchiveAnswer
from vlanlog.host.commands.request import ArchiveRequest
from vlanlog.identity import SystemClock
from vlanlog.render.words import count, plain, when
from vlanlog.store.archives import free_bytes
from vlanlog.store.existing import Engine, existing
from vlanlog.store.log import SqlEventLog

_KEPT = "13 months"

_UNITS = ("B", "kB", "MB", "GB")


def command(
    *,
    before: Annotated[
        str | None,
        typer.Option("--before", metavar="TIME", help=f"What is older; {_KEPT} if left out."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would go, and how big it would be.")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FOLDER", help="Where the files lie."),
    ] = None,
    hooks_dir: HooksOption = None,
    database: DatabaseOption = None,
) -> None:
    """Move the beginning of this host's log into a compressed file.

    The file is written, read back and recorded in the log before anything is deleted; verify,
    state and history go on from its end, and 'vlanlog import' takes it in elsewhere. A run that
    was broken off is finished by the next one. The daemon may go on.
    """
    settings = load_settings(os.environ, hooks_dir, database=database)
    before_ns = moment(before or f"{_KEPT} ago")
    if before_ns > SystemClock().now_ns():
        raise UsageError(
            f"{when(before_ns)} lies in the future", hint="give a time that is over: --before today"
        )
    with existing(settings.database, timeout_s=settings.lock_timeout_s) as engine:
        log = SqlEventLog(engine, host=settings.host)
        if log.head() is None:
            raise UsageError(
                f"there is no log of {settings.host}", hint="a log is archived on its own host"
            )
        folder = output or settings.spool.parent / "archive"
        if dry_run:
            _tell_plan(log, stretch_before(log, before_ns), folder, before_ns)
        else:
            with held(folder, log.host):
                _archive(settings, log, folder, before_ns)


def _archive(settings: Settings, log: SqlEventLog, folder: Path, before_ns: int) -> None:
    now_ns = SystemClock().now_ns()
    with _progress() as report:
        run = Archiving(
            log, folder, now_ns=now_ns, tell=partial(_recorded, settings), report=report
        )
        done = [] if (finished := run.finish()) is None else [finished]
        stretch = stretch_before(log, before_ns)
        done += [run.archive(stretch)] if stretch is not None else []
    for fact in done:
        told = f"{_stretch(fact.first, fact.last)}, {_times(fact)}, {_file(fact)}"
        print(f"{plain(log.host)}: {told}")
    if done:
        _tell_room(log.engine)
    else:
        _tell_nothing(before_ns)


def _recorded(settings: Settings, fact: LogArchived) -> UUID:
    return answer_to(settings, ArchiveRequest(fact=fact), ArchiveAnswer).event_id


def _tell_plan(log: SqlEventLog, stretch: Stretch | None, folder: Path, before_ns: int) -> None:
    if stretch is None:
        _tell_nothing(before_ns)
        return
    first = Seq(stretch.after + 1)
    size_bytes = packed_bytes(log, stretch)
    print(
        f"{plain(log.host)}: {_stretch(first, stretch.last)} would go to"
        f" {plain(str(folder / name_of(log.host, first, stretch.last)))},"
        f" of about {_size(size_bytes)}"
    )


def _tell_nothing(before_ns: int) -> None:
    show.note(f"nothing that is not archived yet is older than {when(before_ns)}")


def _tell_room(engine: Engine) -> None:
    free = free_bytes(engine)
    if free is not None:
        show.note(
            f"{_size(free)} of the database's file are free for what comes; it does not shrink"
        )


def _stretch(first: int, last: int) -> str:
    return f"{count(last - first + 1, 'event')} ({first}-{last})"


def _times(fact: LogArchived) -> str:
    return f"{when(fact.since_ns)} to {when(fact.until_ns)}"


def _file(fact: LogArchived) -> str:
    return f"are in {plain(fact.file)} ({_size(fact.size_bytes)})"


def _size(size_bytes: int) -> str:
    value, unit = float(size_bytes), 0
    while value >= 1000 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.3g} {_UNITS[unit]}"


@contextmanager
def _progress() -> Iterator[Callable[[Step, int], None]]:
    """Shows on a terminal how far it is: to pack a year of a large host takes half an hour."""
    if not sys.stderr.isatty():
        yield lambda _step, _events: None
        return
    done = dict.fromkeys(Step, 0)

    def report(step: Step, events: int) -> None:
        done[step] += events
        packed, gone = done[Step.PACKED], done[Step.LET_GO]
        print(f"\r{packed} packed, {gone} deleted", end="", file=sys.stderr, flush=True)

    yield report
    print(file=sys.stderr)
