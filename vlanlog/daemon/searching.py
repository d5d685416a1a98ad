"""Finds out which guest owns a tap, and follows ports that joined a bridge until that is certain.

Must not program anything: it tells which ports may be.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import cached_property

from vlanlog.core import event as e
from vlanlog.core.desired import Desired, EntryIndex
from vlanlog.core.state import HostState, IfIndex, Port, tap_mac
from vlanlog.host.host import Host
from vlanlog.libvirt import Live, Unread

_logger = logging.getLogger(__name__)

PAUSES_S = (0.0, 0.1, 0.1, 0.15, 0.15, 0.2, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0)
"""The pauses between looks for the guest of a tap.

libvirt writes of a NIC in its status file only when QEMU has taken it; a guest that starts calls
its hook first, and that settles it.
"""

Lends = Callable[[], AbstractContextManager[Host]]
"""Yields the host in the daemon's own name, with a correlation of its own."""


class Sight:
    """Tells whose taps are beyond doubt, for one state of a host and what libvirt says then."""

    def __init__(self, state: HostState, read: Callable[[], Live]) -> None:
        self._owners = state.owners()
        self._index = EntryIndex(state.config)
        self._trunks = {
            (held.entry.name, trunk)
            for held in state.config.bridges.values()
            for trunk in held.entry.trunk_ports
        }
        self._read = read

    @cached_property
    def live(self) -> Live:
        """Returns what libvirt's status files say; they are read when they are first needed."""
        return self._read()

    @cached_property
    def _told(self) -> Mapping[str, frozenset[tuple[str | None, str]]]:
        guests = self.live.guests.values()
        return {guest.uuid: frozenset((nic.tap, nic.mac) for nic in guest.nics) for guest in guests}

    def is_certain(self, port: Port) -> bool:
        """Tells whether the tap is that of the guest that the log has for it.

        libvirt's status file says so: an operator's name may have gone from one guest to another
        by hot plug, and the MAC with it. A guest that has no file yet is about to start; there
        the tap's MAC says so.
        """
        owner = self._owners.of(port)
        if owner is None:
            return False
        guest, nic = owner
        told = self._told.get(guest.uuid)
        return port.mac == tap_mac(nic.mac) if told is None else (port.name, nic.mac) in told

    def is_no_tap(self, port: Port) -> bool:
        """Tells whether no guest is looked for: a trunk, or a bridge's own port."""
        return port.is_self or (port.bridge, port.name) in self._trunks

    def is_safe(self, port: Port) -> bool:
        """Tells whether what is wished for the port cannot be meant for another guest's tap."""
        if self.is_no_tap(port) or self.is_certain(port):
            return True
        held = self._index.for_unowned(port)
        unowned = self._owners.of(port) is None
        return unowned and (held is None or not held.entry.selector.guest)

    def safe(self, wanted: Desired) -> Desired:
        """Returns the wishes less those that may be meant for another guest's tap."""
        return replace(wanted, ports=tuple(w for w in wanted.ports if self.is_safe(w.port)))


@dataclass(frozen=True, slots=True)
class Look:
    """Is the next look for the guest of a port; due_s is a monotonic time.

    ``joined`` says that the port was not yet given its VLANs since it joined its bridge.
    """

    due_s: float
    joined: bool
    step: int = 0


class Search:
    """Follows ports until it is certain which guest owns them, or that none will be found."""

    def __init__(self, lend: Lends, read: Callable[[], Live]) -> None:
        self._lend = lend
        self._read = read
        self._looks: dict[IfIndex, Look] = {}
        self._complaints: frozenset[Unread] = frozenset()

    def sight(self, state: HostState) -> Sight:
        """Returns what can be told of this state now."""
        return Sight(state, self._read)

    def begin(self, index: IfIndex, now_s: float, *, joined: bool) -> None:
        """Looks for the guest of a port that joined a bridge or got another MAC."""
        known = self._looks.get(index)
        joined = joined or (known is not None and known.joined)
        self._looks[index] = Look(now_s + PAUSES_S[0], joined)

    def due_s(self) -> float | None:
        """Returns when the next look is due."""
        return min((look.due_s for look in self._looks.values()), default=None)

    def taken_due(self, now_s: float) -> dict[IfIndex, Look]:
        """Returns the looks that are due; they are to be given to ``found`` or to ``retry``."""
        due = {index: look for index, look in self._looks.items() if look.due_s <= now_s}
        for index in due:
            del self._looks[index]
        return due

    def retry(self, looks: Mapping[IfIndex, Look], due_s: float) -> None:
        """Puts off looks that came to nothing for want of a kernel or a log."""
        for index, look in looks.items():
            self._looks[index] = replace(look, due_s=due_s)

    def found(self, state: HostState, looks: Mapping[IfIndex, Look], now_s: float) -> set[IfIndex]:
        """Returns the ports to be given their VLANs; the others are looked at again later."""
        sight = self.sight(state)
        ready = set()
        for index, look in looks.items():
            port = state.table.ports.get(index)
            if port is None:
                continue
            certain = sight.is_certain(port)
            if look.joined or certain:
                ready.add(index)
            if certain or sight.is_no_tap(port) or look.step + 1 == len(PAUSES_S):
                continue
            step = look.step + 1
            self._looks[index] = Look(now_s + PAUSES_S[step], joined=False, step=step)
        return ready

    def record_guests(self, state: HostState, ports: Iterable[Port]) -> HostState:
        """Records guests that libvirt knows on these ports, and the log does not.

        Raises: StoreError.
        """
        sight = self.sight(state)
        taps = {
            port.name: port
            for port in ports
            if not sight.is_no_tap(port) and not sight.is_certain(port)
        }
        if not taps:
            return state
        self._complain(sight.live)
        for path, guest in sight.live.guests.items():
            # A name alone may be an old guest's: see Owners.
            macs = ((taps[nic.tap].mac, nic.mac) for nic in guest.nics if nic.tap in taps)
            if not any(mac == tap_mac(of_guest) for mac, of_guest in macs):
                continue
            subject = e.Subject(guest_uuid=guest.uuid, guest_name=guest.name)
            with self._lend() as host:
                fact = e.GuestObserved(nics=guest.nics, source=str(path))
                host.journal.write([(subject, fact)])
                state = host.state
        return state

    def _complain(self, live: Live) -> None:
        unread = frozenset(live.unread)
        for item in unread - self._complaints:
            _logger.warning("%s: %s", item.path, item.reason)
        self._complaints = unread
