"""Finds what a word of an operator names in the state of a host, or near names for it.

Must not write anything.
"""

from __future__ import annotations

from collections.abc import Sequence

from vlanlog.core.program import Scope
from vlanlog.core.state import Guest, HostState
from vlanlog.errors import UsageError

_MOST = 8
"""Is how many names a hint has at most."""


def guest_named(state: HostState, text: str) -> Guest | None:
    """Returns the guest of that name or UUID; of several with one name the running one."""
    found = [g for g in state.guests.values() if text in (g.name, g.uuid)]
    return next((guest for guest in found if guest.running), found[0] if found else None)


def scope_of(state: HostState, guest: str | None, bridge: str | None, port: str | None) -> Scope:
    """Returns the bounds that are named.

    Raises: UsageError.
    """
    if sum(value is not None for value in (guest, bridge, port)) > 1:
        raise UsageError("--guest, --bridge and --port exclude each other", hint="give one of them")
    if guest is None:
        check_devices(state, bridge, port)
        return Scope(bridge=bridge or "", port=port or "")
    known = guest_named(state, guest)
    if known is None:
        names = sorted(item.name for item in state.guests.values())
        raise UsageError(f"guest {guest!r} is not in the log", hint=suggestion(guest, names))
    return Scope(guest_uuid=known.uuid)


def check_devices(state: HostState, bridge: str | None, port: str | None = None) -> None:
    """Refuses a name that is neither there nor in bridge_init.conf: it can only be a typo.

    Raises: UsageError.
    """
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

    # VM1 is near to vm1, though only one letter of three is the same.
    folded = {name.casefold() for name in names}
    spelt = difflib.get_close_matches(given.casefold(), folded, n=3, cutoff=0.5)
    near = [name for key in spelt for name in names if name.casefold() == key]
    if near:
        return f"did you mean {', '.join(near[:_MOST])}?"
    return f"the log knows {listed(names)}" if names else "the log knows none yet"


def listed(names: Sequence[str]) -> str:
    """Returns the names for a sentence, the first eight of many."""
    more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
    return f"{', '.join(names[:_MOST])}{more}"
