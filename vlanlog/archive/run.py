"""Archives a stretch: file, record, row, and only then the deletion; goes on where a run broke off.

Must not hold up a writer for longer than a small batch takes.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from enum import Enum, auto
from itertools import islice
from pathlib import Path
from uuid import UUID

import vlanlog
from vlanlog.archive import file
from vlanlog.archive.stretch import Stretch
from vlanlog.core.codec import GENESIS
from vlanlog.core.event import LogArchived, Recorded
from vlanlog.core.export import ExportError, Link
from vlanlog.core.fold import fold
from vlanlog.core.state import HostState, Seq
from vlanlog.errors import StoreError
from vlanlog.store.archives import (
    Archive,
    cover,
    left_over,
    let_go,
    newest_archive,
    newest_told,
    state_behind,
)
from vlanlog.store.log import SqlEventLog
from vlanlog.store.read import PAGE, recorded, stored
from vlanlog.store.snapshots import packed

_BATCH = 200
"""How many events are deleted at once: a hook that has something to record waits for one batch."""

_PAUSE_S = 0.005


class Step(Enum):
    """Is what has just been done."""

    PACKED = auto()
    WRITTEN = auto()
    CHECKED = auto()
    TOLD = auto()
    COVERED = auto()
    LET_GO = auto()


Told = Callable[[LogArchived], UUID]
"""Has the fact recorded in the log, and returns its event's id."""

Report = Callable[[Step, int], None]
"""Hears of each step, and of how many events it was."""


class Archiving:
    """Archives one host's log into a folder; ``file.held`` keeps others away meanwhile.

    Units: now_ns is ns since the epoch, UTC.
    """

    def __init__(
        self, log: SqlEventLog, folder: Path, *, now_ns: int, tell: Told, report: Report
    ) -> None:
        self._log = log
        self._engine, self._host = log.engine, log.host
        self._folder = folder
        self._now_ns = now_ns
        self._tell = tell
        self._report = report

    def finish(self) -> LogArchived | None:
        """Goes on where a run before broke off, and returns what that archived, if there was one.

        Raises: StoreError.
        """
        newest = newest_archive(self._engine, self._host)
        if newest is not None and left_over(self._engine, self._host):
            _check(newest.fact, self._host)
            self._let_go()
            return newest.fact
        told = newest_told(self._engine, self._host)
        if told is None or not self._is_whole(told, newest):
            return None
        fact = _fact(told)
        state = self._reread(fact, newest)
        if hashlib.sha256(state).hexdigest() != fact.state_sha256:
            # An older program began it: this one begins anew.
            return None
        self._cover(told, state)
        return fact

    def archive(self, stretch: Stretch) -> LogArchived:
        """Writes the stretch to a file, has that recorded, and deletes what the file holds.

        Raises: StoreError.
        """
        newest = newest_archive(self._engine, self._host)
        reading = self._reading(stretch, newest)
        first = Seq(stretch.after + 1)
        path = self._folder.absolute() / file.name_of(self._host, first, stretch.last)
        header = stretch.header(f"vlanlog {vlanlog.__version__}")
        try:
            written = file.write(path, header, reading.links())
        except ExportError as error:
            raise StoreError(
                f"the log is flawed: {error.why}; nothing was archived", hint="see 'vlanlog verify'"
            ) from error
        self._report(Step.WRITTEN, stretch.events)
        state = packed(reading.state)
        fact = LogArchived(
            first=first,
            last=stretch.last,
            after_hash=stretch.after_hash.hex(),
            hash=reading.hash.hex(),
            since_ns=reading.since_ns,
            until_ns=reading.until_ns,
            file=str(path),
            size_bytes=written.size_bytes,
            sha256=written.sha256,
            state_sha256=hashlib.sha256(state).hexdigest(),
            earlier=newest.digest if newest else "",
        )
        _check(fact, self._host)
        self._report(Step.CHECKED, stretch.events)
        event_id = self._tell(fact)
        self._report(Step.TOLD, stretch.events)
        told = newest_told(self._engine, self._host)
        if told is None or told.event.event_id != event_id:
            raise StoreError(
                "what was archived could not be recorded in the database; nothing was deleted",
                hint="run it again: see 'vlanlog db status'",
            )
        self._cover(told, state)
        return fact

    def _reading(self, stretch: Stretch, newest: Archive | None) -> _Reading:
        # Never from a snapshot: one that was forged would be true from then on.
        before = state_behind(self._engine, self._host, newest) if newest else HostState()
        return _Reading(self._log, stretch, before, self._now_ns, self._report)

    def _is_whole(self, told: Recorded, newest: Archive | None) -> bool:
        """Tells whether the file that the log tells of is there, and comes next."""
        fact = _fact(told)
        last, event = (newest.last, newest.event) if newest else (0, 0)
        if told.seq <= event or fact.first != last + 1:
            return False
        try:
            _check(fact, self._host)
        except StoreError:
            # What was told and came to nothing is no more than a line in the history.
            return False
        return True

    def _reread(self, fact: LogArchived, newest: Archive | None) -> bytes:
        after_hash = bytes.fromhex(fact.after_hash)
        stretch = Stretch(
            host=self._host, after=Seq(fact.first - 1), after_hash=after_hash, last=Seq(fact.last)
        )
        reading = self._reading(stretch, newest)
        for _ in reading.links():
            pass
        return packed(reading.state)

    def _cover(self, told: Recorded, state: bytes) -> None:
        fact = _fact(told)
        cover(self._engine, self._host, told.seq, state)
        self._report(Step.COVERED, fact.last - fact.first + 1)
        self._let_go()

    def _let_go(self) -> None:
        """Deletes in batches, and lets writers in between: as long as a batch took."""
        while True:
            begun_s = time.monotonic()
            gone = let_go(self._engine, self._host, _BATCH)
            if not gone:
                return
            self._report(Step.LET_GO, gone)
            time.sleep(max(_PAUSE_S, time.monotonic() - begun_s))


class _Reading:
    """Reads a stretch for its file, and adds it up on the way.

    Units: since_ns and until_ns, the earliest and the latest time, are ns since the epoch, UTC.
    """

    def __init__(
        self, log: SqlEventLog, stretch: Stretch, state: HostState, now_ns: int, report: Report
    ) -> None:
        self._log = log
        self._stretch = stretch
        self._now_ns = now_ns
        self._report = report
        self.state = state
        self.hash = GENESIS
        self.since_ns = now_ns
        self.until_ns = 0

    def links(self) -> Iterator[Link]:
        """Yields the events, each with its link in the chain."""
        engine, after, last = self._log.engine, self._stretch.after, self._stretch.last
        rows = stored(engine, self._log.host, after=after, until=last)
        while page := list(islice(rows, PAGE)):
            self.state = fold(map(recorded, page), self.state)
            self._note_times([item.row.at_ns for item in page])
            self.hash = page[-1].hash
            for item in page:
                yield Link(seq=item.seq, row=item.row, prev_hash=item.prev_hash, hash=item.hash)
            self._report(Step.PACKED, len(page))

    def _note_times(self, stamps: list[int]) -> None:
        self.since_ns = min(self.since_ns, *stamps)
        # A clock that was ahead stamps what would make all times since look archived.
        self.until_ns = max([self.until_ns, *(at for at in stamps if at <= self._now_ns)])


def _fact(told: Recorded) -> LogArchived:
    fact = told.event.fact
    if not isinstance(fact, LogArchived):
        raise TypeError(f"{fact!r} is no archive")
    return fact


def _check(fact: LogArchived, host: str) -> None:
    """Reads a file back: it must be what is told of it.

    Raises: StoreError.
    """
    path = Path(fact.file)
    written, content = file.read_back(path)
    told = (fact.sha256, host, fact.first - 1, fact.after_hash, fact.last, fact.hash)
    header = content.header
    found = (
        written.sha256,
        header.host,
        header.after,
        header.after_hash.hex(),
        content.last,
        content.hash.hex(),
    )
    if found != told:
        raise file.SpoiledError(
            path,
            "it is not what was archived",
            hint="bring back the right one; nothing was deleted",
        )
