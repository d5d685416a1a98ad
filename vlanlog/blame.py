"""Where a port's VLANs come from: for each vid the event that set it as it is, or that took it.

Must not format: render writes what is found.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from vlanlog.core import event as e
from vlanlog.core.query import EventFilter
from vlanlog.core.state import Guest, HostState, Nic, Port, Seq
from vlanlog.core.vlan import (
    NO_VLANS,
    VID_MAX,
    VID_MIN,
    PortVlans,
    Vid,
    VlanRange,
    format_vids,
    span,
)
from vlanlog.errors import StoreError
from vlanlog.ports import EventLog

_KINDS = frozenset({"port.attached", "vlan.added", "vlan.removed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Is the event that gave a port these vids, with the flags that they have, or took them.

    Shape: of vids that were taken the flags are those that they had; because is the reason of
    the intent behind it, empty where none is known; joined says that the port had the vids from
    the moment on when it joined its bridge.
    """

    range: VlanRange
    source: e.Recorded
    because: str = ""
    joined: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Blamed:
    """Is a port, whose it is, and where its vids come from.

    Shape: origins are sorted by vid, one for each range of one event with the same flags; older
    are the VLANs that were set by events which are archived.
    """

    port: Port
    guest: Guest | None
    nic: Nic | None
    origins: tuple[Origin, ...]
    older: PortVlans = NO_VLANS


def blame(
    log: EventLog, state: HostState, subject: e.Subject, vid: Vid | None = None
) -> tuple[Blamed, ...]:
    """Returns where the vids (or the one) come from that the subject's ports carry in the state.

    The state is one of this log. A vid that was set again is due to the last time; a PVID that
    another displaced goes on as an untagged member, due to what made it untagged.
    Shape: by ifindex; a port that carries nothing of what is asked is among them.
    Raises: StoreError.
    """
    found = []
    for port, guest, nic in _ports(state, subject):
        origins, older = _origins(log, state, port, vid)
        found.append(Blamed(port=port, guest=guest, nic=nic, origins=origins, older=older))
    return tuple(found)


def removed(
    log: EventLog, state: HostState, subject: e.Subject, vid: Vid | None = None
) -> tuple[Blamed, ...]:
    """Returns what took the vids (or the one) that the ports do not carry any more in the state.

    Told are those that a port carried since it joined its bridge, each due to the last time.
    Shape, Raises: as ``blame``.
    """
    return tuple(
        Blamed(port=port, guest=guest, nic=nic, origins=_losses(log, state, port, vid))
        for port, guest, nic in _ports(state, subject)
    )


def _ports(state: HostState, subject: e.Subject) -> Iterator[tuple[Port, Guest | None, Nic | None]]:
    owners = state.owners()
    for _, port in sorted(state.table.ports.items()):
        guest, nic = owners.of(port) or (None, None)
        if _is_meant(subject, port, guest, nic):
            yield port, guest, nic


def _is_meant(subject: e.Subject, port: Port, guest: Guest | None, nic: Nic | None) -> bool:
    return (
        (subject.guest_uuid is None or (guest is not None and guest.uuid == subject.guest_uuid))
        and (subject.mac is None or subject.mac in (nic.mac if nic else None, port.mac))
        and (subject.port is None or subject.port == port.name)
        and (subject.bridge is None or subject.bridge == port.bridge)
    )


def _origins(
    log: EventLog, state: HostState, port: Port, vid: Vid | None
) -> tuple[tuple[Origin, ...], PortVlans]:
    asked = port.vlans.members & (-1 if vid is None else 1 << vid)
    search = _Search(asked)
    for item, is_arrival in _back(log, state, port) if asked else ():
        search.take(item, is_arrival=is_arrival)
        if search.is_done:
            break
    if search.missing and log.archived() is None:
        raise StoreError(
            f"the log does not tell where {port.name} has vid {format_vids(search.missing)} from",
            hint="see 'vlanlog verify'",
        )
    return _by_vid(search.origins(log, port.vlans)), _part(port.vlans, search.missing)


def _part(vlans: PortVlans, bits: int) -> PortVlans:
    native = vlans.pvid if vlans.pvid is not None and bits >> vlans.pvid & 1 else None
    return PortVlans(bits, vlans.untagged & bits, native)


def _losses(log: EventLog, state: HostState, port: Port, vid: Vid | None) -> tuple[Origin, ...]:
    asked = span(VID_MIN, VID_MAX) if vid is None else 1 << vid
    losses = _Losses(asked & ~port.vlans.members)
    for item, _ in _back(log, state, port):
        losses.take(item)
        if losses.is_done:
            break
    return _by_vid(losses.origins(log))


def _by_vid(found: Iterator[Origin]) -> tuple[Origin, ...]:
    return tuple(sorted(found, key=lambda item: item.range.first))


def _back(log: EventLog, state: HostState, port: Port) -> Iterator[tuple[e.Recorded, bool]]:
    """Yields what happened to a port since it joined its bridge, newest first.

    With each event comes whether it is that joining: a port that gets another name or MAC is
    attached once more, and keeps its VLANs.
    """
    own = e.Subject(port=port.name, ifindex=port.ifindex)
    for item in log.select(EventFilter(subjects=(own,), kinds=_KINDS, until=state.seq)):
        if item.event.boot_id != state.boot_id:
            continue
        match item.event.fact:
            case e.PortAttached():
                earlier = log.state(at_seq=Seq(item.seq - 1))
                known = earlier.table.ports.get(port.ifindex)
                if known is None or known.bridge != item.event.subject.bridge:
                    yield item, True
                    return
                yield item, False
                # Until here it may have had another name, by which its events are found.
                yield from _back(log, earlier, known)
                return
            case _:
                yield item, False


def _reason(log: EventLog, cause: UUID | None, seq: Seq) -> str:
    """Returns the reason of the intent behind an event, empty where the log holds none."""
    if cause is None:
        return ""
    intents = log.select(EventFilter(event_id=cause, until=Seq(seq - 1), limit=1))
    fact = next((item.event.fact for item in intents), None)
    return fact.because if isinstance(fact, e.ProgramIntended) else ""


class _Search:
    """Goes back through a port's events until each vid has its event.

    Shape: missing are the vids (bits) that no event was found for.
    """

    def __init__(self, asked: int) -> None:
        self.missing = asked
        self._found: list[tuple[int, e.Recorded, e.VlanAdded]] = []
        self._arriving: list[e.Recorded] = []
        self._joined: set[Seq] = set()

    @property
    def is_done(self) -> bool:
        """Tells whether nothing older can add anything."""
        return not (self.missing or self._arriving)

    def take(self, item: e.Recorded, *, is_arrival: bool) -> None:
        """Takes the next older event."""
        call = item.event.correlation_id
        self._arriving = [one for one in self._arriving if one.event.correlation_id == call]
        match item.event.fact:
            case e.VlanAdded() as fact:
                self._added(item, fact)
            case e.PortAttached():
                if is_arrival:
                    self._joined |= {one.seq for one in self._arriving}
                self._arriving = []
            case _:
                pass

    def _added(self, item: e.Recorded, fact: e.VlanAdded) -> None:
        bits = span(fact.first, fact.last) & self.missing
        if not bits:
            return
        self.missing &= ~bits
        self._found.append((bits, item, fact))
        if fact.cause is None:
            self._arriving.append(item)

    def origins(self, log: EventLog, carried: PortVlans) -> Iterator[Origin]:
        """Yields what was found, by ranges with the flags that they have now."""
        for bits, item, fact in self._found:
            because = _reason(log, fact.cause, item.seq)
            for each in _part(carried, bits).ranges():
                joined = item.seq in self._joined
                yield Origin(range=each, source=item, because=because, joined=joined)


class _Losses:
    """Goes back through a port's events until it is known which vids it had, and what took them.

    A deletion took a vid only if an older event had added it, with no deletion in between.
    """

    def __init__(self, asked: int) -> None:
        self._asked = asked
        self._taken: dict[Seq, tuple[int, e.Recorded, e.VlanRemoved]] = {}
        self._found: list[tuple[PortVlans, e.Recorded, e.VlanRemoved]] = []
        self._moved: Seq | None = None

    @property
    def is_done(self) -> bool:
        """Tells whether nothing older can add anything."""
        return not self._asked

    def take(self, item: e.Recorded) -> None:
        """Takes the next older event."""
        match item.event.fact:
            case e.VlanRemoved() as fact:
                bits = span(fact.first, fact.last) & self._asked
                self._leave(bits)
                self._taken[item.seq] = bits, item, fact
            case e.VlanAdded() as fact:
                self._had(fact)
                if fact.pvid:
                    self._moved = item.seq
            case _:
                pass

    def _leave(self, bits: int) -> None:
        """Leaves these vids to an older deletion: they were gone before the newer one."""
        self._taken = {
            seq: (held & ~bits, item, fact)
            for seq, (held, item, fact) in self._taken.items()
            if held & ~bits
        }

    def _had(self, added: e.VlanAdded) -> None:
        bits = span(added.first, added.last) & self._asked
        for seq, (held, item, fact) in self._taken.items():
            if lost := held & bits:
                # Another PVID may have come between.
                native = added.first if added.pvid and not self._is_displaced(seq) else None
                vlans = PortVlans(lost, lost if added.untagged else 0, native)
                self._found.append((vlans, item, fact))
                self._asked &= ~lost
        self._leave(bits)

    def _is_displaced(self, seq: Seq) -> bool:
        return self._moved is not None and self._moved < seq

    def origins(self, log: EventLog) -> Iterator[Origin]:
        """Yields what was found, by ranges with the flags that they had."""
        for vlans, item, fact in self._found:
            because = _reason(log, fact.cause, item.seq)
            for each in vlans.ranges():
                yield Origin(range=each, source=item, because=because)
