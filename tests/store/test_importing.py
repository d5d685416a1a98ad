"""A log that is taken in from elsewhere: the same chain, whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.store.database import contents
from tests.store.histories import history
from vlanlog.core import codec, export
from vlanlog.core.event import Event
from vlanlog.core.export import ExportError, Header, Link
from vlanlog.core.fold import fold
from vlanlog.core.state import Seq
from vlanlog.errors import StoreError
from vlanlog.store import open_log
from vlanlog.store.importing import Imported, OtherChainError, keep_snapshots, take_in
from vlanlog.store.log import SqlEventLog
from vlanlog.store.verify import audited

EVENTS = history(2300, host="far")


@pytest.fixture
def log(url: str) -> SqlEventLog:
    """Is the empty log that takes in; another host's stands beside it."""
    here = open_log(url, host="here")
    here.append(history(5, host="here"))
    return SqlEventLog(here.engine, host="far", snapshot_every=100)


def links(events: list[Event]) -> list[Link]:
    """Returns the chain that the events make."""
    found, link = [], codec.GENESIS
    for seq, event in enumerate(events, start=1):
        row, before = codec.encode(event), link
        link = codec.chained(before, seq, row)
        found.append(Link(seq=Seq(seq), row=row, prev_hash=before, hash=link))
    return found


CHAIN = links(EVENTS)


def header(after: int = 0) -> Header:
    told = Header(host="far", program="vlanlog 1")
    return replace(told, after=Seq(after), after_hash=CHAIN[after - 1].hash) if after else told


def taken(log: SqlEventLog, found: list[Link], after: int = 0) -> tuple[int, int]:
    """Returns where the log ended before, and where it ends now."""
    got = take_in(log.engine, header(after), iter(found), tick=lambda _: None)
    return got.before, got.now


def refusal(log: SqlEventLog, found: list[Link], after: int = 0) -> str:
    """Returns why nothing is taken in, and sees to it that nothing is."""
    before = contents(log.engine)
    with pytest.raises(OtherChainError) as raised:
        taken(log, found, after)
    assert contents(log.engine) == before
    return raised.value.message


def held(log: SqlEventLog) -> list[tuple[int, bytes, bytes]]:
    return [(item.seq, item.prev_hash, item.hash) for item in log.read()]


def of(chain: list[Link]) -> list[tuple[int, bytes, bytes]]:
    return [(item.seq, item.prev_hash, item.hash) for item in chain]


def test_empty_log_takes_in_the_same_chain(log: SqlEventLog) -> None:
    assert taken(log, CHAIN) == (0, 2300)

    assert held(log) == of(CHAIN)
    assert [item.event for item in log.read()] == EVENTS
    assert audited(log.engine, "far").flaws == ()


def test_event_of_an_old_version_keeps_its_hash(log: SqlEventLog) -> None:
    row = codec.encode(EVENTS[0])._replace(
        kind="watch.gap_opened", version=1, payload='{"reason":"x"}'
    )
    link = codec.chained(codec.GENESIS, 1, row)
    old = [Link(seq=Seq(1), row=row, prev_hash=codec.GENESIS, hash=link)]

    taken(log, old)

    assert (held(log), audited(log.engine, "far").flaws) == (of(old), ())


def test_log_goes_on_behind_what_it_took_in(log: SqlEventLog) -> None:
    taken(log, CHAIN[:50])

    assert log.append(EVENTS[50:60]) == list(range(51, 61))
    assert held(log) == of(CHAIN[:60])


def test_log_takes_in_only_what_continues_it(log: SqlEventLog) -> None:
    answers = [taken(log, CHAIN[:3]), taken(log, CHAIN[:1500]), taken(log, CHAIN[:1500])]
    answers += [taken(log, CHAIN[:7]), taken(log, CHAIN[1500:], 1500), taken(log, CHAIN[9:], 9)]

    assert answers == [(0, 3), (3, 1500), (1500, 1500), (1500, 1500), (1500, 2300), (2300, 2300)]
    assert held(log) == of(CHAIN)


def test_nothing_is_taken_in_of_an_empty_log(log: SqlEventLog) -> None:
    assert (taken(log, []), held(log)) == ((0, 0), [])


def test_another_chain_is_refused(log: SqlEventLog) -> None:
    other = links([EVENTS[1], EVENTS[0], *EVENTS[2:]])
    taken(log, CHAIN[:10])
    why = "it is another log of far: its event {} is not the one that is here"

    assert [refusal(log, other), refusal(log, other[:10]), refusal(log, other[:4])] == [
        why.format(10), why.format(10), why.format(4)
    ]  # fmt: skip


def test_another_log_that_continues_at_the_same_place_is_refused(log: SqlEventLog) -> None:
    other = links([EVENTS[1], EVENTS[0], *EVENTS[2:]])
    taken(log, CHAIN[:10])
    before = contents(log.engine)
    wrong = replace(header(), after=Seq(10), after_hash=other[9].hash)

    for found in (other[10:], []):
        with pytest.raises(OtherChainError, match="it is another log of far"):
            take_in(log.engine, wrong, iter(found), tick=lambda _: None)

    assert contents(log.engine) == before


def test_stretch_that_does_not_join_is_refused(log: SqlEventLog) -> None:
    taken(log, CHAIN[:10])

    assert refusal(log, CHAIN[20:], 20) == (
        "it begins behind event 20 of far, the log here ends at 10"
    )


def test_event_that_stands_elsewhere_is_refused(log: SqlEventLog) -> None:
    elsewhere = codec.encode(EVENTS[1])._replace(host="farther")
    link = codec.chained(codec.GENESIS, 1, elsewhere)
    taken(log, CHAIN[:2])
    before = contents(log.engine)
    found = Link(seq=Seq(1), row=elsewhere, prev_hash=codec.GENESIS, hash=link)

    with pytest.raises(OtherChainError, match="an event of farther is in the database already"):
        take_in(
            log.engine, replace(header(), host="farther"), iter([found]), tick=lambda _: None
        )  # fmt: skip

    assert contents(log.engine) == before


def test_file_that_ends_in_an_error_leaves_nothing(log: SqlEventLog) -> None:
    before = contents(log.engine)

    def cut() -> Iterator[Link]:
        yield from CHAIN[:2200]
        raise ExportError(2202, "the end is missing")

    with pytest.raises(ExportError):
        take_in(log.engine, header(), cut(), tick=lambda _: None)

    assert contents(log.engine) == before
    assert taken(log, CHAIN) == (0, 2300)


def test_value_that_the_database_refuses_leaves_nothing(log: SqlEventLog) -> None:
    before = contents(log.engine)
    row = CHAIN[1].row._replace(ifindex="seven")  # type: ignore[arg-type]
    bad = replace(CHAIN[1], row=row)

    with pytest.raises(StoreError):
        taken(log, [CHAIN[0], bad])

    assert contents(log.engine) == before


def test_every_event_is_counted(log: SqlEventLog) -> None:
    told: list[int] = []

    take_in(log.engine, header(), iter(CHAIN), tick=told.append)

    assert told == [1000, 1000, 300]


def test_snapshots_are_those_that_appending_leaves(log: SqlEventLog, tmp_path: Path) -> None:
    own = open_log(f"sqlite:///{tmp_path}/own.db", host="far", snapshot_every=100)
    for start in range(0, 1550, 10):
        own.append(EVENTS[start : start + 10])

    taken(log, CHAIN[:333])
    keep_snapshots(log.engine, "far", Imported(before=Seq(0), now=Seq(333)), every=100)
    taken(log, CHAIN[:1550])
    keep_snapshots(log.engine, "far", Imported(before=Seq(333), now=Seq(1550)), every=100)

    kept = [row[:4] for row in contents(log.engine)["snapshots"]]
    assert kept == [row[:4] for row in contents(own.engine)["snapshots"]]
    assert audited(log.engine, "far").flaws == ()
    assert SqlEventLog(log.engine, host="far").state() == fold(log.read())


def test_export_of_what_was_taken_in_is_the_same(log: SqlEventLog) -> None:
    lines = list(export.lines(header(), CHAIN))
    told, found = export.read(f"{line}\n".encode() for line in lines)

    take_in(log.engine, told, found, tick=lambda _: None)

    again = (
        Link(seq=item.seq, row=codec.encode(item.event), prev_hash=item.prev_hash, hash=item.hash)
        for item in log.read()
    )
    assert list(export.lines(told, again)) == lines
