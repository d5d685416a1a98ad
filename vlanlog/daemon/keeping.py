"""The daemon's log: the database, and while that fails, the spool.

Must not lose an event without saying so: what neither takes is an error.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import Protocol
from uuid import UUID

from vlanlog.core.event import Event, Recorded
from vlanlog.core.query import EventFilter, Head
from vlanlog.core.state import HostState, Seq
from vlanlog.errors import StoreError
from vlanlog.ports import START, EventLog

_logger = logging.getLogger(__name__)


class OpensLog(Protocol):
    """Opens the database under the writer lock; see ``host.opening.opened_log``."""

    def __call__(self, *, resumed: bool) -> AbstractContextManager[tuple[EventLog, list[str]]]:
        """Raises: StoreError."""


class KeptLog:
    """Is an event log that outlives failures of its database.

    Seqs that it gives meanwhile are provisional; ``recover`` brings the true ones, and
    ``is_another`` then tells that the log which came back lacks what was committed before.
    """

    def __init__(self, opens: OpensLog, spooled: Callable[[Sequence[Event]], None]) -> None:
        self._opens = opens
        self._spooled = spooled
        self._stack = ExitStack()
        self._log: EventLog | None = None
        self._seq = START
        self._committed: tuple[Seq, UUID] | None = None
        self.lost = 0
        self.lost_since_ns: int | None = None
        self.is_another = False
        self._open(resumed=False)

    @property
    def is_failing(self) -> bool:
        """Tells whether events go to the spool."""
        return self._log is None

    def close(self) -> None:
        """Closes the database and lets go of its lock."""
        self._log = None
        self._stack.close()

    def recover(self) -> bool:
        """Opens the database anew and takes in what was spooled; tells whether that was done."""
        try:
            self._open(resumed=True)
            self.is_another = not self._has_what_was_committed()
        except StoreError as error:
            _logger.debug("still no database: %s", error.message)
            self.close()
            return False
        _logger.warning("the database is back; what was spooled has been taken in")
        if self.is_another:
            _logger.critical("it lacks what was written to it before: it is another one")
        return True

    def _has_what_was_committed(self) -> bool:
        if self._committed is None:
            return True
        seq, event_id = self._committed
        found = self.read(after=Seq(seq - 1), until=seq)
        return [item.event.event_id for item in found] == [event_id]

    def _open(self, *, resumed: bool) -> None:
        with ExitStack() as stack:
            log, notes = stack.enter_context(self._opens(resumed=resumed))
            for note in notes:
                _logger.warning("%s", note)
            head = log.head()
            self._stack = stack.pop_all()
        self._log, self._seq = log, head.seq if head else START

    def taken_lost(self) -> tuple[int, int | None]:
        """Returns how many events were lost since the last call, and the first one's time.

        Units: ns since the epoch, UTC; None where none was lost.
        """
        found = self.lost, self.lost_since_ns
        self.lost, self.lost_since_ns = 0, None
        return found

    def append(self, events: Sequence[Event]) -> list[Seq]:
        """Commits the events, or spools them while that fails.

        Raises: StoreError where the spool fails too; the events are not kept then, and counted.
        """
        if self._log is not None:
            try:
                seqs = self._log.append(events)
            except StoreError as error:
                _logger.error("%s; the record goes to the spool", error.message)
                self.close()
            else:
                self._seq = max([self._seq, *seqs])
                if events and len(seqs) == len(events):
                    self._committed = seqs[-1], events[-1].event_id
                return seqs
        try:
            self._spooled(events)
        except OSError as error:
            self.lost += len(events)
            self.lost_since_ns = self.lost_since_ns or events[0].at_ns
            raise StoreError(f"neither database nor spool takes events: {error}") from error
        first = self._seq + 1
        self._seq = Seq(self._seq + len(events))
        return [Seq(number) for number in range(first, self._seq + 1)]

    def read(self, *, after: Seq = START, until: Seq | None = None) -> Iterator[Recorded]:
        """Reads the database."""
        return self._readable().read(after=after, until=until)

    def select(self, wanted: EventFilter) -> Iterator[Recorded]:
        """Asks the database."""
        return self._readable().select(wanted)

    def head(self) -> Head | None:
        """Returns the database's head."""
        return self._readable().head()

    def seq_at(self, at_ns: int) -> Seq:
        """Asks the database."""
        return self._readable().seq_at(at_ns)

    def archived(self) -> Recorded | None:
        """Asks the database."""
        return self._readable().archived()

    def state(self, *, at_seq: Seq | None = None) -> HostState:
        """Returns the state that the database gives."""
        return self._readable().state(at_seq=at_seq)

    def _readable(self) -> EventLog:
        if self._log is None:
            raise StoreError("the event log cannot be read", hint="see 'vlanlog db status'")
        return self._log
