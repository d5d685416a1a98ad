"""What hooks did by themselves: taken in from the spool, and told from what strangers did."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from tests.core.making import MAC1, VM1, event, port
from tests.fakes.log import MemoryEventLog
from tests.fakes.site import SECOND_NS, SteppingClock
from vlanlog import record
from vlanlog.core import event as e
from vlanlog.core.observe import Finding
from vlanlog.daemon.elsewhere import Elsewhere
from vlanlog.daemon.keeping import KeptLog
from vlanlog.journal import Envelope, Journal
from vlanlog.spool import Spool

VETH0 = e.Subject(guest_uuid=VM1, bridge="br0", port="veth0", ifindex=4, mac=MAC1)
VETH1 = e.Subject(bridge="br0", port="veth1", ifindex=5)
HOOK = e.Actor(source=e.ActorSource.HOOK, pid=77)
INTENDED = e.ProgramIntended(before=port(pvid=1), after=port("200,300", pvid=100))
NATIVE = e.VlanAdded(first=100, last=100, pvid=True, untagged=True)


class Site:
    """Is a log that knows veth0, and a spool in which hooks write."""

    def __init__(self, folder: Path) -> None:
        self.log = MemoryEventLog()
        self._spooled = 0
        self.clock = SteppingClock()
        self.spool = Spool(folder / "spool", host="host")
        self.kept = KeptLog(self._opens, self.spool.write_events)
        actor = e.Actor(source=e.ActorSource.DAEMON)
        self.own = Envelope(host="host", boot_id="boot-1", actor=actor, correlation_id=UUID(int=1))
        self.journal = Journal(log=self.kept, clock=self.clock, envelope=self.own)
        record.boot(self.journal)
        self.journal.write([(VETH0, e.PortAttached(mac=MAC1))])
        self.elsewhere = Elsewhere(self.spool, self.kept, self.journal, self.clock)

    @contextmanager
    def _opens(self, *, resumed: bool) -> Iterator[tuple[MemoryEventLog, list[str]]]:
        del resumed
        yield self.log, []

    def hook_writes(self, *facts: e.Fact, subject: e.Subject = VETH0) -> list[e.Event]:
        """Spools what a hook at work would, at the time that it is."""
        first = 1000 + self._spooled
        self._spooled += len(facts)
        events = [
            replace(event(fact, subject, number=first + n, actor=HOOK), at_ns=self.clock.at_ns)
            for n, fact in enumerate(facts)
        ]
        self.spool.write_events(events)
        return events

    def told(self, *findings: Finding) -> list[tuple[Envelope | None, list[tuple[Finding, bool]]]]:
        foreign = [(finding, False) for finding in findings]
        return [
            (envelope, list(part))
            for envelope, part in self.elsewhere.told_apart(foreign, self.own)
        ]


def by(intent: e.Event) -> Envelope:
    """Returns the name in which what a hook did is recorded."""
    return Envelope(host="host", boot_id="boot-1", actor=HOOK, correlation_id=intent.correlation_id)


def caused(intent: e.Event) -> e.VlanAdded:
    return e.VlanAdded(first=100, last=100, pvid=True, untagged=True, cause=intent.event_id)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_what_hooks_spooled_is_taken_in(site: Site) -> None:
    [intent] = site.hook_writes(INTENDED)
    site.elsewhere.take_in()
    assert (list(site.log.read())[-1].event, site.spool.pending()) == (intent, [])
    assert site.journal.state.seq == 3


def test_spool_waits_while_the_log_is_the_spool(site: Site) -> None:
    site.kept.close()
    site.hook_writes(INTENDED)
    site.elsewhere.take_in()
    assert len(site.spool.pending()) == 1


def test_change_that_a_hook_intended_is_recorded_in_its_name(site: Site) -> None:
    [intent] = site.hook_writes(INTENDED)
    site.elsewhere.take_in()
    assert site.told((VETH0, NATIVE)) == [(by(intent), [((VETH0, caused(intent)), True)])]


def test_change_that_no_hook_intended_stays_foreign(site: Site) -> None:
    site.hook_writes(INTENDED)
    site.elsewhere.take_in()
    stranger = e.VlanAdded(first=777, last=777)
    assert site.told((VETH0, stranger)) == [(None, [((VETH0, stranger), False)])]


def test_change_of_another_port_stays_foreign(site: Site) -> None:
    site.hook_writes(INTENDED)
    site.elsewhere.take_in()
    assert site.told((VETH1, NATIVE)) == [(None, [((VETH1, NATIVE), False)])]


def test_changes_keep_their_order_whoever_made_them(site: Site) -> None:
    [intent] = site.hook_writes(INTENDED)
    site.elsewhere.take_in()
    stranger = e.VlanAdded(first=777, last=777)
    assert site.told((VETH0, stranger), (VETH0, NATIVE), (VETH0, stranger)) == [
        (None, [((VETH0, stranger), False)]),
        (by(intent), [((VETH0, caused(intent)), True)]),
        (None, [((VETH0, stranger), False)]),
    ]


def test_finished_intent_explains_what_was_not_recorded_yet_and_nothing_after(site: Site) -> None:
    [intent] = site.hook_writes(INTENDED)
    site.hook_writes(e.ProgramFinished(intent=intent.event_id, outcome=e.Outcome.DONE))
    site.elsewhere.take_in()
    assert site.told((VETH0, NATIVE)) == [(by(intent), [((VETH0, caused(intent)), True)])]
    site.elsewhere.forget()
    assert site.told((VETH0, NATIVE)) == [(None, [((VETH0, NATIVE), False)])]


def test_intent_that_nobody_finishes_explains_nothing_after_a_while(site: Site) -> None:
    [intent] = site.hook_writes(INTENDED)
    site.elsewhere.take_in()
    site.elsewhere.forget()
    assert site.told((VETH0, NATIVE)) == [(by(intent), [((VETH0, caused(intent)), True)])]
    site.clock.at_ns += 120 * SECOND_NS
    site.elsewhere.forget()
    assert site.told((VETH0, NATIVE)) == [(None, [((VETH0, NATIVE), False)])]
