"""``vlanlog report``: a guest's VLANs over a period as one file for an auditor."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

import vlanlog
from vlanlog.cli import show
from vlanlog.cli.archived import each_left_out
from vlanlog.cli.options import DatabaseOption, HooksOption, moment
from vlanlog.config import Settings, load_settings
from vlanlog.core.event import LogArchived, Subject
from vlanlog.core.query import EventFilter
from vlanlog.core.state import Coverage, HostState
from vlanlog.errors import EXIT_DIFFERS, BusyError, StoreError, UsageError, VlanlogError
from vlanlog.host.commands.names import guest_named, suggestion
from vlanlog.host.opening import Mode, opened
from vlanlog.identity import SystemClock
from vlanlog.render import html
from vlanlog.render.words import count, when
from vlanlog.report.make import Source, report_of
from vlanlog.report.values import Making, Period, Report
from vlanlog.store import open_log
from vlanlog.store.lock import writer_lock
from vlanlog.store.log import SqlEventLog, hosts

_STDOUT = "-"


def command(
    *,
    guest: Annotated[
        list[str] | None,
        typer.Option("--guest", metavar="GUEST|UUID", help="On this guest; may be repeated."),
    ] = None,
    all_guests: Annotated[bool, typer.Option("--all", help="On every guest of the log.")] = False,
    since: Annotated[str | None, typer.Option("--since", "-S", metavar="TIME")] = None,
    until: Annotated[str | None, typer.Option("--until", "-U", metavar="TIME")] = None,
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE", help="The HTML file; - for stdout.")
    ],
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
    utc: Annotated[bool, typer.Option("--utc", help="Times in UTC.")] = False,
    hooks_dir: HooksOption = None,
    database: DatabaseOption = None,
) -> None:
    """Write an auditor's report: one self-contained HTML file.

    Which VLANs each NIC carried when, by whom and why; what was not watched; whether the log
    is whole. Over the whole log by default, over all hosts of the database.

    Exit status: 0 written, 1 written, but the hash chain is broken.
    """
    if bool(guest) == all_guests:
        raise UsageError("on which guests?", hint="give --guest GUEST, or --all")
    if output != _STDOUT:
        _check_free(Path(output), force=force)
    settings = load_settings(os.environ, hooks_dir, database=database)
    now_ns = SystemClock().now_ns()
    with opened(settings, Mode.READ) as host:
        for line in host.notes:
            show.note(line)
        logs = _logs(settings)
        states = {name: log.state() for name, log in logs.items()}
        uuids = _every_guest(states) if all_guests else _guests(logs, states, guest or [])
        period = _period(logs, since, until, now_ns, utc=utc)
        sources = [_source(log, states[name]) for name, log in logs.items()]
    making = Making(at_ns=now_ns, version=vlanlog.__version__)
    report = report_of(sources, uuids, period, making)
    text = html.page(report, utc=utc)
    if output == _STDOUT:
        sys.stdout.write(text)
    else:
        _write(Path(output), text, force=force)
        print(f"{output}: {count(len(uuids), 'guest')}, {when(period.since_ns, utc=utc)} to "
              f"{when(period.until_ns, utc=utc)}", file=sys.stderr)  # fmt: skip
    _tell_flaws(report)


def _logs(settings: Settings) -> dict[str, SqlEventLog]:
    """Returns the log of each host that the database knows."""
    engine = open_log(
        settings.database, host=settings.host, timeout_s=settings.lock_timeout_s
    ).engine
    found = {name: SqlEventLog(engine, host=name) for name in hosts(engine)}
    if not found:
        raise UsageError("the log is empty", hint="see 'vlanlog daemon --help'")
    return found


def _every_guest(states: dict[str, HostState]) -> list[str]:
    known = {uuid: guest.name for state in states.values() for uuid, guest in state.guests.items()}
    if not known:
        raise UsageError("the log knows no guest yet", hint="see 'vlanlog history'")
    return sorted(known, key=lambda uuid: (known[uuid], uuid))


def _guests(
    logs: dict[str, SqlEventLog], states: dict[str, HostState], named: Sequence[str]
) -> list[str]:
    """Returns the UUIDs of the guests that are named, by their names of now or of then.

    Raises: UsageError with near names.
    """
    return list(dict.fromkeys(_guest(logs, states, text) for text in named))


def _guest(logs: dict[str, SqlEventLog], states: dict[str, HostState], text: str) -> str:
    now = {
        known.uuid: known.running
        for state in states.values()
        if (known := guest_named(state, text)) is not None
    }
    if now:
        uuid = next((uuid for uuid, running in now.items() if running), next(iter(now)))
        same = {
            g.uuid for state in states.values() for g in state.guests.values() if g.name == text
        }
        if others := sorted(same - {uuid}):
            show.note(f"other guests were called {text} too: {', '.join(others)}; this is {uuid}")
        return uuid
    for subject in (Subject(guest_name=text), Subject(guest_uuid=text.lower())):
        wanted = EventFilter(subjects=(subject,), limit=1)
        for log in logs.values():
            for item in log.select(wanted):
                if item.event.subject.guest_uuid:
                    return item.event.subject.guest_uuid
    names = sorted({guest.name for state in states.values() for guest in state.guests.values()})
    raise UsageError(f"guest {text!r} is not in the log", hint=suggestion(text, names))


def _period(
    logs: dict[str, SqlEventLog], since: str | None, until: str | None, now_ns: int, *, utc: bool
) -> Period:
    """Returns the period that is asked for: all that is here by default, never the future.

    Raises: UsageError.
    """
    ends = [end for log in logs.values() for end in (log.first(), log.head()) if end]
    first_ns = _first_ns(logs)
    since_ns = moment(since, utc=utc) if since else first_ns
    for told in () if since else each_left_out(logs, utc=utc):
        show.note(told)
    until_ns = moment(until, utc=utc) if until else now_ns
    if until_ns > now_ns:
        show.note("--until lies in the future: the report ends now")
        until_ns = now_ns
    if since_ns >= until_ns:
        last_ns = max(end.at_ns for end in ends)
        covers = f"{when(first_ns, utc=utc)} to {when(last_ns, utc=utc)}"
        raise UsageError(
            f"no time lies between {when(since_ns, utc=utc)} and {when(until_ns, utc=utc)}",
            hint=f"the log has events from {covers}",
        )
    return Period(since_ns=since_ns, until_ns=until_ns)


def _first_ns(logs: Mapping[str, SqlEventLog]) -> int:
    """Returns from when on something is known of all that the database has.

    What one host has archived, the others alone could tell.
    Units: ns since the epoch, UTC.
    """
    told = [item.event.fact for log in logs.values() if (item := log.archived()) is not None]
    ends_ns = [fact.until_ns for fact in told if isinstance(fact, LogArchived)]
    if ends_ns:
        return max(ends_ns) + 1
    return min(end.at_ns for log in logs.values() if (end := log.first()))


def _source(log: SqlEventLog, state: HostState) -> Source:
    head = log.head()
    watching = state.coverage is Coverage.WATCHED and _is_in_use(log)
    # What is appended meanwhile is walked too; the head that the report names is among it.
    flaw = log.verify(known=head)
    return Source(host=log.host, log=log, head=head, flaw=flaw, watching=watching)


def _is_in_use(log: SqlEventLog) -> bool:
    """Tells whether the daemon, which holds the writer lock all the time, is there."""
    try:
        with writer_lock(log.engine, host=log.host, timeout_s=0.0):
            return False
    except BusyError:
        return True
    except StoreError as error:
        show.note(f"{error.message}; whether a daemon watches now is not known")
        return False


def _check_free(path: Path, *, force: bool) -> None:
    if path.is_dir():
        raise UsageError(f"{path} is a folder", hint="name a file in it")
    if path.exists() and not force:
        raise _taken(path)


def _taken(path: Path) -> UsageError:
    return UsageError(f"{path} is there already", hint="give another name, or --force")


def _write(path: Path, text: str, *, force: bool) -> None:
    """Writes the file whole or not at all; one that has come meanwhile stays as it is.

    Raises: VlanlogError.
    """
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.") as new:
            new.write(text.encode())
            new.flush()
            os.fsync(new.fileno())
            _give_name(Path(new.name), path, force=force)
    except FileExistsError as error:
        raise UsageError(
            f"{path} is there already", hint="give another name, or --force"
        ) from error
    except OSError as error:
        raise VlanlogError(
            f"{path} cannot be written: {error.strerror}", hint=f"look at: ls -ld {path.parent}"
        ) from error


def _give_name(new: Path, path: Path, *, force: bool) -> None:
    if not force:
        # Unlike a rename, a link never takes the place of a file.
        path.hardlink_to(new)
        return
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder:
        linked = Path(folder, "report")
        linked.hardlink_to(new)
        linked.replace(path)


def _tell_flaws(report: Report) -> None:
    flaws = [host for host in report.hosts if host.flaw is not None]
    for host in flaws:
        show.note(f"the hash chain of {host.host} is broken: see 'vlanlog verify'")
    if flaws:
        raise typer.Exit(EXIT_DIFFERS)
