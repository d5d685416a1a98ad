"""``vlanlog adopt``: make what the kernel carries now the wish."""

from __future__ import annotations

import os
from typing import Annotated, Any

import typer

from vlanlog.cli import ask, show
from vlanlog.cli.options import DatabaseOption, HooksOption, Output, OutputOption
from vlanlog.config import load_settings
from vlanlog.core.vlan import NO_VLANS
from vlanlog.errors import EXIT_DIFFERS, UsageError
from vlanlog.host.commands.answer import AdoptAnswer, Adoption
from vlanlog.host.commands.request import AdoptRequest
from vlanlog.render import json, table
from vlanlog.render.words import change, count


def command(
    *,
    targets: Annotated[
        list[str] | None,
        typer.Argument(metavar="TARGET", help="Ports (veth0), or NICs: GUEST/MAC, GUEST/net0."),
    ] = None,
    reason: Annotated[
        str | None,
        typer.Option("--reason", "-m", metavar="TEXT", help="Why; it stands in the history."),
    ] = None,
    bridge: Annotated[
        str | None, typer.Option(metavar="BRIDGE", help="Every port of this bridge that differs.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Every port of this host that differs.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Print what would be adopted.")
    ] = False,
    output: OutputOption = Output.TABLE,
    hooks_dir: HooksOption = None,
    database: DatabaseOption = None,
) -> None:
    """Make what ports carry now the wish for them.

    Each port that carries something else than is desired gets a wish, as by `vlanlog set`;
    `vlanlog unset` withdraws it. A port that nothing names is adopted only as a TARGET.

    Exit status: 0 done, 1 something is left that cannot be adopted (with --dry-run: there is
    something to adopt).
    """
    request = AdoptRequest(
        reason=reason or "", targets=tuple(targets or ()), bridge=bridge, everything=everything
    )
    request.check()
    if reason is None and not dry_run:
        raise UsageError("no reason is given", hint="--reason TEXT: it stands in the history")
    settings = load_settings(os.environ, hooks_dir, database=database)
    work = ask.rehearsal_of if dry_run else ask.answer_to
    answer = work(settings, request, AdoptAnswer)
    _show(answer, output, dry_run=dry_run)
    left = answer.switches or answer.config_errors or (dry_run and answer.ports)
    raise typer.Exit(EXIT_DIFFERS if left else 0)


def _show(answer: AdoptAnswer, output: Output, *, dry_run: bool) -> None:
    match output:
        case Output.TABLE:
            if answer.ports:
                rows = [_row(item) for item in answer.ports]
                print(table.adoptions(rows, width=show.width(), colour=show.colour()))
            print(_closing(len(answer.ports), dry_run=dry_run))
        case Output.JSON:
            print(json.dumped(_as_json(answer)))
        case Output.JSONL:
            print(json.one_line(_as_json(answer)))
    for item in answer.switches:
        due = " ".join(item.steps)
        show.note(f"{item.bridge.name}: a bridge's own switches are not adopted; due: {due}")
    if answer.switches:
        show.hint("change conf/bridge_init.conf, or put the switches back with 'vlanlog replay'")


def _closing(ports: int, *, dry_run: bool) -> str:
    if not ports:
        return "Nothing to adopt."
    return f"Would adopt {count(ports, 'port')}." if dry_run else f"Adopted {count(ports, 'port')}."


def _row(item: Adoption) -> tuple[str, str, str, str]:
    return item.port.name, item.subject.guest_name or "", _change(item), item.instead_of


def _change(item: Adoption) -> str:
    return change(NO_VLANS if item.desired is None else item.desired, item.port.vlans)


def _as_json(answer: AdoptAnswer) -> dict[str, Any]:
    return {
        "ports": [
            {
                "port": item.port.name,
                "bridge": item.port.bridge,
                "guest": item.subject.guest_name,
                "guest_uuid": item.subject.guest_uuid,
                "mac": item.subject.mac,
                "change": _change(item),
                "desired": None if item.desired is None else json.vlans(item.desired),
                "adopted": json.vlans(item.port.vlans),
                "instead_of": item.instead_of,
            }
            for item in answer.ports
        ],
        "bridges": [
            {"bridge": item.bridge.name, "steps": list(item.steps), "because": item.because}
            for item in answer.switches
        ],
    }
