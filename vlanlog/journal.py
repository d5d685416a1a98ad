"""One writer's side of the log: seals facts into events, appends them, keeps the state current.

Must not decide what is worth recording; the use cases do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from vlanlog.core.event import Actor, Event
from vlanlog.core.fold import advance, fold
from vlanlog.core.observe import Finding
from vlanlog.core.state import HostState, Seq
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
        self._held: list[Event] | None = None

    def write(self, findings: Iterable[Finding], *, actor: Actor | None = None) -> list[Event]:
        """Commits the facts in one transaction and returns their events.

        Raises: StoreError.
        """
        return self.write_by((finding, actor) for finding in findings)

    def write_by(self, findings: Iterable[tuple[Finding, Actor | None]]) -> list[Event]:
        """Commits facts of several actors likewise; None is whoever the envelope names.

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
            for (subject, fact), actor in findings
        ]
        self.take(events)
        return events

    def take(self, events: Sequence[Event]) -> None:
        """Commits events that were sealed elsewhere; one that the log knows is passed over.

        Raises: StoreError.
        """
        if not events:
            return
        if self._held is None:
            self._commit(events)
            return
        # Their places are guessed until the commit; the facts that are held depend on none.
        numbered = ((Seq(self.state.seq + n), event) for n, event in enumerate(events, start=1))
        self.state = advance(numbered, self.state)
        self._held += events

    def catch_up(self) -> None:
        """Folds what others have appended to the log since. Raises: StoreError."""
        self.state = fold(self._log.read(after=self.state.seq), self.state)

    def begin_anew(self) -> None:
        """Takes the state that the log gives, whatever was known. Raises: StoreError."""
        self.state = self._log.state()

    @contextmanager
    def together(self) -> Iterator[None]:
        """Commits what is written within in one transaction at the end; the state does not wait.

        For what was found, never for an intent: that has to be in the log before it is acted on.
        Raises: StoreError.
        """
        if self._held is not None:
            yield
            return
        before, self._held = self.state, []
        try:
            yield
        finally:
            held, self._held = self._held, None
            self.state = before
            if held:
                self._commit(held)

    @contextmanager
    def acting(self, envelope: Envelope) -> Iterator[None]:
        """Writes in the name of another hook call or command meanwhile."""
        own, self.envelope = self.envelope, envelope
        try:
            yield
        finally:
            self.envelope = own

    def _commit(self, events: Sequence[Event]) -> None:
        seqs = self._log.append(events)
        if not seqs:
            return
        if len(seqs) == len(events) and seqs[0] == self.state.seq + 1:
            self.state = advance(zip(seqs, events, strict=True), self.state)
            return
        # Another process appended meanwhile, or the log knew some of them.
        self.state = fold(self._log.read(after=self.state.seq, until=seqs[-1]), self.state)
