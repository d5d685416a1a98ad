"""The hosts that a question is put to: each with its log, and its state of the moment asked for.

Must not answer the question.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from vlanlog.cli.subjects import subjects_named
from vlanlog.core import event as e
from vlanlog.core.state import HostState, IfIndex, PortTable
from vlanlog.errors import UsageError
from vlanlog.host.commands.names import suggestion
from vlanlog.host.host import Host
from vlanlog.host.place import At, place_of, unwatched
from vlanlog.ports import EventLog
from vlanlog.store.log import SqlEventLog, hosts


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """Is a host of the database: what its log says of the moment that is asked for."""

    name: str
    log: EventLog
    then: HostState


def logs_of(host: Host, only: str | None = None) -> dict[str, EventLog]:
    """Returns the log of each host that the database knows, this host's own first.

    Raises: UsageError with near names, StoreError.
    """
    found: dict[str, EventLog] = {host.settings.host: host.log}
    if isinstance(host.log, SqlEventLog):
        for name in hosts(host.log.engine):
            found.setdefault(name, SqlEventLog(host.log.engine, host=name))
    if only is None:
        return found
    if only not in found:
        raise UsageError(f"there is no log of {only}", hint=suggestion(only, sorted(found)))
    return {only: found[only]}


def members(host: Host, logs: dict[str, EventLog], at: At | None, *, utc: bool) -> list[Member]:
    """Returns the hosts whose logs cover the moment; an event is a moment of its own host alone.

    Notes where nobody watched.
    Raises: UsageError where none does, StoreError.
    """
    if at is None:
        return [
            Member(name=name, log=log, then=host.state if log is host.log else log.state())
            for name, log in logs.items()
        ]
    if at.seq is not None:
        logs = dict(list(logs.items())[:1])
    found, refused = [], []
    for name, log in logs.items():
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


def subject_of(host: Host, logs: dict[str, EventLog], text: str) -> Iterator[tuple[str, e.Subject]]:
    """Yields whom the text means, by host: guests and MACs are the same on all of them.

    The name of a port or a bridge is this host's where its log knows it.
    Raises: UsageError with near names, StoreError.
    """
    known = _together([host.state if log is host.log else log.state() for log in logs.values()])
    refused: list[UsageError] = []
    for name, log in logs.items():
        try:
            subject = subjects_named(log, known, text)[0]
        except UsageError as error:
            refused.append(error)
            continue
        if subject.guest_uuid or subject.mac:
            yield from ((other, subject) for other in logs)
            return
        yield name, subject
        if log is host.log:
            return
    if len(refused) == len(logs):
        raise refused[0]


def _together(states: Sequence[HostState]) -> HostState:
    """Returns the guests and ports of all hosts, for names alone: numbers are made up."""
    guests = {guest.uuid: guest for state in states for guest in state.guests.values()}
    running = {
        guest.uuid: guest for state in states for guest in state.guests.values() if guest.running
    }
    ports = [port for state in states for port in state.table.ports.values()]
    numbered = {
        IfIndex(number): replace(port, ifindex=IfIndex(number)) for number, port in enumerate(ports)
    }
    return HostState(guests=guests | running, table=PortTable(ports=numbered))
