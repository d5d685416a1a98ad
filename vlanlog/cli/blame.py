"""``vlanlog blame``: for each vid that a port carries, the event that put it there."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Annotated

import typer

from vlanlog.blame import blame, removed
from vlanlog.cli import show
from vlanlog.cli.archived import left_out
from vlanlog.cli.fleet import Member, logs_of, members, subjects_of
from vlanlog.cli.options import (
    AtOption,
    DatabaseOption,
    HooksOption,
    Output,
    OutputOption,
    moment_or_event,
)
from vlanlog.config import load_settings
from vlanlog.core import event as e
from vlanlog.core.vlan import Vid, VidError, vid
from vlanlog.errors import UsageError
from vlanlog.host.commands.names import suggestion
from vlanlog.host.host import Host
from vlanlog.host.opening import Mode, opened
from vlanlog.ports import EventLog
from vlanlog.render import blame as render
from vlanlog.render import json


def command(
    *,
    subject: Annotated[
        str, typer.Argument(metavar="PORT|GUEST|GUEST/MAC", help="Whose VLANs; or a NIC's MAC.")
    ],
    vlan: Annotated[int | None, typer.Option(metavar="VID", help="Only this vid.")] = None,
    gone: Annotated[
        bool, typer.Option("--removed", help="What took the VLANs that it carries no more.")
    ] = False,
    on: Annotated[
        str | None, typer.Option("--host", metavar="HOST", help="Only there; all if left out.")
    ] = None,
    at: AtOption = None,
    utc: Annotated[bool, typer.Option("--utc", help="Times in UTC.")] = False,
    output: OutputOption = Output.TABLE,
    hooks_dir: HooksOption = None,
    database: DatabaseOption = None,
) -> None:
    """Show which event put each VLAN on its port.

    As the log says, now or with --at at a time, on whichever host of the database a guest is. A
    vid that was set again is due to the last time; --removed goes back to when the port joined
    its bridge. JSON is shaped like that of `bridge -j -compressvlans vlan show`.
    """
    only = _vid(vlan)
    settings = load_settings(os.environ, hooks_dir, database=database)
    moment = None if at is None else moment_or_event(at, utc=utc)
    with opened(settings, Mode.READ) as host:
        logs = logs_of(host, on)
        asked = members(host, logs, moment, utc=utc)
        meant = _subjects(host, logs, asked, subject)
        found = [
            (member.name, item)
            for member in asked
            if member.name in meant
            for item in (removed if gone else blame)(
                member.log, member.then, meant[member.name], only
            )
        ]
        for line in (*host.notes, *_archived(found, logs, utc=utc, gone=gone)):
            show.note(line)
    if not any(item.origins or item.older for _, item in found):
        show.note(_nothing(subject, only, found, gone=gone))
    _print(found, output, utc=utc)


def _subjects(
    host: Host, logs: dict[str, EventLog], asked: Sequence[Member], text: str
) -> dict[str, e.Subject]:
    """Returns whose ports are meant, by host.

    Raises: UsageError with near names.
    """
    name, slash, which = text.rpartition("/")
    if not slash:
        return subjects_of(host, logs, text)
    subjects = subjects_of(host, logs, name)
    uuid = next(iter(subjects.values())).guest_uuid
    guests = (member.then.guests.get(uuid or "") for member in asked)
    nics = [nic for guest in guests if guest for nic in guest.nics]
    for nic in nics:
        if which.lower() == nic.mac or which == nic.alias:
            return dict.fromkeys(subjects, e.Subject(guest_uuid=uuid, mac=nic.mac))
    hint = suggestion(which, [nic.mac for nic in nics])
    raise UsageError(f"{name} has no NIC {which!r}", hint=hint)


def _archived(
    found: render.Found, logs: dict[str, EventLog], *, utc: bool, gone: bool
) -> Iterator[str]:
    """Yields what to say of VLANs whose events are in files."""
    for _, item in found:
        if item.older:
            yield f"{item.port.name}: what set {item.older} is archived"
    for host in dict.fromkeys(host for host, item in found if item.older or gone):
        if (told := left_out(logs[host], utc=utc)) is not None:
            yield told


def _nothing(text: str, only: Vid | None, found: render.Found, *, gone: bool) -> str:
    if not found:
        return f"{text} is on no bridge at that time; see 'vlanlog history'"
    if gone:
        return f"{text} has lost {'no VLAN' if only is None else f'no vid {only}'} by that time"
    return f"{text} carries {'no VLAN' if only is None else f'no vid {only}'} at that time"


def _print(found: render.Found, output: Output, *, utc: bool) -> None:
    items = render.ports(found)
    match output:
        case Output.TABLE:
            if items:
                print(render.table(found, width=show.width(), colour=show.colour(), utc=utc))
        case Output.JSON:
            print(json.dumped(items))
        case Output.JSONL:
            for item in items:
                print(json.one_line(item))


def _vid(number: int | None) -> Vid | None:
    try:
        return None if number is None else vid(number)
    except VidError as error:
        raise UsageError(str(error), hint="--vlan takes one vid") from error
