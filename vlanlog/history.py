"""A guest's story: events of the log as lines, each VLAN change whole and with its reason.

Must not format: a line holds values, render writes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from operator import itemgetter
from uuid import UUID

from vlanlog.core import event as e
from vlanlog.core.state import HostState, Seq
from vlanlog.core.vlan import NO_VLANS, PortVlans

_INTENTS = 10_000
"""How many intents are remembered for their reason: a host has a tenth of that in ports."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Is one line of a story; a VLAN change has before and after, all else has None there.

    Shape: event is the first of those that the line stands for, more are the others; why is
    empty where unknown.
    """

    seq: Seq
    event: e.Event
    more: tuple[e.Event, ...] = ()
    before: PortVlans | None = None
    after: PortVlans | None = None
    why: str = ""


_VlanFact = e.VlanAdded | e.VlanRemoved
PortKey = tuple[str, int | None]
"""A boot id and an ifindex."""

_Face = tuple[str | None, str | None, str | None]


def lines(
    events: Iterable[e.Recorded], before: HostState, others: Iterable[e.Recorded] = ()
) -> Iterator[Line]:
    """Yields the story: VLAN facts of one change on one port make one line.

    ``before`` is what was known before the first event, ``others`` what ``lookback.beside``
    finds. Intents are not lines of their own but give the change its reason; an end that was as
    intended is not told either.
    """
    teller = Teller(before)
    yield from teller.tell(events, others)
    yield from teller.flush()


class Teller:
    """Tells a story event by event, and holds each VLAN change back until it is whole."""

    def __init__(self, before: HostState) -> None:
        self.know(before)
        self._because: dict[UUID, str] = {}
        self._open: list[Line] = []

    def know(self, state: HostState) -> None:
        """Takes over what the ports carry."""
        ports = [((state.boot_id, index), port) for index, port in state.table.ports.items()]
        self._carried: dict[PortKey, PortVlans] = {key: port.vlans for key, port in ports}
        self._met: dict[PortKey, _Face] = {
            key: (port.bridge, port.name, port.mac) for key, port in ports
        }

    @property
    def held(self) -> tuple[Line, ...]:
        """Returns the lines that the next event may still belong to."""
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
        if isinstance(fact, _VlanFact):
            yield from self._change(item, fact)
            return
        yield from self.flush()
        self.pass_by(item)
        match fact:
            case e.ProgramIntended() | e.ProgramFinished(outcome=e.Outcome.DONE):
                return
            case e.PortAttached():
                # What it carries from the first moment on is told in the same breath.
                held = self._carried.get(port_key(item.event), NO_VLANS)
                self._open = [replace(_line(item), before=held, after=held)]
                return
            case _:
                pass
        yield _line(item)

    def pass_by(self, item: e.Recorded) -> None:
        """Takes an event that is not told: what is known of ports and reasons goes on."""
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
            case e.HostBooted():
                # Events of the last boot may still come late, of those before it none do.
                boots = (item.event.boot_id, fact.previous_boot_id)
                self._carried = {k: v for k, v in self._carried.items() if k[0] in boots}
                self._met = {k: v for k, v in self._met.items() if k[0] in boots}
            case _:
                pass

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
        yield from self._open
        self._open = []

    def _change(self, item: e.Recorded, fact: _VlanFact) -> Iterator[Line]:
        key = port_key(item.event)
        before = self._carried.get(key, NO_VLANS)
        self.pass_by(item)
        after = self._carried[key]
        same = [n for n, line in enumerate(self._open) if line.event.subject == item.event.subject]
        if same and _belongs(self._open[same[-1]], item.event, fact):
            line = self._open[same[-1]]
            self._open[same[-1]] = replace(line, after=after, more=(*line.more, item.event))
            return
        if not self._open or self._open[0].event.correlation_id != item.event.correlation_id:
            yield from self.flush()
        why = self._because.get(fact.cause, "") if fact.cause else ""
        self._open.append(replace(_line(item), before=before, after=after, why=why))


def port_key(event: e.Event) -> PortKey:
    """Returns what a port is known by for as long as it lives."""
    return event.boot_id, event.subject.ifindex


def _line(item: e.Recorded) -> Line:
    return Line(seq=item.seq, event=item.event)


def _applied(before: PortVlans, fact: _VlanFact) -> PortVlans:
    if isinstance(fact, e.VlanRemoved):
        return before.removed(fact.first, fact.last)
    return before.added(fact.range)


def _belongs(line: Line, other: e.Event, fact: _VlanFact) -> bool:
    """Tells whether the fact is of the change that the line tells.

    A vid that comes and goes is two changes, or the line would tell of none.
    """
    first = line.event
    known = first.fact.cause if isinstance(first.fact, _VlanFact) else None
    return (
        first.correlation_id == other.correlation_id
        and first.boot_id == other.boot_id
        and known == fact.cause
        and not any(
            _overlap(event.fact, fact)
            for event in (first, *line.more)
            if isinstance(event.fact, _VlanFact)
        )
    )


def _overlap(one: _VlanFact, other: _VlanFact) -> bool:
    return one.first <= other.last and other.first <= one.last
