"""Reads of a log what one needs who will stop early.

Must not choose what is wanted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from vlanlog.core import event as e
from vlanlog.core.query import EventFilter
from vlanlog.core.state import Seq
from vlanlog.ports import EventLog

_FEW = 64
MANY = 1000
"""The most that is read at once."""


def gradually(log: EventLog, wanted: EventFilter) -> Iterator[e.Recorded]:
    """Yields what is wanted to one who will stop early, most often after a few."""
    size = _FEW
    while True:
        found = list(log.select(replace(wanted, limit=size)))
        yield from found
        if len(found) < size:
            return
        seq = found[-1].seq
        wanted = (
            replace(wanted, until=Seq(seq - 1))
            if wanted.newest_first
            else replace(wanted, after=seq)
        )
        size = min(MANY, 4 * size)
