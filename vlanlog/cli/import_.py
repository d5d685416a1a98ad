"""``vlanlog import``: take in the log of a host that was exported elsewhere."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from vlanlog.cli import show
from vlanlog.cli.files import SPOILED, FileError, read
from vlanlog.cli.options import DatabaseOption, HooksOption
from vlanlog.config import Settings, load_settings
from vlanlog.core import export
from vlanlog.core.export import ExportError, Header, Link
from vlanlog.errors import StoreError, UsageError
from vlanlog.render.words import count, plain
from vlanlog.store.engine import open_engine
from vlanlog.store.existing import Engine
from vlanlog.store.importing import Imported, keep_snapshots, take_in
from vlanlog.store.lock import writer_lock
from vlanlog.store.log import SqlEventLog
from vlanlog.store.upgrade import ensure_schema

_Tick = Callable[[int], None]


def command(
    *,
    file: Annotated[
        list[str], typer.Argument(metavar="FILE...", help="Written by export; - for stdin.")
    ],
    hooks_dir: HooksOption = None,
    database: DatabaseOption = None,
) -> None:
    """Take in a host's log that was exported.

    Each file is taken in whole or not at all; every event keeps its place and its hash. Into a
    database that has that log already, only what continues it is taken.
    """
    settings = load_settings(os.environ, hooks_dir, database=database)
    engine = open_engine(settings.database, timeout_s=settings.lock_timeout_s)
    try:
        ensure_schema(engine)
        for name in file:
            _import(engine, settings, name)
    finally:
        engine.dispose()


def _import(engine: Engine, settings: Settings, name: str) -> None:
    with _refusals(name), read(name) as lines:
        header, links = export.read(lines)
        if header.selection:
            raise UsageError(
                f"{name} is a selection ({plain(header.selection)}): its chain has holes",
                hint="export without names and times, and import that",
            )
        taken = _taken(engine, settings, header, links)
    head = SqlEventLog(engine, host=header.host).head()
    new = count(taken.now - taken.before, "new event") if taken.now > taken.before else "no news"
    if head is not None:
        print(f"{plain(header.host)}: {new}; head {head.seq} {head.hash.hex()}")


def _taken(engine: Engine, settings: Settings, header: Header, links: Iterator[Link]) -> Imported:
    with (
        writer_lock(engine, host=header.host, timeout_s=settings.lock_timeout_s),
        _progress() as tick,
    ):
        taken = take_in(engine, header, links, tick=tick)
        try:
            keep_snapshots(engine, header.host, taken, every=settings.snapshot_interval)
        except StoreError as error:
            # What was taken in is committed; without snapshots it is only slower to ask.
            show.note(f"no snapshots were kept: {error.message}")
    return taken


@contextmanager
def _refusals(name: str) -> Iterator[None]:
    """Raises as FileError, with its line, what is wrong with the file."""
    try:
        yield
    except ExportError as error:
        raise FileError(
            f"{name}, line {error.line}: {plain(error.why)}; nothing was imported",
            hint="have it exported and sent again; it was changed or cut short on its way",
        ) from error
    except SPOILED as error:
        raise FileError(
            f"{name} cannot be unpacked: {error}; nothing was imported",
            hint="have it sent again",
        ) from error
    except OSError as error:
        raise FileError(
            f"{name}: {error.strerror}; nothing was imported", hint="can the disk be read? dmesg"
        ) from error


@contextmanager
def _progress() -> Iterator[_Tick]:
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    done = 0

    def tick(number: int) -> None:
        nonlocal done
        done += number
        print(f"\r{done} events", end="", file=sys.stderr, flush=True)

    yield tick
    print(file=sys.stderr)
