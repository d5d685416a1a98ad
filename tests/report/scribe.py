"""A log written by hand, fact by fact at given times: the life of a host in the words of a test.

Must not read the clock or the kernel.
"""

from __future__ import annotations

import zlib
from dataclasses import replace
from uuid import UUID

from tests.fakes.log import MemoryEventLog
from vlanlog.core import event as e
from vlanlog.core.query import Head
from vlanlog.core.state import tap_mac
from vlanlog.core.vlan import PortVlans, VlanRange
from vlanlog.ports import EventLog

ROOT = e.Actor(source=e.ActorSource.OPERATOR, uid=0, user="root", login_uid=1000)
HOOK = e.Actor(source=e.ActorSource.HOOK, uid=0, parent="libvirtd")
DAEMON = e.Actor(source=e.ActorSource.DAEMON)


class Scribe:
    """Writes a log by hand: facts at times that are given."""

    def __init__(self, host: str = "kvm-a", log: EventLog | None = None) -> None:
        self.log: EventLog = log or MemoryEventLog()
        self.host = host
        self.boot = f"{host}-1"
        self.at_ns = 0
        self._ids = hash_of(host) << 32
        self._calls = 0

    def at(self, at_ns: int) -> Scribe:
        """Moves the clock."""
        self.at_ns = at_ns
        return self

    def wrote(
        self, *findings: tuple[e.Subject, e.Fact], by: e.Actor = e.UNKNOWN_WRITER
    ) -> list[UUID]:
        """Appends the facts of one call, a millisecond apart; returns their ids."""
        self._calls += 1
        events = []
        for subject, fact in findings:
            self._ids += 1
            self.at_ns += 1_000_000
            events.append(
                e.Event(
                    event_id=UUID(int=self._ids),
                    at_ns=self.at_ns,
                    host=self.host,
                    boot_id=self.boot,
                    actor=by,
                    correlation_id=UUID(int=self._calls),
                    fact=fact,
                    subject=subject,
                )
            )
        self.log.append(events)
        return [event.event_id for event in events]

    def goes_on(self) -> None:
        """Makes what is written next a part of the same call."""
        self._calls -= 1

    def head(self) -> Head:
        """Returns the log's last event."""
        head = self.log.head()
        assert head is not None
        return head

    def booted(self, boot: str) -> None:
        """Begins a boot."""
        previous, self.boot = self.boot, boot
        self.wrote((e.NO_SUBJECT, e.HostBooted(previous_boot_id=previous)), by=ROOT)

    def watched(self) -> None:
        """Begins to watch."""
        self.wrote(
            (e.NO_SUBJECT, e.DaemonStarted()),
            (e.NO_SUBJECT, e.GapOpened(reason="nobody watched before")),
            by=DAEMON,
        )
        self.at_ns += 400_000_000
        self.wrote((e.NO_SUBJECT, e.GapClosed(reason="a re-read found 0 changes")), by=DAEMON)

    def joined(self, subject: e.Subject, mac: str) -> None:
        """Puts a tap into its bridge, which gives it VLAN 1."""
        default = e.VlanAdded(first=1, last=1, pvid=True, untagged=True)
        subject = replace(subject, mac=tap_mac(mac))
        self.wrote((subject, e.PortAttached(mac=tap_mac(mac))), (subject, default))

    def programmed(
        self,
        subject: e.Subject,
        before: PortVlans,
        after: PortVlans,
        because: str,
        by: e.Actor = HOOK,
    ) -> None:
        """Makes a port carry what is intended."""
        intent = e.ProgramIntended(before=before, after=after, because=because)
        [cause] = self.wrote((subject, intent), by=by)
        self.goes_on()
        added = [
            (subject, added_fact(item, cause))
            for item in after.ranges()
            if before.flags(item.first) != after.flags(item.first)
        ]
        gone = PortVlans(before.members & ~after.members)
        removed = [
            (subject, e.VlanRemoved(first=item.first, last=item.last, cause=cause))
            for item in gone.ranges()
        ]
        done = (subject, e.ProgramFinished(intent=cause, outcome=e.Outcome.DONE))
        self.wrote(*added, *removed, done, by=by)


def added_fact(item: VlanRange, cause: UUID | None = None) -> e.VlanAdded:
    """Returns the fact that a port carries the range."""
    return e.VlanAdded(
        first=item.first, last=item.last, pvid=item.pvid, untagged=item.untagged, cause=cause
    )


def hash_of(text: str) -> int:
    """Returns a small number for a text, the same in every process."""
    return zlib.crc32(text.encode())
