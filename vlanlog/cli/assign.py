"""``vlanlog set`` and ``vlanlog unset``: an operator's wish for one NIC or port."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from vlanlog.cli import ask, show
from vlanlog.cli.options import DatabaseOption, HooksOption, ReasonOption
from vlanlog.config import load_settings
from vlanlog.errors import EXIT_DIFFERS, UsageError
from vlanlog.host.commands.answer import WishAnswer
from vlanlog.host.commands.request import SetRequest, UnsetRequest
from vlanlog.render import table
from vlanlog.render.words import plain

TargetArgument = Annotated[
    str,
    typer.Argument(metavar="TARGET", help="A port (veth0), or a NIC: GUEST/MAC, GUEST/net0."),
]
LaterOption = Annotated[
    bool, typer.Option("--later", help="Record the wish; let the next replay carry it out.")
]


def set_command(
    *,
    target: TargetArgument,
    reason: ReasonOption,
    pvid: Annotated[
        str | None, typer.Option(metavar="VID", help="The PVID, or 'none'. Default: as desired.")
    ] = None,
    tagged: Annotated[
        str | None, typer.Option(metavar="LIST", help="e.g. 200,300-310. Default: as desired.")
    ] = None,
    later: LaterOption = False,
    hooks_dir: HooksOption = None,
    database: DatabaseOption = None,
) -> None:
    """Say which VLANs a port or a NIC shall carry.

    It is recorded and programmed at once. The wish outlives restarts of guest and host, and
    holds until `vlanlog unset`, or until the port's config section is changed after it.
    """
    if pvid is None and tagged is None:
        raise UsageError("nothing to set", hint="give --pvid, --tagged or both")
    settings = load_settings(os.environ, hooks_dir, database=database)
    request = SetRequest(target=target, reason=reason, pvid=pvid, tagged=tagged, later=later)
    answer = ask.answer_to(settings, request, WishAnswer)
    print(f"{plain(target)}: {answer.vlans}")
    _show(answer)


def unset_command(
    *,
    target: TargetArgument,
    reason: ReasonOption,
    later: LaterOption = False,
    hooks_dir: HooksOption = None,
    database: DatabaseOption = None,
) -> None:
    """Withdraw a wish: the config decides again."""
    settings = load_settings(os.environ, hooks_dir, database=database)
    request = UnsetRequest(target=target, reason=reason, later=later)
    answer = ask.answer_to(settings, request, WishAnswer)
    print(f"{plain(target)}: unset")
    _show(answer)


def _show(answer: WishAnswer) -> None:
    if answer.failure is not None:
        raise answer.failure.error()
    report = answer.report
    if report is None:
        show.note("recorded; it takes effect when the port is there and a hook or replay runs")
        return
    print(table.finished(report.undone, done=len(report.reached.ports), messages=report.messages))
    if any(result.error for result in report.results):
        raise typer.Exit(EXIT_DIFFERS)
