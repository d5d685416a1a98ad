"""Programs and reads 1,000 ports beside bridge(8), and decodes beside pyroute2.

Run in the lab: ``python tests/benchmarks/bench_program.py [nothing decode ranged separate]``.
Whole processes on both sides where a row says so, in turn, several rounds, medians. Must not be
read as absolute figures.
"""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.benchmarks.program_once import VIDS, WANTED, changes, ports
from tests.kernel.netns import entered, ip_batch, run
from vlanlog.core.plan import PortChange, deletions
from vlanlog.core.state import IfIndex
from vlanlog.core.vlan import NO_VLANS
from vlanlog.kernel.frame import Message, attribute, attributes, message
from vlanlog.kernel.netlink import NetlinkSocket
from vlanlog.kernel.read import NetlinkReader
from vlanlog.kernel.wire import (
    RTM_GETLINK,
    RTM_GETVLAN,
    port_message,
    ports_query,
    vlan_message,
    vlans_query,
)
from vlanlog.kernel.write import NetlinkWriter

PORTS = 1000
BATCH_LINES = 25_000


@dataclass(frozen=True)
class Row:
    """Is one comparison: medians in seconds, and the ratio that is aimed at."""

    task: str
    ours_s: float
    peer: str
    peer_s: float
    aim: float
    rounds: int

    def __str__(self) -> str:
        ratio = self.peer_s / self.ours_s
        met = "met" if ratio >= self.aim else "MISSED"
        return (
            f"{self.task:<44} {self.ours_s * 1e3:>10.3f} {self.peer_s * 1e3:>11.3f} "
            f"{ratio:>8.2f} {self.aim:>6.2f} {met:<7} {self.rounds:>4}  {self.peer}"
        )


HEAD = (
    f"{'task':<44} {'vlanlog ms':>10} {'peer ms':>11} {'peer/us':>8} {'aim':>6} "
    f"{'':<7} {'n':>4}  peer"
)


def empty() -> None:
    """Takes all VLANs away; with the forwarding table full, each vid would cost a walk of it."""
    run("bridge", "fdb", "flush", "dev", "br0", "permanent")
    with NetlinkReader() as reader, NetlinkWriter() as writer:
        todo = [
            PortChange(ifindex=port.ifindex, is_self=False, ranges=deletions(port.vlans, NO_VLANS))
            for port in ports(reader)
        ]
        if any(writer.delete(todo)) or any(port.vlans for port in ports(reader)):
            raise AssertionError("ports could not be emptied")


def check(shape: str) -> None:
    with NetlinkReader() as reader:
        if changes(shape, ports(reader)):
            raise AssertionError(f"ports do not carry their {shape} VLANs")


def took_s(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def output(*command: str) -> str:
    done = subprocess.run(command, stdout=subprocess.PIPE, env=ENVIRONMENT, check=False, text=True)
    if done.returncode:
        raise AssertionError(f"{command}: exit {done.returncode}, {done.stdout!r}")
    return done.stdout


def process_s(*command: str) -> float:
    return took_s(lambda: output(*command))


ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
OURS = (sys.executable, str(Path(__file__).resolve().with_name("program_once.py")))


def batch_files(folder: Path, shape: str) -> list[str]:
    """Writes what an operator would feed to bridge(8): a line a vid, or a line a range.

    bridge(8) keeps 4 KiB a line until it ends, and a process in user-mode Linux hangs beyond
    about 256 MiB (the host's ``vm.max_map_count``): so several files, one process each.
    """
    lines = []
    for number in range(PORTS):
        for item in WANTED[shape](number).ranges():
            vids = f"{item.first}" if item.first == item.last else f"{item.first}-{item.last}"
            lines.append(f"vlan add dev d{number} vid {vids}\n")
    paths = []
    for start in range(0, len(lines), BATCH_LINES):
        path = folder / f"{shape}-{start}.batch"
        path.write_text("".join(lines[start : start + BATCH_LINES]))
        paths.append(str(path))
    return paths


def programming(folder: Path, shape: str, *, rounds: int, aim: float) -> list[Row]:
    batches = batch_files(folder, shape)
    ours, peers, inside = [], [], []
    for _ in range(rounds):
        empty()
        start = time.perf_counter()
        said = output(*OURS, shape)
        ours.append(time.perf_counter() - start)
        inside.append(float(said.split()[2]))
        check(shape)
        empty()
        peers.append(sum(process_s("bridge", "-batch", batch) for batch in batches))
        check(shape)
    peer = "bridge -batch, a line a vid" if shape == "separate" else "bridge -batch, vid A-B"
    peer_s = statistics.median(peers)
    task = f"{PORTS} ports x {VIDS} vids {shape}"
    return [
        Row(f"{task}, process", statistics.median(ours), peer, peer_s, aim, rounds),
        Row(f"{task}, NetlinkWriter.add", statistics.median(inside), peer, peer_s, aim, rounds),
    ]


def nothing_to_do(*, rounds: int) -> list[Row]:
    ours, peers, inside, start = [], [], [], []
    with NetlinkReader() as reader:
        for _ in range(rounds):
            ours.append(process_s(*OURS, "separate"))
            peers.append(process_s("bridge", "-j", "-c", "vlan", "show"))
            inside.append(took_s(lambda: changes("separate", ports(reader))))
            start.append(process_s(sys.executable, "-c", "pass"))
    peer, peer_s = "bridge -j -c vlan show", statistics.median(peers)
    return [
        Row("nothing to do, process", statistics.median(ours), peer, peer_s, 1 / 3, rounds),
        Row("nothing to do, read and compare", statistics.median(inside), peer, peer_s, 1, rounds),
        Row("(python -c pass)", statistics.median(start), peer, peer_s, 1 / 3, rounds),
    ]


def pyroute2_vlans(kind: Any, data: bytes) -> list[tuple[int, int]]:
    """Decodes with pyroute2 and takes out flags and vids, as its users do."""
    message = kind(data)
    message.decode()
    if message["header"]["type"] == 112:
        entries = message.get_attrs("BRIDGE_VLANDB_ENTRY")
        infos = [entry.get_attr("BRIDGE_VLANDB_ENTRY_INFO") for entry in entries]
    else:
        spec = message.get_attr("IFLA_AF_SPEC")
        infos = spec.get_attrs("IFLA_BRIDGE_VLAN_INFO") if spec else []
    return [(info["flags"], info["vid"]) for info in infos]


def each_s(action: Callable[[], object], times: int) -> float:
    return took_s(lambda: [action() for _ in range(times)]) / times


def decoding(*, rounds: int) -> list[Row]:
    from pyroute2.netlink.rtnl.br_vlan import br_vlan_msg
    from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg

    with NetlinkReader() as reader, NetlinkSocket() as kernel:
        index = ports(reader)[0].ifindex
        link = next(p for p in kernel.dump(RTM_GETLINK, ports_query()) if of(p) == index)
        vlan = kernel.dump(RTM_GETVLAN, vlans_query(index))[0]
    # A notification of a change has one entry, as long as each of a dump.
    single = vlan._replace(body=vlan.body[:8] + next(entries(vlan.body)))
    cases: list[tuple[str, Message, Callable[[Message], object], Any]] = [
        ("AF_BRIDGE RTM_NEWLINK", link, port_message, ifinfmsg),
        ("RTM_NEWVLAN", single, vlan_message, br_vlan_msg),
        ("RTM_NEWVLAN", vlan, vlan_message, br_vlan_msg),
    ]
    rows = []
    for name, part, decode, kind in cases:
        data = message(part.kind, part.flags, part.seq, part.body)
        ours, peers = [], []
        for _ in range(rounds):
            ours.append(each_s(lambda p=part, d=decode: d(p), 200))  # type: ignore[misc]
            peers.append(each_s(lambda k=kind, b=data: pyroute2_vlans(k, b), 20))  # type: ignore[misc]
        task = f"decode {name}, {len(pyroute2_vlans(kind, data))} vids"
        our_s, peer_s = statistics.median(ours), statistics.median(peers)
        rows.append(Row(task, our_s, "pyroute2", peer_s, 1, rounds))
    return rows


def entries(body: bytes) -> Iterator[bytes]:
    for kind, payload in attributes(body, 8):
        yield attribute(kind, payload)


def of(part: Message) -> IfIndex:
    return port_message(part).ifindex


def main(parts: list[str]) -> None:
    with entered(), tempfile.TemporaryDirectory() as folder:
        ENVIRONMENT["PYTHONPYCACHEPREFIX"] = f"{folder}/pycache"
        ip_batch(
            (
                "link add br0 type bridge vlan_filtering 1 vlan_default_pvid 0",
                *(f"link add d{number} master br0 type dummy" for number in range(PORTS)),
            )
        )
        print(f"Linux {platform.release()}, Python {platform.python_version()}, ", end="")
        print(run("bridge", "-V").strip(), HEAD, sep="\n", flush=True)
        # Compiles what the measured processes import, and gives them something to find right.
        process_s(*OURS, "separate")
        for part in parts:
            print(*PARTS[part](Path(folder)), sep="\n", flush=True)


PARTS: dict[str, Callable[[Path], list[Row]]] = {
    "nothing": lambda _: nothing_to_do(rounds=9),
    "decode": lambda _: decoding(rounds=9),
    "ranged": lambda folder: programming(folder, "ranged", rounds=5, aim=1),
    "separate": lambda folder: programming(folder, "separate", rounds=2, aim=10),
}


if __name__ == "__main__":
    main(sys.argv[1:] or list(PARTS))
