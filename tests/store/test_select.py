"""Which index answers a question: what is rare is found without reading the whole log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from uuid import UUID

import pytest
from sqlalchemy import event

from tests.store.histories import happening
from vlanlog.core import event as e
from vlanlog.core.codec import KINDS
from vlanlog.core.query import EventFilter
from vlanlog.core.state import Seq
from vlanlog.store import open_log
from vlanlog.store.log import SqlEventLog
from vlanlog.store.schema import RARE_KINDS

Crowds = Callable[[int, int, int], SqlEventLog]


def fill(log: SqlEventLog, *, guests: int, ports: int, times: int) -> None:
    """Appends events of each guest in turn, each through all of its ports again and again."""
    made = []
    for number in range(guests * ports * times):
        guest, port = number % guests, number // guests % ports
        subject = e.Subject(guest_name=f"VM{guest}", port=f"vnet{port}")
        made.append(replace(happening(e.DaemonStarted(), host="host"), subject=subject))
    log.append(made)


@pytest.fixture(scope="module")
def crowds(tmp_path_factory: pytest.TempPathFactory) -> Crowds:
    """Is the log of so many guests, ports and times; made once."""

    @cache
    def made(guests: int, ports: int, times: int) -> SqlEventLog:
        log = open_log(f"sqlite:///{tmp_path_factory.mktemp('crowd')}/vlanlog.db", host="host")
        fill(log, guests=guests, ports=ports, times=times)
        return log

    return made


def plan(log: SqlEventLog, wanted: EventFilter) -> str:
    """Returns SQLite's plan of the statement that the filter becomes."""
    return plans(log, wanted)[-1]


def plans(log: SqlEventLog, wanted: EventFilter) -> list[str]:
    """Returns SQLite's plans of the statements that the filter becomes, in order."""
    asked = statements(log, lambda: list(log.select(wanted)))
    with log.engine.connect() as connection:
        return [
            " ".join(
                row[3]
                for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given)
            )
            for statement, given in asked
        ]


def statements(log: SqlEventLog, act: Callable[[], object]) -> list[tuple[str, tuple[object, ...]]]:
    """Returns the statements that were executed meanwhile, with their values."""
    asked: list[tuple[str, tuple[object, ...]]] = []

    def note(_c: object, _cursor: object, statement: str, given: tuple[object], *_: object) -> None:
        asked.append((statement, given))

    event.listen(log.engine, "before_cursor_execute", note)
    act()
    event.remove(log.engine, "before_cursor_execute", note)
    return asked


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("subjects", [(), (e.Subject(guest_name="VM0"),)])
def test_places_have_one_bound_at_each_end(
    crowds: Crowds, subjects: tuple[e.Subject, ...], *, newest_first: bool
) -> None:
    """SQLite would go by the first of two, and walk from there to the second."""
    log = crowds(1, 1, 2500)
    wanted = EventFilter(
        subjects=subjects,
        newest_first=newest_first,
        after=Seq(7),
        until=Seq(2490),
        since_ns=1,
        until_ns=2**62,
    )

    asked = statements(log, lambda: list(log.select(wanted)))

    most = [max(text.count(f"events.seq {sign}") for text, _ in asked) for sign in "<>"]
    assert most == [1, 1]


def test_time_is_placed_with_one_bound(crowds: Crowds) -> None:
    log = crowds(1, 1, 2500)

    asked = statements(log, lambda: log.seq_at(2**62))

    assert max(text.count("events.seq >") for text, _ in asked) == 1


@pytest.mark.parametrize("kinds", [RARE_KINDS, ("host.booted",), ("config.loaded",)])
def test_rare_kinds_are_found_by_their_index(sqlite: str, kinds: tuple[str, ...]) -> None:
    log = open_log(sqlite, host="host")

    found = plan(log, EventFilter(kinds=frozenset(kinds), limit=50))

    assert "USING INDEX events_kind" in found
    assert "USING INDEX sqlite_autoindex_events_1" not in found


def test_event_is_found_by_the_index_of_ids(sqlite: str) -> None:
    log = open_log(sqlite, host="host")

    found = plan(log, EventFilter(event_id=UUID(int=7), limit=1))

    assert "USING INDEX sqlite_autoindex_events_2 (event_id=?)" in found


def test_next_event_of_a_rare_kind_is_found_by_its_place(sqlite: str) -> None:
    log = open_log(sqlite, host="host")

    found = plan(
        log,
        EventFilter(
            kinds=frozenset({"watch.gap_opened"}), after=Seq(7), newest_first=False, limit=1
        ),
    )

    assert "USING INDEX events_kind (host=? AND kind=? AND seq>?)" in found


def test_frequent_kinds_are_read_in_the_order_of_the_log(sqlite: str) -> None:
    log = open_log(sqlite, host="host")

    found = plan(log, EventFilter(kinds=frozenset({"vlan.added", "host.booted"}), limit=50))

    assert "events_kind" not in found
    assert "TEMP B-TREE" not in found


def test_events_of_many_subjects_are_placed_by_the_index_alone(sqlite: str) -> None:
    log = open_log(sqlite, host="host")
    fill(log, guests=1, ports=50, times=2)

    subjects = (e.Subject(guest_name="VM0"),)
    found = plans(log, EventFilter(subjects=subjects, since_ns=1, until_ns=2**62, limit=50))

    assert "USING COVERING INDEX events_subject" in found[-2]
    assert "USING INDEX sqlite_autoindex_events_1 (host=? AND seq=?)" in found[-1]


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("limit", [None, 1, 50, 3000])
@pytest.mark.parametrize(
    ("guests", "ports", "times"),
    [(1, 1, 2500), (3, 1, 700), (3, 30, 30), (1, 60, 350), (1, 600, 40), (20, 600, 1)],
)
def test_events_of_a_guest_are_found_whatever_it_was_called(
    crowds: Crowds, guests: int, ports: int, times: int, limit: int | None, *, newest_first: bool
) -> None:
    log = crowds(guests, ports, times)
    wanted = EventFilter(
        subjects=(e.Subject(guest_name="VM0"),), limit=limit, newest_first=newest_first
    )

    seqs = [item.seq for item in log.select(wanted)]

    own = range(1, guests * ports * times + 1, guests)
    assert seqs == list(own[::-1] if newest_first else own)[:limit]


def test_rare_kinds_are_kinds() -> None:
    assert set(RARE_KINDS) < set(KINDS)
