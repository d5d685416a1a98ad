"""``vlanlog metrics``: figures for Prometheus, as node_exporter's textfile collector takes them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

import vlanlog
from vlanlog.cli import show
from vlanlog.cli.files import FileError, written
from vlanlog.cli.options import DatabaseOption, HooksOption
from vlanlog.config import Settings, load_settings
from vlanlog.dispatch.wire import request as ask_socket
from vlanlog.errors import EXIT_DIFFERS, KernelError, StoreError
from vlanlog.host.commands.replay import rehearsed
from vlanlog.host.commands.request import ReplayRequest
from vlanlog.host.opening import Mode, opened
from vlanlog.metrics import Backlog, Database, Drift, Reading, Tally, families
from vlanlog.render import prometheus
from vlanlog.spool import Spool
from vlanlog.store import tally as tallies
from vlanlog.store.existing import existing
from vlanlog.store.log import SqlEventLog
from vlanlog.store.schema import HEAD

_ANSWERS_S = 2.0

_READABLE = 0o644
"""Of the file that is written: node_exporter runs as a user of its own."""


def command(
    *,
    output: Annotated[
        str,
        typer.Option("--output", "-o", metavar="FILE", help="The textfile; - for stdout."),
    ] = "-",
    hooks_dir: HooksOption = None,
    database: DatabaseOption = None,
) -> None:
    """Write figures of this host for Prometheus.

    A file for node_exporter's textfile collector: events by kind, gaps, foreign changes, drift,
    what waits in the spool, whether the daemon answers. The log is gone through once; what it
    added up to is kept beside the spool.

    Exit status: 0 all is told, 1 something could not be read: the file says what.
    """
    settings = load_settings(os.environ, hooks_dir, database=database)
    remarks: list[str] = []
    log = _database(settings, remarks)
    found = Reading(
        version=vlanlog.__version__,
        # It has no such verb, and says so: its loop goes round.
        daemon_up=ask_socket(settings.socket, "ping", {}, _ANSWERS_S) is not None,
        database=log,
        # Without the log, what operators wish is not known.
        drift=_drift(settings, remarks) if log else None,
        spool=_spool(settings, remarks),
    )
    with written(output) as file:
        file.write(prometheus.text(families(found)).encode())
        if output != "-":
            os.fchmod(file.fileno(), _READABLE)
    for line in dict.fromkeys(remarks):
        show.note(line)
    if None in (found.database, found.drift, found.spool):
        raise typer.Exit(EXIT_DIFFERS)


def _database(settings: Settings, remarks: list[str]) -> Database | None:
    try:
        with existing(settings.database, timeout_s=settings.lock_timeout_s) as engine:
            head = SqlEventLog(engine, host=settings.host).head()
            tally = tallies.tallied(engine, settings.host, _kept(settings))
            _keep(settings, tally, remarks)
            return Database(
                size_bytes=tallies.size_bytes(engine),
                schema=int(HEAD),
                last_ns=head.at_ns if head else None,
                tally=tally,
            )
    except StoreError as error:
        remarks.append(error.message)
        return None


def _tally_file(settings: Settings) -> Path:
    # Beside the spool, for a database may be on another machine.
    return settings.spool.with_name("tally.json")


def _kept(settings: Settings) -> Tally | None:
    """Returns what the log added up to last time; what cannot be read is added up anew."""
    try:
        return tallies.read(_tally_file(settings).read_bytes())
    except OSError:
        return None


def _keep(settings: Settings, tally: Tally, remarks: list[str]) -> None:
    try:
        with written(str(_tally_file(settings))) as file:
            file.write(tallies.written(tally))
    except FileError as error:
        remarks.append(f"{error.message}; the whole log is gone through each time")


def _drift(settings: Settings, remarks: list[str]) -> Drift | None:
    try:
        with opened(settings, Mode.REHEARSE) as host:
            answer = rehearsed(host, ReplayRequest())
    except (StoreError, KernelError) as error:
        remarks.append(error.message)
        return None
    plan = answer.report.plan
    return Drift(
        ports=len(plan.ports),
        bridges=len(plan.bridges),
        missing=len(plan.missing),
        config_errors=len(answer.config_errors),
    )


def _spool(settings: Settings, remarks: list[str]) -> Backlog | None:
    try:
        pending = Spool(settings.spool, host=settings.host).pending()
        waiting = list(filter(None, map(_status, pending)))
        set_aside = _set_aside(settings.spool / "bad")
    except OSError as error:
        remarks.append(f"the spool {settings.spool} cannot be read: {error.strerror}")
        return None
    return Backlog(
        files=len(waiting),
        size_bytes=sum(file.st_size for file in waiting),
        oldest_ns=min((file.st_mtime_ns for file in waiting), default=None),
        set_aside=set_aside,
    )


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        # It was taken in since the folder was listed.
        return None


def _set_aside(folder: Path) -> int:
    try:
        return sum(path.suffix != ".why" for path in folder.iterdir())
    except FileNotFoundError:
        return 0
