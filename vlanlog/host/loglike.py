"""Logs that stand in for the database: where it cannot be written, and where nothing shall be.

Must not read a database: a state is handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from vlanlog.core.event import NO_SUBJECT, UNKNOWN_ACTOR, Event, HostBooted, Recorded
from vlanlog.core.query import EventFilter, Head
from vlanlog.core.state import HostState, Seq
from vlanlog.errors import StoreError
from vlanlog.ports import START, Clock, EventLog

Sink = Callable[[Sequence[Event]], None]


def nowhere(_: Sequence[Event]) -> None:
    """Takes events of a rehearsal, which leaves no trace."""


class OutsideLog:
    """Is a log whose events go to a sink; their seqs are provisional.

    ``past`` is the log that questions about the past go to, None where there is none.
    """

    def __init__(self, state: HostState, sink: Sink, *, past: EventLog | None = None) -> None:
        self._state = state
        self._sink = sink
        self._seq = state.seq
        self._past = past

    @property
    def past(self) -> EventLog | None:
        """Returns the log that questions about the past go to."""
        return self._past

    def append(self, events: Sequence[Event]) -> list[Seq]:
        """Hands the events to the sink."""
        self._sink(events)
        first = self._seq + 1
        self._seq = Seq(self._seq + len(events))
        return [Seq(number) for number in range(first, self._seq + 1)]

    def read(self, *, after: Seq = START, until: Seq | None = None) -> Iterator[Recorded]:
        """Reads the past."""
        return self._readable().read(after=after, until=until)

    def select(self, wanted: EventFilter) -> Iterator[Recorded]:
        """Asks the past."""
        return self._readable().select(wanted)

    def head(self) -> Head | None:
        """Returns the head of the past, None where there is none."""
        return self._past.head() if self._past else None

    def seq_at(self, at_ns: int) -> Seq:
        """Asks the past."""
        return self._readable().seq_at(at_ns)

    def archived(self) -> Recorded | None:
        """Asks the past."""
        return self._past.archived() if self._past else None

    def state(self, *, at_seq: Seq | None = None) -> HostState:
        """Returns the state that was handed in, or an older one of the past."""
        return self._state if at_seq is None else self._readable().state(at_seq=at_seq)

    def _readable(self) -> EventLog:
        if self._past is None:
            raise StoreError("the event log cannot be read", hint="see 'vlanlog db status'")
        return self._past


class NewLog(OutsideLog):
    """Is the log of a host that has none yet: nothing stands in it."""

    def read(self, *, after: Seq = START, until: Seq | None = None) -> Iterator[Recorded]:
        """Yields nothing."""
        del after, until
        return iter(())

    def select(self, wanted: EventFilter) -> Iterator[Recorded]:
        """Yields nothing."""
        del wanted
        return iter(())

    def seq_at(self, at_ns: int) -> Seq:
        """Returns 0: it has not begun."""
        del at_ns
        return START


class BootMarkingLog:
    """Appends late events with a ``host.booted`` before the first one of each new boot.

    A boot that the log knows and that is over is not begun again: what is late of it changes
    nothing of what is known by now.
    """

    def __init__(self, log: EventLog, clock: Clock) -> None:
        self._log = log
        self._clock = clock
        self._boot_id: str | None = None
        self._begun: set[str] | None = None

    def append(self, events: Sequence[Event]) -> list[Seq]:
        """Commits the events and the marks in one transaction."""
        if self._boot_id is None:
            self._boot_id = self._log.state().boot_id
        marked: list[Event] = []
        for event in events:
            if event.boot_id != self._boot_id and event.boot_id not in self._begun_so_far():
                marked.append(self._mark(event, self._boot_id))
                self._boot_id = event.boot_id
                self._begun_so_far().add(event.boot_id)
            marked.append(event)
        return self._log.append(marked)

    def _begun_so_far(self) -> set[str]:
        if self._begun is None:
            boots = self._log.select(EventFilter(kinds=frozenset({"host.booted"})))
            self._begun = {item.event.boot_id for item in boots}
        return self._begun

    def _mark(self, event: Event, previous: str) -> Event:
        return replace(
            event,
            event_id=self._clock.new_id(),
            actor=UNKNOWN_ACTOR,
            fact=HostBooted(previous_boot_id=previous or None),
            subject=NO_SUBJECT,
        )


class SafeLog:
    """Is a log that turns to the spool when the database fails, and stays there.

    A guest never waits for, or fails on, the record: VLANs first.
    """

    def __init__(self, log: EventLog, sink: Sink, note: Callable[[StoreError], None]) -> None:
        self._log = log
        self._sink = sink
        self._note = note
        self._seq = START

    def append(self, events: Sequence[Event]) -> list[Seq]:
        """Commits the events, or spools them where that fails."""
        try:
            seqs = self._log.append(events)
        except StoreError as error:
            self._note(error)
            self._log = OutsideLog(HostState(seq=self._seq), self._sink)
            seqs = self._log.append(events)
        self._seq = max([self._seq, *seqs])
        return seqs

    def read(self, *, after: Seq = START, until: Seq | None = None) -> Iterator[Recorded]:
        """Reads the log underneath."""
        return self._log.read(after=after, until=until)

    def select(self, wanted: EventFilter) -> Iterator[Recorded]:
        """Asks the log underneath."""
        return self._log.select(wanted)

    def head(self) -> Head | None:
        """Returns the head of the log underneath."""
        return self._log.head()

    def seq_at(self, at_ns: int) -> Seq:
        """Asks the log underneath."""
        return self._log.seq_at(at_ns)

    def archived(self) -> Recorded | None:
        """Asks the log underneath."""
        return self._log.archived()

    def state(self, *, at_seq: Seq | None = None) -> HostState:
        """Returns the state of the log underneath."""
        found = self._log.state(at_seq=at_seq)
        self._seq = max(self._seq, found.seq)
        return found
