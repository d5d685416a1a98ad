"""Times the command ``vlanlog replay`` as a whole beside bridge(8), on 1,000 ports x 100 vids.

Run in the lab: ``python tests/benchmarks/bench_replay.py``. Whole processes on both sides, in
turn, medians; the log is SQLite. Must not be read as absolute figures.
"""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.kernel.netns import entered, ip_batch
from vlanlog.core.plan import PortChange
from vlanlog.core.vlan import VlanFlags, VlanRange, vid
from vlanlog.kernel.read import NetlinkReader
from vlanlog.kernel.write import NetlinkWriter

PORTS = 1000
ROUNDS = 7
TAGGED = tuple(range(102, 302, 2))
VLANLOG = str(Path(sys.executable).with_name("vlanlog"))
BRIDGE = ("bridge", "-j", "-compressvlans", "vlan", "show")
IMPORTS = (sys.executable, "-c", "import sqlalchemy, typer")


def describe(hooks: Path) -> None:
    """Writes a section for each port, as if one guest owned them all."""
    vids = " ".join(str(number) for number in TAGGED)
    sections = (
        f"[d{number}]\nguest = VM1\npvid = 100\ntagged = {vids}\n" for number in range(PORTS)
    )
    (hooks / "conf").mkdir(parents=True)
    (hooks / "conf" / "vlan_filtering.conf").write_text("\n".join(sections))


def program() -> None:
    """Gives each port its VLANs without the log, so that a replay finds nothing to do."""
    ranges = (
        VlanRange(vid(100), vid(100), VlanFlags.PVID | VlanFlags.UNTAGGED),
        *(VlanRange(vid(number), vid(number)) for number in TAGGED),
    )
    with NetlinkReader() as reader, NetlinkWriter() as writer:
        ports = [port for port in reader.read().ports.values() if not port.is_self]
        changes = [PortChange(ifindex=p.ifindex, is_self=False, ranges=ranges) for p in ports]
        if any(writer.add(changes)):
            raise AssertionError("the kernel refused a port")


def took_s(*command: str) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def replay() -> float:
    began = time.perf_counter()
    done = subprocess.run([VLANLOG, "replay"], check=True, stdout=subprocess.PIPE, text=True)
    ended = time.perf_counter()
    expected = f"Plan: 0 to add, 0 to remove, {PORTS} ports unchanged.\nNothing was sent.\n"
    if done.stdout != expected:
        raise AssertionError(f"there was something to do: {done.stdout[-500:]}")
    return ended - began


def main() -> None:
    """Prints the medians and the ratios."""
    with entered(), tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        describe(folder / "hooks")
        os.environ |= {
            "VLANLOG_HOOKS_DIR": f"{folder}/hooks",
            "VLANLOG_DATABASE": f"sqlite:///{folder}/vlanlog.db",
            "VLANLOG_SPOOL_DIR": f"{folder}/spool",
            "PYTHONPYCACHEPREFIX": f"{folder}/pycache",
        }
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        ip_batch(
            (
                "link add br0 type bridge vlan_filtering 1 vlan_default_pvid 0",
                *(f"link add d{number} master br0 type dummy" for number in range(PORTS)),
            )
        )
        program()
        print(f"Linux {platform.release()}, Python {platform.python_version()}, n = {ROUNDS}")
        print(f"first replay, {PORTS * (len(TAGGED) + 1)} vids found and recorded: ", end="")
        print(f"{replay():.2f} s", flush=True)
        took: dict[str, list[float]] = {"vlanlog": [], "bridge": [], "imports": []}
        for _ in range(ROUNDS):
            took["vlanlog"].append(replay())
            took["bridge"].append(took_s(*BRIDGE))
            took["imports"].append(took_s(*IMPORTS))
        ours, peer, imports = (statistics.median(times) * 1e3 for times in took.values())
        print(f"{'vlanlog replay, nothing to do':<40} {ours:8.0f} ms")
        print(f"{' '.join(BRIDGE):<40} {peer:8.0f} ms  {ours / peer:6.2f} x  (aim 3)")
        print(
            f"{'python -c import sqlalchemy, typer':<40} {imports:8.0f} ms  {ours / imports:6.2f} x"
        )


if __name__ == "__main__":
    main()
