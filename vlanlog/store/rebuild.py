"""Adds a log up from what is archived on, and holds its snapshots against that.

Must not begin at a snapshot: one forged snapshot would vouch for the next.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import Engine, select
from sqlalchemy import Row as SqlRow

from vlanlog.core.fold import fold
from vlanlog.core.query import ChainFlaw
from vlanlog.core.state import HostState, Seq
from vlanlog.store.failure import translated
from vlanlog.store.read import Stored, recorded
from vlanlog.store.schema import snapshots
from vlanlog.store.snapshots import FORMAT, unpacked

_OF_NOTHING = "a snapshot is kept of an event that is not there"


class Rebuild:
    """Folds a host's events and compares; those snapshots count that were there at first.

    ``begin`` is what the log adds up to before the first event that is handed over; a snapshot of
    what lies before it is asked by nobody.
    """

    def __init__(self, engine: Engine, host: str, begin: HostState) -> None:
        self._engine = engine
        self._host = host
        self._state = begin
        usable = select(snapshots.c.seq).where(
            snapshots.c.host == host, snapshots.c.format == FORMAT
        )
        with translated(engine.url), engine.connect() as connection:
            kept = [Seq(seq) for seq in connection.scalars(usable.order_by(snapshots.c.seq))]
        self._waiting = [seq for seq in kept if seq > begin.seq]
        self._flaws = [ChainFlaw(seq=seq, why=_OF_NOTHING) for seq in kept if seq <= 0]

    def take(self, page: Sequence[Stored]) -> None:
        """Folds the events that follow, and compares the snapshots on the way.

        Raises: StoreError.
        """
        begin = 0
        while self._waiting and self._waiting[0] <= page[-1].seq:
            seq = self._waiting.pop(0)
            end = max(begin, seq - page[0].seq + 1)
            self._fold(page[begin:end])
            begin = end
            self._compare(seq, page[end - 1].row.at_ns)
        if self._waiting:
            self._fold(page[begin:])

    def flaws(self) -> list[ChainFlaw]:
        """Returns what was found, at the end of the log those snapshots that it never reached."""
        return [*self._flaws, *(ChainFlaw(seq=seq, why=_OF_NOTHING) for seq in self._waiting)]

    def _fold(self, items: Sequence[Stored]) -> None:
        if items:
            self._state = fold(map(recorded, items), self._state)

    def _compare(self, seq: Seq, at_ns: int) -> None:
        kept = self._kept(seq)
        if kept is None:
            # Older snapshots are thinned out while the log goes on.
            return
        try:
            same = unpacked(kept.state) == self._state and kept.at_ns == at_ns
        except (msgspec.MsgspecError, ValueError):
            self._flaws.append(ChainFlaw(seq=seq, why="its snapshot cannot be read"))
            return
        if not same:
            why = "its snapshot is not what the events up to it add up to"
            self._flaws.append(ChainFlaw(seq=seq, why=why))

    def _kept(self, seq: Seq) -> SqlRow[bytes, int] | None:
        wanted = select(snapshots.c.state, snapshots.c.at_ns).where(
            snapshots.c.host == self._host, snapshots.c.seq == seq, snapshots.c.format == FORMAT
        )
        with translated(self._engine.url), self._engine.connect() as connection:
            return connection.execute(wanted).first()
