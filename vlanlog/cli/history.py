"""``vlanlog history``: which VLANs did a guest have, when, and who changed them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, TypeVar

import typer

from vlanlog.cli import following, show
from vlanlog.cli.archived import each_left_out
from vlanlog.cli.filters import (
    ActorsOption,
    BridgesOption,
    GuestsOption,
    HostsOption,
    KindsOption,
    MacsOption,
    PortsOption,
    SinceOption,
    SubjectArgument,
    UntilOption,
    VlansOption,
    actors_of,
    kinds_of,
    vids_of,
)
from vlanlog.cli.options import DatabaseOption, HooksOption, Output, OutputOption, moment
from vlanlog.cli.subjects import Names, subjects_over
from vlanlog.config import Settings, load_settings
from vlanlog.core import event as e
from vlanlog.core.query import EventFilter
from vlanlog.errors import UsageError
from vlanlog.follow import Story
from vlanlog.history import Line, merged
from vlanlog.host import fleet
from vlanlog.host.commands.names import suggestion
from vlanlog.host.covers import covers
from vlanlog.host.host import Host
from vlanlog.host.opening import Mode, opened
from vlanlog.lookback import last_told, told, with_coverage
from vlanlog.ports import EventLog
from vlanlog.render import json, oneline, table
from vlanlog.render.words import when

_MOST_HOSTS = 5
Told = TypeVar("Told")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    """Is what is asked for; the names are not looked up yet."""

    word: str | None
    names: Names
    hosts: Sequence[str]
    wanted: EventFilter
    number: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Form:
    """Is how the answer is written."""

    output: Output
    oneline: bool
    reverse: bool
    utc: bool


def command(
    *,
    subject: SubjectArgument = None,
    guest: GuestsOption = None,
    mac: MacsOption = None,
    port: PortsOption = None,
    bridge: BridgesOption = None,
    host: HostsOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    vlan: VlansOption = None,
    kind: KindsOption = None,
    by: ActorsOption = None,
    number: Annotated[
        int | None, typer.Option("--lines", "-n", min=1, help="Only the last N lines.")
    ] = None,
    reverse: Annotated[bool, typer.Option("--reverse", "-r", help="Newest first.")] = False,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="The last lines, then each new one, till Ctrl-C.")
    ] = False,
    one_line: Annotated[
        bool, typer.Option("--oneline", help="Nothing wraps; tabs between columns in a pipe.")
    ] = False,
    utc: Annotated[bool, typer.Option("--utc", help="Times in UTC.")] = False,
    output: OutputOption = Output.TABLE,
    hooks_dir: HooksOption = None,
    database: DatabaseOption = None,
) -> None:
    """Tell a guest's story: when, what, by whom, why.

    Of a NIC, a port or a bridge as well. A guest is followed across restarts, tap names,
    renames and hosts. Options of one kind add to each other, those of different kinds must all
    apply. What was not recorded stands in its place.

    Columns of --oneline in a pipe: seq, time, host, guest, what, by, why; - for none.
    """
    settings = load_settings(os.environ, hooks_dir, database=database)
    names = Names(guests=guest or (), macs=mac or (), ports=port or (), bridges=bridge or ())
    wanted = EventFilter(
        kinds=kinds_of(kind or []),
        vids=vids_of(vlan or []),
        by=actors_of(by or []),
        since_ns=moment(since, utc=utc) if since else None,
        until_ns=moment(until, utc=utc) if until else None,
        newest_first=False,
    )
    form = _Form(output=output, oneline=one_line, reverse=reverse, utc=utc)
    _check(wanted, form)
    question = _Question(word=subject, names=names, hosts=host or (), wanted=wanted, number=number)
    if follow:
        _check_end(reverse=reverse, until=until)
        begin = partial(_followed, question=question)
        following.follow(settings, begin, output=output, one_line=one_line, utc=utc)
    else:
        _answer(settings, question, form)


def _answer(settings: Settings, question: _Question, form: _Form) -> None:
    with opened(settings, Mode.READ) as host:
        for line in host.notes:
            show.note(line)
        every = fleet.logs(host)
        logs = _chosen(every, question.hosts)
        subjects = subjects_over(every, question.word, question.names)
        wanted = replace(question.wanted, subjects=subjects)
        found = _look_back(logs, wanted, question.number, form)
        if not found:
            _note_nothing(logs, utc=form.utc)
        if question.number is None or found < question.number:
            _note_archived(logs, wanted, utc=form.utc)


def _check(wanted: EventFilter, form: _Form) -> None:
    since_ns, until_ns = wanted.since_ns, wanted.until_ns
    if since_ns is not None and until_ns is not None and since_ns > until_ns:
        since, until = when(since_ns, utc=form.utc), when(until_ns, utc=form.utc)
        raise UsageError(
            f"--since {since} lies behind --until {until}", hint="exchange the two times"
        )
    if form.oneline and form.output is not Output.TABLE:
        raise UsageError("--oneline is a form of its own", hint="leave out --oneline, or -o")


def _check_end(*, reverse: bool, until: str | None) -> None:
    for given, option in ((reverse, "-r"), (until is not None, "--until")):
        if given:
            raise UsageError(
                f"-f and {option} exclude each other: what is followed has no end",
                hint=f"leave out -f, or {option}",
            )


def _chosen(every: Mapping[str, EventLog], named: Sequence[str]) -> dict[str, EventLog]:
    """Returns the logs of the hosts that are named, of all where none is.

    Raises: UsageError with near names.
    """
    for name in named:
        if name not in every:
            hint = suggestion(name, sorted(every))
            raise UsageError(f"the database has no log of host {name!r}", hint=hint)
    return {name: log for name, log in every.items() if not named or name in named}


def _look_back(
    logs: Mapping[str, EventLog], wanted: EventFilter, number: int | None, form: _Form
) -> int:
    """Prints what is found, and returns how much that was."""
    if form.output is Output.TABLE:
        lines = merged(_lines(log, wanted, number) for log in logs.values())
        _print_lines(_cut(lines, number, form), wanted, form)
        return len(lines)
    events = merged(_events(log, wanted, number) for log in logs.values())
    _print_json(_cut(events, number, form), form.output)
    return len(events)


def _lines(log: EventLog, wanted: EventFilter, number: int | None) -> list[Line]:
    return told(log, wanted) if number is None else last_told(log, wanted, number)


def _events(log: EventLog, wanted: EventFilter, number: int | None) -> list[e.Recorded]:
    newest = replace(wanted, newest_first=True, limit=number)
    return with_coverage(log, wanted, list(log.select(newest))[::-1])


def _cut(found: list[Told], number: int | None, form: _Form) -> list[Told]:
    found = found[-number:] if number else found
    return found[::-1] if form.reverse else found


def _print_lines(lines: Sequence[Line], wanted: EventFilter, form: _Form) -> None:
    width, guests, hosts = show.width(), _has_guests(lines, wanted), _has_hosts(lines)
    if form.oneline:
        for line in lines:
            print(oneline.row(line, width=width, guests=guests, hosts=hosts, utc=form.utc))
    elif lines:
        print(
            table.history(
                lines, width=width, colour=show.colour(), utc=form.utc, guests=guests, hosts=hosts
            )
        )


def _has_guests(lines: Sequence[Line], wanted: EventFilter) -> bool:
    """Tells whether lines have to say whose they are: not those of one guest with one name."""
    names = {line.event.subject.guest_name for line in lines} - {None}
    return len({subject.guest_uuid for subject in wanted.subjects} - {None}) != 1 or len(names) > 1


def _has_hosts(lines: Sequence[Line]) -> bool:
    return len({line.event.host for line in lines}) > 1


def _print_json(events: Sequence[e.Recorded], output: Output) -> None:
    items = [json.event(item) for item in events]
    if output is Output.JSON:
        print(json.dumped(items))
    else:
        for item in items:
            print(json.one_line(item))


def _note_nothing(logs: Mapping[str, EventLog], *, utc: bool) -> None:
    """Says that nothing matched, and what there is: silence would look like an answer."""
    if not logs:
        show.note("nothing matched: the log is empty")
    elif len(logs) == 1:
        show.note(f"nothing matched: {covers(*logs.values(), utc=utc)}")
    else:
        show.note("nothing matched")
        for name, log in list(logs.items())[:_MOST_HOSTS]:
            show.note(f"{name}: {covers(log, utc=utc)}")
        if len(logs) > _MOST_HOSTS:
            show.note(f"and {len(logs) - _MOST_HOSTS} hosts more: see 'vlanlog verify'")


def _note_archived(logs: Mapping[str, EventLog], wanted: EventFilter, *, utc: bool) -> None:
    for remark in each_left_out(logs, since_ns=wanted.since_ns, utc=utc):
        show.note(remark)


def _followed(host: Host, question: _Question) -> following.Followed:
    """Returns what is followed; a name that no log knows yet is waited for."""
    # A guest may be known by a name that it has on another host alone.
    every, wanted = fleet.logs(host) or {host.settings.host: host.log}, question.wanted
    logs = _chosen(every, question.hosts)
    heads = {name: log.head() for name, log in logs.items()}
    name = question.word or ""
    try:
        wanted = replace(wanted, subjects=subjects_over(every, question.word, question.names))
    except UsageError as error:
        if not name or question.names != Names():
            raise
        show.note(f"{error.message} yet: waiting for it")
        if error.hint:
            show.hint(error.hint)
    if wanted.since_ns is not None:
        _note_archived(logs, wanted, utc=False)
    last = question.number or (None if wanted.since_ns is not None else 10)
    return following.Followed(
        story=Story(wanted=wanted, name=name, number=last), logs=logs, heads=heads
    )
