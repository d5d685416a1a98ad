"""What a walk along the chain has to know of its archived beginning, and whether that is true.

Must not believe the table of archives: each row has to be what an event of the chain says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Engine, select

from vlanlog.core.codec import GENESIS
from vlanlog.core.query import ChainFlaw
from vlanlog.core.state import HostState, Seq
from vlanlog.errors import StoreError, StoreNewerError
from vlanlog.store.archives import Archive, archives_of, state_behind
from vlanlog.store.failure import translated
from vlanlog.store.schema import events

Known = tuple[Seq, bytes]
"""Is a place and the hash that an event there has to have."""

_NOT_TOLD = "the archive that ends here is not what the log tells of it"
_NO_STATE = "the state behind what is archived is not the one that was archived"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """Is what is archived of a host's log, by the table's word.

    Shape: begin is the place and the hash to which the first event that is still there is
    chained; state is what the archives add up to, None where that was changed.
    """

    archives: tuple[Archive, ...]
    begin: Known
    state: HostState | None

    @classmethod
    def of(cls, engine: Engine, host: str) -> Moved:
        """Returns what the database has.

        Raises: StoreError where the table cannot be read.
        """
        archives = archives_of(engine, host)
        if not archives:
            return cls(archives=(), begin=(Seq(0), GENESIS), state=HostState())
        newest = archives[-1]
        begin = _left_over(engine, host, newest.last) or (newest.last, _hash(newest))
        return cls(archives=archives, begin=begin, state=_state(engine, host, newest))

    @property
    def last(self) -> Seq:
        """Returns the last event that is archived, 0 for none."""
        return self.archives[-1].last if self.archives else Seq(0)

    @property
    def subjects_until(self) -> int:
        """Returns the last subject that an event in a file may have."""
        return max((item.subjects_until for item in self.archives), default=0)

    @property
    def ends(self) -> tuple[Known, ...]:
        """Returns where each archive ends."""
        return tuple((item.last, _hash(item)) for item in self.archives)

    def flaw(self, told: Mapping[Seq, str]) -> ChainFlaw | None:
        """Returns the first row of the table that is not what the log tells.

        ``told`` has the digests of what the events of the chain tell. What tells of an older
        archive may be archived itself, but the next one holds its digest.
        """
        if not self.archives:
            return None
        after, link = Seq(0), GENESIS
        vouched = [item.fact.earlier for item in self.archives[1:]]
        vouched.append(told.get(self.archives[-1].event, ""))
        for item, known in zip(self.archives, vouched, strict=True):
            fact = item.fact
            places = (item.first, item.last, fact.first, fact.last, fact.after_hash)
            in_place = places == (after + 1, fact.last, item.first, item.last, link.hex())
            if not in_place or known != item.digest:
                return ChainFlaw(seq=item.last, why=_NOT_TOLD)
            after, link = item.last, _hash(item)
        if self.state is None:
            return ChainFlaw(seq=self.last, why=_NO_STATE)
        return None


def _hash(archive: Archive) -> bytes:
    return bytes.fromhex(archive.fact.hash)


def _left_over(engine: Engine, host: str, last: Seq) -> Known | None:
    """Returns what the first event that is archived, but not deleted yet, is chained to."""
    here = select(events.c.seq, events.c.prev_hash).where(
        events.c.host == host, events.c.seq.between(1, last)
    )
    with translated(engine.url), engine.connect() as connection:
        row = connection.execute(here.order_by(events.c.seq).limit(1)).first()
    return None if row is None else (Seq(row.seq - 1), row.prev_hash)


def _state(engine: Engine, host: str, newest: Archive) -> HostState | None:
    try:
        return state_behind(engine, host, newest)
    except StoreNewerError:
        raise
    except StoreError:
        return None
