"""Acts by itself: gives ports that join a bridge their VLANs, and treats foreign changes as told.

Must not touch a port that nothing names, nor one whose guest is not certain.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import TypeVar

from vlanlog import replay
from vlanlog.core import event as e
from vlanlog.core.desired import Desired, EntryIndex, desired
from vlanlog.core.entry import Foreign
from vlanlog.core.foreign import Patience, policy
from vlanlog.core.observe import subject_of
from vlanlog.core.program import Plan, Scope, plan
from vlanlog.core.state import HostState, IfIndex, Port, tap_mac
from vlanlog.daemon.observer import News
from vlanlog.host.host import Host
from vlanlog.libvirt import Live

_logger = logging.getLogger(__name__)

Key = TypeVar("Key")

SEARCH_S = (0.0, 0.1, 0.1, 0.15, 0.15, 0.2, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0)
"""The pauses between looks for the guest of a tap.

libvirt writes of a NIC in its status file only when QEMU has taken it; a guest that starts calls
its hook first, and that settles it.
"""

_SETTLED_S = 0.5
"""So long a port has to rest before what it carries is adopted."""


@dataclass(frozen=True, slots=True)
class _Search:
    """Is the search for the guest of a port that joined a bridge; due_s is a monotonic time."""

    due_s: float
    step: int = 0


class Autopilot:
    """Is told what happened, and acts when it is time to.

    ``lend`` yields the host in the daemon's own name, with a correlation of its own; times are
    monotonic, in seconds.
    """

    def __init__(
        self,
        lend: Callable[[], AbstractContextManager[Host]],
        guests: Callable[[], Live],
    ) -> None:
        self._lend = lend
        self._guests = guests
        self._searches: dict[IfIndex, _Search] = {}
        self._reverts: dict[IfIndex, float] = {}
        self._adoptions: dict[IfIndex, float] = {}
        self._patience: dict[IfIndex, Patience] = {}
        self._bridges: dict[str, float] = {}

    def begin(self, state: HostState, news: News, now_s: float) -> None:
        """Heeds what was found at the daemon's start: nothing joined just now.

        Guests are looked for, and ports with ``foreign = revert`` are put back.
        """
        self._record_guests(state, state.table.ports.values())
        found = News(foreign=set(news.foreign), bridges_foreign=set(news.bridges_foreign))
        table = state.table
        for index in news.arrived:
            port = table.ports.get(index)
            if port and policy(state, table, port) is Foreign.REVERT:
                found.foreign.add(index)
        self.heed(state, found, now_s)

    def heed(self, state: HostState, news: News, now_s: float) -> None:
        """Takes note of what happened."""
        for index in news.arrived:
            self._searches[index] = _Search(now_s + SEARCH_S[0])
            self._adoptions.pop(index, None)
            self._patience.pop(index, None)
        for name in news.bridges_arrived & state.config.bridges.keys():
            self._bridges[name] = now_s
        for name in news.bridges_foreign & state.config.bridges.keys():
            if state.config.bridges[name].entry.foreign is Foreign.REVERT:
                self._bridges[name] = now_s + self._delay(state.table.bridges[name].ifindex, now_s)
        for index in news.foreign - self._searches.keys():
            port = state.table.ports.get(index)
            if port is not None:
                self._heed_foreign(state, port, now_s)

    def _heed_foreign(self, state: HostState, port: Port, now_s: float) -> None:
        match policy(state, state.table, port):
            case Foreign.REVERT:
                if port.ifindex not in self._reverts:
                    self._reverts[port.ifindex] = now_s + self._delay(port.ifindex, now_s)
            case Foreign.ADOPT:
                self._adoptions[port.ifindex] = now_s + _SETTLED_S
            case Foreign.RECORD:
                return

    def due_s(self) -> float | None:
        """Returns when there is something to do next, None for not before the next news."""
        times = [search.due_s for search in self._searches.values()]
        times += [*self._reverts.values(), *self._adoptions.values(), *self._bridges.values()]
        return min(times, default=None)

    def act(self, state: HostState, now_s: float) -> None:
        """Does what is due.

        Raises: KernelError, StoreError.
        """
        due = {index for index, search in self._searches.items() if search.due_s <= now_s}
        if due:
            state = self._search(state, due, now_s)
        reverts = _popped_due(self._reverts, now_s)
        bridges = _popped_due(self._bridges, now_s)
        adoptions = _popped_due(self._adoptions, now_s)
        for index in (*reverts, *(state.table.bridges[b].ifindex for b in bridges & _known(state))):
            self._patience[index] = self._patience.get(index, Patience()).reverted(now_s)
        self._put_right(state, due, reverts, bridges)
        self._adopt(adoptions)

    def _delay(self, index: IfIndex, now_s: float) -> float:
        patience = self._patience.get(index, Patience())
        delay_s = patience.delay_s(now_s)
        if delay_s:
            self._say_delayed(index, patience.reverts, delay_s)
        return delay_s

    def _say_delayed(self, index: IfIndex, reverts: int, delay_s: float) -> None:
        with self._lend() as host:
            port = host.state.table.ports.get(index)
            if port is None:
                return
            fact = e.RevertDelayed(reverts=reverts, delay_s=round(delay_s, 1))
            host.journal.write([(subject_of(host.state.owners(), port), fact)])
        _logger.warning(
            "%s was put back %d times and changed again each time: next time in %.0f s",
            port.name,
            reverts,
            delay_s,
        )

    def _search(self, state: HostState, due: set[IfIndex], now_s: float) -> HostState:
        ports = [state.table.ports[index] for index in due if index in state.table.ports]
        state = self._record_guests(state, ports)
        for index in due:
            search = self._searches.pop(index)
            port = state.table.ports.get(index)
            if port is None or port.is_self or self._has_its_guest(state, port):
                continue
            if search.step + 1 < len(SEARCH_S):
                step = search.step + 1
                self._searches[index] = _Search(now_s + SEARCH_S[step], step)
        return state

    def _has_its_guest(self, state: HostState, port: Port) -> bool:
        """Tells whether it is certain who owns a tap that joined: its MAC or libvirt says so.

        A name that an operator chose may have gone from one guest to another by hot plug as well.
        """
        owner = state.owners().of(port)
        if owner is None:
            return False
        guest, nic = owner
        if port.mac == tap_mac(nic.mac):
            return True
        live = (item for item in self._guests().guests.values() if item.uuid == guest.uuid)
        return any(item.tap == port.name and item.mac == nic.mac for g in live for item in g.nics)

    def _record_guests(self, state: HostState, ports: Iterable[Port]) -> HostState:
        """Records guests that libvirt knows on these ports, and the log does not."""
        owners = state.owners()
        unowned = [port for port in ports if not port.is_self and owners.of(port) is None]
        if not unowned:
            return state
        taps = {port.name: port for port in unowned}
        live = self._guests()
        for unread in live.unread:
            _logger.warning("%s: %s", unread.path, unread.reason)
        for path, guest in live.guests.items():
            own = [nic for nic in guest.nics if nic.tap in taps]
            if not any(taps[nic.tap or ""].mac in (tap_mac(nic.mac), None) for nic in own):
                # A name alone may be an old guest's: see Owners.
                continue
            subject = e.Subject(guest_uuid=guest.uuid, guest_name=guest.name)
            with self._lend() as host:
                fact = e.GuestObserved(nics=guest.nics, source=str(path))
                host.journal.write([(subject, fact)])
                state = host.state
        return state

    def _put_right(
        self, state: HostState, arrived: set[IfIndex], reverts: set[IfIndex], bridges: set[str]
    ) -> None:
        ports = arrived | reverts
        if not any(index in state.table.ports for index in ports) and not bridges & _known(state):
            return
        with self._lend() as host:
            table = host.look(only=ports & state.table.ports.keys())
            wanted = desired(host.state, table)
            wanted = self._certain(wanted, host.state, arrived)
            todo = _as_revert(_only(plan(wanted, table, Scope()), ports, bridges), reverts)
            report = replay.program(host.journal, host.kernel.eye, host.kernel.writer, todo)
        for item in report.reached.ports:
            _logger.info("%s set: %s", item.wish.port.name, item.wish.vlans)
        for line in report.undone:
            _logger.warning("%s", line)

    def _certain(self, wanted: Desired, state: HostState, arrived: set[IfIndex]) -> Desired:
        """Returns the wishes less those for a tap that joined and may be another guest's."""
        index = EntryIndex(state.config)

        def is_certain(port: Port) -> bool:
            if port.ifindex not in arrived or self._has_its_guest(state, port):
                return True
            held = index.for_unowned(port)
            unowned = state.owners().of(port) is None
            return unowned and (held is None or not held.entry.selector.guest)

        return replace(wanted, ports=tuple(wish for wish in wanted.ports if is_certain(wish.port)))

    def _adopt(self, indexes: set[IfIndex]) -> None:
        if not indexes:
            return
        with self._lend() as host:
            table = host.look(only=indexes & host.state.table.ports.keys())
            wishes = {wish.port.ifindex: wish for wish in desired(host.state, table).ports}
            for index in indexes & host.state.table.ports.keys():
                port = host.state.table.ports[index]
                wish = wishes.get(index)
                if wish is None or wish.vlans == port.vlans:
                    continue
                fact = e.AssignmentSet(vlans=port.vlans, reason="foreign = adopt")
                host.journal.write([(wish.subject, fact)])
                _logger.info("%s adopted: %s", port.name, port.vlans)


def _known(state: HostState) -> set[str]:
    return set(state.table.bridges)


def _popped_due(times: dict[Key, float], now_s: float) -> set[Key]:
    due = {key for key, at_s in times.items() if at_s <= now_s}
    for key in due:
        del times[key]
    return due


def _only(todo: Plan, ports: set[IfIndex], bridges: set[str]) -> Plan:
    """Returns the part of the plan for these ports and bridges.

    Every port of a bridge whose default PVID moves is among them: the kernel takes it along.
    """
    switched = tuple(item for item in todo.bridges if item.bridge.name in bridges)
    moved = {item.bridge.name for item in switched if item.default_pvid is not None}
    own = (
        item
        for item in todo.ports
        if item.wish.port.ifindex in ports or item.wish.port.bridge in moved
    )
    return replace(todo, bridges=switched, ports=tuple(own), missing=())


def _as_revert(todo: Plan, reverts: set[IfIndex]) -> Plan:
    ports = [
        replace(item, wish=replace(item.wish, because=f"foreign = revert: {item.wish.because}"))
        if item.wish.port.ifindex in reverts
        else item
        for item in todo.ports
    ]
    return replace(todo, ports=tuple(ports))
