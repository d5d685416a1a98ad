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
        self._open: Line | None = None

    def take(self, item: e.Recorded) -> Iterator[Line]:
        fact = item.event.fact
        if isinstance(fact, e.VlanAdded | e.VlanRemoved):
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
                self._open = replace(_line(item), before=held, after=held)
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
        if self._open is not None:
            yield self._open
            self._open = None

    def _change(self, item: e.Recorded, fact: e.VlanAdded | e.VlanRemoved) -> Iterator[Line]:
        key = (item.event.boot_id, item.event.subject.ifindex)
        before = self._carried.get(key, NO_VLANS)
        self._carried[key] = after = _applied(before, fact)
        if self._open is not None and _belongs(self._open.event, item.event, fact.cause):
            more = (*self._open.more, item.event)
            self._open = replace(self._open, after=after, more=more)
            return
        yield from self.flush()
        why = self._because.get(fact.cause, "") if fact.cause else ""
        self._open = replace(_line(item), before=before, after=after, why=why)


def _line(item: e.Recorded) -> Line:
    return Line(seq=item.seq, event=item.event)


def _applied(before: PortVlans, fact: e.VlanAdded | e.VlanRemoved) -> PortVlans:
    if isinstance(fact, e.VlanRemoved):
        return before.removed(fact.first, fact.last)
    return before.added(fact.range)


def _belongs(first: e.Event, other: e.Event, cause: UUID | None) -> bool:
    known = first.fact.cause if isinstance(first.fact, e.VlanAdded | e.VlanRemoved) else None
    return (
        first.correlation_id == other.correlation_id
        and first.subject == other.subject
        and first.boot_id == other.boot_id
        and known == cause
    )
