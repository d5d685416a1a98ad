"""Asks for reports on logs in memory, and what a report says of one moment.

Must not compare anything.
"""

from __future__ import annotations

from tests.report.scribe import Scribe
from vlanlog.core.vlan import PortVlans
from vlanlog.ports import EventLog
from vlanlog.report.make import Source, report_of
from vlanlog.report.values import Making, NicStory, Period, Report, Span

MAKING = Making(at_ns=0, version="1")


def reported(
    *scribes: Scribe, guest: str, since_ns: int, until_ns: int, watching: bool = True
) -> Report:
    """Returns the report on one guest over the logs of one or more hosts."""
    sources = [source(scribe.host, scribe.log, watching=watching) for scribe in scribes]
    period = Period(since_ns=since_ns, until_ns=until_ns)
    return report_of(sources, [guest], period, MAKING)


def source(host: str, log: EventLog, *, watching: bool = True) -> Source:
    """Returns a host's log whose chain holds."""
    return Source(host=host, log=log, head=log.head(), flaw=None, watching=watching)


def carried(nic: NicStory, at_ns: int) -> PortVlans:
    """Returns what the NIC's bars say of a moment."""

    def holds(span: Span) -> bool:
        return span.from_ns <= at_ns < span.to_ns

    members = untagged = 0
    pvid = None
    for native in nic.natives:
        if holds(native.span):
            pvid = native.pvid
            members |= 1 << native.pvid
            untagged |= 0 if native.tagged else 1 << native.pvid
    for lane in nic.lanes:
        for time in lane.times:
            if holds(time.span):
                members |= lane.vids
                untagged |= lane.vids if time.untagged else 0
    return PortVlans(members, untagged, pvid)
