"""One suite for the event log in memory, in SQLite and in PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import count
from uuid import UUID

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.fakes.log import MemoryEventLog
from tests.postgres.server import Server
from tests.store.histories import (
    ACTORS,
    BEGIN_NS,
    GUESTS,
    MACS,
    SECOND_NS,
    happening,
    history,
    subjects,
)
from vlanlog.core import codec
from vlanlog.core import event as e
from vlanlog.core.fold import fold
from vlanlog.core.query import EventFilter, Head, matches
from vlanlog.core.state import HostState, Seq
from vlanlog.ports import EventLog
from vlanlog.store.engine import open_engine
from vlanlog.store.log import SqlEventLog
from vlanlog.store.upgrade import ensure_schema

OpenLog = Callable[[str], EventLog]

_hosts = count(1)


@pytest.fixture(
    scope="module",
    params=["memory", "sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)],
)
def open_log(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OpenLog]:
    """Yields what opens the empty log of a host, all of one database."""
    if request.param == "memory":
        yield lambda _host: MemoryEventLog()
        return
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('log')}/vlanlog.db"
    else:
        server: Server = request.getfixturevalue("postgres")
        url = server.new_database()
    engine = open_engine(url)
    ensure_schema(engine)
    yield lambda host: SqlEventLog(engine, host=host, snapshot_every=7)
    engine.dispose()


@pytest.fixture
def host() -> str:
    return f"host-{next(_hosts)}"


@pytest.fixture
def log(open_log: OpenLog, host: str) -> EventLog:
    return open_log(host)


@pytest.fixture(scope="module")
def filled(open_log: OpenLog) -> EventLog:
    """Is a log that spans several pages of reading; nobody appends to it."""
    name = f"host-{next(_hosts)}"
    log = open_log(name)
    log.append(history(1050, host=name))
    return log


@pytest.fixture(scope="module")
def model(filled: EventLog) -> EventLog:
    """Is the same log in memory."""
    log = MemoryEventLog()
    log.append(happened(filled))
    return log


def stamped(host: str, *seconds: int) -> list[e.Event]:
    return [happening(e.DaemonStarted(), host=host, number=second) for second in seconds]


def happened(log: EventLog) -> list[e.Event]:
    return [item.event for item in log.read()]


def test_log_gives_back_every_kind_of_event_as_it_was(log: EventLog, host: str) -> None:
    events = history(150, host=host)

    log.append(events)

    assert happened(log) == events


def test_log_numbers_events_from_one_without_holes(log: EventLog, host: str) -> None:
    events = history(12, host=host)

    answers = [log.append(events[:1]), log.append([]), log.append(events[1:9]),
               log.append(events[9:])]  # fmt: skip

    assert answers == [[1], [], list(range(2, 10)), [10, 11, 12]]
    assert [item.seq for item in log.read()] == list(range(1, 13))


def test_log_passes_over_an_event_that_it_has(log: EventLog, host: str) -> None:
    a, b, c, d = stamped(host, 1, 2, 3, 4)
    log.append([a, b])

    answers = [log.append([b]), log.append([c, a, d, c]), log.append([a, b, c, d])]

    assert (answers, happened(log)) == ([[], [3, 4], []], [a, b, c, d])


def test_log_keeps_the_first_of_an_event_given_twice_at_once(log: EventLog, host: str) -> None:
    a, b, c = stamped(host, 1, 2, 3)

    seqs = log.append([a, b, replace(a, boot_id="later"), c])

    assert (seqs, happened(log)) == ([1, 2, 3], [a, b, c])


def test_log_takes_more_known_events_than_a_statement_takes_values(
    log: EventLog, host: str
) -> None:
    events = [happening(e.DaemonStarted(), host=host) for _ in range(6000)]
    log.append(events[:-1])

    assert log.append(events) == [6000]


def test_chain_links_each_event_to_the_one_before(log: EventLog, host: str) -> None:
    events = history(20, host=host)
    log.append(events[:5])
    log.append(events[5:])

    links, prev_hash = [], codec.GENESIS
    for seq, event in enumerate(events, start=1):
        link = codec.chained(prev_hash, seq, codec.encode(event))
        links.append((prev_hash, link))
        prev_hash = link

    assert [(item.prev_hash, item.hash) for item in log.read()] == links


def test_read_gives_what_lies_between_two_seqs(filled: EventLog) -> None:
    every = list(filled.read())

    found = [
        list(filled.read(after=Seq(3), until=Seq(1020))),
        list(filled.read(after=Seq(1040))),
        list(filled.read(until=Seq(2))),
        list(filled.read(until=Seq(0))),
        list(filled.read(after=Seq(1050))),
        list(filled.read(after=Seq(9), until=Seq(5))),
    ]

    assert found == [every[3:1020], every[1040:], every[:2], [], [], []]


def test_read_of_an_empty_log_is_empty(log: EventLog) -> None:
    assert (list(log.read()), list(log.select(EventFilter())), log.head()) == ([], [], None)


def test_head_is_the_last_event(log: EventLog, host: str) -> None:
    log.append(stamped(host, 5, 3))
    last = list(log.read())[-1]

    assert log.head() == Head(seq=Seq(2), hash=last.hash, at_ns=BEGIN_NS + 3 * SECOND_NS)


@pytest.mark.parametrize(
    ("seconds", "at", "seq"),
    [
        ((), 5, 0),
        ((1, 2, 3), 0, 0),
        ((1, 2, 3), 1, 1),
        ((1, 2, 2, 3), 2, 3),
        ((1, 2, 5), 4, 2),
        ((1, 2, 5), 9, 3),
        # Set back from 9 to 3: what was appended at 4 follows what was appended at 9.
        ((1, 9, 3, 4, 10), 9, 4),
        ((1, 9, 3, 4, 10), 8, 4),
        ((1, 9, 3, 4, 10), 3, 3),
        ((1, 9, 3, 4, 10), 2, 1),
        ((5, 1, 2), 1, 2),
    ],
)
def test_seq_at_a_time_is_the_last_of_that_time(
    log: EventLog, host: str, seconds: Sequence[int], at: int, seq: int
) -> None:
    log.append(stamped(host, *seconds))

    assert log.seq_at(BEGIN_NS + at * SECOND_NS) == seq


@settings(max_examples=40)
@given(second=st.integers(-40, 600))
def test_seq_at_any_time_is_that_of_the_log_in_memory(
    filled: EventLog, model: EventLog, second: int
) -> None:
    at_ns = BEGIN_NS + second * SECOND_NS

    assert filled.seq_at(at_ns) == model.seq_at(at_ns)


def test_state_is_the_fold_up_to_any_seq(log: EventLog, host: str) -> None:
    events = history(60, host=host)
    for start in range(0, 60, 4):
        log.append(events[start : start + 4])

    seqs = [60, 3, 0, 7, 14, 13, 59, 60, 99, 1]

    assert [log.state(at_seq=Seq(seq)) for seq in seqs] == [
        fold(log.read(until=Seq(seq))) for seq in seqs
    ]
    assert log.state() == fold(log.read())


def test_state_follows_what_is_appended(log: EventLog, host: str) -> None:
    found = [log.state()]
    for event in history(30, host=host, seed=5):
        log.append([event])
        found.append(log.state())

    assert found == [
        HostState(), *(fold(log.read(until=Seq(seq))) for seq in range(1, 31))
    ]  # fmt: skip


_STAMPS = st.integers(-40, 600).map(lambda second: BEGIN_NS + second * SECOND_NS)
_PLACES = st.integers(0, 1020).map(Seq)
_PARTS = st.builds(
    e.Subject,
    guest_uuid=st.sampled_from((None, *GUESTS)),
    guest_name=st.sampled_from((None, "VM ä", "VM%2", "VM_2", "vm ä")),
    mac=st.sampled_from((None, *MACS)),
    bridge=st.sampled_from((None, "br0", "br2")),
    port=st.sampled_from((None, "vnet0", "vnet1")),
    ifindex=st.sampled_from((None, 7, 8)),
)
_FILTERS = st.builds(
    EventFilter,
    subjects=st.lists(st.sampled_from(subjects()) | _PARTS, max_size=3).map(tuple),
    kinds=st.frozensets(st.sampled_from([*sorted(codec.KINDS), "no.such"]), max_size=4),
    vids=st.sampled_from(
        [0, *(1 << vid for vid in (1, 7, 100, 200, 305, 4094)), 1 << 7 | 1 << 305]
    ),
    by=st.lists(
        st.sampled_from(
            ["root", "0", "1000", "hook", "bash", "ann", "Ann", "ä 50%", "%", "_\\ of", '"it"']
        ),
        max_size=2,
    ).map(tuple),
    since_ns=st.none() | _STAMPS,
    until_ns=st.none() | _STAMPS,
    after=st.none() | _PLACES,
    until=st.none() | _PLACES,
    newest_first=st.booleans(),
    limit=st.none() | st.integers(1, 30),
)


@settings(max_examples=60)
@given(wanted=_FILTERS)
@example(wanted=EventFilter())
@example(wanted=EventFilter(newest_first=False, limit=1010))
@example(wanted=EventFilter(kinds=frozenset(codec.KINDS), limit=1010))
@example(wanted=EventFilter(subjects=subjects()[1:]))
@example(wanted=EventFilter(subjects=(e.Subject(bridge="br0"), e.Subject(mac=MACS[0]))))
@example(wanted=EventFilter(subjects=(e.Subject(ifindex=7),), newest_first=False))
@example(wanted=EventFilter(by=(ACTORS[0].command or "",)))
@example(wanted=EventFilter(since_ns=BEGIN_NS + 50 * SECOND_NS, until_ns=BEGIN_NS))
@example(wanted=EventFilter(kinds=frozenset({"host.booted"}), after=Seq(40), until=Seq(400)))
@example(wanted=EventFilter(subjects=subjects()[2:4], after=Seq(40), until=Seq(400), limit=5))
def test_select_gives_what_the_filter_means(
    filled: EventLog, model: EventLog, wanted: EventFilter
) -> None:
    placed = model.read(after=wanted.after or Seq(0), until=wanted.until)
    expected = [item for item in placed if matches(wanted, item.event)]
    if wanted.newest_first:
        expected.reverse()

    assert list(filled.select(wanted)) == expected[: wanted.limit]


def test_select_finds_an_event_by_its_id(filled: EventLog, model: EventLog) -> None:
    [known] = model.read(after=Seq(699), until=Seq(700))

    assert list(filled.select(EventFilter(event_id=known.event.event_id))) == [known]
    assert list(filled.select(EventFilter(event_id=UUID(int=0)))) == []


def test_select_by_many_subjects_gives_each_event_once(log: EventLog, host: str) -> None:
    names = [f"vnet{number}" for number in range(60)]
    events = [
        replace(happening(e.PortDetached(), host=host), subject=e.Subject(port=name))
        for name in names * 2
    ]
    log.append(events)
    wanted = EventFilter(subjects=tuple(e.Subject(port=name) for name in names[1:]), limit=100)

    found = [item.seq for item in log.select(wanted)]

    expected = [seq for seq in range(120, 0, -1) if seq not in (1, 61)]
    assert found == expected[:100]


def test_reading_goes_on_while_events_are_appended(log: EventLog, host: str) -> None:
    log.append([happening(e.DaemonStarted(), host=host) for _ in range(1500)])
    newest = log.select(EventFilter())
    first = next(newest)

    log.append([happening(e.DaemonStopped(), host=host)])

    assert [first.seq, *(item.seq for item in newest)] == list(range(1500, 0, -1))
