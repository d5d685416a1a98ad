"""``vlanlog history``: which VLANs did a guest have, when, and who changed them."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial, reduce
from operator import or_
from typing import Annotated

import typer

from vlanlog.cli import following, show
from vlanlog.cli.options import DatabaseOption, HooksOption, Output, OutputOption, moment
from vlanlog.cli.subjects import subjects_named
from vlanlog.config import load_settings
from vlanlog.core import codec
from vlanlog.core import event as e
from vlanlog.core.query import EventFilter
from vlanlog.core.vlan import VidError, parse_vids
from vlanlog.errors import UsageError
from vlanlog.follow import Story
from vlanlog.history import Line
from vlanlog.host.host import Host
from vlanlog.host.opening import Mode, opened
from vlanlog.lookback import last_told, told, with_coverage
from vlanlog.render import json, table

_VLAN_HINT = "e.g. --vlan 100, or --vlan 200,300-310"


def command(
    *,
    subject: Annotated[
        str | None,
        typer.Argument(metavar="[GUEST|UUID|MAC|PORT]", help="Whose story; all if left out."),
    ] = None,
    since: Annotated[str | None, typer.Option("--since", "-S", metavar="TIME")] = None,
    until: Annotated[str | None, typer.Option("--until", "-U", metavar="TIME")] = None,
    vlan: Annotated[
        list[str] | None,
        typer.Option(metavar="VIDS", help="Only what concerns one of them: 100 or 200,300-310."),
    ] = None,
    kind: Annotated[
        list[str] | None, typer.Option(metavar="KIND", help="Only these kinds, e.g. vlan.added.")
    ] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(metavar="WHO", help="Only what this actor did: a user, a part of a command."),
    ] = None,
    number: Annotated[
        int | None, typer.Option("--lines", "-n", min=1, help="Only the last N lines.")
    ] = None,
    reverse: Annotated[bool, typer.Option("--reverse", "-r", help="Newest first.")] = False,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="The last lines, then each new one, till Ctrl-C.")
    ] = False,
    utc: Annotated[bool, typer.Option("--utc", help="Times in UTC.")] = False,
    output: OutputOption = Output.TABLE,
    hooks_dir: HooksOption = None,
    database: DatabaseOption = None,
) -> None:
    """Tell a guest's story: when, what, by whom, why.

    Of a NIC, a port or a bridge as well. A guest is followed across restarts, tap names and
    renames.
    """
    settings = load_settings(os.environ, hooks_dir, database=database)
    wanted = EventFilter(
        kinds=_kinds(kind or []),
        vids=_vids(vlan or []),
        by=_actors(by or []),
        since_ns=moment(since, utc=utc) if since else None,
        until_ns=moment(until, utc=utc) if until else None,
        newest_first=False,
    )
    if follow:
        _check_end(reverse=reverse, until=until)
        last = number or (None if since else 10)
        story = partial(_story, wanted=wanted, name=subject or "", number=last)
        following.follow(settings, story, output=output, utc=utc)
        return
    with opened(settings, Mode.READ) as host:
        if subject is not None:
            subjects = subjects_named(host.log, host.state, subject)
            wanted = replace(wanted, subjects=subjects)
        _look_back(host, wanted, output, number=number, reverse=reverse, utc=utc)


def _look_back(
    host: Host,
    wanted: EventFilter,
    output: Output,
    *,
    number: int | None,
    reverse: bool,
    utc: bool,
) -> None:
    for line in host.notes:
        show.note(line)
    if output is Output.TABLE:
        _print_lines(host, wanted, number=number, reverse=reverse, utc=utc)
        return
    newest = replace(wanted, newest_first=True, limit=number)
    found = with_coverage(host.log, wanted, list(host.log.select(newest))[::-1])
    _print_json(found, output, number=number, reverse=reverse)


def _print_lines(
    host: Host, wanted: EventFilter, *, number: int | None, reverse: bool, utc: bool
) -> None:
    found = told(host.log, wanted) if number is None else last_told(host.log, wanted, number)
    _print_table(found[::-1] if reverse else found, utc=utc, guests=not wanted.subjects)


def _check_end(*, reverse: bool, until: str | None) -> None:
    for given, option in ((reverse, "-r"), (until is not None, "--until")):
        if given:
            raise UsageError(
                f"-f and {option} exclude each other: what is followed has no end",
                hint=f"leave out -f, or {option}",
            )


def _story(host: Host, wanted: EventFilter, name: str, number: int | None) -> Story:
    """Returns what is followed; a name that the log does not know yet is waited for."""
    if name:
        try:
            wanted = replace(wanted, subjects=subjects_named(host.log, host.state, name))
        except UsageError as error:
            show.note(f"{error.message} yet: waiting for it")
            if error.hint:
                show.hint(error.hint)
    return Story(wanted=wanted, name=name, number=number)


def _print_table(told: list[Line], *, utc: bool, guests: bool) -> None:
    width, colour = show.width(), show.colour()
    print(table.history(told, width=width, colour=colour, utc=utc, guests=guests))


def _print_json(
    found: list[e.Recorded], output: Output, *, number: int | None, reverse: bool
) -> None:
    found = found[-number:] if number else found
    items = [json.event(item) for item in (reversed(found) if reverse else found)]
    if output is Output.JSON:
        print(json.dumped(items))
    else:
        for item in items:
            print(json.one_line(item))


def _kinds(given: list[str]) -> frozenset[str]:
    unknown = sorted(set(given) - set(codec.KINDS))
    if unknown:
        raise UsageError(
            f"unknown kind {', '.join(unknown)}", hint=f"known are {', '.join(codec.KINDS)}"
        )
    return frozenset(given)


def _vids(given: list[str]) -> int:
    try:
        vids = reduce(or_, map(parse_vids, given), 0)
    except VidError as error:
        raise UsageError(f"--vlan: {error}", hint=_VLAN_HINT) from error
    if given and not vids:
        raise UsageError("--vlan names no vid", hint=_VLAN_HINT)
    return vids


def _actors(given: list[str]) -> tuple[str, ...]:
    # What a table calls unknown is so in two ways: heard of, or found by a re-read.
    heard = [e.ActorSource.KERNEL.value] if e.ActorSource.UNKNOWN in given else []
    return (*given, *heard)
