"""``vlanlog blame``: for each vid that a port carries, the event that put it there."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from vlanlog.blame import Blamed, blame
from vlanlog.cli import show
from vlanlog.cli.options import (
    AtOption,
    DatabaseOption,
    HooksOption,
    Output,
    OutputOption,
    moment_or_event,
)
from vlanlog.cli.subjects import subjects_named
from vlanlog.config import load_settings
from vlanlog.core import event as e
from vlanlog.core.state import HostState
from vlanlog.core.vlan import Vid, VidError, vid
from vlanlog.errors import UsageError
from vlanlog.host.commands.names import suggestion
from vlanlog.host.host import Host
from vlanlog.host.opening import Mode, opened
from vlanlog.render import blame as render
from vlanlog.render import json


def command(
    *,
    subject: Annotated[
        str, typer.Argument(metavar="PORT|GUEST|GUEST/MAC", help="Whose VLANs; or a NIC's MAC.")
    ],
    vlan: Annotated[int | None, typer.Option(metavar="VID", help="Only this vid.")] = None,
    at: AtOption = None,
    utc: Annotated[bool, typer.Option("--utc", help="Times in UTC.")] = False,
    output: OutputOption = Output.TABLE,
    hooks_dir: HooksOption = None,
    database: DatabaseOption = None,
) -> None:
    """Show for each VLAN that a port carries which event put it there.

    As the log says, now or with --at at a time. A vid that was set again is due to the last
    time. JSON is shaped like that of `bridge -j -compressvlans vlan show`.
    """
    only = _vid(vlan)
    settings = load_settings(os.environ, hooks_dir, database=database)
    moment = None if at is None else moment_or_event(at, utc=utc)
    with opened(settings, Mode.READ) as host:
        then = host.state_at(host.place_of(moment, utc=utc), utc=utc)
        found = blame(host.log, then, _subject(host, then, subject), only)
        for line in host.notes:
            show.note(line)
    if not any(item.origins for item in found):
        show.note(_nothing(subject, only, found))
    _print(found, output, utc=utc)


def _subject(host: Host, then: HostState, text: str) -> e.Subject:
    """Returns whose ports are meant.

    Raises: UsageError with near names.
    """
    name, slash, which = text.rpartition("/")
    if not slash:
        return subjects_named(host.log, host.state, text)[0]
    uuid = subjects_named(host.log, host.state, name)[0].guest_uuid
    guest = then.guests.get(uuid or "")
    nics = guest.nics if guest else ()
    for nic in nics:
        if which.lower() == nic.mac or which == nic.alias:
            return e.Subject(guest_uuid=uuid, mac=nic.mac)
    hint = suggestion(which, [nic.mac for nic in nics])
    raise UsageError(f"{name} has no NIC {which!r}", hint=hint)


def _nothing(text: str, only: Vid | None, found: tuple[Blamed, ...]) -> str:
    if not found:
        return f"{text} is on no bridge at that time; see 'vlanlog history'"
    return f"{text} carries {'no VLAN' if only is None else f'no vid {only}'} at that time"


def _print(found: tuple[Blamed, ...], output: Output, *, utc: bool) -> None:
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
