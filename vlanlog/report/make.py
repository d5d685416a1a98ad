"""The report: from the logs of hosts, one value for one or more guests and a period.

Must not read the clock, and must not format.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from heapq import merge
from uuid import UUID

from vlanlog.core import event as e
from vlanlog.core.query import ChainFlaw, EventFilter, Head
from vlanlog.core.state import tap_mac
from vlanlog.history import Line, lines
from vlanlog.ports import EventLog
from vlanlog.report.cover import cover_of
from vlanlog.report.gather import Part, part_of
from vlanlog.report.lanes import Moment, lanes, natives, stays
from vlanlog.report.values import (
    GuestStory,
    HostCover,
    Making,
    NicStory,
    Period,
    Plug,
    Report,
    Row,
    Stretch,
)

_AT_ONCE_NS = 999_999_999


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Is a host's log, and what its walk from end to end has found.

    Shape: watching says that a daemon watches the host now.
    """

    host: str
    log: EventLog
    head: Head | None
    flaw: ChainFlaw | None
    watching: bool


def report_of(
    sources: Sequence[Source], guests: Iterable[str], period: Period, making: Making
) -> Report:
    """Returns the report on the guests, given by UUID.

    Raises: StoreError.
    """
    hosts = tuple(
        cover_of(
            source.log,
            source.host,
            period,
            head=source.head,
            flaw=source.flaw,
            watching=source.watching,
        )
        for source in sources
    )
    stories: list[GuestStory] = []
    foreign = 0
    for uuid in guests:
        story, foreign = _guest(sources, hosts, uuid, period, foreign)
        stories.append(story)
    return Report(period=period, making=making, hosts=hosts, guests=tuple(stories))


def _guest(
    sources: Sequence[Source],
    hosts: Sequence[HostCover],
    uuid: str,
    period: Period,
    foreign: int,
) -> tuple[GuestStory, int]:
    parts = [part_of(source.log, source.host, uuid, period) for source in sources]
    # A host that never met the guest has its own gaps, which are none of the guest's.
    met = [part for part in parts if _knows(part, uuid)]
    rows, foreign = _numbered(merge(*map(_rows, met), key=lambda row: row.at_ns), foreign)
    names = _names(sources, met, uuid)
    told_of = {part.host for part in met}
    return (
        GuestStory(
            uuid=uuid,
            name=names[-1] if names else uuid,
            names=names,
            nics=tuple(_nics(met, uuid, rows, period)),
            rows=rows,
            unseen=_unseen(hosts, told_of),
        ),
        foreign,
    )


def _knows(part: Part, uuid: str) -> bool:
    of_guest = (item.event.subject.guest_uuid == uuid for item in part.events)
    return uuid in part.before.guests or any(of_guest)


def _unseen(hosts: Iterable[HostCover], told_of: set[str]) -> tuple[Stretch, ...]:
    found = [item for host in hosts if host.host in told_of for item in host.unseen]
    return tuple(sorted(found, key=lambda item: item.from_ns))


def _rows(part: Part) -> Iterator[Row]:
    """Yields the lines of one host; a clock that was set back moves none of them up."""
    at_ns = 0
    for line in lines(part.events, part.before, latest=part.latest):
        at_ns = max(at_ns, line.event.at_ns)
        yield Row(host=part.host, at_ns=at_ns, line=line)


def _numbered(rows: Iterable[Row], foreign: int) -> tuple[tuple[Row, ...], int]:
    found = []
    for row in rows:
        if is_foreign(row.line):
            foreign += 1
            found.append(replace(row, foreign=foreign))
        else:
            found.append(row)
    return tuple(found), foreign


def is_foreign(line: Line) -> bool:
    """Tells whether the line is a VLAN change that no intent explains, nor the kernel itself."""
    fact, source = line.event.fact, line.event.actor.source
    return (
        isinstance(fact, e.VlanAdded | e.VlanRemoved)
        and line.before != line.after
        and fact.cause is None
        and not line.why
        and source in (e.ActorSource.KERNEL, e.ActorSource.UNKNOWN)
    )


def _names(sources: Iterable[Source], parts: Iterable[Part], uuid: str) -> tuple[str, ...]:
    """Returns the guest's names in the period in their order; else the last one ever told."""
    found: dict[str, None] = {}
    for part in parts:
        before = part.before.guests.get(uuid)
        told = [before.name] if before else []
        told += [item.event.subject.guest_name or "" for item in part.events]
        for name in filter(None, told):
            if name not in found or next(reversed(found)) != name:
                found.pop(name, None)
                found[name] = None
    if found:
        return tuple(found)
    wanted = EventFilter(subjects=(e.Subject(guest_uuid=uuid),), limit=1)
    last = (item.event.subject.guest_name for s in sources for item in s.log.select(wanted))
    return tuple(name for name in last if name)[:1]


def _nics(
    parts: Sequence[Part], uuid: str, rows: Sequence[Row], period: Period
) -> Iterator[NicStory]:
    places = {
        (row.host, event.event_id): number
        for number, row in enumerate(rows)
        for event in (row.line.event, *row.line.more)
    }
    for mac, alias in _macs(parts, uuid).items():
        moments = _moments(parts, mac, rows, places, period)
        yield NicStory(
            mac=mac,
            alias=alias,
            stays=stays(moments, period.until_ns),
            natives=natives(moments, period.until_ns),
            lanes=lanes(moments, period.until_ns),
            foreign=tuple(
                number
                for number, row in enumerate(rows)
                if row.foreign and row.line.event.subject.mac in (mac, tap_mac(mac))
            ),
        )


def _macs(parts: Iterable[Part], uuid: str) -> dict[str, str]:
    """Returns every NIC that the guest had, with libvirt's alias where it was told."""
    found: dict[str, str] = {}
    for part in parts:
        guest = part.before.guests.get(uuid)
        told = [guest.nics] if guest else []
        for item in part.events:
            if isinstance(item.event.fact, e.HookInvoked | e.GuestObserved):
                told.append(item.event.fact.nics)
        for nic in (nic for nics in told for nic in nics):
            found[nic.mac] = nic.alias or found.get(nic.mac, "")
    return dict(sorted(found.items(), key=lambda pair: (pair[1] or "~", pair[0])))


def _moments(
    parts: Iterable[Part],
    mac: str,
    rows: Sequence[Row],
    places: dict[tuple[str, UUID], int],
    period: Period,
) -> tuple[Moment, ...]:
    """Returns the NIC's moments over all hosts; what one row tells within a second is one moment.

    Programming adds before it deletes: between the two a port carries both, for a millisecond
    that is no change of its own.
    """
    changes = merge(*(_changes(part, mac, rows, places) for part in parts), key=lambda c: c.at_ns)
    now: dict[str, tuple[Plug, ...]] = {}
    found: list[Moment] = []
    for change in changes:
        now[change.host] = change.plugs
        plugs = tuple(plug for host in sorted(now) for plug in now[host])
        moment = Moment(at_ns=max(period.since_ns, change.at_ns), row=change.row, plugs=plugs)
        # A row may also tell of what came much later on a port that nothing else happened to.
        within_ns = 0 if change.row is None else _AT_ONCE_NS
        same = (
            bool(found)
            and found[-1].row == change.row
            and moment.at_ns - found[-1].at_ns <= within_ns
        )
        if same:
            moment = replace(moment, at_ns=found.pop().at_ns)
        found.append(moment)
    return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    at_ns: int
    row: int | None
    host: str
    plugs: tuple[Plug, ...]


def _changes(
    part: Part, mac: str, rows: Sequence[Row], places: dict[tuple[str, UUID], int]
) -> Iterator[_Change]:
    at_ns, last = 0, None
    for step in part.steps:
        plugs = step.plugged.get(mac, ())
        if plugs == last:
            continue
        last = plugs
        row = places.get((part.host, step.event_id)) if step.event_id else None
        at_ns = max(at_ns, step.at_ns, 0 if row is None else rows[row].at_ns)
        yield _Change(at_ns=at_ns, row=row, host=part.host, plugs=plugs)
