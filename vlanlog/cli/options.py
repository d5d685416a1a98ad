"""The options that several verbs share, each described once.

Must not act.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from vlanlog.cli.times import parse_time
from vlanlog.core.program import Scope
from vlanlog.core.state import Guest, HostState
from vlanlog.errors import UsageError
from vlanlog.host.host import Host


class Output(StrEnum):
    """Is the form of a result."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"


OutputOption = Annotated[
    Output, typer.Option("--output", "-o", help="Form of the result.", show_default=True)
]
AtOption = Annotated[
    str | None,
    typer.Option("--at", metavar="TIME", help="As of this time, as journalctl takes it."),
]
HooksOption = Annotated[
    Path | None,
    typer.Option(
        "--hooks-dir", metavar="DIR", help="Where hooks, conf and logs lie.", show_default=False
    ),
]
DatabaseOption = Annotated[
    str | None,
    typer.Option("--database", metavar="URL", help="The event log.", show_default=False),
]
ReasonOption = Annotated[
    str, typer.Option("--reason", "-m", metavar="TEXT", help="Why; it stands in the history.")
]


def moment(text: str, *, utc: bool = False) -> int:
    """Returns the time that an option names.

    Units: ns since the epoch, UTC.
    Raises: UsageError.
    """
    # A naive present stands for the local zone with its summer times.
    return parse_time(text, datetime.now(UTC) if utc else datetime.now())


def guest_named(state: HostState, text: str) -> Guest | None:
    """Returns the guest of that name or UUID; of several with one name the running one."""
    found = [g for g in state.guests.values() if text in (g.name, g.uuid)]
    return next((guest for guest in found if guest.running), found[0] if found else None)


def scope_of(host: Host, guest: str | None, bridge: str | None, port: str | None) -> Scope:
    """Returns the bounds that the options name.

    Raises: UsageError.
    """
    if sum(value is not None for value in (guest, bridge, port)) > 1:
        raise UsageError("--guest, --bridge and --port exclude each other", hint="give one of them")
    if guest is None:
        _check_devices(host.state, bridge, port)
        return Scope(bridge=bridge or "", port=port or "")
    known = guest_named(host.state, guest)
    if known is None:
        names = sorted(item.name for item in host.state.guests.values())
        raise UsageError(f"guest {guest!r} is not in the log", hint=suggestion(guest, names))
    return Scope(guest_uuid=known.uuid)


def _check_devices(state: HostState, bridge: str | None, port: str | None) -> None:
    """Refuses a name that is neither there nor in bridge_init.conf: it can only be a typo."""
    held = state.config.bridges
    bridges = state.table.bridges.keys() | held.keys()
    ports = {item.name for item in state.table.ports.values()}
    ports |= {trunk for item in held.values() for trunk in item.entry.trunk_ports}
    for word, given, names in (("bridge", bridge, bridges), ("port", port, ports)):
        if given is not None and given not in names:
            hint = suggestion(given, sorted(names))
            raise UsageError(f"no {word} is called {given!r}", hint=hint)


def suggestion(given: str, names: list[str]) -> str:
    """Returns a hint with the names that are near, else with what there is."""
    import difflib

    near = difflib.get_close_matches(given, names, n=3, cutoff=0.5)
    if near:
        return f"did you mean {', '.join(near)}?"
    return f"the log knows {', '.join(names[:8])}" if names else "the log knows none yet"
