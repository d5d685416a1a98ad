"""A guest's story: events of the log as lines, each VLAN change whole and with its reason.

Must not format: a line holds values, render writes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from heapq import merge
from itertools import accumulate, count
from operator import itemgetter
from typing import Protocol, TypeVar
from uuid import UUID

from vlanlog.core import event as e
from vlanlog.core.arrival import JOINING_NS, Arrivals, default_pvids
from vlanlog.core.state import HostState, Seq
from vlanlog.core.vlan import NO_VLANS, PortVlans

_INTENTS = 10_000
"""How many intents are remembered for their reason: a host has a tenth of that in ports."""

_NOTHING = HostState()


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Is one line of a story; a VLAN change has before and after, all else has None there.

    Units: since_ns, at the end of a gap when that began, is ns since the epoch, UTC.
    Shape: event is the first of those that the line stands for, more are the others; why is
    empty where unknown.
    """

    seq: Seq
    event: e.Event
    more: tuple[e.Event, ...] = ()
    before: PortVlans | None = None
    after: PortVlans | None = None
    why: str = ""
    since_ns: int | None = None


VlanFact = e.VlanAdded | e.VlanRemoved
PortKey = tuple[str, int | None]
"""A boot id and an ifindex."""

_Face = tuple[str | None, str | None, str | None]


def lines(
    events: Iterable[e.Recorded],
    before: HostState,
    others: Iterable[e.Recorded] = (),
    latest: HostState = _NOTHING,
) -> Iterator[Line]:
    """Yields the story: VLAN facts of one change on one port make one line.

    ``before`` is what was known before the first event, ``others`` what ``lookback.beside``
    finds; of a bridge that neither tells of, ``latest`` knows how it is set. Intents are not
    lines of their own but give the change its reason; an end that was as intended is not told
    either.
    """
    teller = Teller(before, latest)
    yield from teller.tell(events, others)
    yield from teller.flush()


class Teller:
    """Tells a story event by event, and holds each VLAN change back until it is whole."""

    def __init__(self, before: HostState, latest: HostState = _NOTHING) -> None:
        self._because: dict[UUID, str] = {}
        self._open: list[Line] = []
        self._growing: set[Seq] = set()
        self._joining: dict[PortKey, Seq] = {}
        self._arrivals = Arrivals(default_pvids(latest))
        self._gap: tuple[int, str] | None = None
        self.know(before)

    def know(self, state: HostState) -> None:
        """Takes over what the ports carry."""
        ports = [((state.boot_id, index), port) for index, port in state.table.ports.items()]
        self._carried: dict[PortKey, PortVlans] = {key: port.vlans for key, port in ports}
        self._met: dict[PortKey, _Face] = {
            key: (port.bridge, port.name, port.mac) for key, port in ports
        }
        self._arrivals.know(state)

    @property
    def held(self) -> tuple[Line, ...]:
        """Returns the lines that the next event may still belong to, and those behind them."""
        return tuple(self._open)

    def tell(self, events: Iterable[e.Recorded], others: Iterable[e.Recorded]) -> Iterator[Line]:
        """Takes the events of the story, passes the others by, in the order of the log."""
        own = [(item.seq, self.take, item) for item in events]
        rest = [(item.seq, self._passed, item) for item in others]
        for _, taken, item in sorted([*own, *rest], key=itemgetter(0)):
            yield from taken(item)

    def _passed(self, item: e.Recorded) -> Iterator[Line]:
        self.pass_by(item)
        return iter(())

    def take(self, item: e.Recorded) -> Iterator[Line]:
        """Yields the lines that are whole now that this event of the story has come."""
        fact = item.event.fact
        if isinstance(fact, VlanFact):
            self._change(item, fact)
        else:
            self._growing.clear()
            self.pass_by(item)
            self._open += self._told(item)
        yield from self._whole(item.event.at_ns)

    def _told(self, item: e.Recorded) -> Iterator[Line]:
        match item.event.fact:
            case e.ProgramIntended() | e.ProgramFinished(outcome=e.Outcome.DONE):
                return
            case e.PortAttached():
                key = port_key(item.event)
                held = self._carried.get(key, NO_VLANS)
                # The PVID that the kernel then gives it is told in the same breath.
                self._joining[key] = item.seq
                yield replace(_line(item), before=held, after=held)
            case e.GapClosed() if self._gap is not None:
                (since_ns, why), self._gap = self._gap, None
                yield replace(_line(item), since_ns=since_ns, why=why)
            case e.GapOpened() as fact:
                since_ns = item.event.at_ns if fact.since_ns is None else fact.since_ns
                # A gap within a gap is no end of the first.
                known = (since_ns, fact.reason) if self._gap is None else self._gap
                self._gap = (min(since_ns, known[0]), known[1])
                yield _line(item)
            case _:
                yield _line(item)

    def pass_by(self, item: e.Recorded) -> bool:
        """Takes an event that is not told: what is known of ports and reasons goes on.

        Tells whether it is the default PVID that the kernel gives a port that joins.
        """
        fact, key = item.event.fact, port_key(item.event)
        match fact:
            case e.VlanAdded() | e.VlanRemoved():
                self._carried[key] = _applied(self._carried.get(key, NO_VLANS), fact)
            case e.ProgramIntended():
                self._because[item.event.event_id] = fact.because
                if len(self._because) > _INTENTS:
                    del self._because[next(iter(self._because))]
            case e.PortAttached():
                self._arrive(key, item.event.subject, fact.mac)
            case e.PortDetached():
                self._carried.pop(key, None)
                self._met.pop(key, None)
                self._joining.pop(key, None)
            case e.HostBooted():
                # Events of the last boot may still come late, of those before it none do.
                boots = (item.event.boot_id, fact.previous_boot_id)
                self._carried = {k: v for k, v in self._carried.items() if k[0] in boots}
                self._met = {k: v for k, v in self._met.items() if k[0] in boots}
            case _:
                pass
        return self._arrivals.take(item.event)

    def _arrive(self, key: PortKey, subject: e.Subject, mac: str | None) -> None:
        """Keeps what a port carries that was met; one that changed its name or MAC keeps it.

        One met again as it was known has been out of the bridge, or the bridge is another one.
        """
        face = (subject.bridge, subject.port, mac)
        known = self._met.get(key, face)
        self._met[key] = face
        if known == face or known[0] != subject.bridge:
            self._carried.pop(key, None)

    def flush(self) -> Iterator[Line]:
        """Yields the lines that were held back: nothing more belongs to them."""
        self._growing.clear()
        self._joining.clear()
        yield from self._open
        self._open = []

    def _whole(self, now_ns: int) -> Iterator[Line]:
        """Yields the lines in front of the first one that may still grow."""
        while self._open and not self._may_grow(self._open[0], now_ns):
            line = self._open.pop(0)
            if self._joining.get(port_key(line.event)) == line.seq:
                del self._joining[port_key(line.event)]
            yield line

    def _may_grow(self, line: Line, now_ns: int) -> bool:
        is_awaited = self._joining.get(port_key(line.event)) == line.seq
        return line.seq in self._growing or (
            is_awaited and abs(now_ns - line.event.at_ns) <= JOINING_NS
        )

    def _change(self, item: e.Recorded, fact: VlanFact) -> None:
        key, event = port_key(item.event), item.event
        before = self._carried.get(key, NO_VLANS)
        is_default = self.pass_by(item) and before.pvid is None
        after = self._carried[key]
        if is_default and key in self._joining:
            joined = self._joining.pop(key)
            line = next(line for line in self._open if line.seq == joined)
            # Of what else was found there another line tells.
            self._grow(line, event, _applied(line.after or NO_VLANS, fact))
            return
        same = [line for line in self._open if line.event.subject == event.subject]
        if same and same[-1].seq in self._growing and _belongs(same[-1], event, fact):
            self._grow(same[-1], event, after)
            return
        if any(line.event.correlation_id != event.correlation_id for line in self._grown()):
            self._growing.clear()
        why = self._because.get(fact.cause, "") if fact.cause else ""
        if is_default:
            why = f"default PVID of {event.subject.bridge}"
        else:
            self._growing.add(item.seq)
        self._open.append(replace(_line(item), before=before, after=after, why=why))

    def _grown(self) -> Iterator[Line]:
        return (line for line in self._open if line.seq in self._growing)

    def _grow(self, line: Line, event: e.Event, after: PortVlans) -> None:
        grown = replace(line, after=after, more=(*line.more, event))
        self._open[self._open.index(line)] = grown


class Placed(Protocol):
    """Is what a story has in its order: a line, or an event with its place."""

    @property
    def event(self) -> e.Event:
        """Returns the event that tells when and on which host it was."""


Told = TypeVar("Told", bound=Placed)


def merged(parts: Iterable[Sequence[Told]]) -> list[Told]:
    """Returns the stories of several hosts as one: by time, and each host in its own order.

    What is stamped later than something that follows it, as before a clock was set back, counts
    as of that one's time.
    """
    return [item for _, _, _, item in merge(*map(_timed, count(), parts))]


def _timed(host: int, part: Sequence[Told]) -> list[tuple[int, int, int, Told]]:
    stamps = list(accumulate((item.event.at_ns for item in reversed(part)), min))[::-1]
    return [
        (at_ns, host, n, item) for n, (at_ns, item) in enumerate(zip(stamps, part, strict=True))
    ]


def port_key(event: e.Event) -> PortKey:
    """Returns what a port is known by for as long as it lives."""
    return event.boot_id, event.subject.ifindex


def _line(item: e.Recorded) -> Line:
    return Line(seq=item.seq, event=item.event)


def _applied(before: PortVlans, fact: VlanFact) -> PortVlans:
    if isinstance(fact, e.VlanRemoved):
        return before.removed(fact.first, fact.last)
    return before.added(fact.range)


def _belongs(line: Line, other: e.Event, fact: VlanFact) -> bool:
    """Tells whether the fact is of the change that the line tells.

    A vid that comes and goes is two changes, or the line would tell of none.
    """
    first = line.event
    known = first.fact.cause if isinstance(first.fact, VlanFact) else None
    return (
        first.correlation_id == other.correlation_id
        and first.boot_id == other.boot_id
        and known == fact.cause
        and not any(
            _overlap(event.fact, fact)
            for event in (first, *line.more)
            if isinstance(event.fact, VlanFact)
        )
    )


def _overlap(one: VlanFact, other: VlanFact) -> bool:
    return one.first <= other.last and other.first <= one.last
