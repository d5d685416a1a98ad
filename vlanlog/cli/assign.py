"""``vlanlog set`` and ``vlanlog unset``: an operator's wish for one NIC or port."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from vlanlog import replay
from vlanlog.cli import show
from vlanlog.cli.options import DatabaseOption, HooksOption, ReasonOption
from vlanlog.cli.target import Target, wish_target
from vlanlog.config import load_settings
from vlanlog.core import event as e
from vlanlog.core.fold import assignee_of
from vlanlog.core.program import Scope, plan
from vlanlog.core.state import PortTable
from vlanlog.core.vlan import PortVlans, VidError, parse_vids
from vlanlog.errors import EXIT_DIFFERS, UsageError
from vlanlog.host.host import Host
from vlanlog.host.opening import Mode, opened
from vlanlog.kernel.rights import require_net_admin
from vlanlog.render import table
from vlanlog.render.words import plain
from vlanlog.replay import To

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
    if not later:
        require_net_admin()
    settings = load_settings(os.environ, hooks_dir, database=database)
    with opened(settings, Mode.WRITE) as host:
        host.load_config()
        kernel = host.look()
        found = wish_target(host.state, kernel, target)
        vlans = _vlans(found.desired, pvid, tagged)
        host.journal.write([(found.subject, e.AssignmentSet(vlans=vlans, reason=reason))])
        print(f"{plain(target)}: {vlans}")
        _carry_out(host, kernel, found, later=later)


def unset_command(
    *,
    target: TargetArgument,
    reason: ReasonOption,
    later: LaterOption = False,
    hooks_dir: HooksOption = None,
    database: DatabaseOption = None,
) -> None:
    """Withdraw a wish: the config decides again."""
    if not later:
        require_net_admin()
    settings = load_settings(os.environ, hooks_dir, database=database)
    with opened(settings, Mode.WRITE) as host:
        host.load_config()
        kernel = host.look()
        found = wish_target(host.state, kernel, target)
        whom = assignee_of(found.subject)
        if all(item.assignee != whom for item in host.state.assignments):
            raise UsageError(f"{target} has no assignment", hint="see 'vlanlog state'")
        host.journal.write([(found.subject, e.AssignmentCleared(reason=reason))])
        print(f"{plain(target)}: unset")
        _carry_out(host, kernel, found, later=later)


def _carry_out(host: Host, kernel: PortTable, found: Target, *, later: bool) -> None:
    if later or found.port is None:
        show.note("recorded; it takes effect when the port is there and a hook or replay runs")
        return
    wanted = replay.target(To.DESIRED, host.state, host.state, kernel)
    todo = plan(wanted, kernel, Scope(port=found.port.name))
    report = replay.program(host.journal, host.kernel.eye, host.kernel.writer, todo)
    print(table.finished(report.undone, done=len(report.reached.ports), messages=report.messages))
    if any(result.error for result in report.results):
        raise typer.Exit(EXIT_DIFFERS)


def _vlans(now: PortVlans, pvid: str | None, tagged: str | None) -> PortVlans:
    native: int | None = now.pvid
    try:
        if pvid is not None:
            native = None if pvid == "none" else _only(parse_vids(pvid))
        own = 0 if now.pvid is None else 1 << now.pvid
        bits = now.members & ~own if tagged is None else parse_vids(tagged)
        return PortVlans.of(pvid=native, tagged=bits)
    except VidError as error:
        raise UsageError(str(error), hint="e.g. --pvid 100 --tagged 200,300-310") from error


def _only(bits: int) -> int:
    number = bits.bit_length() - 1
    if number < 0 or bits != 1 << number:
        raise VidError("a port has one PVID, expected one vid or 'none'")
    return number
