"""What the two scripts in the hooks folder do, run by the dispatcher or by hand.

Must not print on stdout: a script's output is its log, all of it on stderr.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

from vlanlog.cli.show import explain, say
from vlanlog.core.event import ActorSource
from vlanlog.errors import VlanlogError
from vlanlog.host.bridges import program_bridges
from vlanlog.host.guest import GuestCall, program_guest
from vlanlog.host.host import Host
from vlanlog.host.opening import opened_for_hook

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
        return program_guest(_opener(called=bool(operation)), call, say)
    except VlanlogError as error:
        explain(error)
        return error.exit_code


def bridge_init(argv: list[str]) -> int:
    """Sets up bridges, trunks and the bridges' own ports; at ``reload`` also every guest's port."""
    phase = os.environ.get("VLANLOG_HOOK_OPERATION", "")
    called = bool(phase)
    if not called:
        given = _bridge_arguments().parse_args(argv)
        phase, conf = given.phase, given.conf
    else:
        conf = _existing(argv[1:])
    try:
        opener = _opener(called=called)
        return program_bridges(opener, conf, say, everything=phase == "reload")
    except VlanlogError as error:
        explain(error)
        return error.exit_code


def _opener(*, called: bool) -> Callable[[], AbstractContextManager[Host]]:
    source = ActorSource.HOOK if called else ActorSource.OPERATOR
    return partial(opened_for_hook, os.environ, source=source)


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
