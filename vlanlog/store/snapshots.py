"""Keeps the fold of the log at some seqs, so that a state needs only the events behind one.

Must not be needed: whatever is here, the log gives again.
"""

from __future__ import annotations

import zlib

import msgspec
from sqlalchemy import Delete, Engine, delete, insert, literal, or_, select
from sqlalchemy import Row as SqlRow

from vlanlog.core.codec import decode_state, encode_state
from vlanlog.core.state import HostState, Seq
from vlanlog.store.failure import translated
from vlanlog.store.schema import events, snapshots

FORMAT = 3
"""The version of ``HostState`` and of ``fold``: raise it when either says something new."""

_KEPT = 10
"""How many of the newest snapshots are all kept, before every second one is dropped."""

_FAST = 1
"""zlib's level: a state of 1,000 guests shrinks to a tenth in 2 ms; level 6 takes twice the time
for a sixth less."""


def packed(state: HostState) -> bytes:
    """Returns the state as a snapshot holds it."""
    return zlib.compress(encode_state(state), _FAST)


def unpacked(data: bytes) -> HostState:
    """Returns the state that a snapshot holds.

    Raises: ValueError, msgspec.MsgspecError where it is none.
    """
    try:
        return decode_state(zlib.decompress(data))
    except zlib.error as e:
        raise ValueError(f"not packed: {e}") from e


class Snapshots:
    """Reads and writes the snapshots of one host."""

    def __init__(self, engine: Engine, *, host: str, every: int) -> None:
        self._engine = engine
        self._host = host
        self._every = every

    def due(self, first: Seq, last: Seq) -> Seq | None:
        """Returns the newest seq from first to last at which a snapshot is wanted, if any."""
        seq = Seq(last - last % self._every)
        return seq if seq >= first else None

    def latest(self, at_seq: Seq | None) -> HostState | None:
        """Returns the newest usable snapshot not beyond the seq, None for no limit.

        Raises: StoreError.
        """
        while (row := self._newest(at_seq)) is not None:
            try:
                return unpacked(row.state)
            except (msgspec.MsgspecError, ValueError):
                # An older one may do; in the worst case the log is folded from its beginning.
                at_seq = Seq(row.seq - 1)
        return None

    def _newest(self, at_seq: Seq | None) -> SqlRow[int, bytes] | None:
        wanted = (
            select(snapshots.c.seq, snapshots.c.state)
            .where(snapshots.c.host == self._host, snapshots.c.format == FORMAT)
            .order_by(snapshots.c.seq.desc())
            .limit(1)
        )
        if at_seq is not None:
            wanted = wanted.where(snapshots.c.seq <= at_seq)
        with translated(self._engine.url), self._engine.connect() as connection:
            return connection.execute(wanted).first()

    def write(self, state: HostState) -> None:
        """Keeps the state, and thins the older ones out.

        Raises: StoreError.
        """
        at_ns = select(
            literal(self._host), literal(state.seq), events.c.at_ns, literal(FORMAT),
            literal(packed(state)),
        ).where(events.c.host == self._host, events.c.seq == state.seq)  # fmt: skip
        columns = ["host", "seq", "at_ns", "format", "state"]
        with translated(self._engine.url), self._engine.connect() as connection:
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            connection.execute(self._superseded(state.seq))
            connection.execute(insert(snapshots).from_select(columns, at_ns))
            connection.commit()

    def _superseded(self, seq: Seq) -> Delete:
        """Returns the deletion of what a snapshot at seq makes dispensable.

        A state is at most two intervals of events away from one: at 1,000 guests and 1,000 events
        an interval they take a twentieth of the log's room, and any state some 30 ms.
        """
        every, old = self._every, snapshots.c.seq
        dense = seq - every * _KEPT
        return delete(snapshots).where(
            snapshots.c.host == self._host,
            or_(old == seq, (old < dense) & (old % (2 * every) != 0)),
        )
