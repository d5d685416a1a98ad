"""One writer's side of the log: seals facts into events, appends them, keeps the state current.

Must not decide what is worth recording; the use cases do.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from vlanlog.core.event import Actor, Event
from vlanlog.core.fold import advance
from vlanlog.core.observe import Finding
from vlanlog.core.state import HostState
from vlanlog.ports import Clock, EventLog


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """Is what all events of one hook call or one command have in common."""

    host: str
    boot_id: str
    actor: Actor
    correlation_id: UUID


class Journal:
    """Appends to the log and folds what it appended, so that ``state`` is never behind."""

    def __init__(self, *, log: EventLog, clock: Clock, envelope: Envelope) -> None:
        self._log = log
        self._clock = clock
        self.envelope = envelope
        self.state: HostState = log.state()

    def write(self, findings: Iterable[Finding], *, actor: Actor | None = None) -> list[Event]:
        """Commits the facts in one transaction and returns their events.

        Raises: StoreError.
        """
        events = [
            Event(
                event_id=self._clock.new_id(),
                at_ns=self._clock.now_ns(),
                host=self.envelope.host,
                boot_id=self.envelope.boot_id,
                actor=actor or self.envelope.actor,
                correlation_id=self.envelope.correlation_id,
                fact=fact,
                subject=subject,
            )
            for subject, fact in findings
        ]
        if events:
            seqs = self._log.append(events)
            self.state = advance(zip(seqs, events, strict=True), self.state)
        return events
