"""``vlanlog state``: what each port carries, by one of three layers."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from vlanlog.cli import show
from vlanlog.cli.layers import Found, Layer, layer_table
from vlanlog.cli.options import (
    AtOption,
    CompressOption,
    DatabaseOption,
    HooksOption,
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
    compress: CompressOption = False,
    output: OutputOption = Output.TABLE,
    hooks_dir: HooksOption = None,
    database: DatabaseOption = None,
) -> None:
    """Show what each port carries.

    By default what the kernel carries now, with --at what the log says it carried. JSON is
    that of `bridge -j vlan show`, and says whose each port is.
    """
    settings = load_settings(os.environ, hooks_dir, database=database)
    moment = None if at is None else moment_or_event(at)
    chosen = layer or (Layer.KERNEL if moment is None else Layer.OBSERVED)
    if chosen is Layer.KERNEL and moment is not None:
        raise UsageError("the kernel has no past", hint="ask the log: --layer observed --at …")
    # What the kernel carries can be told without a log.
    with opened(settings, Mode.GLANCE if chosen is Layer.KERNEL else Mode.REHEARSE) as host:
        found = layer_table(host, chosen, host.place_of(moment))
        for line in host.notes:
            show.note(line)
        _print(found, output, compressed=compress, is_dump=chosen is Layer.KERNEL)


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
