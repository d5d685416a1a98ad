"""Times appending events durably, next to plain sqlite3 and to the package eventsourcing.

Run: ``python tests/benchmarks/bench_append.py [ROUNDS]``; BENCH_DIR names a folder on a real disk.
All contestants commit the same events to SQLite in WAL mode with ``synchronous=FULL``, one a
commit and 1,000 a commit, in turn in each round; ours begin from events, the others from dicts.
Must not be read as absolute figures: compare the lines of one run.
"""

from __future__ import annotations

import itertools
import json
import os
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import StoredEvent
from eventsourcing.sqlite import SQLiteApplicationRecorder, SQLiteDatastore

from vlanlog.core import codec
from vlanlog.core import event as e
from vlanlog.hook import uuid7_bytes
from vlanlog.store import open_log

ROUNDS_LEAST = 9
SINGLES = 40
BATCH = 1000
BATCHES = 4

OURS = "vlanlog"
PLAIN = "sqlite3: json.dumps, index (guest, id)"
INDEXED = "sqlite3: json.dumps, as many indexes"
SOURCING = "eventsourcing: SQLite recorder alone"
APPLICATION = "eventsourcing: Application.save"
WITH_SNAPSHOTS = "vlanlog, a snapshot every 1,000 events"

_TABLE = """CREATE TABLE log (
    id INTEGER PRIMARY KEY, event_id BLOB NOT NULL, at_ns INTEGER NOT NULL, host TEXT NOT NULL,
    boot_id TEXT NOT NULL, kind TEXT NOT NULL, version INTEGER NOT NULL, actor TEXT NOT NULL,
    correlation_id BLOB NOT NULL, guest TEXT, guest_name TEXT, mac TEXT, bridge TEXT, port TEXT,
    ifindex INTEGER, payload TEXT NOT NULL)"""
_ONE_INDEX = ("CREATE INDEX by_guest ON log (guest, id)",)
_MORE_INDEXES = (
    *_ONE_INDEX,
    "CREATE UNIQUE INDEX by_event_id ON log (event_id)",
    "CREATE INDEX by_kind ON log (host, kind, id)",
    "CREATE INDEX by_time ON log (host, at_ns, id)",
)
_INSERT = f"INSERT INTO log VALUES (NULL{', ?' * 15})"


@dataclass(frozen=True)
class Sample:
    """Is one event, as ours is handed it and as a plain program has it."""

    event: e.Event
    columns: tuple[Any, ...]
    actor: dict[str, Any]
    payload: dict[str, Any]


Append = Callable[[Sequence[Sample]], None]


def samples(number: int) -> list[Sample]:
    """Returns events of 50 guests' ports with ids that were never appended."""
    actor = e.Actor(
        source=e.ActorSource.OPERATOR, uid=0, user="root", pid=4711, command="vlanlog replay"
    )
    boot, correlation = "1b4e28ba-2fa1-11d2-883f-0016d3cca427", UUID(bytes=uuid7_bytes())
    made = []
    for count in range(number):
        guest = count % 50
        fact = e.VlanAdded(first=100 + count % 3000, last=200 + count % 3000, cause=correlation)
        subject = e.Subject(
            guest_uuid=f"4dea22b3-1d52-d8f3-2516-{guest:012x}", guest_name=f"VM{guest}",
            mac=f"52:54:00:00:00:{guest:02x}", bridge="br0", port=f"vnet{guest}", ifindex=guest,
        )  # fmt: skip
        made_event = e.Event(
            event_id=UUID(bytes=uuid7_bytes()), at_ns=time.time_ns(), host="host", boot_id=boot,
            actor=actor, correlation_id=correlation, fact=fact, subject=subject,
        )  # fmt: skip
        made.append(_sample(made_event))
    return made


def _sample(made: e.Event) -> Sample:
    row = codec.encode(made)
    return Sample(
        event=made,
        columns=(*row[:6], *row[7:14]),
        actor={**asdict(made.actor), "source": str(made.actor.source)},
        payload=json.loads(row.payload),
    )


def ours(file: Path, *, snapshot_every: int = 1 << 60) -> Append:
    log = open_log(f"sqlite:///{file}", host="host", snapshot_every=snapshot_every)

    def append(made: Sequence[Sample]) -> None:
        log.append([sample.event for sample in made])

    return append


def plain(file: Path, indexes: Sequence[str]) -> Append:
    connection = sqlite3.connect(file, isolation_level=None)
    for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", _TABLE, *indexes):
        connection.execute(statement)

    def values(sample: Sample) -> tuple[Any, ...]:
        head, tail = sample.columns[:6], sample.columns[6:]
        return (*head, json.dumps(sample.actor), *tail, json.dumps(sample.payload))

    def append(made: Sequence[Sample]) -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(_INSERT, map(values, made))
        connection.execute("COMMIT")

    return append


def sourcing(file: Path) -> Append:
    recorder = SQLiteApplicationRecorder(SQLiteDatastore(str(file)))
    recorder.create_table()
    place = itertools.count(1)
    host = UUID(int=1)

    def stored(sample: Sample) -> StoredEvent:
        names = [value.hex() if isinstance(value, bytes) else value for value in sample.columns]
        state = json.dumps([*names, sample.actor, sample.payload]).encode()
        return StoredEvent(host, next(place), sample.columns[4], state)

    def append(made: Sequence[Sample]) -> None:
        recorder.insert_events([stored(sample) for sample in made])

    return append


class Story(Aggregate):  # type: ignore[misc]  # the package has no types
    """Is an aggregate whose events are ours, as that package's users write one."""

    @event("Told")  # type: ignore[untyped-decorator]
    def tell(self, names: list[Any], actor: dict[str, Any], payload: dict[str, Any]) -> None:
        """Takes one event; what it would change is not measured."""


def application(file: Path) -> Append:
    env = {"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": str(file)}
    app: Application[UUID] = Application(env=env)
    told = Story()
    app.save(told)

    def append(made: Sequence[Sample]) -> None:
        for sample in made:
            names = [value.hex() if isinstance(value, bytes) else value for value in sample.columns]
            told.tell(names, sample.actor, sample.payload)
        app.save(told)

    return append


def measured(contestants: dict[str, Append], rounds: int) -> dict[str, tuple[float, float]]:
    """Returns the medians of each contestant: one event, and one of a batch.

    Units: us for one event.
    """
    taken_us: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in contestants}
    order = list(contestants)
    for number in range(rounds + 1):
        for name in order:
            singles, batched = _one_round(contestants[name])
            if number:
                # The first round makes the tables' first pages and compiles the statements.
                taken_us[name][0].extend(singles)
                taken_us[name][1].extend(batched)
        # Whoever follows a big write waits for more of the disk than the others.
        order.append(order.pop(0))
    return {
        name: (statistics.median(singles), statistics.median(batched))
        for name, (singles, batched) in taken_us.items()
    }


def _one_round(append: Append) -> tuple[list[float], list[float]]:
    singles, batched = samples(SINGLES), samples(BATCH * BATCHES)
    return (
        [_taken_us(append, [sample]) for sample in singles],
        [
            _taken_us(append, batched[start : start + BATCH]) / BATCH
            for start in range(0, len(batched), BATCH)
        ],
    )


def _taken_us(append: Append, made: Sequence[Sample]) -> float:
    started_ns = time.perf_counter_ns()
    append(made)
    return (time.perf_counter_ns() - started_ns) / 1e3


def main() -> None:
    """Prints the medians, and our rate as a multiple of each."""
    rounds = max(ROUNDS_LEAST, int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS_LEAST)
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as name:
        folder = Path(name)
        contestants = {
            OURS: ours(folder / "ours.db"),
            PLAIN: plain(folder / "plain.db", _ONE_INDEX),
            INDEXED: plain(folder / "indexed.db", _MORE_INDEXES),
            SOURCING: sourcing(folder / "sourcing.db"),
            APPLICATION: application(folder / "application.db"),
            WITH_SNAPSHOTS: ours(folder / "snapshots.db", snapshot_every=1000),
        }
        medians = measured(contestants, rounds)
    single_us, batched_us = medians[OURS]
    print(f"durable events, median of {rounds} alternating rounds; x: our rate over its rate")
    print(f"{'one a commit':>22}  {'1,000 a commit':>22}")
    for contestant, (one_us, each_us) in medians.items():
        alone = f"{one_us:8.0f} us  {one_us / single_us:6.2f} x"
        together = f"{each_us:8.1f} us  {each_us / batched_us:6.2f} x"
        print(f"{alone:>22}  {together:>22}  {contestant}")


if __name__ == "__main__":
    main()
