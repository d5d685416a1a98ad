"""Hears what the kernel says, reads it where hearing is not enough, and records both.

Must not change the kernel; what was not seen is said in the log as a gap.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Protocol

from vlanlog.core import event as e
from vlanlog.core.authorship import NOBODY, Authorship
from vlanlog.core.heard import Hearing
from vlanlog.core.notice import LinkMessage, Notice
from vlanlog.core.observe import Finding, differences, subject_of, vlan_facts
from vlanlog.core.state import Coverage, IfIndex, PortTable
from vlanlog.core.vlan import PortVlans
from vlanlog.daemon.elsewhere import Elsewhere
from vlanlog.daemon.news import Gathering, News
from vlanlog.journal import Envelope, Journal
from vlanlog.kernel.watch import LostError
from vlanlog.ports import Clock, KernelReader

BATCH_NOTICES = 2000
"""How many notices make one transaction, so that others are served in between."""

_AGAIN = "the kernel could be read again"
_READINGS = 25
_SINGLE_READS = 32
"""Up to so many ports are read one by one; for more, one dump of all is cheaper."""


class NoticeSource(Protocol):
    """Is the watch: see ``kernel.watch.Watch``."""

    def read(self, limit: int = ...) -> list[Notice]:
        """Returns what is queued. Raises: LostError."""

    def drain(self) -> int:
        """Throws away what is queued and returns how much that was."""


class PortReader(KernelReader, Protocol):
    """Reads all of the kernel, or one port."""

    def read_vlans(self, ifindex: IfIndex) -> PortVlans:
        """Returns the VLANs of one port. Raises: KernelError."""


class Observer:
    """Is the daemon's eye: between its calls the journal's state is what the kernel was heard to
    carry."""

    def __init__(
        self,
        journal: Journal,
        watch: NoticeSource,
        reader: PortReader,
        clock: Clock,
        *,
        pause: Callable[[], None],
        elsewhere: Elsewhere | None = None,
    ) -> None:
        self._journal = journal
        self._elsewhere = elsewhere
        self._watch = watch
        self._reader = reader
        self._clock = clock
        self._pause = pause
        self._own = journal.envelope
        self._hearing = Hearing()
        self._gathering = Gathering()
        self._settled_ns: int | None = None
        self._heard_ns: int | None = None

    def news(self) -> News:
        """Returns what happened since the last call."""
        return self._gathering.news()

    def begin(self, started: e.Fact) -> None:
        """Reads the kernel for the first time and closes the gap in which nobody watched.

        Raises: KernelError, StoreError.
        """
        if self._journal.state.coverage is not Coverage.GAP:
            self._write(e.GapOpened(reason="nobody watched before"))
        self._write(started)
        self._close_gap(NOBODY, "the watch begins")

    def end(self, stopped: e.Fact) -> None:
        """Records what is queued, and that nobody watches from here on. Raises: StoreError."""
        self.hear()
        reason = "the daemon stops"
        self._journal.write((e.NO_SUBJECT, fact) for fact in (stopped, e.GapOpened(reason=reason)))

    def hear(self, whose: Authorship = NOBODY, *, batches: int = 1_000_000) -> bool:
        """Records what is queued, in at most so many transactions; tells whether it was all.

        Raises: KernelError, StoreError.
        """
        for _ in range(batches):
            try:
                asked_ns = self._clock.now_ns()
                notices = self._watch.read(BATCH_NOTICES)
                if notices:
                    self._ask_elsewhere(whose)
                    self._take(self._hearing.take(self._journal.state, notices), whose)
                    continue
                self._heard_ns = asked_ns
                if not self._hearing.waits:
                    if self._elsewhere is not None:
                        self._elsewhere.forget()
                    return True
                # The kernel holds its lock from a port's first word of leaving to its last.
                self._pause()
                notices = self._watch.read(BATCH_NOTICES)
                if notices:
                    self._take(self._hearing.take(self._journal.state, notices), whose)
                else:
                    self._take(self._hearing.release(self._journal.state), whose)
            except LostError as lost:
                self._lost(str(lost), whose, self._heard_ns)
        return False

    def _ask_elsewhere(self, whose: Authorship) -> None:
        # While a plan is carried out the log is not read: what is written waits for its commit.
        if self._elsewhere is not None and whose is NOBODY:
            self._elsewhere.take_in_if_possible()

    def look(
        self, whose: Authorship = NOBODY, *, only: Collection[IfIndex] | None = None
    ) -> PortTable:
        """Returns what the kernel carries, and records what was not known; see ``ports.Eye``.

        Ports that ``only`` does not name are as they were heard of.
        """
        self.hear(whose)
        if only is None or len(only) > _SINGLE_READS:
            self._close_gap(whose, _AGAIN)
        else:
            for index in only:
                self._reread(index, whose)
        return self._journal.state.table

    def reconcile(self) -> int:
        """Reads everything and records what the kernel did not announce; returns how much.

        Raises: KernelError, StoreError.
        """
        self.hear()
        return self._close_gap(NOBODY, _AGAIN)

    def lose(self, reason: str, since_ns: int | None) -> None:
        """Records that changes were missed for a reason of the daemon's own, and reads anew."""
        self._lost(reason, NOBODY, since_ns)

    def _lost(self, reason: str, whose: Authorship, since_ns: int | None) -> None:
        """Records a loss that was met now and began at any time after ``since_ns``."""
        self._write(e.GapOpened(reason=reason, since_ns=since_ns))
        thrown_away = self._watch.drain()
        self._hearing = Hearing()
        self._close_gap(whose, f"{thrown_away} notices were thrown away")

    def _close_gap(self, whose: Authorship, words: str) -> int:
        """Reads everything, closes the gap if one is open, and returns how much was found."""
        found, whole = self._settle(whose)
        if whole and self._journal.state.coverage is Coverage.GAP:
            self._write(e.GapClosed(reason=f"{words}; a re-read found {found} changes"))
        return found

    def _settle(self, whose: Authorship) -> tuple[int, bool]:
        """Reads the kernel until each port was read once while nothing was heard of it.

        What was said during a reading may be older or newer than what was read. Returns how much
        was found, and whether it is all: not where each reading was followed by a loss.
        """
        self._ask_elsewhere(whose)
        found, checked = 0, set[IfIndex]()
        began_ns = self._clock.now_ns()
        for tries_left in reversed(range(_READINGS)):
            table = self._reader.read()
            try:
                heard = self._heard_meanwhile()
            except LostError as lost:
                self._lost_again(str(lost))
                checked.clear()
                if not tries_left:
                    return found + self._found(table, whose), False
                continue
            touched = {notice.ifindex for notice in heard}
            if not tries_left:
                # A host that never rests: better what was read than nothing.
                found += self._found(table, whose)
            elif not any(_moves(notice, table, self._journal.state.table) for notice in heard):
                found += self._found(_but(table, touched, self._journal.state.table), whose)
                checked |= table.ports.keys() - touched
            self._take(self._hearing.take(self._journal.state, heard), whose)
            if table.ports.keys() <= checked and not self._hearing.waits:
                break
        # Not the end: a port that was read first may have changed unsaid while others were read.
        self._settled_ns = began_ns
        return found, True

    def _heard_meanwhile(self) -> list[Notice]:
        heard: list[Notice] = []
        while notices := self._watch.read(BATCH_NOTICES):
            heard += notices
        return heard

    def _lost_again(self, reason: str) -> None:
        if self._journal.state.coverage is Coverage.WATCHED:
            self._write(e.GapOpened(reason=reason, since_ns=self._heard_ns))
        self._watch.drain()
        self._hearing = Hearing()

    def _found(self, table: PortTable, whose: Authorship) -> int:
        return self._unsaid(differences(self._journal.state, table), whose)

    def _unsaid(self, findings: Sequence[Finding], whose: Authorship) -> int:
        """Records how the kernel differs from what was heard: a gap, if none is open."""
        told = whose.told_apart(findings)
        if not told:
            return 0
        foreign = any(not own for _, own in told)
        if foreign and self._journal.state.coverage is Coverage.WATCHED:
            reason = "the kernel said nothing of these changes"
            self._write(e.GapOpened(reason=reason, since_ns=self._settled_ns))
            self._record(told, e.UNKNOWN_ACTOR)
            self._write(e.GapClosed(reason=f"a re-read found {len(told)} changes"))
        else:
            self._record(told, e.UNKNOWN_ACTOR)
        return len(told)

    def _reread(self, index: IfIndex, whose: Authorship) -> None:
        for _ in range(_READINGS):
            vlans = self._reader.read_vlans(index)
            try:
                heard = self._heard_meanwhile()
            except LostError as lost:
                self._lost(str(lost), whose, self._heard_ns)
                return
            self._take(self._hearing.take(self._journal.state, heard), whose)
            port = self._journal.state.table.ports.get(index)
            if port is None:
                return
            if all(notice.ifindex != index for notice in heard):
                facts = vlan_facts(port.vlans, vlans)
                subject = subject_of(self._journal.state.owners(), port)
                self._unsaid([(subject, fact) for fact in facts], whose)
                # To read a port, the kernel waits until its joining is over.
                self._gathering.joined(index)
                return

    def _take(self, findings: Sequence[Finding], whose: Authorship) -> None:
        if findings:
            self._record(whose.told_apart(findings))

    def _record(
        self, told: Sequence[tuple[Finding, bool]], stranger: e.Actor = e.UNKNOWN_WRITER
    ) -> None:
        elsewhere = self._elsewhere
        parts = [(None, told)] if elsewhere is None else elsewhere.told_apart(told, self._own)
        for envelope, part in parts:
            with self._by_itself(part) if envelope is None else self._journal.acting(envelope):
                self._gathering.take(part, self._journal.state.table)
                self._journal.write_by((item, None if own else stranger) for item, own in part)

    @contextmanager
    def _by_itself(self, told: Sequence[tuple[Finding, bool]]) -> Iterator[None]:
        """Gives what nobody of ours did a correlation of its own, or two strangers' were one's."""
        if any(own for _, own in told) or self._journal.envelope is not self._own:
            yield
            return
        with self._journal.acting(self._anew()):
            yield

    def _write(self, fact: e.Fact) -> None:
        with self._journal.acting(self._anew()):
            self._journal.write([(e.NO_SUBJECT, fact)])

    def _anew(self) -> Envelope:
        return replace(self._own, correlation_id=self._clock.new_id())


def _moves(notice: Notice, read: PortTable, known: PortTable) -> bool:
    """Tells whether a link message is of a port or bridge of these tables."""
    if not isinstance(notice, LinkMessage):
        return False
    bridges = {bridge.ifindex for bridge in (*read.bridges.values(), *known.bridges.values())}
    ports = read.ports.keys() | known.ports.keys()
    return notice.ifindex in ports or notice.master in bridges or notice.kind == "bridge"


def _but(table: PortTable, touched: set[IfIndex], known: PortTable) -> PortTable:
    """Returns the table that was read with these ports as they were known before."""
    kept = {index: known.ports[index] for index in touched if index in known.ports}
    ports = {index: port for index, port in table.ports.items() if index not in touched}
    return replace(table, ports={**ports, **kept})
