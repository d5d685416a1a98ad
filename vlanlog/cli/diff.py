"""``vlanlog diff``: where two layers, or two times, differ."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Annotated

import typer

from vlanlog.cli import show
from vlanlog.cli.fleet import note_elsewhere, places_at
from vlanlog.cli.layers import Found, Layer, layer_table
from vlanlog.cli.options import (
    CompressOption,
    DatabaseOption,
    HooksOption,
    HostOption,
    Output,
    OutputOption,
    moment_or_event,
)
from vlanlog.config import Settings, load_settings
from vlanlog.core.compared import (
    BridgeDifference,
    PortDifference,
    bridge_differences,
    port_differences,
)
from vlanlog.errors import EXIT_DIFFERS, UsageError
from vlanlog.host.opening import Mode, opened
from vlanlog.host.place import At
from vlanlog.render import json, table
from vlanlog.render.words import change


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
    on: HostOption = None,
    compress: CompressOption = False,
    output: OutputOption = Output.TABLE,
    hooks_dir: HooksOption = None,
    database: DatabaseOption = None,
) -> None:
    """Show where two layers, or two times, differ.

    The change is the one that makes the second of the first. Between two times a NIC of a guest
    is itself, whatever its port is called. JSON is shaped like that of `bridge -j vlan show`,
    with the vids that differ.

    Exit status: 0 equal, 1 different, 2 or more an error.
    """
    settings = load_settings(os.environ, hooks_dir, database=database)
    times = [moment_or_event(text) for text in at or []]
    if len(times) not in (0, 2):
        raise UsageError("--at is given twice or not at all", hint="diff --at -2h --at now")
    layers = (Layer.OBSERVED, Layer.OBSERVED) if times else (first, second)
    a, b = _sides(settings, on, layers, times or (None, None))
    bridges, ports = bridge_differences(a.side, b.side), port_differences(a.side, b.side)
    missing = (*a.missing, *b.missing)
    if output is Output.TABLE:
        _print_table(bridges, ports)
    else:
        _print_json(bridges, ports, output, compressed=compress)
    for line in missing:
        show.note(f"missing: {line}")
    raise typer.Exit(EXIT_DIFFERS if bridges or ports or missing else 0)


def _sides(
    settings: Settings, on: str | None, layers: Sequence[Layer], times: Sequence[At | None]
) -> list[Found]:
    """Returns each layer at its time, now for none, of a host of the database."""
    elsewhere = on if on != settings.host else None
    if elsewhere and Layer.KERNEL in layers:
        hint = f"ask its log: vlanlog diff observed desired --host {elsewhere}"
        raise UsageError(f"the kernel of {elsewhere} is not here", hint=hint)
    with opened(settings, Mode.READ if elsewhere else Mode.REHEARSE) as host:
        if not elsewhere:
            note_elsewhere(host)
        asked, places = places_at(host, elsewhere, times)
        found = [
            layer_table(asked, layer, place) for layer, place in zip(layers, places, strict=True)
        ]
        for line in host.notes:
            show.note(line)
    return found


def _print_table(bridges: Sequence[BridgeDifference], ports: Sequence[PortDifference]) -> None:
    rows = [(item.name, "", _switched(item)) for item in bridges]
    for item in ports:
        name = item.port.name
        if item.before is not None and item.before.name != name:
            name = f"{item.before.name}→{name}"
        rows.append((name, item.owner[0].name if item.owner else "", _changed(item)))
    if rows:
        print(table.differences(rows, width=show.width(), colour=show.colour()))


def _print_json(
    bridges: Sequence[BridgeDifference],
    ports: Sequence[PortDifference],
    output: Output,
    *,
    compressed: bool,
) -> None:
    items = [
        *({"ifname": item.name, "bridge": item.name, "vlans": [], "change": _switched(item)}
          for item in bridges),
        *(json.difference(item, _changed(item), compressed=compressed) for item in ports),
    ]  # fmt: skip
    if output is Output.JSON:
        print(json.dumped(items))
    else:
        for line in items:
            print(json.one_line(line))


def _switched(item: BridgeDifference) -> str:
    before, after = item.before, item.after
    if before is None or after is None:
        return "is there" if before is None else "is gone"
    words = []
    if before.vlan_filtering != after.vlan_filtering:
        words.append(f"vlan_filtering {before.vlan_filtering:d}→{after.vlan_filtering:d}")
    if before.default_pvid != after.default_pvid:
        words.append(f"vlan_default_pvid {before.default_pvid}→{after.default_pvid}")
    return " ".join(words)


def _changed(item: PortDifference) -> str:
    words = change(*item.vlans)
    if item.before is None or item.after is None or item.before.bridge == item.after.bridge:
        return words
    return f"bridge {item.before.bridge}→{item.after.bridge} {words}".rstrip()
