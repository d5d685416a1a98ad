"""How long libvirt waits for a hook, next to what it is made of and to others.

One daemon answers at once and keeps nothing: with it the hook's own part is measured. The other is
vlanlog's, in a network namespace without a bridge: what it is asked for is committed, and a guest's
VLANs are none to set.

Run: ``python tests/benchmarks/bench_hook.py [ROUNDS]``. Every round runs each contestant once, so
that all meet the same machine; medians of a run are compared with one another, not with another
run's.
"""

from __future__ import annotations

import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import vlanlog
from tests.hook import peers
from vlanlog.hook import encode_frame, uuid7_bytes, write_durably

PACKAGE = Path(vlanlog.__path__[0])
HOOKS = Path(__file__).parents[2] / "hooks"
NIC = (
    "<interface type='bridge'><mac address='52:54:00:aa:bb:%02x'/>"
    "<source bridge='br0'/></interface>"
)
XML = (
    "<domain><name>VM1</name><uuid>c7df0e96-9d0e-4b84-8d4a-3f9d7b4f4a51</uuid><devices>"
    + "".join(NIC % number for number in range(64))
    + "</devices></domain>"
).encode()
CALL = ("VM1", "stopped", "end", "-")
START = ("VM1", "start", "begin", "-")
ROUNDS_LEAST = 15
_READY_S = 30.0


def _run(environment: dict[str, str], *command: str) -> None:
    subprocess.run(
        command, input=XML, env=environment, stdout=subprocess.DEVNULL, check=True, cwd="/"
    )


def _contestants(folder: Path) -> dict[str, Callable[[], None]]:
    python = sys.executable
    hooks = folder / "hooks"
    shutil.copytree(HOOKS, hooks)
    shim = str(hooks / "qemu")
    environment = {
        "PATH": os.environ["PATH"],
        "LC_ALL": "C",
        "VLANLOG_PYTHON": python,
        "VLANLOG_HOOK": str(PACKAGE / "hook.py"),
        "VLANLOG_SOCKET": str(folder / "no-daemon"),
        "VLANLOG_SPOOL_DIR": str(folder / "spool"),
    }
    with_stand_in = {**environment, "VLANLOG_SOCKET": str(folder / "stand-in")}
    with_daemon = {**environment, "VLANLOG_SOCKET": str(folder / "daemon")}
    dispatcher = (python, "-I", "-S", str(PACKAGE / "hook.py"), "qemu", str(hooks), "1")
    frame = encode_frame({"verb": b"record", "xml": XML})

    def spool() -> None:
        write_durably(os.fsencode(folder / "spool"), uuid7_bytes().hex().encode(), frame)

    return {
        "recording hook: sh, dispatcher, spool": lambda: _run(environment, shim, *CALL),
        "recording hook: sh, dispatcher, daemon": lambda: _run(with_daemon, shim, *CALL),
        "recording hook, a daemon that keeps nothing": lambda: _run(with_stand_in, shim, *CALL),
        "start begin: sh, dispatcher, daemon": lambda: _run(with_daemon, shim, *START),
        "start begin, a daemon that keeps nothing": lambda: _run(with_stand_in, shim, *START),
        "the dispatcher alone, spool": lambda: _run(environment, *dispatcher, *CALL),
        "bare interpreter: python -I -S -c pass": lambda: _run(
            environment, python, "-I", "-S", "-c", "pass"
        ),
        "kvmvlan's way: python, import pyroute2": lambda: _run(
            environment, python, "-c", "import argparse, configparser; from pyroute2 import IPRoute"
        ),
        "sh alone": lambda: _run(environment, "/bin/sh", "-c", ":"),
        "a file of the spool: write, 2 x fsync": spool,
        "what the benchmark adds: running true": lambda: _run(environment, "true"),
    }


@contextmanager
def _daemon(folder: Path) -> Iterator[None]:
    settings = {
        "PATH": os.environ["PATH"],
        "VLANLOG_HOOKS_DIR": str(folder / "of-the-daemon"),
        "VLANLOG_DATABASE": f"sqlite:///{folder}/log.db",
        "VLANLOG_SPOOL_DIR": str(folder / "daemons-spool"),
        "VLANLOG_SOCKET": str(folder / "daemon"),
        "NOTIFY_SOCKET": str(folder / "notify"),
    }
    command = ("unshare", "--net", Path(sys.executable).with_name("vlanlog"), "daemon")
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager,
        (folder / "said").open("wb") as said,
    ):
        manager.bind(settings["NOTIFY_SOCKET"])
        manager.settimeout(_READY_S)
        process = subprocess.Popen(command, env=settings, stderr=said, cwd="/")
        try:
            while b"READY=1" not in manager.recv(65536):
                continue
            yield
        finally:
            process.terminate()
            process.wait()


def _measured(contestants: dict[str, Callable[[], None]], rounds: int) -> dict[str, float]:
    """Returns the median of each contestant.

    Units: ms.
    """
    taken_ms: dict[str, list[float]] = {name: [] for name in contestants}
    for number in range(rounds + 1):
        for name, run in contestants.items():
            started_ns = time.perf_counter_ns()
            run()
            if number:
                # The first round fills caches, and compiles what was never run.
                taken_ms[name].append((time.perf_counter_ns() - started_ns) / 1e6)
    return {name: statistics.median(times) for name, times in taken_ms.items()}


def main() -> None:
    """Prints the medians, and each next to a bare interpreter's."""
    rounds = max(ROUNDS_LEAST, int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS_LEAST)
    answering = peers.Answering(status=b"ok", exit_status=b"0")
    with (
        tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as folder,
        peers.daemon(Path(folder) / "stand-in", answering),
        _daemon(Path(folder)),
    ):
        medians = _measured(_contestants(Path(folder)), rounds)
    bare_ms = medians["bare interpreter: python -I -S -c pass"]
    print(f"{len(XML)} bytes of XML, median of {rounds} alternating rounds")
    for name, median_ms in medians.items():
        print(f"{median_ms:8.2f} ms  {median_ms / bare_ms:6.2f} x  {name}")


if __name__ == "__main__":
    main()
