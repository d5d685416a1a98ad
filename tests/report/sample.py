"""A report that is always the same: two days of a guest with restarts, a gap and strangers.

``python -m tests.report.sample FILE`` writes it as HTML.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from tests.core.making import hooked, on_port, port, raw
from tests.report.scribe import DAEMON, HOOK, ROOT, Scribe
from vlanlog.core import event as e
from vlanlog.core.state import Nic
from vlanlog.render import html
from vlanlog.report.make import Source, report_of
from vlanlog.report.values import Making, Period, Report

WEB = "4dea22b3-1d52-48f3-a516-782e98ab3fa0"
LAN, DMZ = "52:54:00:6b:3c:58", "52:54:00:1e:90:07"
DEFAULT = port(pvid=1)
CONFIG = "vlan_filtering.conf [web01/*]"


def ns(text: str) -> int:
    """Returns a time of November 2026 in UTC. Units: ns since the epoch."""
    moment = datetime.fromisoformat(f"2026-11-{text}").replace(tzinfo=UTC)
    return round(moment.timestamp()) * 1_000_000_000


def at_nic(name: str, index: int, mac: str, bridge: str = "br0", guest: str = "web01") -> e.Subject:
    """Returns the subject of events on a port of the guest."""
    return replace(on_port(name, index, bridge), guest_uuid=WEB, guest_name=guest, mac=mac)


def started(scribe: Scribe, first: int, name: str = "web01") -> tuple[e.Subject, e.Subject]:
    """Starts the guest with taps of that number on; returns its two ports."""
    taps = (f"vnet{first}", f"vnet{first + 1}")
    nics = [
        Nic(mac=LAN, alias="net0", tap=taps[0], bridge="br0"),
        Nic(mac=DMZ, alias="net1", tap=taps[1], bridge="br1"),
    ]
    lan = at_nic(taps[0], 20 + first, LAN, guest=name)
    dmz = at_nic(taps[1], 21 + first, DMZ, "br1", guest=name)
    scribe.joined(on_port(taps[0], 20 + first), LAN)
    scribe.joined(on_port(taps[1], 21 + first, "br1"), DMZ)
    scribe.wrote(hooked(WEB, name, "start", *nics), by=HOOK)
    return lan, dmz


def stopped(scribe: Scribe, *ports: e.Subject) -> None:
    """Stops the guest; its taps leave."""
    scribe.wrote(*((subject, e.PortDetached()) for subject in ports))
    scribe.wrote(hooked(WEB, ports[0].guest_name or "", "stopped"), by=HOOK)


def log() -> Scribe:
    """Returns the log of two days."""
    scribe = Scribe()
    scribe.at(ns("02T08:00"))
    scribe.booted("kvm-a-2")
    scribe.watched()
    lan, dmz = started(scribe.at(ns("02T09:12")), 0)
    office = port("200,300-310", pvid=100)
    scribe.programmed(lan, DEFAULT, office, CONFIG)
    scribe.programmed(dmz, DEFAULT, port("500-563", pvid=50), CONFIG)

    scribe.at(ns("02T13:40")).wrote((lan, e.VlanAdded(first=666, last=666)))
    odd = office.union(port("666"))
    scribe.at(ns("02T13:58")).programmed(lan, odd, office, "replay to desired", ROOT)

    scribe.at(ns("02T17:05")).wrote(
        (dmz, e.AssignmentSet(vlans=port("500-531,700", pvid=50), reason="CHG-1042: move storage")),
        by=ROOT,
    )
    narrow = port("500-531,700", pvid=50)
    scribe.programmed(dmz, port("500-563", pvid=50), narrow, "CHG-1042: move storage", ROOT)

    reason = "the daemon ended without a word"
    scribe.at(ns("03T02:34")).wrote(
        (e.NO_SUBJECT, e.GapOpened(reason=reason, since_ns=ns("03T01:10"))), by=e.UNKNOWN_ACTOR
    )
    scribe.wrote(
        (lan, e.VlanRemoved(first=300, last=304)),
        (lan, e.VlanAdded(first=1, last=1, untagged=True)),
        by=e.UNKNOWN_ACTOR,
    )
    scribe.wrote((e.NO_SUBJECT, e.GapClosed(reason="a re-read found 2 changes")), by=DAEMON)
    left = raw("1,100,200,305-310", untagged="1,100", pvid=100)
    scribe.at(ns("03T07:20")).programmed(lan, left, office, "replay to desired", ROOT)

    stopped(scribe.at(ns("03T09:00")), lan, dmz)
    lan, dmz = started(scribe.at(ns("03T09:45")), 4)
    scribe.programmed(lan, DEFAULT, port("200,300-310,320", pvid=101), CONFIG)
    scribe.programmed(dmz, DEFAULT, narrow, "CHG-1042: move storage")
    scribe.at(ns("03T16:30")).wrote((dmz, e.VlanRemoved(first=700, last=700)))
    scribe.at(ns("03T16:31")).wrote((lan, e.VlanAdded(first=999, last=999)))
    scribe.at(ns("03T20:00")).wrote(
        (e.NO_SUBJECT, e.GapOpened(reason="the daemon was stopped")), by=DAEMON
    )
    scribe.at(ns("03T20:52")).wrote(
        (e.NO_SUBJECT, e.GapClosed(reason="a re-read found 0 changes")), by=DAEMON
    )
    return scribe


def report(*, guest: str = WEB) -> Report:
    """Returns the report on the guest."""
    scribe = log()
    source = Source(
        host=scribe.host, log=scribe.log, head=scribe.log.head(), flaw=None, watching=True
    )
    period = Period(since_ns=ns("02T06:00"), until_ns=ns("04T06:00"))
    return report_of([source], [guest], period, Making(at_ns=ns("04T06:00"), version="1.0.0"))


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(html.page(report(), utc=True), encoding="utf-8")
