"""How long ``virsh start`` waits for the hook that sets a guest's VLANs, with and without a daemon.

Run in the lab: ``python tests/benchmarks/bench_start.py``. Every round runs each contestant once;
medians of a run are compared with one another. Must not be read as absolute figures: the lab has
one CPU, and a system call there takes several times as long as elsewhere.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.kernel.netns import bridge, entered
from tests.scenes.guests import VM1
from tests.scenes.resident import Resident, watched
from tests.scenes.stage import VETH0, Stage
from vlanlog.kernel.read import NetlinkReader

ROUNDS = 15
BARE = "bare interpreter: python -I -S -c pass"
KVMVLAN = """
from pyroute2 import IPRoute
with IPRoute() as ip:
    index = ip.link_lookup(ifname='veth0')[0]
    ip.get_vlans(index=index)
    for vid, flags in ((100, ['pvid', 'untagged']), (200, []), (300, [])):
        ip.vlan_filter('add', index=index, vlan_info={'vid': vid, 'flags': flags})
    ip.vlan_filter('del', index=index, vlan_info={'vid': 1})
"""

Contestants = dict[str, Callable[[], object]]


def python(*arguments: str) -> None:
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)


def starts(stage: Stage) -> None:
    done = stage.call(VM1, "start", "begin", VM1.live_xml())
    if done.status:
        raise AssertionError(done.err)


def with_daemon(stage: Stage) -> Contestants:
    """Returns what to time on a host with a daemon, which then has a tap as libvirt makes it."""
    return {
        "start begin: VLANs set, recorded, committed": lambda: starts(stage),
        "a hook that only records": lambda: stage.call(VM1, "stopped", "end", VM1.live_xml()),
    }


def without_daemon(stage: Stage) -> Contestants:
    """Returns what to time on a host without one."""

    def read() -> None:
        with NetlinkReader() as reader:
            reader.read()

    return {
        "no daemon: start begin": lambda: starts(stage),
        "no daemon: a hook that only records": lambda: stage.call(
            VM1, "stopped", "end", VM1.live_xml()
        ),
        "    of it: python, import of all that is needed": lambda: python(
            "-I", "-c", "import vlanlog.cli.scripts"
        ),
        "    of it: a read of the kernel, of three": read,
        "kvmvlan's way: import pyroute2, a call a vid": lambda: python("-c", KVMVLAN),
        BARE: lambda: python("-I", "-S", "-c", "pass"),
    }


def fresh_tap() -> None:
    """Puts veth0 back to what a tap carries that libvirt has just made."""
    bridge("vlan", "add", "dev", "veth0", "vid", "1", "pvid", "untagged")
    for vid in ("100", "200", "300"):
        bridge("vlan", "del", "dev", "veth0", "vid", vid)


def prepared(folder: Path) -> Stage:
    stage = Stage(folder)
    stage.add_reference_host()
    stage.daemon_starts()
    stage.start(VM1)
    return stage


def timed_ms(contestants: Contestants, rests: Callable[[], object]) -> dict[str, float]:
    """Returns how long each took, from a fresh tap on."""
    taken_ms = {}
    for name, run in contestants.items():
        fresh_tap()
        rests()
        began_ns = time.perf_counter_ns()
        run()
        taken_ms[name] = (time.perf_counter_ns() - began_ns) / 1e6
    return taken_ms


@contextmanager
def in_a_thread() -> Iterator[ThreadPoolExecutor]:
    """Yields a thread in a network namespace of its own: a host beside this one."""
    with ThreadPoolExecutor(1) as thread:
        host = ExitStack()
        thread.submit(host.enter_context, entered()).result()
        try:
            yield thread
        finally:
            thread.submit(host.close).result()


def rounds(folder: Path, resident: Resident, alone: ThreadPoolExecutor) -> dict[str, list[float]]:
    lonely = alone.submit(prepared, folder / "alone").result()
    taken_ms: dict[str, list[float]] = {}
    for number in range(ROUNDS + 1):
        found = timed_ms(with_daemon(resident.stage), resident.settled)
        found |= alone.submit(timed_ms, without_daemon(lonely), lambda: None).result()
        if number:
            # The first round fills caches, and compiles what was never run.
            for name, ms in found.items():
                taken_ms.setdefault(name, []).append(ms)
    starts(resident.stage)
    assert resident.stage.carried()["veth0"] == VETH0
    assert not list(resident.stage.spool.glob("*.hook")), "the daemon did not answer"
    return taken_ms


def main() -> None:
    """Prints the medians, and each next to a bare interpreter's."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with entered(), in_a_thread() as alone, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with watched(
            prepared(folder / "host"), {"VLANLOG_RECONCILE_INTERVAL_S": "600"}
        ) as resident:
            taken_ms = rounds(folder, resident, alone)
    medians = {name: statistics.median(times) for name, times in taken_ms.items()}
    print(f"one guest, one NIC, three vids; median of {ROUNDS} alternating rounds")
    for name, median_ms in medians.items():
        print(f"{median_ms:8.1f} ms  {median_ms / medians[BARE]:6.2f} x  {name}")


if __name__ == "__main__":
    main()
