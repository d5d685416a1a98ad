"""What a port has lost: for each vid that it does not carry any more the event that took it.

Must not format: render writes what is found.
"""

from __future__ import annotations

from collections.abc import Iterator

from vlanlog.blame.back import Blamed, Origin, back, by_vid, ports_of, reason
from vlanlog.core import event as e
from vlanlog.core.state import HostState, Port, Seq
from vlanlog.core.vlan import NO_VLANS, VID_MAX, VID_MIN, PortVlans, Vid, VlanRange, span
from vlanlog.ports import EventLog


def removed(
    log: EventLog, state: HostState, subject: e.Subject, vid: Vid | None = None
) -> tuple[Blamed, ...]:
    """Returns what took the vids (or the one) that the ports do not carry any more in the state.

    Told are those that a port carried since it joined its bridge, each due to the last time.
    Shape, Raises: as ``origins.blame``.
    """
    return tuple(
        Blamed(port=port, guest=guest, nic=nic, origins=_losses(log, state, port, vid))
        for port, guest, nic in ports_of(state, subject)
    )


def _losses(log: EventLog, state: HostState, port: Port, vid: Vid | None) -> tuple[Origin, ...]:
    asked = span(VID_MIN, VID_MAX) if vid is None else 1 << vid
    losses = _Losses(asked & ~port.vlans.members)
    for item, is_arrival in back(log, state, port):
        losses.take(item)
        if losses.is_done or is_arrival:
            break
    else:
        for each in _archived(log, state, port).ranges():
            losses.had(each)
    return by_vid(losses.origins(log))


def _archived(log: EventLog, state: HostState, port: Port) -> PortVlans:
    """Returns what the port carried behind the last event that is archived."""
    told = log.archived()
    if told is None or not isinstance(told.event.fact, e.LogArchived):
        return NO_VLANS
    then = log.state(at_seq=Seq(told.event.fact.last))
    known = then.table.ports.get(port.ifindex)
    return known.vlans if known and then.boot_id == state.boot_id else NO_VLANS


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
                self.had(fact.range)
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

    def had(self, added: VlanRange) -> None:
        """Takes note of vids that the port had before all that was taken so far."""
        bits = span(added.first, added.last) & self._asked
        for seq, (held, item, fact) in self._taken.items():
            if lost := held & bits:
                # Another PVID may have come between.
                native = added.first if added.pvid and not self._is_displaced(seq) else None
                vlans = PortVlans(lost, lost if added.untagged else 0, native)
                self._found.append((vlans, item, fact))
                self._asked &= ~lost

    def _is_displaced(self, seq: Seq) -> bool:
        return self._moved is not None and self._moved < seq

    def origins(self, log: EventLog) -> Iterator[Origin]:
        """Yields what was found, by ranges with the flags that they had."""
        for vlans, item, fact in self._found:
            because = reason(log, fact.cause, item.seq)
            for each in vlans.ranges():
                yield Origin(range=each, source=item, because=because)
