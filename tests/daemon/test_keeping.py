"""The daemon's log while its database fails, comes back, or comes back as another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from tests.core.making import event
from tests.fakes.log import MemoryEventLog
from vlanlog.core import event as e
from vlanlog.core.event import Event
from vlanlog.core.state import Seq
from vlanlog.daemon.keeping import KeptLog
from vlanlog.errors import StoreError


class Database:
    """Is a database that can be taken away, and put back with what was spooled taken in."""

    def __init__(self) -> None:
        self.log = MemoryEventLog()
        self.spool: list[Event] = []
        self.fails = False
        self.disk_is_full = False
        self.resumed: list[bool] = []

    @contextmanager
    def opens(self, *, resumed: bool) -> Iterator[tuple[MemoryEventLog, list[str]]]:
        self._check()
        self.resumed.append(resumed)
        self.log.append(self.spool)
        self.spool.clear()
        yield _Failing(self), []

    def spooled(self, events: Sequence[Event]) -> None:
        if self.disk_is_full:
            raise OSError("No space left on device")
        self.spool += events

    def _check(self) -> None:
        if self.fails:
            raise StoreError("the database is locked")


class _Failing(MemoryEventLog):
    def __init__(self, database: Database) -> None:
        self._database = database
        self._recorded = database.log._recorded
        self._known = database.log._known

    def append(self, events: Sequence[Event]) -> list[Seq]:
        self._database._check()
        return super().append(events)


def told(*numbers: int) -> list[Event]:
    return [event(e.DaemonStarted(), number=number) for number in numbers]


def kept_in(log: MemoryEventLog) -> list[Event]:
    return [item.event for item in log.read()]


@pytest.fixture
def database() -> Database:
    return Database()


@pytest.fixture
def kept(database: Database) -> KeptLog:
    return KeptLog(database.opens, database.spooled)


def test_events_go_to_the_database(database: Database, kept: KeptLog) -> None:
    assert kept.append(told(1, 2)) == [1, 2]
    assert (kept_in(database.log), database.spool) == (told(1, 2), [])


def test_events_go_to_the_spool_with_provisional_places(database: Database, kept: KeptLog) -> None:
    kept.append(told(1))
    database.fails = True
    assert (kept.append(told(2, 3)), kept.append(told(4))) == ([2, 3], [4])
    assert (kept.is_failing, kept_in(database.log), database.spool) == (
        True,
        told(1),
        told(2, 3, 4),
    )


def test_database_is_not_asked_again_before_it_is_recovered(
    database: Database, kept: KeptLog
) -> None:
    database.fails = True
    kept.append(told(1))
    database.fails = False
    kept.append(told(2))
    assert database.spool == told(1, 2)


def test_recovery_resumes_where_the_spool_ends(database: Database, kept: KeptLog) -> None:
    kept.append(told(1))
    database.fails = True
    kept.append(told(2))
    assert not kept.recover()
    database.fails = False
    assert kept.recover()
    assert (kept.append(told(3)), kept.is_failing, kept.is_another) == ([3], False, False)
    assert (kept_in(database.log), database.resumed) == (told(1, 2, 3), [False, True])


def test_database_that_lacks_what_was_committed_is_another(
    database: Database, kept: KeptLog
) -> None:
    kept.append(told(1))
    database.fails = True
    kept.append(told(2, 3))
    database.fails, database.log = False, MemoryEventLog()
    assert kept.recover()
    assert kept.is_another


def test_what_nothing_takes_is_an_error_and_counted(database: Database, kept: KeptLog) -> None:
    database.fails = database.disk_is_full = True
    with pytest.raises(StoreError, match="neither database nor spool takes events"):
        kept.append(told(1, 2))
    assert kept.lost == 2
    assert kept.taken_lost() == (2, told(1)[0].at_ns)
    assert kept.taken_lost() == (0, None)


def test_database_that_is_away_cannot_be_read(database: Database, kept: KeptLog) -> None:
    database.fails = True
    kept.append(told(1))
    with pytest.raises(StoreError, match="cannot be read"):
        kept.head()
