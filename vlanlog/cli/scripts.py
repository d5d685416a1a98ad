"""What the two scripts in the hooks folder do, run by the dispatcher or by hand.

Must not print on stdout: a script's output is its log, all of it on stderr.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from vlanlog import replay
from vlanlog.cli.guest import GuestCall, program_guest
from vlanlog.cli.host import opened_for_hook
from vlanlog.cli.show import explain, note, say
from vlanlog.core.event import ActorSource
from vlanlog.core.program import Scope, plan
from vlanlog.errors import EXIT_DIFFERS, EXIT_DONE, VlanlogError
from vlanlog.render import table
from vlanlog.replay import To

_STDIN_BYTES_MAX = 16 << 20


def vlan_filtering(argv: list[str]) -> int:
    """Sets the VLANs of one guest; returns non-zero where it must not start.

    By hand the exit status tells whether every VLAN is set. Under the dispatcher at ``start`` it
    is zero as well where ``on-failure = allow``.
    """
    operation = os.environ.get("VLANLOG_HOOK_OPERATION", "")
    if operation:
        # The dispatcher gives positions, never options: a guest may be called "--help".
        call = GuestCall(
            name=argv[0], conf=_existing(argv[1:]), operation=operation, xml=_stdin_xml()
        )
    else:
        given = _guest_arguments().parse_args(argv)
        call = GuestCall(name=given.guest, conf=given.conf)
    try:
        return program_guest(call)
    except VlanlogError as error:
        explain(error)
        return error.exit_code


def bridge_init(argv: list[str]) -> int:
    """Sets up bridges, trunks and the bridges' own ports; at ``reload`` also every guest's port."""
    phase = os.environ.get("VLANLOG_HOOK_OPERATION", "")
    if not phase:
        given = _bridge_arguments().parse_args(argv)
        phase, conf = given.phase, given.conf
    else:
        conf = _existing(argv[1:])
    try:
        return _bridges(conf, everything=phase == "reload")
    except VlanlogError as error:
        explain(error)
        return error.exit_code


def _bridges(conf: Path | None, *, everything: bool) -> int:
    source = ActorSource.HOOK if os.environ.get("VLANLOG_HOOK_OPERATION") else ActorSource.OPERATOR
    with opened_for_hook(os.environ, source=source) as host:
        files = host.load_config(bridges=conf)
        kernel = host.look()
        wanted = replay.target(To.DESIRED, host.state, host.state, kernel)
        todo = plan(wanted, kernel, Scope())
        if not everything:
            todo = todo.without_guests()
        report = replay.run(
            host.journal, host.reader, host.writer, todo=todo, to=To.DESIRED, scope=Scope()
        )
        for line in (*files.errors, *host.notes):
            note(line)
        say(table.plan(todo, width=None))
        done = table.finished(
            report.undone, done=len(report.reached.ports), messages=report.messages
        )
        say(done)
        return EXIT_DIFFERS if report.undone or files.errors else EXIT_DONE


def _existing(given: list[str]) -> Path | None:
    """Returns the conf file that the dispatcher names, None where it is not there.

    It derives the name from the script's, which an operator may have linked as 10-….py.
    """
    path = Path(given[0]) if given else None
    return path if path is not None and path.exists() else None


def _stdin_xml() -> bytes:
    """Returns the domain XML that the dispatcher gives; by hand stdin may never end."""
    return sys.stdin.buffer.read(_STDIN_BYTES_MAX)


def _guest_arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="vlan_filtering.py",
        description="Set the VLANs of a running guest as conf and log say, and record it.",
        epilog="By hand the guest's NICs are those that the log knows, or the taps that the "
        "config names. Exit status: 0 all set, 1 not all set, 3 environment.",
    )
    parser.add_argument("guest", help="the guest's name")
    parser.add_argument(
        "conf", nargs="?", type=Path, help="vlan_filtering.conf (default: the one in conf/)"
    )
    return parser


def _bridge_arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bridge_init.py",
        description="Set up VLANs of bridges, trunks and the bridges' own ports, and record it.",
        epilog="Exit status: 0 all set, 1 not all set, 3 environment.",
    )
    parser.add_argument(
        "phase",
        nargs="?",
        default="manual",
        help="start, manual: bridges alone; reload: every guest's port as well",
    )
    parser.add_argument(
        "conf", nargs="?", type=Path, help="bridge_init.conf (default: the one in conf/)"
    )
    return parser
