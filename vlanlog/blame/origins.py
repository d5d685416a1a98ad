"""Where a port's VLANs come from: for each vid the event that set it as it is.

Must not format: render writes what is found.
"""

from __future__ import annotations

from collections.abc import Iterator

from vlanlog.blame.back import Blamed, Origin, back, by_vid, ports_of, reason
from vlanlog.core import event as e
from vlanlog.core.state import HostState, Port, Seq
from vlanlog.core.vlan import PortVlans, Vid, format_vids, span
from vlanlog.errors import StoreError
from vlanlog.ports import EventLog


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
    for port, guest, nic in ports_of(state, subject):
        origins, older = _origins(log, state, port, vid)
        found.append(Blamed(port=port, guest=guest, nic=nic, origins=origins, older=older))
    return tuple(found)


def _origins(
    log: EventLog, state: HostState, port: Port, vid: Vid | None
) -> tuple[tuple[Origin, ...], PortVlans]:
    asked = port.vlans.members & (-1 if vid is None else 1 << vid)
    search = _Search(asked)
    for item, is_arrival in back(log, state, port) if asked else ():
        search.take(item, is_arrival=is_arrival)
        if search.is_done:
            break
    if search.missing and log.archived() is None:
        raise StoreError(
            f"the log does not tell where {port.name} has vid {format_vids(search.missing)} from",
            hint="see 'vlanlog verify'",
        )
    return by_vid(search.origins(log, port.vlans)), _part(port.vlans, search.missing)


def _part(vlans: PortVlans, bits: int) -> PortVlans:
    native = vlans.pvid if vlans.pvid is not None and bits >> vlans.pvid & 1 else None
    return PortVlans(bits, vlans.untagged & bits, native)


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
            because = reason(log, fact.cause, item.seq)
            for each in _part(carried, bits).ranges():
                joined = item.seq in self._joined
                yield Origin(range=each, source=item, because=because, joined=joined)
