"""What a log adds up to for monitoring: the same in one go, bit by bit, and by a naive count."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from tests.store.database import tamper
from tests.store.histories import ACTORS, BEGIN_NS, SECOND_NS, happening, history
from vlanlog.core import codec
from vlanlog.core import event as e
from vlanlog.metrics import Tally
from vlanlog.store import open_log, tally
from vlanlog.store.log import SqlEventLog
from vlanlog.store.tally import size_bytes, tallied

STRANGER = e.UNKNOWN_WRITER
TAP = e.Subject(bridge="br0", port="vnet0", ifindex=7)
ADDED = e.VlanAdded(first=100, last=100)


@pytest.fixture
def log(url: str) -> SqlEventLog:
    return open_log(url, host="host")


def by(actor: e.Actor, fact: e.Fact, number: int, subject: e.Subject = TAP) -> e.Event:
    return replace(happening(fact, host="host", number=number), actor=actor, subject=subject)


def head_hash(log: SqlEventLog) -> str:
    head = log.head()
    assert head is not None
    return head.hash.hex()


def test_tally_of_an_empty_log_is_nothing(log: SqlEventLog) -> None:
    assert tallied(log.engine, "host", None) == Tally()


def test_tally_counts_the_kinds_of_one_host(log: SqlEventLog) -> None:
    events = history(200, host="host")
    log.append(events)
    SqlEventLog(log.engine, host="other").append(history(30, host="other"))

    found = tallied(log.engine, "host", None)

    assert found.kinds == Counter(codec.kind_of(event.fact) for event in events)
    assert (found.seq, found.hash) == (200, head_hash(log))


@pytest.mark.parametrize("first", [1, 77, 199, 200])
def test_tally_goes_on_from_what_is_known(log: SqlEventLog, first: int) -> None:
    events = history(200, host="host", seed=first)
    log.append(events[:first])
    known = tallied(log.engine, "host", None)
    log.append(events[first:])

    assert tallied(log.engine, "host", known) == tallied(log.engine, "host", None)


def test_tally_reads_a_large_log_bit_by_bit(
    log: SqlEventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.append(history(200, host="host"))
    whole = tallied(log.engine, "host", None)

    monkeypatch.setattr(tally, "_AT_ONCE", 7)

    assert tallied(log.engine, "host", None) == whole


def test_tally_reads_only_what_is_new(log: SqlEventLog) -> None:
    log.append(history(50, host="host"))
    known = tallied(log.engine, "host", None)
    tamper(log.engine, "UPDATE events SET kind = 'host.booted' WHERE seq < 50")

    assert tallied(log.engine, "host", known) == known


@pytest.mark.parametrize("seq", [3, 50])
def test_tally_of_another_log_is_not_gone_on_from(log: SqlEventLog, seq: int) -> None:
    log.append(history(10, host="host"))
    of_another = Tally(seq=seq, hash="ab" * 32, kinds={"host.booted": 1000}, foreign=5)

    assert tallied(log.engine, "host", of_another) == tallied(log.engine, "host", None)


@pytest.mark.parametrize(
    ("actor", "fact", "foreign"),
    [
        (STRANGER, ADDED, 1),
        (e.UNKNOWN_ACTOR, e.VlanRemoved(first=1, last=9), 1),
        (STRANGER, replace(ADDED, cause=happening(ADDED, host="host").event_id), 0),
        (ACTORS[0], ADDED, 0),
        (replace(ACTORS[0], command='x "source":"kernel"'), ADDED, 0),
        (STRANGER, e.PortDetached(), 0),
    ],
)
def test_foreign_is_a_change_that_no_intent_explains(
    log: SqlEventLog, actor: e.Actor, fact: e.Fact, foreign: int
) -> None:
    log.append([by(actor, fact, 1)])

    assert tallied(log.engine, "host", None).foreign == foreign


def test_vlans_of_a_port_that_joins_are_not_foreign(log: SqlEventLog) -> None:
    joined = by(e.UNKNOWN_ACTOR, e.PortAttached(), 3)
    log.append([joined, replace(by(e.UNKNOWN_ACTOR, ADDED, 4), subject=joined.subject)])
    known = tallied(log.engine, "host", None)
    # Of the same reading, but on another port; and on the same port, but later.
    log.append([by(e.UNKNOWN_ACTOR, ADDED, 5, replace(TAP, ifindex=8)), by(STRANGER, ADDED, 90)])

    assert (known.foreign, tallied(log.engine, "host", known).foreign) == (0, 2)


def test_gaps_add_up_from_the_time_that_they_begin(log: SqlEventLog) -> None:
    opened = e.GapOpened(reason="overrun")
    since = replace(opened, since_ns=BEGIN_NS + 50 * SECOND_NS)
    closed = e.GapClosed(reason="re-read")
    told: list[tuple[e.Fact, int]] = [
        (opened, 10), (opened, 12), (closed, 15), (since, 60), (closed, 65), (closed, 66)
    ]  # fmt: skip
    log.append([happening(fact, host="host", number=number) for fact, number in told])
    known = tallied(log.engine, "host", None)
    log.append([happening(opened, host="host", number=90)])
    then = tallied(log.engine, "host", known)
    # A clock that was set back takes no counter back.
    log.append([happening(closed, host="host", number=80)])
    last = tallied(log.engine, "host", then)

    assert (known.gaps, known.gap_ns, known.gap_since_ns) == (2, 20 * SECOND_NS, None)
    assert (then.gaps, then.gap_since_ns) == (3, BEGIN_NS + 90 * SECOND_NS)
    assert (last.gaps, last.gap_ns, last.gap_since_ns) == (3, 20 * SECOND_NS, None)


def test_size_grows_with_the_log(log: SqlEventLog) -> None:
    before = size_bytes(log.engine)
    log.append(history(1000, host="host"))

    assert size_bytes(log.engine) - before > 100_000
