"""Finds out what a word on the command line names: a guest, a MAC, a port or a bridge.

Must not guess between two: the newest guest of a name is meant, the others are told.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, product

from vlanlog.cli.show import note
from vlanlog.core import event as e
from vlanlog.core.query import EventFilter
from vlanlog.core.state import HostState, tap_mac
from vlanlog.errors import UsageError
from vlanlog.host.commands.names import suggestion
from vlanlog.ports import EventLog

_MAC = re.compile(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}")
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_KINDS = ("guest_uuid", "mac", "port", "bridge")
_Near = Callable[[HostState], Iterable[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Is what the options name, each kind by itself."""

    guests: Sequence[str] = ()
    macs: Sequence[str] = ()
    ports: Sequence[str] = ()
    bridges: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class _Source:
    """Is a log in which names are looked up, and its state, which takes a while to get."""

    log: EventLog
    state: Callable[[], HostState]


def subjects_named(log: EventLog, state: HostState, text: str) -> tuple[e.Subject, ...]:
    """Returns the subjects that the text names, as the log knows it; a MAC has its tap's too.

    Raises: UsageError with near names.
    """
    return _named([_Source(log, lambda: state)], text)


def subjects_over(
    logs: Mapping[str, EventLog], word: str | None, names: Names
) -> tuple[e.Subject, ...]:
    """Returns the subjects that are asked for, none where no name is given.

    As with journalctl's matches, names of one kind add to each other and those of two kinds
    must both apply; the word counts as of the kind that it turns out to name.
    Raises: UsageError with near names.
    """
    sources = [_Source(log, log.state) for log in logs.values()]
    found = [*(_named(sources, word) if word is not None else ())]
    found += [e.Subject(guest_uuid=_guest(sources, name)) for name in names.guests]
    for text in names.macs:
        if not _MAC.fullmatch(text.lower()):
            raise UsageError(f"{text!r} is not a MAC", hint="e.g. --mac 52:54:00:12:34:56")
        found += _of_mac(sources, text.lower(), f"no NIC has the MAC {text}")
    for name in names.ports:
        found.append(_known(sources, e.Subject(port=name), f"no port is called {name!r}", _ports))
    for name in names.bridges:
        told = f"no bridge is called {name!r}"
        found.append(_known(sources, e.Subject(bridge=name), told, _bridges))
    return _combined(found)


def _combined(found: Iterable[e.Subject]) -> tuple[e.Subject, ...]:
    kinds: dict[str, list[e.Subject]] = {}
    for subject in found:
        kind = next(name for name in _KINDS if getattr(subject, name) is not None)
        kinds.setdefault(kind, []).append(subject)
    return tuple(_merged(parts) for parts in product(*kinds.values()) if parts)


def _merged(parts: Iterable[e.Subject]) -> e.Subject:
    merged = e.NO_SUBJECT
    for part in parts:
        given = {name: value for name in _KINDS if (value := getattr(part, name)) is not None}
        merged = replace(merged, **given)
    return merged


def _named(sources: Sequence[_Source], text: str) -> tuple[e.Subject, ...]:
    lower, told = text.lower(), f"nothing in the log is called {text!r}"
    if _MAC.fullmatch(lower):
        return _of_mac(sources, lower, told)
    if _UUID.fullmatch(lower):
        return (_known(sources, e.Subject(guest_uuid=lower), told, _names),)
    if (uuid := _guest_uuid(sources, text)) is not None:
        return (e.Subject(guest_uuid=uuid),)
    if any(_last(source.log, e.Subject(port=text)) for source in sources):
        return (e.Subject(port=text),)
    return (_known(sources, e.Subject(bridge=text), told, _names),)


def _of_mac(sources: Sequence[_Source], mac: str, told: str) -> tuple[e.Subject, ...]:
    # Until a hook tells whose a tap is, its events have the tap's own MAC.
    both = (e.Subject(mac=mac), e.Subject(mac=tap_mac(mac)))
    known = [item for item in both if any(_last(source.log, item) for source in sources)]
    return tuple(known) or (_known(sources, both[0], told, _macs),)


def _guest(sources: Sequence[_Source], text: str) -> str:
    lower, told = text.lower(), f"guest {text!r} is not in the log"
    if _UUID.fullmatch(lower):
        _known(sources, e.Subject(guest_uuid=lower), told, _guest_names)
        return lower
    uuid = _guest_uuid(sources, text)
    if uuid is None:
        raise _unknown(sources, told, text, _guest_names)
    return uuid


def _guest_uuid(sources: Sequence[_Source], name: str) -> str | None:
    """Returns the UUID of the guest of that name: the running one, else the last heard of."""
    found = sorted(set(_guests(sources, name)), reverse=True)
    if not found:
        return None
    newest = found[0][-1]
    if others := sorted({uuid for *_, uuid in found} - {newest}):
        note(f"other guests were called {name} too: {', '.join(others)}; this is {newest}")
    return newest


def _guests(sources: Iterable[_Source], name: str) -> Iterator[tuple[bool, int, str]]:
    """Yields for each guest of the name whether it runs, when it was last heard of, its UUID."""
    for source in sources:
        last = _last(source.log, e.Subject(guest_name=name))
        if last is None:
            continue
        same = [guest for guest in source.state().guests.values() if guest.name == name]
        for guest in same:
            own = _last(source.log, e.Subject(guest_uuid=guest.uuid, guest_name=name))
            yield guest.running, own.event.at_ns if own else 0, guest.uuid
        uuid = last.event.subject.guest_uuid
        if uuid is not None and not same:
            # It may have been renamed since, or be a guest of another host.
            yield False, last.event.at_ns, uuid


def _known(sources: Sequence[_Source], subject: e.Subject, told: str, near: _Near) -> e.Subject:
    if not any(_last(source.log, subject) for source in sources):
        text = next(value for name in _KINDS if (value := getattr(subject, name)))
        raise _unknown(sources, told, text, near)
    return subject


def _unknown(sources: Sequence[_Source], told: str, text: str, near: _Near) -> UsageError:
    names = {name for source in sources for name in near(source.state())}
    return UsageError(told, hint=suggestion(text, sorted(names)))


def _guest_names(state: HostState) -> Iterator[str]:
    return (guest.name for guest in state.guests.values())


def _macs(state: HostState) -> Iterator[str]:
    return (nic.mac for guest in state.guests.values() for nic in guest.nics)


def _ports(state: HostState) -> Iterator[str]:
    return (port.name for port in state.table.ports.values())


def _bridges(state: HostState) -> Iterator[str]:
    return (port.bridge for port in state.table.ports.values())


def _names(state: HostState) -> Iterator[str]:
    return chain(_guest_names(state), _ports(state), _bridges(state))


def _last(log: EventLog, subject: e.Subject) -> e.Recorded | None:
    return next(iter(log.select(EventFilter(subjects=(subject,), limit=1))), None)
