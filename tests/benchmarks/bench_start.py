"""How long ``virsh start`` waits for a hook that sets a guest's VLANs itself, no daemon up.

Run in the lab: ``python tests/benchmarks/bench_start.py``. Every round runs each contestant once;
medians of a run are compared with one another. Must not be read as absolute figures.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.kernel.netns import bridge, entered
from tests.scenes.guests import VM1
from tests.scenes.stage import Stage
from vlanlog.kernel.read import NetlinkReader

ROUNDS = 9
HOOK = "start begin: VLANs set, recorded, no daemon"
KVMVLAN = """
from pyroute2 import IPRoute
with IPRoute() as ip:
    index = ip.link_lookup(ifname='veth0')[0]
    ip.get_vlans(index=index)
    for vid, flags in ((100, ['pvid', 'untagged']), (200, []), (300, [])):
        ip.vlan_filter('add', index=index, vlan_info={'vid': vid, 'flags': flags})
    ip.vlan_filter('del', index=index, vlan_info={'vid': 1})
"""


def python(*arguments: str) -> None:
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)


def contestants(stage: Stage) -> dict[str, Callable[[], object]]:
    """Returns what to time; those that set VLANs find the tap as libvirt makes it."""
    xml = VM1.live_xml()

    def start() -> None:
        if (done := stage.call(VM1, "start", "begin", xml)).status:
            raise AssertionError(done.err)

    def read() -> None:
        with NetlinkReader() as reader:
            reader.read()

    return {
        HOOK: start,
        "kvmvlan's way: import pyroute2, a call a vid": lambda: python("-c", KVMVLAN),
        "of it: the dispatcher, recording alone": lambda: stage.call(VM1, "stopped", "end", xml),
        "of it: python, import of all that is needed": lambda: python(
            "-I", "-c", "import vlanlog.cli.scripts"
        ),
        "        of that SQLAlchemy": lambda: python("-I", "-c", "import sqlalchemy"),
        "of it: a read of the kernel, of three": read,
        "bare interpreter: python -I -S -c pass": lambda: python("-I", "-S", "-c", "pass"),
    }


def fresh_tap() -> None:
    """Puts veth0 back to what a tap carries that libvirt has just made."""
    bridge("vlan", "add", "dev", "veth0", "vid", "1", "pvid", "untagged")
    for vid in ("100", "200", "300"):
        bridge("vlan", "del", "dev", "veth0", "vid", vid)


def main() -> None:
    """Prints the medians, and each next to the hook's."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with entered(), tempfile.TemporaryDirectory() as folder:
        stage = Stage(Path(folder) / "host")
        stage.add_reference_host()
        stage.daemon_starts()
        stage.start(VM1)
        taken_ms: dict[str, list[float]] = {}
        for number in range(ROUNDS + 1):
            for name, run in contestants(stage).items():
                fresh_tap()
                began_ns = time.perf_counter_ns()
                run()
                if number:
                    took_ns = time.perf_counter_ns() - began_ns
                    taken_ms.setdefault(name, []).append(took_ns / 1e6)
    medians = {name: statistics.median(times) for name, times in taken_ms.items()}
    print(f"one guest, one NIC, median of {ROUNDS} alternating rounds")
    for name, median_ms in medians.items():
        print(f"{median_ms:8.1f} ms  {median_ms / medians[HOOK]:6.2f} x  {name}")


if __name__ == "__main__":
    main()
