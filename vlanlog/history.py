"""A guest's story: events of the log as lines, each VLAN change whole and with its reason.

Must not format: a line holds values, render writes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from uuid import UUID

from vlanlog.core import event as e
from vlanlog.core.state import HostState, Seq
from vlanlog.core.vlan import NO_VLANS, PortVlans


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
_PortKey = tuple[str, int | None]
_Face = tuple[str | None, str | None, str | None]


def lines(events: Iterable[e.Recorded], before: HostState) -> Iterator[Line]:
    """Yields the story: VLAN facts of one change on one port make one line.

    ``before`` is what was known before the first event. Intents are not lines of their own but
    give the change its reason; an end that was as intended is not told either.
    """
    teller = _Teller(before)
    for item in events:
        yield from teller.take(item)
    yield from teller.flush()


class _Teller:
    def __init__(self, before: HostState) -> None:
        self._carried: dict[_PortKey, PortVlans] = {
            (before.boot_id, index): port.vlans for index, port in before.table.ports.items()
        }
        self._met: dict[_PortKey, _Face] = {
            (before.boot_id, index): (port.bridge, port.name, port.mac)
            for index, port in before.table.ports.items()
        }
        self._because: dict[UUID, str] = {}
        self._open: list[Line] = []

    def take(self, item: e.Recorded) -> Iterator[Line]:
        fact = item.event.fact
        if isinstance(fact, _VlanFact):
            yield from self._change(item, fact)
            return
        yield from self.flush()
        key = (item.event.boot_id, item.event.subject.ifindex)
        match fact:
            case e.ProgramIntended():
                self._because[item.event.event_id] = fact.because
                return
            case e.ProgramFinished(outcome=e.Outcome.DONE):
                return
            case e.PortAttached():
                # What it carries from the first moment on is told in the same breath.
                held = self._arrived(key, item.event.subject, fact.mac)
                self._open = [replace(_line(item), before=held, after=held)]
                return
            case e.PortDetached():
                self._carried.pop(key, None)
                self._met.pop(key, None)
            case _:
                pass
        yield _line(item)

    def _arrived(self, key: _PortKey, subject: e.Subject, mac: str | None) -> PortVlans:
        """Returns what a port carries that was met; one that changed its name or MAC keeps it.

        One met again as it was known has been out of the bridge, or the bridge is another one.
        """
        face = (subject.bridge, subject.port, mac)
        known = self._met.get(key, face)
        self._met[key] = face
        if known == face or known[0] != subject.bridge:
            self._carried.pop(key, None)
        return self._carried.get(key, NO_VLANS)

    def flush(self) -> Iterator[Line]:
        yield from self._open
        self._open = []

    def _change(self, item: e.Recorded, fact: _VlanFact) -> Iterator[Line]:
        key = (item.event.boot_id, item.event.subject.ifindex)
        before = self._carried.get(key, NO_VLANS)
        self._carried[key] = after = _applied(before, fact)
        same = [n for n, line in enumerate(self._open) if line.event.subject == item.event.subject]
        if same and _belongs(self._open[same[-1]], item.event, fact):
            line = self._open[same[-1]]
            self._open[same[-1]] = replace(line, after=after, more=(*line.more, item.event))
            return
        if not self._open or self._open[0].event.correlation_id != item.event.correlation_id:
            yield from self.flush()
        why = self._because.get(fact.cause, "") if fact.cause else ""
        self._open.append(replace(_line(item), before=before, after=after, why=why))


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
