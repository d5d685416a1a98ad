"""The daemon as a service manager, an operator and its neighbours want it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.kernel.netns import bridge, index, ip
from tests.scenes.flood import Flood
from tests.scenes.guests import VM1
from tests.scenes.resident import Resident, watched
from tests.scenes.stage import PORTS, VETH0, VLANLOG, Stage
from vlanlog.core import event as e
from vlanlog.core.state import Coverage
from vlanlog.errors import EXIT_ENVIRONMENT
from vlanlog.hook import encode_frame, request

pytestmark = pytest.mark.kernel

QUIET = {"VLANLOG_RECONCILE_INTERVAL_S": "600"}
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
IDLE_S = 5.0
IDLE_BUSY_S = 0.5
FLOOD_EVENTS = 100_000
GROWTH_KB_MAX = 16 * 1024


@pytest.fixture
def resident(reference: Stage) -> Iterator[Resident]:
    with watched(reference, QUIET) as resident:
        yield resident


def comes(resident: Resident, wanted: Callable[[], bool]) -> None:
    """Waits until it is so."""
    ends = time.monotonic() + 60
    while not wanted():
        assert time.monotonic() < ends, resident.said.read_text()
        time.sleep(0.1)


def answers(resident: Resident) -> bool:
    """Tells whether the daemon answers, be it that it does not know the verb."""
    reply = request(resident.stage.folder / "socket", "nonsense", {}, 10)
    return reply is not None and reply["error_code"] == b"unknown-verb"


def busy_s(resident: Resident) -> float:
    """Returns the CPU time that the daemon has used. Source: proc(5), ``/proc/PID/stat``."""
    fields = Path(f"/proc/{resident.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def resident_kb(resident: Resident) -> int:
    lines = Path(f"/proc/{resident.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


def open_files(resident: Resident) -> int:
    return len(list(Path(f"/proc/{resident.pid}/fd").iterdir()))


# What a service manager does.


def test_it_is_ready_when_it_answers(resident: Resident) -> None:
    assert answers(resident)


def test_it_tells_the_watchdog_that_it_lives(reference: Stage) -> None:
    with watched(reference, {**QUIET, "WATCHDOG_USEC": "400000"}) as resident:
        for _ in range(3):
            resident.notices.clear()
            resident.awaits("WATCHDOG=1")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_with_its_last_words_said(resident: Resident, number: signal.Signals) -> None:
    bridge("vlan", "add", "dev", "eth0", "vid", "4000")
    resident.signal(number)
    resident.awaits("STOPPING=1")
    assert resident.process is not None
    assert resident.process.wait(60) == 0
    *_, change, stopped, gap = (event.fact for event in resident.events())
    assert change == e.VlanAdded(first=4000, last=4000)
    assert (stopped, type(gap)) == (e.DaemonStopped(), e.GapOpened)
    assert not (resident.stage.folder / "socket").exists()


def test_a_reload_reads_the_config_anew(resident: Resident) -> None:
    resident.stage.configure((resident.stage.conf / "bridge_init.conf").read_text(), LONGER)
    resident.notices.clear()
    resident.signal(signal.SIGHUP)
    resident.awaits("READY=1")
    steps = [line for line in resident.notices if not line.startswith(("STATUS=", "MONOTONIC"))]
    assert steps == ["RELOADING=1", "READY=1"]
    loaded = [event.fact for event in resident.events() if isinstance(event.fact, e.ConfigLoaded)]
    assert [entry.section for entry in loaded[-1].ports][-1] == "veth9"


LONGER = f"{PORTS}\n[veth9]\nguest = VM9\npvid = 9\n"


def test_a_reload_of_a_bad_config_says_where_and_keeps_the_good_one(resident: Resident) -> None:
    bad = PORTS.replace("pvid = 100", "pvid = 5000")
    resident.stage.configure((resident.stage.conf / "bridge_init.conf").read_text(), bad)
    before = resident.state.config.ports
    resident.notices.clear()
    resident.signal(signal.SIGHUP)
    resident.awaits("READY=1")
    where = f"error: {resident.stage.conf / 'vlan_filtering.conf'}:3: "
    assert where in resident.said.read_text()
    assert isinstance(resident.events()[-1].fact, e.ConfigRejected)
    assert resident.state.config.ports == before


@pytest.mark.parametrize("more", [{}, {"VLANLOG_SOCKET": "other"}], ids=["socket", "database"])
def test_a_second_daemon_does_not_start(resident: Resident, more: dict[str, str]) -> None:
    elsewhere = {name: str(resident.stage.folder / value) for name, value in more.items()}
    second = subprocess.run(
        [VLANLOG, "daemon"],
        env={
            "PATH": os.environ["PATH"],
            "VLANLOG_HOOKS_DIR": str(resident.stage.hooks),
            "VLANLOG_LOCK_TIMEOUT_S": "0.5",
            **elsewhere,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    in_use = (
        "the event log is in use by" if more else f"{resident.stage.folder}/socket is served by"
    )
    assert second.returncode == EXIT_ENVIRONMENT
    assert f"vlanlog: error: {in_use} process {resident.pid}" in second.stderr
    assert answers(resident)


def test_it_tells_the_journal_how_grave_it_is(reference: Stage) -> None:
    said = reference.folder / "daemon.log"
    said.touch()
    stream = f"{said.stat().st_dev}:{said.stat().st_ino}"
    with watched(reference, {**QUIET, "JOURNAL_STREAM": stream}) as resident:
        assert resident.stop() == 0
    assert {line[:3] for line in said.read_text().splitlines()} == {"<6>"}


def test_a_journal_that_goes_away_does_not_end_it(reference: Stage) -> None:
    said = reference.folder / "daemon.log"
    os.mkfifo(said)
    reader = os.open(said, os.O_RDONLY | os.O_NONBLOCK)
    with watched(reference, QUIET) as resident:
        os.close(reader)
        for _ in range(3):
            resident.notices.clear()
            resident.signal(signal.SIGHUP)
            resident.awaits("READY=1")
        assert answers(resident)
        assert resident.stop() == 0


# What its neighbours want.


def test_it_does_nothing_where_nothing_happens(resident: Resident) -> None:
    before_s = busy_s(resident)
    time.sleep(IDLE_S)
    assert busy_s(resident) - before_s < IDLE_BUSY_S


def test_clients_of_every_bad_kind_hold_up_nobody(resident: Resident) -> None:
    frame = encode_frame({"verb": b"record", "kind": b"invoked", "xml": bytes(1 << 20)})
    with ExitStack() as stack:
        for sent in (b"", frame[:7], frame[:-1], b"GET / HTTP/1.1\r\n\r\n", frame):
            for _ in range(10):
                peer = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
                peer.connect(str(resident.stage.folder / "socket"))
                peer.setblocking(False)
                with_what_goes(peer, sent)
        resident.stage.start(VM1)
        assert resident.stage.carried()["veth0"] == VETH0
        assert list(resident.stage.spool.glob("*")) == []


def with_what_goes(peer: socket.socket, sent: bytes) -> None:
    """Sends as much as is taken without waiting, and never reads."""
    try:
        peer.send(sent)
    except (BlockingIOError, BrokenPipeError):
        return


def test_its_files_are_closed_after_clients_that_hang_up(resident: Resident) -> None:
    assert answers(resident)
    before = open_files(resident)
    for number in range(300):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as peer:
            peer.connect(str(resident.stage.folder / "socket"))
            frame = encode_frame({"verb": b"apply-guest", "guest": b"VM1"})
            peer.sendall(frame[: len(frame) * (number % 4) // 3])
    comes(resident, lambda: answers(resident) and open_files(resident) <= before)


def test_its_memory_does_not_grow_with_the_log(resident: Resident) -> None:
    ip("link", "add", "many", "master", "br0", "up", "type", "dummy")
    with Flood(index("many")) as flood:
        pour(resident, flood, FLOOD_EVENTS // 5)
        before_kb, first_seq = resident_kb(resident), resident.state.seq
        pour(resident, flood, FLOOD_EVENTS)
    state = resident.state
    print(f"{state.seq - first_seq} events, RSS {before_kb} kB and {resident_kb(resident)} kB")
    assert (state.coverage, state.seq - first_seq >= FLOOD_EVENTS) == (Coverage.WATCHED, True)
    assert resident_kb(resident) - before_kb < GROWTH_KB_MAX


def pour(resident: Resident, flood: Flood, changes: int) -> None:
    """Makes so many changes, and waits after each turn so that none is lost."""
    while changes > 0:
        wanted = head_seq(resident)
        turned = flood.turn()
        wanted, changes = wanted + turned, changes - turned
        ends = time.monotonic() + 60
        while head_seq(resident) < wanted:
            assert time.monotonic() < ends, resident.said.read_text()
            time.sleep(0.05)


def head_seq(resident: Resident) -> int:
    head = resident.log.head()
    assert head is not None
    return head.seq
