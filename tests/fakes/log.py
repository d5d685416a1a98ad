"""An event log in memory with the real one's rules: seqs without holes, a chain, known ids.

Must not be kinder than the database: an event is written down and read back as columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from vlanlog.core import codec
from vlanlog.core.event import Event, Recorded
from vlanlog.core.fold import fold
from vlanlog.core.query import EventFilter, Head, matches
from vlanlog.core.state import HostState, Seq
from vlanlog.ports import START


class MemoryEventLog:
    """Implements ``ports.EventLog`` for one host."""

    def __init__(self) -> None:
        self._recorded: list[Recorded] = []
        self._known: set[object] = set()

    def append(self, events: Sequence[Event]) -> list[Seq]:
        """Keeps the events that are new."""
        seqs = []
        for event in events:
            if event.event_id in self._known:
                continue
            row = codec.encode(event)
            prev_hash = self._recorded[-1].hash if self._recorded else codec.GENESIS
            seq = Seq(len(self._recorded) + 1)
            link = codec.chained(prev_hash, seq, row)
            found = Recorded(seq=seq, event=codec.decode(row), prev_hash=prev_hash, hash=link)
            self._recorded.append(found)
            self._known.add(event.event_id)
            seqs.append(seq)
        return seqs

    def read(self, *, after: Seq = START, until: Seq | None = None) -> Iterator[Recorded]:
        """Yields the events with after < seq <= until."""
        return iter(self._recorded[after:until])

    def select(self, wanted: EventFilter) -> Iterator[Recorded]:
        """Yields what the filter names."""
        placed = self._recorded[wanted.after or 0 : wanted.until]
        order = reversed(placed) if wanted.newest_first else iter(placed)
        return islice((item for item in order if matches(wanted, item.event)), wanted.limit)

    def head(self) -> Head | None:
        """Returns the last event's place and hash."""
        if not self._recorded:
            return None
        last = self._recorded[-1]
        return Head(seq=last.seq, hash=last.hash, at_ns=last.event.at_ns)

    def seq_at(self, at_ns: int) -> Seq:
        """Returns the last seq of that time."""
        stamps = [item.event.at_ns for item in self._recorded]
        newest = max((stamp for stamp in stamps if stamp <= at_ns), default=None)
        if newest is None:
            return Seq(0)
        seq = len(stamps) - stamps[::-1].index(newest)
        while seq < len(stamps) and stamps[seq] <= at_ns:
            seq += 1
        return Seq(seq)

    def archived(self) -> Recorded | None:
        """Returns nothing: it has no files."""
        return None

    def state(self, *, at_seq: Seq | None = None) -> HostState:
        """Returns the fold from zero: there are no snapshots to be wrong."""
        return fold(self.read(until=at_seq))
