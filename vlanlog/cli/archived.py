"""Says that an answer does not reach back to the log's beginning, for that is in files.

Must not print: the words go into a remark.
"""

from __future__ import annotations

from vlanlog.core.event import LogArchived
from vlanlog.ports import EventLog
from vlanlog.render.words import when


def left_out(log: EventLog, *, since_ns: int | None = None, utc: bool = False) -> str | None:
    """Returns what to say where something of the time since then is archived, None elsewhere.

    Units: since_ns is ns since the epoch, UTC; None is the log's beginning.
    Raises: StoreError.
    """
    told = log.archived()
    if told is None or not isinstance(told.event.fact, LogArchived):
        return None
    fact = told.event.fact
    if since_ns is not None and since_ns > fact.until_ns:
        return None
    until, earlier = when(fact.until_ns, utc=utc), ", those before in earlier files"
    return (
        f"what is older than {until} is archived: the events {fact.first}-{fact.last} are in"
        f" {fact.file}{earlier if fact.first > 1 else ''}; to ask there: vlanlog import"
    )
