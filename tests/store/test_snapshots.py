"""Snapshots: what the log gives again, kept so that it need not be asked for all of it."""

from __future__ import annotations

import json
import random
import zlib
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.core import samples
from tests.store.database import execute
from tests.store.histories import happening, history
from vlanlog.core import codec
from vlanlog.core import event as e
from vlanlog.core.fold import advance, fold
from vlanlog.core.state import HostState, Seq
from vlanlog.store import open_log
from vlanlog.store.log import SqlEventLog
from vlanlog.store.snapshots import FORMAT, packed, unpacked

GOLDEN = Path(__file__).parents[1] / "data" / f"state-{FORMAT}.json"


def kept(log: SqlEventLog) -> dict[int, HostState]:
    """Returns the snapshots of the host by seq."""
    wanted = text("SELECT seq, state FROM snapshots WHERE host = :host ORDER BY seq")
    with log.engine.connect() as connection:
        found = connection.execute(wanted, {"host": log.host}).all()
    return {seq: unpacked(state) for seq, state in found}


def rebuilt(log: SqlEventLog, seq: int) -> HostState:
    return fold(log.read(until=Seq(seq)))


def started(log: SqlEventLog, number: int) -> None:
    for _ in range(number):
        log.append([happening(e.DaemonStarted(), host=log.host)])


def test_snapshots_are_what_a_rebuild_from_zero_gives(url: str) -> None:
    log = open_log(url, host="host", snapshot_every=10)
    events, chance = history(200, host="host"), random.Random(1)
    while events:
        size = chance.choice((1, 1, 1, 4, 13, 25))
        log.append(events[:size])
        events = events[size:]

    found = kept(log)

    assert max(found) == 200
    assert found == {seq: rebuilt(log, seq) for seq in found}


def test_snapshots_hold_what_other_writers_appended(sqlite: str) -> None:
    mine = open_log(sqlite, host="host", snapshot_every=10)
    yours = open_log(sqlite, host="host", snapshot_every=10)
    events, chance = history(300, host="host", seed=2), random.Random(2)
    while events:
        size = chance.choice((1, 2, 7))
        chance.choice((mine, mine, yours)).append(events[:size])
        # Some of them are given again, as from a spool that was not taken away.
        chance.choice((mine, yours)).append([*events[:1], *events[size : size + 1]])
        events = events[size:]

    found = kept(mine)

    assert found == {seq: rebuilt(mine, seq) for seq in found}
    assert mine.state() == yours.state() == rebuilt(mine, 300)


def mark(log: SqlEventLog, *seqs: int) -> None:
    """Changes snapshots so that a state shows which one it began at."""
    for seq in seqs:
        marked = packed(HostState(seq=Seq(seq), boot_id=f"marked {seq}"))
        execute(log.engine, f"UPDATE snapshots SET state = :state WHERE seq = {seq}", state=marked)


def test_state_begins_at_the_newest_snapshot_before_it(url: str) -> None:
    log = open_log(url, host="host", snapshot_every=10)
    started(log, 35)
    mark(log, 10, 20, 30)

    seqs = (35, 30, 29, 20, 19, 9, 0)
    states = [SqlEventLog(log.engine, host="host").state(at_seq=Seq(seq)) for seq in seqs]

    assert [(state.seq, state.boot_id) for state in states] == [
        (35, "marked 30"), (30, "marked 30"), (29, "marked 20"), (20, "marked 20"),
        (19, "marked 10"), (9, ""), (0, ""),
    ]  # fmt: skip


def test_state_begins_at_an_older_snapshot_where_the_newest_is_damaged(sqlite: str) -> None:
    log = open_log(sqlite, host="host", snapshot_every=10)
    started(log, 35)
    mark(log, 10, 20)
    execute(log.engine, "UPDATE snapshots SET state = :what WHERE seq = 30", what=b"what is this")

    assert SqlEventLog(log.engine, host="host").state().boot_id == "marked 20"


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM snapshots",
        "UPDATE snapshots SET format = format + 1, state = :other",
        "UPDATE snapshots SET state = :damaged WHERE seq = 30",
        "UPDATE snapshots SET state = :other",
    ],
)
def test_state_does_not_need_snapshots(url: str, change: str) -> None:
    log = open_log(url, host="host", snapshot_every=10)
    log.append(history(35, host="host"))

    values = {"other": zlib.compress(b'{"seq": "many"}'), "damaged": b"what is this"}
    execute(log.engine, change, **{k: v for k, v in values.items() if f":{k}" in change})

    assert SqlEventLog(log.engine, host="host").state() == rebuilt(log, 35)


def test_snapshot_of_an_older_format_is_replaced(sqlite: str) -> None:
    log = open_log(sqlite, host="host", snapshot_every=10)
    started(log, 9)
    execute(
        log.engine,
        f"INSERT INTO snapshots VALUES ('host', 10, 0, {FORMAT - 1}, :old)",
        old=b"of another time",
    )

    started(log, 1)

    assert kept(log) == {10: rebuilt(log, 10)}


def test_append_does_not_fail_with_its_snapshot(
    sqlite: str, caplog: pytest.LogCaptureFixture
) -> None:
    log = open_log(sqlite, host="host", snapshot_every=10)
    execute(log.engine, "DROP TABLE snapshots")

    seqs = log.append(history(10, host="host"))

    assert (seqs, caplog.messages) == (list(range(1, 11)), ["no snapshot was kept at event 10"])
    assert log.append(history(1, host="host")) == [11]


def test_old_snapshots_are_thinned_out(sqlite: str) -> None:
    log = open_log(sqlite, host="host", snapshot_every=1)

    started(log, 25)

    assert list(kept(log)) == [2, 4, 6, 8, 10, 12, 14, *range(15, 26)]


def test_snapshots_of_one_host_do_not_touch_those_of_another(sqlite: str) -> None:
    other = open_log(sqlite, host="other", snapshot_every=1)
    started(other, 3)

    started(SqlEventLog(other.engine, host="host", snapshot_every=1), 30)

    assert list(kept(other)) == [1, 2, 3]


def test_format_is_raised_with_what_a_state_says_or_how_it_is_written() -> None:
    """Holds ``FORMAT``: where this fails, raise it and write the file of that number anew."""
    lines = [json.loads(line)["row"] for line in samples.GOLDEN.read_text().splitlines()]
    golden = GOLDEN.read_bytes().rstrip(b"\n")
    size = json.loads(golden)["seq"]
    rows = [codec.row_from_json(json.dumps(line)) for line in lines[:size]]

    state = advance((Seq(seq), codec.decode(row)) for seq, row in enumerate(rows, start=1))

    assert (codec.encode_state(state), codec.decode_state(golden)) == (golden, state)
