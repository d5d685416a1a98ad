"""Chooses which stretch of a log is archived next: from its beginning, up to a quiet moment.

Must not part what one hook call or one command did.
"""

from __future__ import annotations

import lzma
from dataclasses import dataclass

from vlanlog.archive.file import LEVEL
from vlanlog.core import export
from vlanlog.core.codec import GENESIS
from vlanlog.core.export import Header, Link
from vlanlog.core.state import Seq
from vlanlog.errors import ArchivedError
from vlanlog.store.archives import calls_between, newest_archive
from vlanlog.store.log import SqlEventLog
from vlanlog.store.read import stored

_OPENING = frozenset(
    {
        "assignment.cleared",
        "assignment.set",
        "hook.invoked",
        "program.intended",
        "replay.started",
    }
)
"""The kinds of which one is in all that belongs together; a daemon's own words are not."""

_TRIED = 10_000
"""How many events are packed to tell a file's size."""

_AROUND = 10_000
"""How many events before and behind are looked through: a replay of 1,000 ports writes fewer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Is what is archived next: after < seq <= last.

    Shape: after_hash is the hash of the event ``after``, 32 zero bytes for the log's beginning.
    """

    host: str
    after: Seq
    after_hash: bytes
    last: Seq

    @property
    def events(self) -> int:
        """Returns how many events it has."""
        return self.last - self.after

    def header(self, program: str) -> Header:
        """Returns what its file says of itself."""
        return Header(
            host=self.host, program=program, after=self.after, after_hash=self.after_hash
        )  # fmt: skip


def stretch_before(log: SqlEventLog, before_ns: int) -> Stretch | None:
    """Returns what can be archived of the time before, None where that is nothing.

    Units: before_ns is ns since the epoch, UTC.
    Raises: StoreError.
    """
    newest = newest_archive(log.engine, log.host)
    after = newest.last if newest else Seq(0)
    try:
        limit = log.seq_at(before_ns)
    except ArchivedError:
        return None
    last = _between_calls(log, after, limit) if limit > after else after
    if last <= after:
        return None
    link = bytes.fromhex(newest.fact.hash) if newest else GENESIS
    return Stretch(host=log.host, after=after, after_hash=link, last=last)


def packed_bytes(log: SqlEventLog, stretch: Stretch) -> int:
    """Returns about how large the stretch's file will be: what its last events take, scaled up."""
    begin = Seq(max(stretch.after, stretch.last - _TRIED))
    links = (
        Link(seq=item.seq, row=item.row, prev_hash=item.prev_hash, hash=item.hash)
        for item in stored(log.engine, log.host, after=begin, until=stretch.last)
    )
    sample = Header(host=log.host, program="", selection="a sample")
    text = "".join(f"{line}\n" for line in export.lines(sample, links))
    tried = len(lzma.compress(text.encode(), preset=LEVEL))
    return tried * stretch.events // (stretch.last - begin)


def _between_calls(log: SqlEventLog, after: Seq, limit: Seq) -> Seq:
    """Returns the last place up to the limit over which no hook call and no command reaches."""
    reaching = _calls(log, limit)
    last = limit
    while astride := [first for first, end in reaching if first <= last < end]:
        last = Seq(min(astride) - 1)
        if last <= after:
            break
    return last


def _calls(log: SqlEventLog, limit: Seq) -> list[tuple[Seq, Seq]]:
    """Returns the first and the last place of each that was going on about the limit."""
    around = Seq(max(limit - _AROUND, 0)), Seq(limit + _AROUND)
    ends: dict[bytes, tuple[Seq, Seq]] = {}
    opened: set[bytes] = set()
    for seq, call, kind in calls_between(log.engine, log.host, *around):
        ends[call] = (ends.get(call, (seq, seq))[0], seq)
        if kind in _OPENING:
            opened.add(call)
    return [ends[call] for call in opened]
