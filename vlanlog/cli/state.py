"""``vlanlog state``: what each port carries, by one of three layers."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from vlanlog.cli import show
from vlanlog.cli.fleet import note_elsewhere, places_at
from vlanlog.cli.layers import Found, Layer, layer_table
from vlanlog.cli.options import (
    AtOption,
    CompressOption,
    DatabaseOption,
    HooksOption,
    HostOption,
    Output,
    OutputOption,
    moment_or_event,
)
from vlanlog.config import load_settings
from vlanlog.errors import UsageError
from vlanlog.host.opening import Mode, opened
from vlanlog.render import json, table


def command(
    *,
    layer: Annotated[
        Layer | None,
        typer.Option(help="kernel: a dump; observed: the log; desired: config and assignments."),
    ] = None,
    at: AtOption = None,
    on: HostOption = None,
    compress: CompressOption = False,
    output: OutputOption = Output.TABLE,
    hooks_dir: HooksOption = None,
    database: DatabaseOption = None,
) -> None:
    """Show what each port carries.

    By default what the kernel carries now, with --at or --host what the log says it carried.
    JSON is that of `bridge -j vlan show`, and says whose each port is.
    """
    settings = load_settings(os.environ, hooks_dir, database=database)
    moment = None if at is None else moment_or_event(at)
    elsewhere = on if on != settings.host else None
    chosen = layer or (Layer.OBSERVED if moment or elsewhere else Layer.KERNEL)
    if chosen is Layer.KERNEL and moment is not None:
        raise UsageError("the kernel has no past", hint="ask the log: --layer observed --at …")
    if chosen is Layer.KERNEL and elsewhere:
        raise UsageError(
            f"the kernel of {elsewhere} is not here", hint="ask its log: --layer observed"
        )
    with opened(settings, _mode(chosen, elsewhere)) as host:
        if not elsewhere and chosen is not Layer.KERNEL:
            note_elsewhere(host)
        asked, [place] = places_at(host, elsewhere, [moment])
        found = layer_table(asked, chosen, place)
        for line in host.notes:
            show.note(line)
        _print(found, output, compressed=compress, is_dump=chosen is Layer.KERNEL)


def _mode(layer: Layer, elsewhere: str | None) -> Mode:
    if elsewhere:
        # What waits in the spool is of this host.
        return Mode.READ
    # What the kernel carries can be told without a log.
    return Mode.GLANCE if layer is Layer.KERNEL else Mode.REHEARSE


def _print(found: Found, output: Output, *, compressed: bool, is_dump: bool) -> None:
    if output is Output.TABLE:
        if text := table.state(found.state, found.table, width=show.width(), colour=show.colour()):
            print(text)
        return
    # A dump keeps the kernel's order, as bridge does.
    ports = (
        found.table.ports.values()
        if is_dump
        else [port for _, port in sorted(found.table.ports.items())]
    )
    items = json.ports(ports, found.state.owners(), compressed=compressed)
    if output is Output.JSON:
        for part in json.listed(items):
            print(part, end="")
        print()
    else:
        for item in items:
            print(json.one_line(item))
