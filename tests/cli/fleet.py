"""A guest that went from one host to another and got another name, in one database.

Must not ask anything of it.
"""

from __future__ import annotations

from dataclasses import replace

from tests.core.making import MAC1, MAC2, VM1, VM2, hooked, nic, on_port, port
from tests.report.scribe import DAEMON, HOOK, Scribe
from vlanlog.core import event as e
from vlanlog.store import open_log

SECOND_NS = 1_000_000_000
MIDNIGHT_NS = 1_793_664_000 * SECOND_NS  # 2026-11-03 UTC


def ns(clock: str) -> int:
    """Returns a time of that day in UTC."""
    hour, minute, second = map(int, clock.split(":"))
    return MIDNIGHT_NS + ((hour * 60 + minute) * 60 + second) * SECOND_NS


def tap(name: str, index: int, guest: str, mac: str, uuid: str) -> e.Subject:
    return replace(on_port(name, index), guest_uuid=uuid, guest_name=guest, mac=mac)


def _starts(scribe: Scribe, subject: e.Subject, mac: str) -> None:
    uuid, name = subject.guest_uuid or "", subject.guest_name or ""
    scribe.wrote(hooked(uuid, name, "start", nic(mac, tap=subject.port)), by=HOOK)
    scribe.joined(subject, mac)
    scribe.programmed(subject, port(pvid=1), port("200", pvid=100), "conf [VM1/*]")


def _stops(scribe: Scribe, subject: e.Subject) -> None:
    scribe.wrote(hooked(subject.guest_uuid or "", subject.guest_name or "", "stopped"), by=HOOK)
    scribe.wrote((subject, e.PortDetached()))


def hosts() -> tuple[Scribe, Scribe]:
    """Returns the logs of kvm-a, where VM1 started, and kvm-b, where it went and became web1."""
    a, b = Scribe("kvm-a"), Scribe("kvm-b")
    for scribe, clock in ((a, "08:00:00"), (b, "07:00:00")):
        scribe.at(ns(clock)).booted(f"{scribe.host}-1")
        scribe.watched()
    _starts(b.at(ns("07:10:00")), tap("vnet3", 5, "VM2", MAC2, VM2), MAC2)
    first = tap("vnet3", 7, "VM1", MAC1, VM1)
    _starts(a.at(ns("08:10:00")), first, MAC1)
    a.at(ns("09:00:00")).wrote((first, e.VlanAdded(first=666, last=666)))
    stops = (e.NO_SUBJECT, e.GapOpened(reason="the daemon stops"))
    a.at(ns("09:30:00")).wrote((e.NO_SUBJECT, e.DaemonStopped()), stops, by=DAEMON)
    a.at(ns("09:33:20"))
    a.wrote((e.NO_SUBJECT, e.GapClosed(reason="a re-read found 0 changes")), by=DAEMON)
    second = tap("vnet7", 9, "VM1", MAC1, VM1)
    _starts(b.at(ns("10:00:00")), second, MAC1)
    _stops(a.at(ns("10:00:06")), first)
    _stops(b.at(ns("11:00:00")), second)
    _starts(b.at(ns("11:05:00")), tap("vnet8", 11, "web1", MAC1, VM1), MAC1)
    return a, b


def stored(url: str, *scribes: Scribe) -> None:
    """Puts the logs into one database, as an import of each host's export does."""
    for scribe in scribes:
        log = open_log(url, host=scribe.host)
        log.append([item.event for item in scribe.log.read()])
        log.engine.dispose()
