"""Where a port's VLANs come from: for each vid the event that set it as it is.

Must not format: render writes what is found.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from vlanlog.core import event as e
from vlanlog.core.query import EventFilter
from vlanlog.core.state import Guest, HostState, Nic, Port, Seq
from vlanlog.core.vlan import PortVlans, Vid, VlanRange, format_vids, span
from vlanlog.errors import StoreError
from vlanlog.ports import EventLog

_KINDS = frozenset({"port.attached", "vlan.added", "vlan.removed", "program.intended"})

_INTENTS_BACK = 10_000
"""How far back a bridge's intent is looked for: its replay writes a few events for each port."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Is the event that gave a port these vids, with the flags that they have.

    Shape: because is the reason of the intent behind it, empty where none is known; joined says
    that the port had the vids from the moment on when it joined its bridge.
    """

    range: VlanRange
    source: e.Recorded
    because: str = ""
    joined: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Blamed:
    """Is a port, whose it is, and where its vids come from.

    Shape: origins are sorted by vid, one for each range of one event with the same flags.
    """

    port: Port
    guest: Guest | None
    nic: Nic | None
    origins: tuple[Origin, ...]


def blame(
    log: EventLog, state: HostState, subject: e.Subject, vid: Vid | None = None
) -> tuple[Blamed, ...]:
    """Returns where the vids (or the one) come from that the subject's ports carry in the state.

    The state is one of this log. A vid that was set again is due to the last time; a PVID that
    another displaced goes on as an untagged member, due to what made it untagged.
    Shape: by ifindex; a port that carries nothing of what is asked is among them.
    Raises: StoreError.
    """
    owners = state.owners()
    found = []
    for _, port in sorted(state.table.ports.items()):
        guest, nic = owners.of(port) or (None, None)
        if _is_meant(subject, port, guest, nic):
            found.append(
                Blamed(port=port, guest=guest, nic=nic, origins=_origins(log, state, port, vid))
            )
    return tuple(found)


def _is_meant(subject: e.Subject, port: Port, guest: Guest | None, nic: Nic | None) -> bool:
    return (
        (subject.guest_uuid is None or (guest is not None and guest.uuid == subject.guest_uuid))
        and (subject.mac is None or subject.mac == (nic.mac if nic else port.mac))
        and (subject.port is None or subject.port == port.name)
        and (subject.bridge is None or subject.bridge == port.bridge)
    )


def _origins(log: EventLog, state: HostState, port: Port, vid: Vid | None) -> tuple[Origin, ...]:
    asked = port.vlans.members & (-1 if vid is None else 1 << vid)
    search = _Search(asked)
    for item, is_arrival in _back(log, state, port) if asked else ():
        search.take(item, is_arrival=is_arrival)
        if search.is_done:
            break
    if search.missing:
        raise StoreError(
            f"the log does not tell where {port.name} has vid {format_vids(search.missing)} from",
            hint="see 'vlanlog verify'",
        )
    for cause, seq in search.causes.items():
        search.because[cause] = _reason(log, cause, seq)
    return tuple(sorted(search.origins(port.vlans), key=lambda item: item.range.first))


def _back(log: EventLog, state: HostState, port: Port) -> Iterator[tuple[e.Recorded, bool]]:
    """Yields what happened to a port since it joined its bridge, newest first.

    With each event comes whether it is that joining: a port that gets another name or MAC is
    attached once more, and keeps its VLANs.
    """
    own = e.Subject(port=port.name, ifindex=port.ifindex)
    for item in log.select(EventFilter(subjects=(own,), kinds=_KINDS)):
        if item.seq > state.seq or item.event.boot_id != state.boot_id:
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


def _reason(log: EventLog, cause: UUID, seq: Seq) -> str:
    """Returns the reason of an intent that was not the port's own: a default PVID that moved."""
    behind = log.read(after=Seq(max(0, seq - 1 - _INTENTS_BACK)), until=Seq(seq - 1))
    for item in behind:
        if item.event.event_id == cause and isinstance(item.event.fact, e.ProgramIntended):
            return item.event.fact.because
    return ""


class _Search:
    """Goes back through a port's events until each vid has its event, and that its reason.

    Shape: missing are the vids (bits) that no event was found for; causes are intents that are
    still looked for, with the seq of what they explain; because are the reasons of the others.
    """

    def __init__(self, asked: int) -> None:
        self.missing = asked
        self.causes: dict[UUID, Seq] = {}
        self.because: dict[UUID, str] = {}
        self._found: list[tuple[int, e.Recorded, e.VlanAdded]] = []
        self._arriving: list[e.Recorded] = []
        self._joined: set[Seq] = set()

    @property
    def is_done(self) -> bool:
        """Tells whether nothing older can add anything."""
        return not (self.missing or self.causes or self._arriving)

    def take(self, item: e.Recorded, *, is_arrival: bool) -> None:
        """Takes the next older event."""
        call = item.event.correlation_id
        self._arriving = [one for one in self._arriving if one.event.correlation_id == call]
        match item.event.fact:
            case e.VlanAdded() as fact:
                self._added(item, fact)
            case e.ProgramIntended() as fact if item.event.event_id in self.causes:
                del self.causes[item.event.event_id]
                self.because[item.event.event_id] = fact.because
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
        else:
            self.causes.setdefault(fact.cause, item.seq)

    def origins(self, carried: PortVlans) -> Iterator[Origin]:
        """Yields what was found, by ranges with the flags that they have now."""
        for bits, item, fact in self._found:
            native = carried.pvid if carried.pvid is not None and bits >> carried.pvid & 1 else None
            for each in PortVlans(bits, carried.untagged & bits, native).ranges():
                yield Origin(
                    range=each,
                    source=item,
                    because=self.because.get(fact.cause, "") if fact.cause else "",
                    joined=item.seq in self._joined,
                )
