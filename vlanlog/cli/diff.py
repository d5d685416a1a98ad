"""``vlanlog diff``: where two layers, or two times, differ."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Annotated

import typer

from vlanlog.cli import show
from vlanlog.cli.layers import Found, Layer, layer_table
from vlanlog.cli.options import DatabaseOption, HooksOption, Output, OutputOption, moment_or_event
from vlanlog.config import load_settings
from vlanlog.core.vlan import NO_VLANS, PortVlans
from vlanlog.errors import EXIT_DIFFERS, UsageError
from vlanlog.host.opening import Mode, opened
from vlanlog.render import json, table
from vlanlog.render.words import change


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Is a port, or a bridge, that the two layers have otherwise.

    Shape: before and after are a port's VLANs, None for a bridge.
    """

    name: str
    bridge: str
    guest: str
    change: str
    before: PortVlans | None = None
    after: PortVlans | None = None


def command(
    *,
    first: Annotated[Layer, typer.Argument(help="The layer to start from.")] = Layer.KERNEL,
    second: Annotated[Layer, typer.Argument(help="The layer to arrive at.")] = Layer.DESIRED,
    at: Annotated[
        list[str] | None,
        typer.Option(
            "--at",
            metavar="TIME|EVENT",
            help="Twice: compare what was observed then; see 'vlanlog state --help'.",
        ),
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
    times = [moment_or_event(text) for text in at or []]
    if len(times) not in (0, 2):
        raise UsageError("--at is given twice or not at all", hint="diff --at -2h --at now")
    with opened(settings, Mode.REHEARSE) as host:
        if times:
            places = [host.place_of(moment) for moment in times]
            a, b = (layer_table(host, Layer.OBSERVED, place) for place in places)
        else:
            a, b = (layer_table(host, layer) for layer in (first, second))
        for line in host.notes:
            show.note(line)
        named_only = Layer.DESIRED in (first, second) and not times
        found = [*_bridges(a, b), *_ports(a, b, named_only=named_only)]
        missing = (*a.missing, *b.missing)
    _print(found, output)
    for line in missing:
        show.note(f"missing: {line}")
    raise typer.Exit(EXIT_DIFFERS if found or missing else 0)


def _bridges(a: Found, b: Found) -> list[Difference]:
    found = []
    for name in sorted(a.table.bridges.keys() & b.table.bridges.keys()):
        before, after = a.table.bridges[name], b.table.bridges[name]
        words = []
        if before.vlan_filtering != after.vlan_filtering:
            words.append(f"vlan_filtering {before.vlan_filtering:d}→{after.vlan_filtering:d}")
        if before.default_pvid != after.default_pvid:
            words.append(f"vlan_default_pvid {before.default_pvid}→{after.default_pvid}")
        if words:
            found.append(Difference(name=name, bridge=name, guest="", change=" ".join(words)))
    return found


def _ports(a: Found, b: Found, *, named_only: bool) -> list[Difference]:
    """Returns the ports that differ; a port that desired does not name is no difference."""
    owners = (b.state.owners(), a.state.owners())
    both = a.table.ports.keys() & b.table.ports.keys()
    indexes = both if named_only else a.table.ports.keys() | b.table.ports.keys()
    found = []
    for index in sorted(indexes):
        sides = (a.table.ports.get(index), b.table.ports.get(index))
        before, after = (side.vlans if side else NO_VLANS for side in sides)
        port = sides[1] or sides[0]
        if port is not None and before != after:
            found.append(
                Difference(
                    name=port.name,
                    bridge=port.bridge,
                    guest=next((who[0].name for o in owners if (who := o.of(port))), ""),
                    change=change(before, after),
                    before=before,
                    after=after,
                )
            )
    return found


def _print(found: list[Difference], output: Output) -> None:
    if output is Output.TABLE:
        rows = [(item.name, item.guest, item.change) for item in found]
        if rows:
            print(table.differences(rows, width=show.width(), colour=show.colour()))
        return
    items = [
        {
            "ifname": item.name,
            "bridge": item.bridge,
            "guest": item.guest or None,
            "change": item.change,
            "before": None if item.before is None else json.vlans(item.before),
            "after": None if item.after is None else json.vlans(item.after),
        }
        for item in found
    ]
    if output is Output.JSON:
        print(json.dumped(items))
    else:
        for line in items:
            print(json.one_line(line))
