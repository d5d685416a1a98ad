"""The hosts that a question is put to: each with its log, and its state of the moment asked for.

Must not answer the question.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from vlanlog.cli import show
from vlanlog.cli.subjects import Names, subjects_over
from vlanlog.core import event as e
from vlanlog.core.query import EventFilter
from vlanlog.core.state import HostState
from vlanlog.errors import UsageError
from vlanlog.host import fleet
from vlanlog.host.commands.names import listed, suggestion
from vlanlog.host.host import Host
from vlanlog.host.place import At, Place, place_of, unwatched
from vlanlog.ports import EventLog


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """Is a host of the database: what its log says of the moment that is asked for."""

    name: str
    log: EventLog
    then: HostState


def logs_of(host: Host, only: str | None = None) -> dict[str, EventLog]:
    """Returns the log of each host that the database knows, by name.

    Raises: UsageError with near names, StoreError.
    """
    found = fleet.logs(host) or {host.settings.host: host.log}
    if only is None:
        return found
    if only not in found:
        raise UsageError(f"there is no log of {only}", hint=suggestion(only, sorted(found)))
    return {only: found[only]}


def places_at(
    host: Host, name: str | None, times: Sequence[At | None]
) -> tuple[Host, list[Place | None]]:
    """Returns the host whose log is asked, this one for none, and where in it the times are.

    None is now, and of another host when its log ends.
    Raises: UsageError with near names, or where the log does not cover a time; StoreError.
    """
    if name is not None:
        log = logs_of(host, name)[name]
        head = log.head()
        end = At(seq=head.seq if head else None)
        host, times = replace(host, log=log), [at or end for at in times]
    return host, [host.place_of(at) for at in times]


def note_elsewhere(host: Host) -> None:
    """Says whose logs the database holds where it has none of this host.

    Raises: StoreError.
    """
    own = host.settings.host
    if (names := fleet.names(host)) and own not in names:
        there = listed(names)
        show.note(f"the database has no log of {own}, but of {there}: name one with --host")


def members(host: Host, logs: Mapping[str, EventLog], at: At | None, *, utc: bool) -> list[Member]:
    """Returns the hosts whose logs cover the moment; an event is a moment of its own host alone.

    Notes where nobody watched.
    Raises: UsageError where none does, StoreError.
    """
    if at is None:
        return [
            Member(name=name, log=log, then=host.state if log is host.log else log.state())
            for name, log in logs.items()
        ]
    asked = logs if at.seq is None else _numbering(host, logs, at.seq)
    found, refused = [], []
    for name, log in asked.items():
        try:
            place = place_of(log, at, now_ns=host.clock.now_ns(), utc=utc)
        except UsageError as error:
            refused.append(error)
            continue
        then = log.state(at_seq=place.seq)
        if (remark := unwatched(log, place, then.coverage, utc=utc)) is not None:
            host.notes.append(remark if len(logs) == 1 else f"{name}: {remark}")
        found.append(Member(name=name, log=log, then=then))
    if not found:
        raise refused[0]
    return found


def _numbering(host: Host, logs: Mapping[str, EventLog], seq: int) -> Mapping[str, EventLog]:
    """Returns the log that a number is of: each host has its own, this one's is meant."""
    name = host.settings.host if len(logs) > 1 else next(iter(logs))
    if name not in logs:
        hint = f"say of which: --host {next(iter(logs))}"
        raise UsageError(f"each host has its own event #{seq}", hint=hint)
    return {name: logs[name]}


def subjects_of(host: Host, logs: Mapping[str, EventLog], text: str) -> dict[str, e.Subject]:
    """Returns whom the text means, by host: guests and MACs are the same on all of them.

    The name of a port or a bridge is this host's where its log knows it.
    Raises: UsageError with near names, StoreError.
    """
    subject = subjects_over(logs, text, Names())[0]
    own = logs.get(host.settings.host)
    if not (subject.guest_uuid or subject.mac) and own is not None and _knows(own, subject):
        return {host.settings.host: subject}
    return dict.fromkeys(logs, subject)


def _knows(log: EventLog, subject: e.Subject) -> bool:
    return next(iter(log.select(EventFilter(subjects=(subject,), limit=1))), None) is not None
