"""Logs that stand in for the database, on the log in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import pytest

from tests.core.making import BOOT, MAC1, VM1, event, hooked, nic
from tests.fakes.log import MemoryEventLog
from tests.fakes.site import SteppingClock
from vlanlog.core import event as e
from vlanlog.core.query import EVERYTHING
from vlanlog.core.state import HostState, Seq
from vlanlog.errors import StoreError
from vlanlog.host.loglike import BootMarkingLog, OutsideLog, SafeLog


def told(number: int, boot: str = BOOT) -> e.Event:
    subject, fact = hooked(VM1, "VM1", "start", nic(MAC1, tap="vnet0"))
    return replace(event(fact, subject, boot=boot), event_id=UUID(int=1000 + number))


def booted(log: MemoryEventLog) -> list[tuple[str, str | None]]:
    return [
        (item.event.boot_id, item.event.fact.previous_boot_id)
        for item in log.read()
        if isinstance(item.event.fact, e.HostBooted)
    ]


def test_first_event_of_each_new_boot_is_marked() -> None:
    log = MemoryEventLog()
    late = BootMarkingLog(log, SteppingClock())

    late.append([told(1, "a"), told(2, "a"), told(3, "b")])
    late.append([told(4, "b"), told(5, "c")])

    assert booted(log) == [("a", None), ("b", "a"), ("c", "b")]
    assert log.state().guests[VM1].running


def test_boot_that_is_over_is_not_begun_again() -> None:
    log = MemoryEventLog()
    BootMarkingLog(log, SteppingClock()).append([told(1, "a"), told(2, "b")])
    before = log.state()

    BootMarkingLog(log, SteppingClock()).append([told(3, "a"), told(4, "b")])

    assert booted(log) == [("a", None), ("b", "a")]
    assert replace(log.state(), seq=before.seq) == before


def test_boot_that_ended_within_the_batch_is_not_begun_again() -> None:
    log = MemoryEventLog()

    BootMarkingLog(log, SteppingClock()).append([told(1, "a"), told(2, "b"), told(3, "a")])

    assert booted(log) == [("a", None), ("b", "a")]


def test_outside_log_numbers_on_and_hands_over() -> None:
    taken: list[e.Event] = []
    log = OutsideLog(HostState(seq=Seq(7)), taken.extend)

    assert (log.append([told(1), told(2)]), log.append([told(3)])) == ([8, 9], [10])
    assert taken == [told(1), told(2), told(3)]


def test_outside_log_without_a_past_says_so() -> None:
    log = OutsideLog(HostState(), lambda _: None)

    with pytest.raises(StoreError, match="the event log cannot be read"):
        log.select(EVERYTHING)


class FailingLog(MemoryEventLog):
    """Takes one batch and then fails, as a disk does that is full."""

    def append(self, events: Sequence[e.Event]) -> list[Seq]:
        if self.head() is not None:
            raise StoreError("database is full")
        return super().append(events)


def test_log_that_fails_is_followed_by_the_spool_and_not_asked_again() -> None:
    spooled: list[e.Event] = []
    notes: list[str] = []
    log = SafeLog(FailingLog(), spooled.extend, lambda error: notes.append(error.message))

    seqs = [log.append([told(n)]) for n in (1, 2, 3)]

    assert (seqs, spooled, notes) == ([[1], [2], [3]], [told(2), told(3)], ["database is full"])
