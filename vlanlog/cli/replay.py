"""``vlanlog replay``: put the kernel where config plus events say it should be."""

from __future__ import annotations

import dataclasses
import os
from typing import Annotated

import typer

from vlanlog.cli import ask, show
from vlanlog.cli.options import (
    AtOption,
    DatabaseOption,
    HooksOption,
    Output,
    OutputOption,
    moment_or_event,
)
from vlanlog.config import load_settings
from vlanlog.core.program import Plan
from vlanlog.errors import EXIT_DIFFERS, UsageError
from vlanlog.host.commands.answer import ReplayAnswer
from vlanlog.host.commands.request import ReplayRequest
from vlanlog.render import json, table
from vlanlog.replay import Report, To


def command(
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Print the plan and change nothing.")
    ] = False,
    to: Annotated[To, typer.Option("--to", help="What to aim at.")] = To.DESIRED,
    at: AtOption = None,
    guest: Annotated[
        str | None, typer.Option(metavar="GUEST", help="Only this guest's ports.")
    ] = None,
    bridge: Annotated[
        str | None, typer.Option(metavar="BRIDGE", help="Only this bridge and its ports.")
    ] = None,
    port: Annotated[str | None, typer.Option(metavar="PORT", help="Only this port.")] = None,
    output: OutputOption = Output.TABLE,
    hooks_dir: HooksOption = None,
    database: DatabaseOption = None,
) -> None:
    """Rebuild the VLANs that config and log ask for.

    A port first gets what is new, then its PVID is moved, then it is re-read, and only then the
    old is deleted. Ports that neither config nor an assignment names are left alone.

    Exit status: 0 done, 1 partly done (with --dry-run: there is something to do).
    """
    settings = load_settings(os.environ, hooks_dir, database=database)
    if to is To.OBSERVED and at is None:
        raise UsageError("--to observed needs --at", hint="e.g. --to observed --at -1h")
    scope = ReplayRequest(to=to, guest=guest, bridge=bridge, port=port)
    request = scope if at is None else _as_of(at, scope)
    if dry_run:
        answer = ask.rehearsal_of(settings, request, ReplayAnswer)
        todo = answer.report.plan
        _show_plan(todo, output)
        left = bool(todo) or bool(todo.missing)
    else:
        answer = ask.answer_to(settings, request, ReplayAnswer)
        todo = answer.report.plan
        _show_report(answer.report, output)
        left = bool(answer.report.undone)
    _hint_at_missing(todo)
    raise typer.Exit(EXIT_DIFFERS if left or answer.config_errors else 0)


def _as_of(at: str, request: ReplayRequest) -> ReplayRequest:
    moment = moment_or_event(at)
    return dataclasses.replace(
        request, at_ns=moment.at_ns, at_seq=moment.seq, at_event=moment.event_id
    )


def _hint_at_missing(todo: Plan) -> None:
    if todo.missing:
        show.hint("make what is missing, or change the section that names it; then replay")


def _show_plan(todo: Plan, output: Output) -> None:
    match output:
        case Output.TABLE:
            print(table.plan(todo, width=show.width(), colour=show.colour()))
        case Output.JSON:
            print(json.dumped(json.plan(todo)))
        case Output.JSONL:
            print(json.one_line(json.plan(todo)))


def _show_report(report: Report, output: Output) -> None:
    if output is Output.TABLE:
        # What is missing is told once, among what was left undone.
        _show_plan(dataclasses.replace(report.plan, missing=()), output)
        done = len(report.reached.ports)
        print(table.finished(report.undone, done=done, messages=report.messages))
        return
    found = {**json.plan(report.plan), "messages": report.messages, "undone": list(report.undone)}
    print(json.dumped(found) if output is Output.JSON else json.one_line(found))
