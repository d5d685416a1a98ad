"""Takes in what hooks did without an answer from the daemon, and knows their changes for theirs.

Must not touch the kernel.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from uuid import UUID

from vlanlog.core import event as e
from vlanlog.core.authorship import Authorship, Intents
from vlanlog.core.desired import PortWish
from vlanlog.core.observe import Finding
from vlanlog.core.program import Plan, PortPlan
from vlanlog.core.state import IfIndex, Seq
from vlanlog.daemon.keeping import KeptLog
from vlanlog.daemon.news import Told
from vlanlog.errors import StoreError
from vlanlog.host.loglike import BootMarkingLog
from vlanlog.journal import Envelope, Journal
from vlanlog.ports import Clock, EventSink
from vlanlog.spool import Spool

_logger = logging.getLogger(__name__)

_WORKS_NS = 120_000_000_000
"""Twice what a hook may take by default: whoever has not finished by then was killed."""

_Part = tuple[e.Event | None, tuple[Finding, bool]]


@dataclass(slots=True, kw_only=True)
class _Intent:
    event: e.Event
    whose: Authorship
    is_finished: bool = False


class _Noting:
    """Is a log that keeps at hand what it took."""

    def __init__(self, log: EventSink) -> None:
        self._log = log
        self.events: list[e.Event] = []

    def append(self, events: Sequence[e.Event]) -> list[Seq]:
        self.events += events
        return self._log.append(events)


class Elsewhere:
    """Is the spool as the daemon has it: what it holds is in the log before others are blamed.

    A hook that the daemon keeps waiting does the work itself. Its intent is in the spool before
    it touches the kernel, and so before the daemon can hear of the change.
    """

    def __init__(self, spool: Spool, kept: KeptLog, journal: Journal, clock: Clock) -> None:
        self._spool = spool
        self._kept = kept
        self._journal = journal
        self._clock = clock
        self._intents: dict[UUID, _Intent] = {}

    def take_in(self) -> None:
        """Takes in what is pending, unless the log is the spool just now.

        Raises: StoreError, OSError.
        """
        if self._kept.is_failing or not self._spool.pending():
            return
        noting = _Noting(BootMarkingLog(self._kept, self._clock))
        taken = self._spool.take_in(noting)
        self._journal.catch_up()
        for event in noting.events:
            self._note(event)
        _logger.info("%d records taken in from the spool", taken.new_events)
        for item in taken.set_aside:
            _logger.warning("a record could not be read (%s): see %s", item.reason, item.path)

    def take_in_if_possible(self) -> None:
        """Does the same for one who has notices in hand, which must not be lost over it."""
        try:
            self.take_in()
        except (StoreError, OSError) as error:
            _logger.warning("the spool waits: %s", error)

    def _note(self, event: e.Event) -> None:
        fact, index = event.fact, IfIndex(event.subject.ifindex or 0)
        if isinstance(fact, e.ProgramFinished) and fact.intent in self._intents:
            self._intents[fact.intent].is_finished = True
        port = self._journal.state.table.ports.get(index)
        if not isinstance(fact, e.ProgramIntended) or port is None or fact.before == fact.after:
            return
        wish = PortWish(port=port, vlans=fact.after, because=fact.because, subject=event.subject)
        todo = Plan(ports=(PortPlan(wish=wish, adds=(), deletes=()),))
        whose = Authorship(todo, Intents(bridges={}, ports={index: event.event_id}))
        self._intents[event.event_id] = _Intent(event=event, whose=whose)

    def forget(self) -> None:
        """Is told that all that the kernel has said is recorded: what is finished explains no more.

        Until then what was heard may be older than what was taken in.
        """
        if self._intents:
            over_ns = self._clock.now_ns() - _WORKS_NS
            self._intents = {
                event_id: intent
                for event_id, intent in self._intents.items()
                if not intent.is_finished and intent.event.at_ns > over_ns
            }

    def told_apart(self, told: Told, own: Envelope) -> list[tuple[Envelope | None, Told]]:
        """Returns the facts in their order, those that a hook's intent explains in its name.

        None is for all others; what is our own already stays so.
        """
        if not self._intents:
            return [(None, told)]
        explained = [part for finding, ours in told for part in self._explained(finding, ours)]
        return [
            (_envelope(own, intent) if intent else None, [part for _, part in group])
            for intent, group in groupby(explained, key=lambda part: part[0])
        ]

    def _explained(self, finding: Finding, ours: bool) -> list[_Part]:
        rest = [] if ours else [finding]
        done: list[_Part] = [(None, (finding, ours))] if ours else []
        index = finding[0].ifindex
        for intent in (one for one in self._intents.values() if one.event.subject.ifindex == index):
            parts = intent.whose.told_apart(rest)
            done += ((intent.event, (part, True)) for part, is_its in parts if is_its)
            rest = [part for part, is_its in parts if not is_its]
        return [*done, *((None, (part, False)) for part in rest)]


def _envelope(own: Envelope, intent: e.Event) -> Envelope:
    return replace(own, actor=intent.actor, correlation_id=intent.correlation_id)
