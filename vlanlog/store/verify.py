"""Walks a host's chain of hashes and finds where it is first broken.

Must not read what the events say: a chain holds whatever is written in it.
"""

from __future__ import annotations

from sqlalchemy import Engine, select

from vlanlog.core.codec import GENESIS, Row, chained
from vlanlog.core.query import ChainFlaw, Head
from vlanlog.core.state import Seq
from vlanlog.store.failure import translated
from vlanlog.store.schema import subjects
from vlanlog.store.select import Stored, stored

_Names = tuple[str | None, ...]


def first_flaw(engine: Engine, host: str, *, known: Head | None = None) -> ChainFlaw | None:
    """Returns the first flaw of the chain, None where there is none.

    An edit, a deletion, a changed order and an insertion break the chain by themselves; a log
    cut off at its end or chained anew only differs from a head that is ``known`` from elsewhere.
    Raises: StoreError.
    """
    names = _subjects(engine, host)
    seq, link = Seq(0), GENESIS
    for item in stored(engine, host, after=Seq(0), until=None):
        if why := _flaw(item, seq, link, names):
            return ChainFlaw(seq=item.seq, why=why)
        seq, link = item.seq, item.hash
        if known is not None and seq == known.seq and link != known.hash:
            return ChainFlaw(seq=seq, why="the hash is not the one known from elsewhere")
    if known is not None and seq < known.seq:
        return ChainFlaw(seq=Seq(seq + 1), why=f"the log ends here, {known.seq} is known")
    return None


def _flaw(item: Stored, seq: Seq, link: bytes, names: dict[int | None, _Names]) -> str:
    if item.seq != seq + 1:
        return f"what follows {seq} is missing"
    if item.prev_hash != link:
        return f"it is not chained to {seq}"
    if item.hash != chained(link, item.seq, item.row):
        return "it is not what was written"
    if names.get(item.subject) != item.row[Row._fields.index("guest_uuid") :][:5]:
        return "it is filed under another subject, so that history does not find it"
    return ""


def _subjects(engine: Engine, host: str) -> dict[int | None, _Names]:
    with translated(engine.url), engine.connect() as connection:
        rows = connection.execute(select(subjects).where(subjects.c.host == host))
        return {None: (None,) * 5, **{row.id: tuple(row)[2:] for row in rows}}
