"""``vlanlog doctor``: examine this host, and say what mends what."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from vlanlog.cli import show
from vlanlog.cli.options import DatabaseOption, HooksOption, Output, OutputOption
from vlanlog.config import load_settings
from vlanlog.core.finding import Finding, Grade, worst
from vlanlog.doctor.examination import examined
from vlanlog.doctor.view import View
from vlanlog.errors import EXIT_DIFFERS, EXIT_DONE, EXIT_ENVIRONMENT
from vlanlog.render import doctor, json

EXITS = {
    Grade.PASS: EXIT_DONE,
    Grade.UNKNOWN: EXIT_DIFFERS,
    Grade.WARN: EXIT_DIFFERS,
    Grade.FAIL: EXIT_ENVIRONMENT,
}


def command(
    *,
    checks: Annotated[
        list[str] | None,
        typer.Option("--check", metavar="NAME", help="Only this one; may be repeated."),
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Walk all of the log's chain, not its end alone.")
    ] = False,
    output: OutputOption = Output.TABLE,
    hooks_dir: HooksOption = None,
    database: DatabaseOption = None,
) -> None:
    """Examine this host, and say what mends what.

    Kernel, hooks, bridges, other managers, the record; nothing is changed. Each check says pass,
    warn or fail and what mends it, or unknown where this user cannot look; docs/doctor.md
    explains them.

    Exit status: 0 all pass, 1 a warning or something unknown, 3 a failure.
    """
    settings = load_settings(os.environ, hooks_dir, database=database)
    view = View(settings=settings, full=full)
    found: list[Finding] = []
    with view.stack:
        for item in examined(view, checks or ()):
            found.append(item)
            if output is Output.JSONL:
                print(json.one_line(doctor.finding(item)))
    if output is Output.JSON:
        print(json.dumped(doctor.examination(found)))
    elif output is Output.TABLE:
        print(doctor.table(found, width=show.width(), colour=show.colour()))
    raise typer.Exit(EXITS[worst(found)])
