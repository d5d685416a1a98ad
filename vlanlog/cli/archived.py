"""Says that an answer does not reach back to the log's beginning, for that is in files.

Must not print: the words go into a remark.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from vlanlog.core.event import LogArchived
from vlanlog.ports import EventLog
from vlanlog.render.words import archived


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
    return f"{archived(fact, utc=utc)}; to ask there: vlanlog import"


def each_left_out(
    logs: Mapping[str, EventLog], *, since_ns: int | None = None, utc: bool = False
) -> Iterator[str]:
    """Yields the same of each log of which something is archived, with its host if there are more.

    Units: since_ns is ns since the epoch, UTC; None is the log's beginning.
    Raises: StoreError.
    """
    for name, log in logs.items():
        if (told := left_out(log, since_ns=since_ns, utc=utc)) is not None:
            yield told if len(logs) == 1 else f"{name}: {told}"
