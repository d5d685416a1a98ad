"""Times questions to a log of ten million events of 1,000 guests, as whole commands and alone.

Run: ``python tests/benchmarks/bench_size.py [EVENTS [ROUNDS]]``. The log is built once, which takes
minutes, and lies in the cache folder; each run appends some events to it. Whole processes in turn,
medians. Must not be read as absolute figures: compare the lines of one run.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from uuid import UUID

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from sqlalchemy import text

from tests.benchmarks.crowded_log import BEGIN_NS, END_NS, GUESTS, HOST, crowded_log
from vlanlog.core import event as e
from vlanlog.core.fold import fold
from vlanlog.core.query import EventFilter
from vlanlog.core.state import Seq
from vlanlog.hook import uuid7_bytes
from vlanlog.store import open_log
from vlanlog.store.log import SqlEventLog

EVENTS = 10_000_000
ROUNDS = 9
SINGLES = 300
QUERIES = 50
FOLDED = 100_000
VLANLOG = str(Path(sys.executable).with_name("vlanlog"))
IMPORTS = (sys.executable, "-c", "import sqlalchemy, typer")
NOTHING = (sys.executable, "-c", "")
OF_ONE = "an append of 1,000 about one guest"
OF_MANY = "an append of 1,000, each about another guest"
MOMENTS = {"early": 0.02, "middle": 0.5, "late": 0.98, "its end": 1.0}


def moment(share: float) -> str:
    """Returns the time at which that share of the log was written, as an option takes it."""
    return f"@{(BEGIN_NS + round((END_NS - BEGIN_NS) * share)) // 1_000_000_000}"


def commands(url: str) -> dict[str, tuple[str, ...]]:
    """Returns what to time as whole processes."""
    database = ("--database", url)
    found = {
        "an interpreter that imports SQLAlchemy and typer": IMPORTS,
        "an interpreter that imports nothing": NOTHING,
        "vlanlog history VM500 -n 50": (VLANLOG, "history", "VM500", "-n", "50", *database),
    }
    for name, share in MOMENTS.items():
        found[f"vlanlog state --at T, {name}"] = (
            VLANLOG,
            "state",
            "--at",
            moment(share),
            *database,
        )
    return found


def took_s(command: tuple[str, ...], environ: dict[str, str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environ)
    return time.perf_counter() - began


def print_commands(url: str, rounds: int) -> None:
    """Times whole commands in turn and prints their medians and ratios."""
    contestants = commands(url)
    taken: dict[str, list[float]] = {name: [] for name in contestants}
    with tempfile.TemporaryDirectory() as hooks:
        environ = {**os.environ, "VLANLOG_HOOKS_DIR": hooks, "VLANLOG_HOST": HOST}
        for number in range(rounds + 1):
            for name, command in contestants.items():
                one_s = took_s(command, environ)
                if number:
                    # The first round brings the file's pages into memory.
                    taken[name].append(one_s)
    medians = {name: statistics.median(found) for name, found in taken.items()}
    against = next(iter(medians.values()))
    for name, median in medians.items():
        print(f"{median * 1e3:8.0f} ms  {median / against:6.2f} x  {name}")


def median_ms(act: Callable[[int], object], times: int) -> float:
    """Returns the median of so many calls, each told its number."""
    taken = []
    for number in range(times):
        began = time.perf_counter()
        act(number)
        taken.append((time.perf_counter() - began) * 1e3)
    return statistics.median(taken)


def guest(number: int) -> e.Subject:
    return e.Subject(guest_uuid=f"4dea22b3-1d52-d8f3-2516-{number % GUESTS + 1:012x}")


def print_query(log: SqlEventLog) -> None:
    def last_50(number: int) -> int:
        wanted = EventFilter(subjects=(guest(number * 19),), limit=50)
        return len(list(log.select(wanted)))

    # What the pages cost that are not in memory yet is the disk's.
    for when in ("for the first time", "again"):
        taken_ms = median_ms(last_50, QUERIES)
        print(f"{taken_ms:8.2f} ms  the last 50 events of a guest, by query alone, {when}")


def print_room(log: SqlEventLog) -> None:
    size = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
    kept = "SELECT count(*), sum(length(state)) FROM snapshots"
    with log.engine.connect() as connection:
        room = connection.scalar(text(size)) or 0
        number, packed = connection.execute(text(kept)).one()
    head = log.head()
    events = head.seq if head else 1
    each, of_snapshots = room / events, packed / events
    print(f"{each:8.0f} bytes an event, {of_snapshots:.0f} of them in {number} snapshots")


def fresh_events(guests: int = GUESTS) -> Iterator[e.Event]:
    """Yields events that were never appended, of so many guests in turn."""
    number = 0
    while True:
        number += 1
        yield e.Event(
            event_id=UUID(bytes=uuid7_bytes()), at_ns=END_NS + number, host=HOST, boot_id="later",
            actor=e.UNKNOWN_WRITER, correlation_id=UUID(bytes=uuid7_bytes()),
            fact=e.VlanRemoved(first=4000, last=4000), subject=guest(number % guests),
        )  # fmt: skip


def print_against_an_empty_log(url: str) -> None:
    with tempfile.TemporaryDirectory(dir=Path(url.removeprefix("sqlite:///")).parent) as folder:
        empty = f"sqlite:///{folder}/empty.db"
        open_log(empty, host=HOST).append([next(fresh_events())])
        taken: dict[str, list[float]] = {}
        for _ in range(5):
            for name in (url, empty):
                _measure(name, taken)
        for what in ("opening and the head", "an append alone", OF_ONE, OF_MANY):
            full, none = (statistics.median(taken[f"{what} {name}"]) for name in (url, empty))
            print(f"{full:8.2f} ms  {full / none:6.2f} x  {what}, against a log of one event")


def _measure(url: str, taken: dict[str, list[float]]) -> None:
    def opening(_: int) -> None:
        log = open_log(url, host=HOST)
        log.head()
        log.engine.dispose()

    log, events, of_one = open_log(url, host=HOST), fresh_events(), fresh_events(guests=1)
    rows = {
        "opening and the head": median_ms(opening, 20),
        "an append alone": median_ms(lambda _: log.append([next(events)]), SINGLES // 5),
        OF_ONE: median_ms(lambda _: log.append(list(islice(of_one, 1000))), 3),
        OF_MANY: median_ms(lambda _: log.append(list(islice(events, 1000))), 3),
    }
    log.engine.dispose()
    for what, ms in rows.items():
        taken.setdefault(f"{what} {url}", []).append(ms)


def print_fold(log: SqlEventLog) -> None:
    """Prints what a state costs from a snapshot, and from the log's first event."""
    middle = log.seq_at((BEGIN_NS + END_NS) // 2)
    worst = Seq(middle - middle % 2000 + 1999)

    def state(seq: Seq) -> float:
        return median_ms(lambda _: SqlEventLog(log.engine, host=HOST).state(at_seq=seq), 5)

    began = time.perf_counter()
    fold(log.read(until=Seq(FOLDED)))
    each_ms = (time.perf_counter() - began) * 1e3 / FOLDED
    all_ms, worst_ms = each_ms * worst, state(worst)
    print(f"{state(Seq(worst - 1999)):8.1f} ms  a state where a snapshot is")
    print(f"{worst_ms:8.1f} ms  a state 1,999 events behind a snapshot, the furthest")
    print(f"{all_ms:8.0f} ms  the same from event 1, by the rate of the first {FOLDED:,}")
    print(f"{all_ms / worst_ms:8.0f} x   snapshots save at event {worst:,}")


def main() -> None:
    """Prints the figures."""
    size = int(sys.argv[1]) if len(sys.argv) > 1 else EVENTS
    file = crowded_log(size)
    url = f"sqlite:///{file}"
    log = open_log(url, host=HOST)
    print(f"a log of {size:,} events of {GUESTS:,} guests, thirteen months")
    print_room(log)
    print_query(log)
    print_commands(url, int(sys.argv[2]) if len(sys.argv) > 2 else ROUNDS)
    print_fold(log)
    print_against_an_empty_log(url)


if __name__ == "__main__":
    main()
