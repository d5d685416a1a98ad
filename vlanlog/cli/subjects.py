"""Finds out what a word on the command line names: a guest, a MAC, a port or a bridge.

Must not guess between two: the newest guest of a name is meant, the others are told.
"""

from __future__ import annotations

import re
from dataclasses import replace

from vlanlog.cli.show import note
from vlanlog.core import event as e
from vlanlog.core.query import EventFilter
from vlanlog.core.state import HostState
from vlanlog.errors import UsageError
from vlanlog.host.commands.names import guest_named, suggestion
from vlanlog.ports import EventLog

_MAC = re.compile(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}")
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")


def subjects_named(log: EventLog, state: HostState, text: str) -> tuple[e.Subject, ...]:
    """Returns the subject that the text names, as the log knows it.

    Raises: UsageError with near names.
    """
    lower = text.lower()
    if _MAC.fullmatch(lower):
        return _known(log, e.Subject(mac=lower), text, state)
    if _UUID.fullmatch(lower):
        return _known(log, e.Subject(guest_uuid=lower), text, state)
    if (uuid := _guest_uuid(log, state, text)) is not None:
        return (e.Subject(guest_uuid=uuid),)
    if _last(log, e.Subject(port=text)) is not None:
        return (e.Subject(port=text),)
    return _known(log, e.Subject(bridge=text), text, state)


def _guest_uuid(log: EventLog, state: HostState, name: str) -> str | None:
    same = [guest for guest in state.guests.values() if guest.name == name]
    known = guest_named(state, name)
    if known is None:
        # It may have been renamed since, or be a guest of another host.
        last = _last(log, e.Subject(guest_name=name))
        return last.event.subject.guest_uuid if last else None
    if len(same) > 1:
        others = ", ".join(guest.uuid for guest in same if guest.uuid != known.uuid)
        note(f"other guests were called {name} too: {others}; this is {known.uuid}")
    return known.uuid


def _known(log: EventLog, subject: e.Subject, text: str, state: HostState) -> tuple[e.Subject, ...]:
    if _last(log, subject) is None:
        names = {guest.name for guest in state.guests.values()}
        names |= {port.name for port in state.table.ports.values()}
        raise UsageError(
            f"nothing in the log is called {text!r}", hint=suggestion(text, sorted(names))
        )
    return (subject,)


def _last(log: EventLog, subject: e.Subject) -> e.Recorded | None:
    wanted = replace(EventFilter(), subjects=(subject,), limit=1)
    return next(iter(log.select(wanted)), None)
