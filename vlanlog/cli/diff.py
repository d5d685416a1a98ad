"""``vlanlog diff``: where two layers, or two times, differ."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from vlanlog.cli import show
from vlanlog.cli.host import Mode, opened
from vlanlog.cli.layers import Found, Layer, layer_table
from vlanlog.cli.options import DatabaseOption, HooksOption, Output, OutputOption, moment
from vlanlog.config import load_settings
from vlanlog.core.state import Port
from vlanlog.core.vlan import NO_VLANS, PortVlans
from vlanlog.errors import EXIT_DIFFERS, UsageError
from vlanlog.render import json, table
from vlanlog.render.words import change

Difference = tuple[Port, str, PortVlans, PortVlans]


def command(
    *,
    first: Annotated[Layer, typer.Argument(help="The layer to start from.")] = Layer.KERNEL,
    second: Annotated[Layer, typer.Argument(help="The layer to arrive at.")] = Layer.DESIRED,
    at: Annotated[
        list[str] | None,
        typer.Option("--at", metavar="TIME", help="Twice: compare what was observed at two times."),
    ] = None,
    output: OutputOption = Output.TABLE,
    hooks_dir: HooksOption = None,
    database: DatabaseOption = None,
) -> None:
    """Show where two layers, or two times, differ.

    The change is the one that makes the second of the first.

    Exit status: 0 equal, 1 different, 2 or more an error.
    """
    settings = load_settings(os.environ, hooks_dir, database=database)
    times = [moment(text) for text in at or []]
    if len(times) not in (0, 2):
        raise UsageError("--at is given twice or not at all", hint="diff --at -2h --at now")
    with opened(settings, Mode.REHEARSE) as host:
        for line in host.notes:
            show.note(line)
        if times:
            a, b = (layer_table(host, Layer.OBSERVED, when) for when in times)
        else:
            a, b = (layer_table(host, layer, None) for layer in (first, second))
        found = _differences(a, b, named_only=Layer.DESIRED in (first, second) and not times)
    _print(found, output)
    raise typer.Exit(EXIT_DIFFERS if found else 0)


def _differences(a: Found, b: Found, *, named_only: bool) -> list[Difference]:
    """Returns the ports that differ; a port that desired does not name is no difference."""
    owners = {**a.state.owners(), **b.state.owners()}
    both = a.table.ports.keys() & b.table.ports.keys()
    indexes = both if named_only else a.table.ports.keys() | b.table.ports.keys()
    found = []
    for index in sorted(indexes):
        before, after = a.table.ports.get(index), b.table.ports.get(index)
        port = after or before
        if port is None:
            continue
        vlans = [side.vlans if side else NO_VLANS for side in (before, after)]
        if vlans[0] != vlans[1]:
            guest = owners[port.name][0].name if port.name in owners else ""
            found.append((port, guest, vlans[0], vlans[1]))
    return found


def _print(found: list[Difference], output: Output) -> None:
    if output is Output.TABLE:
        rows = [(port.name, guest, before, after) for port, guest, before, after in found]
        if rows:
            print(table.differences(rows, width=show.width(), colour=show.colour()))
        return
    items = [
        {
            "ifname": port.name,
            "bridge": port.bridge,
            "guest": guest or None,
            "change": change(before, after),
            "before": json.vlans(before),
            "after": json.vlans(after),
        }
        for port, guest, before, after in found
    ]
    if output is Output.JSON:
        print(json.dumped(items))
    else:
        for item in items:
            print(json.one_line(item))
