"""What the watch takes in: changes recorded and lost, CPU, memory, next to ``bridge monitor``.

Run in the lab: ``python tests/benchmarks/bench_watch.py [EVENTS]``, a million by default. Kernel,
writer and daemon share its one CPU. Must not be read as absolute figures.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.kernel.netns import entered, index, ip, run
from tests.scenes.flood import RANGES, Flood
from tests.scenes.resident import Resident, watched
from tests.scenes.stage import Stage
from vlanlog.core.event import GapOpened
from vlanlog.core.state import Seq

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
IDLE_S = 60.0
TURNS = 20
CHANGES = TURNS * 2 * len(RANGES)


def busy_s(pid: int) -> float:
    """Returns the CPU time that a process has used. Source: proc(5), ``/proc/PID/stat``."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def resident_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024


def head_seq(resident: Resident) -> int:
    head = resident.log.head()
    return head.seq if head else 0


def rests(busy: Callable[[], float]) -> float:
    """Waits until what it measures has stood still for a second; returns when that began."""
    known, since_s = busy(), time.monotonic()
    while time.monotonic() - since_s < 1.0:
        time.sleep(0.1)
        if (now := busy()) > known + 0.02:
            known, since_s = now, time.monotonic()
    return since_s


def as_batch(folder: Path) -> Callable[[], None]:
    """Returns what lets bridge(8) make the changes, one request each."""
    turn = [f"vlan {verb} dev many vid {r.first}" for verb in ("add", "del") for r in RANGES]
    path = folder / "batch"
    path.write_text("\n".join(turn * TURNS) + "\n")
    return lambda: print(end=run("bridge", "-batch", str(path)))


def as_flood(flood: Flood) -> Callable[[], None]:
    """Returns what makes the changes a thousand a request."""

    def make() -> None:
        for _ in range(TURNS):
            flood.turn()

    return make


def storm(resident: Resident, name: str, make: Callable[[], None]) -> float:
    """Makes the changes and says what became of them; returns the daemon's CPU time for them."""
    known, before_s, began_s = Seq(head_seq(resident)), busy_s(resident.pid), time.monotonic()
    make()
    made_s = time.monotonic() - began_s
    taken_s = rests(lambda: busy_s(resident.pid)) - began_s
    used_s = busy_s(resident.pid) - before_s
    events = [item.event.fact for item in resident.log.read(after=known)]
    gaps = sum(isinstance(fact, GapOpened) for fact in events)
    print(
        f"{name}: {CHANGES} changes in {made_s:.1f} s ({CHANGES / made_s:.0f}/s), all taken in "
        f"after {taken_s:.1f} s ({CHANGES / taken_s:.0f}/s); {len(events)} events, {gaps} gaps; "
        f"CPU {used_s / CHANGES * 1e6:.0f} ms per 1,000"
    )
    return used_s


@contextmanager
def monitor(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Runs ``bridge monitor vlan``, which prints each change and keeps nothing."""
    with (folder / "monitor").open("wb") as said:
        process = subprocess.Popen(["bridge", "monitor", "vlan"], stdout=said, stderr=said)
        try:
            time.sleep(0.5)
            yield process
        finally:
            process.kill()
            process.wait()


def peer(folder: Path, make: Callable[[], None]) -> float:
    """Returns the CPU time that ``bridge monitor`` takes for the same changes."""
    with monitor(folder) as process:
        make()
        rests(lambda: busy_s(process.pid))
        return busy_s(process.pid)


def memory(resident: Resident, flood: Flood, events: int) -> None:
    """Says how much the daemon holds while so many events are recorded."""
    first = head_seq(resident)
    print(f"RSS at the beginning {resident_mb(resident.pid):.1f} MB")
    began_s, tenth = time.monotonic(), max(1, events // 10)
    for mark in range(1, 11):
        while head_seq(resident) - first < mark * tenth:
            wanted = head_seq(resident) + flood.turn()
            while head_seq(resident) < wanted:
                time.sleep(0.01)
        so_far, took_s = head_seq(resident) - first, time.monotonic() - began_s
        print(
            f"RSS after {so_far} events {resident_mb(resident.pid):.1f} MB, "
            f"{so_far / took_s:.0f} events/s, one after the other",
            flush=True,
        )


def main() -> None:
    """Prints each figure as it is there."""
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with entered(), tempfile.TemporaryDirectory() as folder:
        stage = Stage(Path(folder) / "host")
        stage.add_reference_host()
        stage.daemon_starts()
        ip("link", "add", "many", "up", "master", "br0", "type", "dummy")
        with Flood(index("many")) as flood:
            ways = {
                "bridge -batch, a change a request": as_batch(Path(folder)),
                "SETLINK, a thousand changes a request": as_flood(flood),
            }
            peers = {name: peer(Path(folder), make) for name, make in ways.items()}
            with watched(stage) as resident:
                for name, make in ways.items():
                    used_s = storm(resident, name, make)
                    print(f"    {used_s / max(peers[name], 0.01):.1f} x bridge monitor's CPU")
                before_s = busy_s(resident.pid)
                time.sleep(IDLE_S)
                print(
                    f"CPU over an idle minute: {busy_s(resident.pid) - before_s:.2f} s", flush=True
                )
                memory(resident, flood, events)


if __name__ == "__main__":
    main()
