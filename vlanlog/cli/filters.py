"""The options that filter events, and what is meant by them: kinds, vids, actors.

Must not read a log: names of guests and ports are looked up in ``subjects``.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import or_
from typing import Annotated

import typer

from vlanlog.core import codec
from vlanlog.core import event as e
from vlanlog.core.vlan import VidError, parse_vids
from vlanlog.errors import UsageError

_VLAN_HINT = "e.g. --vlan 100, or --vlan 200,300-310"

SubjectArgument = Annotated[
    str | None,
    typer.Argument(metavar="[GUEST|UUID|MAC|PORT]", help="Whose story; all if left out."),
]
GuestsOption = Annotated[
    list[str] | None, typer.Option("--guest", metavar="GUEST|UUID", help="Only of this guest.")
]
MacsOption = Annotated[
    list[str] | None, typer.Option("--mac", metavar="MAC", help="Only of this NIC.")
]
PortsOption = Annotated[
    list[str] | None, typer.Option("--port", metavar="PORT", help="Only of ports of this name.")
]
BridgesOption = Annotated[
    list[str] | None, typer.Option("--bridge", metavar="BRIDGE", help="Only of it and its ports.")
]
HostsOption = Annotated[
    list[str] | None,
    typer.Option("--host", metavar="HOST", help="Only on it; all of the database if left out."),
]
SinceOption = Annotated[str | None, typer.Option("--since", "-S", metavar="TIME")]
UntilOption = Annotated[str | None, typer.Option("--until", "-U", metavar="TIME")]
VlansOption = Annotated[
    list[str] | None,
    typer.Option(
        "--vlan", metavar="VIDS", help="Only what concerns one of them: 100 or 200,300-310."
    ),
]
KindsOption = Annotated[
    list[str] | None,
    typer.Option("--kind", metavar="KIND", help="Only these kinds, e.g. vlan.added."),
]
ActorsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--by", metavar="WHO", help="Only what this actor did: a user, a part of a command."
    ),
]


def kinds_of(given: Sequence[str]) -> frozenset[str]:
    """Returns the kinds that are given. Raises: UsageError."""
    unknown = sorted(set(given) - set(codec.KINDS))
    if unknown:
        raise UsageError(
            f"unknown kind {', '.join(unknown)}", hint=f"known are {', '.join(codec.KINDS)}"
        )
    return frozenset(given)


def vids_of(given: Sequence[str]) -> int:
    """Returns the vids of all lists that are given, as bits. Raises: UsageError."""
    try:
        vids = reduce(or_, map(parse_vids, given), 0)
    except VidError as error:
        raise UsageError(f"--vlan: {error}", hint=_VLAN_HINT) from error
    if given and not vids:
        raise UsageError("--vlan names no vid", hint=_VLAN_HINT)
    return vids


def actors_of(given: Sequence[str]) -> tuple[str, ...]:
    """Returns whom the log may name for the actors that are given."""
    # What a table calls unknown is so in two ways: heard of, or found by a re-read.
    heard = [e.ActorSource.KERNEL.value] if e.ActorSource.UNKNOWN in given else []
    return (*given, *heard)
