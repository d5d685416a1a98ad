"""What is asked about a port's VLANs, and the way back through its events.

Must not decide which event is to blame.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from vlanlog.core import event as e
from vlanlog.core.query import EventFilter
from vlanlog.core.state import Guest, HostState, Nic, Port, Seq
from vlanlog.core.vlan import NO_VLANS, PortVlans, VlanRange
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


def ports_of(
    state: HostState, subject: e.Subject
) -> Iterator[tuple[Port, Guest | None, Nic | None]]:
    """Yields the subject's ports, by ifindex, and whose they are."""
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


def by_vid(found: Iterator[Origin]) -> tuple[Origin, ...]:
    """Returns what was found, sorted by vid."""
    return tuple(sorted(found, key=lambda item: item.range.first))


def back(log: EventLog, state: HostState, port: Port) -> Iterator[tuple[e.Recorded, bool]]:
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
                yield from back(log, earlier, known)
                return
            case _:
                yield item, False


def reason(log: EventLog, cause: UUID | None, seq: Seq) -> str:
    """Returns the reason of the intent behind an event, empty where the log holds none."""
    if cause is None:
        return ""
    intents = log.select(EventFilter(event_id=cause, until=Seq(seq - 1), limit=1))
    fact = next((item.event.fact for item in intents), None)
    return fact.because if isinstance(fact, e.ProgramIntended) else ""
