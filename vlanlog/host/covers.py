"""Says in words what time a log covers, where a question about another time has no answer.

Must not print: the words go into a hint or a remark.
"""

from __future__ import annotations

from vlanlog.core.query import EventFilter
from vlanlog.ports import EventLog
from vlanlog.render.words import when


def covers(log: EventLog, *, utc: bool = False) -> str:
    """Returns from when to when the log has events, in the local zone or UTC.

    Raises: StoreError.
    """
    # Not event 1: what is old may have been moved out of the database.
    first = next(iter(log.select(EventFilter(newest_first=False, limit=1))), None)
    head = log.head()
    if first is None or head is None:
        return "the log is empty"
    zone = " UTC" if utc else ""
    begin, end = when(first.event.at_ns, utc=utc), when(head.at_ns, utc=utc)
    return f"the log covers {begin} to {end}{zone}"
