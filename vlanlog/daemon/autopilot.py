"""Acts by itself: gives ports that join a bridge their VLANs, and treats foreign changes as told.

Must not touch a port that nothing names, nor one whose guest is not certain.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TypeVar

from vlanlog import replay
from vlanlog.core import event as e
from vlanlog.core.desired import desired
from vlanlog.core.entry import Foreign
from vlanlog.core.foreign import Key, Patience, Policies, as_revert, part_of
from vlanlog.core.observe import Finding, subject_of
from vlanlog.core.program import Scope, plan
from vlanlog.core.state import HostState, IfIndex, PortTable
from vlanlog.daemon.news import News
from vlanlog.daemon.searching import Lends, Look, Search
from vlanlog.errors import KernelError, StoreError
from vlanlog.host.host import Host
from vlanlog.libvirt import Live
from vlanlog.render.words import count

_logger = logging.getLogger(__name__)

_Key = TypeVar("_Key", IfIndex, str, Key)

SETTLED_S = 0.5
"""So long a port has to rest before what it carries is adopted."""

STRAY_S = 5.0
"""So long a port that nothing names may have been changed before its bridge was, and by that."""

RETRY_S = 2.0
"""After so long that which failed for want of a kernel or a log is tried again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Due:
    """Is what is due at one moment."""

    looks: Mapping[IfIndex, Look]
    anew: frozenset[str]
    reverts: frozenset[Key]
    adoptions: frozenset[IfIndex]

    def __bool__(self) -> bool:
        return bool(self.looks or self.anew or self.reverts or self.adoptions)


class Autopilot:
    """Is told what happened, and acts when it is time to; times are monotonic, in seconds."""

    def __init__(self, lend: Lends, guests: Callable[[], Live]) -> None:
        self._lend = lend
        self._search = Search(lend, guests)
        self._anew: dict[str, float] = {}
        self._reverts: dict[Key, float] = {}
        self._adoptions: dict[IfIndex, float] = {}
        self._patience: dict[Key, Patience] = {}
        self._strays: dict[IfIndex, float] = {}

    def begin(self, state: HostState, news: News, now_s: float) -> None:
        """Heeds what was found at the daemon's start: nothing joined just now.

        Guests are looked for, and what has ``foreign = revert`` is put back.
        Raises: StoreError.
        """
        state = self._search.record_guests(state, state.table.ports.values())
        named = {wish.port.ifindex for wish in desired(state, state.table).ports}
        ports = _with_policy(state, named, Foreign.REVERT)
        found = News(foreign=news.foreign | ports, bridges_foreign=set(state.table.bridges))
        self.heed(state, found, now_s)

    def heed(self, state: HostState, news: News, now_s: float) -> None:
        """Takes note of what happened.

        Raises: StoreError, where a delay cannot be recorded; the note is taken all the same.
        """
        self._forget_departed(state.table)
        for index in news.arrived:
            self._reverts.pop(index, None)
            self._adoptions.pop(index, None)
            self._patience.pop(index, None)
            self._search.begin(index, now_s, joined=True)
        for index in news.readdressed - news.arrived:
            self._search.begin(index, now_s, joined=False)
        for name in news.bridges_arrived & state.config.bridges.keys():
            self._reverts.pop(name, None)
            self._patience.pop(name, None)
            self._anew[name] = now_s
        self._say_delayed(self._heed_foreign(state, news, now_s))

    def _heed_foreign(self, state: HostState, news: News, now_s: float) -> list[Finding]:
        """Sets the times of reverts and adoptions, and returns what to say of the late ones."""
        policies, owners, table = Policies(state), state.owners(), state.table
        delayed: list[Finding] = []
        for name in news.bridges_foreign & table.bridges.keys():
            if policies.of_bridge(name) is Foreign.REVERT and name not in self._reverts:
                self._drop_strays(table, now_s, waiting={*self._reverts})
                subject = e.Subject(bridge=name, ifindex=table.bridges[name].ifindex)
                delayed += ((subject, fact) for fact in self._schedule(name, now_s))
        for index in news.foreign & table.ports.keys():
            match policies.of_port(table.ports[index]):
                case Foreign.REVERT if index not in self._reverts:
                    subject = subject_of(owners, table.ports[index])
                    delayed += ((subject, fact) for fact in self._schedule(index, now_s))
                case Foreign.ADOPT:
                    self._adoptions[index] = now_s + SETTLED_S
                case _:
                    continue
        return delayed

    def _schedule(self, key: Key, now_s: float) -> list[e.RevertDelayed]:
        patience = self._patience.get(key, Patience()).changed(now_s)
        delay_s = patience.delay_s(now_s)
        self._patience[key] = patience
        self._reverts[key] = now_s + delay_s
        if not delay_s:
            return []
        return [e.RevertDelayed(reverts=patience.reverts, delay_s=round(delay_s, 1))]

    def _say_delayed(self, delayed: list[Finding]) -> None:
        if not delayed:
            return
        for subject, fact in delayed:
            if isinstance(fact, e.RevertDelayed):
                _logger.warning(
                    "%s: %s came to nothing, the next is in %.1f s",
                    subject.port or subject.bridge,
                    count(fact.reverts, "revert"),
                    fact.delay_s,
                )
        with self._lend() as host:
            host.journal.write(delayed)

    def _forget_departed(self, table: PortTable) -> None:
        times: tuple[dict[Key, float], dict[Key, Patience]] = self._reverts, self._patience
        for items in times:
            for key in [key for key in items if not _is_there(key, table)]:
                del items[key]
        for index in self._adoptions.keys() - table.ports.keys():
            del self._adoptions[index]

    def due_s(self) -> float | None:
        """Returns when there is something to do next, None for not before the next news."""
        times = [*self._anew.values(), *self._reverts.values(), *self._adoptions.values()]
        if (search_s := self._search.due_s()) is not None:
            times.append(search_s)
        return min(times, default=None)

    def act(self, state: HostState, now_s: float) -> None:
        """Does what is due; what fails is due again soon.

        Raises: KernelError, StoreError.
        """
        due = _Due(
            looks=self._search.taken_due(now_s),
            anew=_popped_due(self._anew, now_s),
            reverts=_popped_due(self._reverts, now_s),
            adoptions=_popped_due(self._adoptions, now_s),
        )
        if not due:
            return
        try:
            self._do(state, due, now_s)
        except (KernelError, StoreError):
            self._put_off(due, now_s + RETRY_S)
            raise

    def _put_off(self, due: _Due, due_s: float) -> None:
        self._search.retry(due.looks, due_s)
        self._anew.update(dict.fromkeys(due.anew, due_s))
        self._reverts.update(dict.fromkeys(due.reverts, due_s))
        self._adoptions.update(dict.fromkeys(due.adoptions, due_s))

    def _do(self, state: HostState, due: _Due, now_s: float) -> None:
        ports = [state.table.ports[index] for index in due.looks if index in state.table.ports]
        state = self._search.record_guests(state, ports)
        ready = self._search.found(state, due.looks, now_s)
        if any(_is_there(key, state.table) for key in (*ready, *due.anew, *due.reverts)):
            with self._lend() as host:
                self._put_right(host, ready, due, now_s)
        if due.adoptions:
            with self._lend() as host:
                self._adopt(host, due.adoptions)

    def _put_right(self, host: Host, ready: set[IfIndex], due: _Due, now_s: float) -> None:
        reverts = _with_policy(host.state, due.reverts, Foreign.REVERT)
        ports = ready | {key for key in reverts if not isinstance(key, str)}
        table = host.look(only=ports & host.state.table.ports.keys())
        wanted = desired(host.state, table)
        safe = self._search.sight(host.state).safe(wanted)
        named = {wish.port.ifindex for wish in safe.ports}
        unsafe = [wish.port for wish in wanted.ports if wish.port.ifindex in reverts - named]
        for port in unsafe:
            _logger.warning("%s is not put back: which guest's it is is not certain", port.name)
        bridges = due.anew | {key for key in reverts if isinstance(key, str)}
        self._note_strays(host.state.table, reverts, named, now_s)
        todo = part_of(plan(safe, table, Scope()), ports, bridges, strays=self._strays.keys())
        todo = as_revert(todo, reverts)
        keys: list[Key] = [item.wish.port.ifindex for item in todo.ports]
        keys += (item.bridge.name for item in todo.bridges)
        for key in reverts & {*keys, *(port.ifindex for port in unsafe)}:
            self._patience[key] = self._patience.get(key, Patience()).reverted(now_s)
        report = replay.program(host.journal, host.kernel.eye, host.kernel.writer, todo)
        for item in report.reached.ports:
            _logger.info("%s set: %s", item.wish.port.name, item.wish.vlans)
        for line in report.undone:
            _logger.warning("%s", line)
        failed = {
            key
            for key, result in zip(keys, report.results, strict=True)
            if result.outcome is not e.Outcome.DONE
        }
        self._try_again(host.state, reverts & failed, now_s)

    def _try_again(self, state: HostState, failed: set[Key], now_s: float) -> None:
        table = state.table
        ports = {index for index in table.ports if index in failed}
        bridges = {name for name in table.bridges if name in failed}
        news = News(foreign=ports, bridges_foreign=bridges)
        self._say_delayed(self._heed_foreign(state, news, now_s))

    def _note_strays(
        self, table: PortTable, reverts: set[Key], named: set[IfIndex], now_s: float
    ) -> None:
        """Remembers ports that nothing names and someone changed.

        The kernel tells of ports first, and then that the default PVID moved that took them along.
        """
        self._drop_strays(table, now_s, waiting=reverts | self._reverts.keys())
        self._strays.update(dict.fromkeys(table.ports.keys() & reverts - named, now_s))
        for index in self._strays.keys() & named:
            del self._strays[index]

    def _drop_strays(self, table: PortTable, now_s: float, *, waiting: Collection[Key]) -> None:
        """Forgets those that were changed long ago, but on bridges that wait to be put back."""
        for index, at_s in list(self._strays.items()):
            port = table.ports.get(index)
            if port is None or (port.bridge not in waiting and now_s - at_s > STRAY_S):
                del self._strays[index]

    def _adopt(self, host: Host, indexes: Collection[IfIndex]) -> None:
        table = host.look(only=indexes & host.state.table.ports.keys())
        wishes = self._search.sight(host.state).safe(desired(host.state, table)).ports
        adopted = _with_policy(host.state, indexes, Foreign.ADOPT)
        for wish in wishes:
            vlans = wish.port.vlans
            if wish.port.ifindex in adopted and vlans != wish.vlans:
                fact = e.AssignmentSet(vlans=vlans, reason="foreign = adopt")
                host.journal.write([(wish.subject, fact)])
                _logger.info("%s adopted: %s", wish.port.name, vlans)


def _is_there(key: Key, table: PortTable) -> bool:
    return key in table.bridges if isinstance(key, str) else key in table.ports


def _with_policy(state: HostState, keys: Collection[_Key], wanted: Foreign) -> set[_Key]:
    """Returns those that are there and of which the config still says so."""
    policies = Policies(state)
    return {key for key in keys if _policy(policies, state.table, key) is wanted}


def _policy(policies: Policies, table: PortTable, key: Key) -> Foreign:
    if isinstance(key, str):
        return policies.of_bridge(key)
    return policies.of_port(table.ports[key]) if key in table.ports else Foreign.RECORD


def _popped_due(times: dict[_Key, float], now_s: float) -> frozenset[_Key]:
    due = frozenset(key for key, at_s in times.items() if at_s <= now_s)
    for key in due:
        del times[key]
    return due
