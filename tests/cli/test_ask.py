"""A command and the daemon: who does the work, and that one cannot tell who did by the words."""

from __future__ import annotations

import os
import pty
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import UUID

import pytest

from tests.cli.golden import environment
from tests.core.making import port
from tests.hook.peers import Answering, Behaviour, closes_early, daemon, received
from vlanlog.config import load_settings
from vlanlog.core.program import Plan
from vlanlog.core.state import Seq
from vlanlog.dispatch.wire import FrameError, encode_frame
from vlanlog.errors import UsageError
from vlanlog.host.commands.answer import (
    Answer,
    Failure,
    Outcome,
    ReplayAnswer,
    WishAnswer,
)
from vlanlog.host.commands.request import (
    AdoptRequest,
    ReplayRequest,
    Request,
    SetRequest,
    UnsetRequest,
)
from vlanlog.host.commands.wire import outcome_fields, request_fields
from vlanlog.replay import Report, To
from vlanlog.store.engine import open_engine
from vlanlog.store.lock import writer_lock

VLANLOG = str(Path(sys.executable).with_name("vlanlog"))
UNCHANGED = ReplayAnswer(report=Report(plan=Plan(unchanged=3)))
SAID = "Plan: 0 to add, 0 to remove, 3 ports unchanged.\nNothing was sent.\n"
NOTHING = "Plan: 0 to add, 0 to remove, 0 ports unchanged.\nNothing was sent.\n"
ELSEWHERE = {"status": b"error", "error_code": b"other-host", "error": b"it serves hooks folder /h"}

Ended = tuple[int, str, str]


def environ(folder: Path) -> dict[str, str]:
    own = {"VLANLOG_SOCKET": str(folder / "socket"), "VLANLOG_LOCK_TIMEOUT_S": "0.1"}
    return environment(folder, **own)


def vlanlog(folder: Path, *words: str) -> Ended:
    done = subprocess.run(
        [VLANLOG, *words], env=environ(folder), capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, done.stderr


def answering(answer: Answer | None = None, **more: object) -> Answering:
    outcome = Outcome(answer=answer, **more)  # type: ignore[arg-type]
    return Answering(status=b"ok", **outcome_fields(outcome))


@contextmanager
def served(folder: Path, behaviour: Behaviour) -> Iterator[None]:
    def serve(peer: socket.socket) -> None:
        # Who only looks which process listens sends nothing.
        with suppress(FrameError):
            behaviour(peer)

    with daemon(folder / "socket", serve):
        yield


@contextmanager
def log_in_use(folder: Path) -> Iterator[None]:
    engine = open_engine(f"sqlite:///{folder}/log.db")
    with writer_lock(engine, host="host", timeout_s=1):
        yield


def test_answer_of_the_daemon_is_printed_as_that_of_this_process(tmp_path: Path) -> None:
    with served(tmp_path, answering(UNCHANGED)):
        assert vlanlog(tmp_path, "replay") == (0, SAID, "")
    assert not (tmp_path / "log.db").exists()


REQUESTS: dict[str, tuple[tuple[str, ...], Request]] = {
    "replay": (
        ("replay", "--to", "config", "--at", "@5", "--guest", "VM1"),
        ReplayRequest(to=To.CONFIG, at_ns=5_000_000_000, guest="VM1"),
    ),
    "replay to an event": (
        ("replay", "--to", "observed", "--at", "#12"),
        ReplayRequest(to=To.OBSERVED, at_seq=Seq(12)),
    ),
    "replay to an event by its id": (
        ("replay", "--at", "019aa5b2-8f11-7c3e-9d4a-0123456789ab"),
        ReplayRequest(at_event=UUID("019aa5b2-8f11-7c3e-9d4a-0123456789ab")),
    ),
    "replay of a bridge": (("replay", "--bridge", "br0"), ReplayRequest(bridge="br0")),
    "replay of a port": (("replay", "--port", "veth0"), ReplayRequest(port="veth0")),
    "set": (
        ("set", "veth0", "-m", "r", "--pvid", "none", "--tagged", "7", "--later"),
        SetRequest(target="veth0", reason="r", pvid="none", tagged="7", later=True),
    ),
    "unset": (("unset", "veth0", "-m", "r"), UnsetRequest(target="veth0", reason="r")),
    "adopt": (
        ("adopt", "veth0", "VM1/net0", "-m", "r"),
        AdoptRequest(targets=("veth0", "VM1/net0"), reason="r"),
    ),
    "adopt all": (("adopt", "--all", "-m", "r"), AdoptRequest(everything=True, reason="r")),
    "adopt a bridge": (("adopt", "--bridge", "b", "-m", "r"), AdoptRequest(bridge="b", reason="r")),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_daemon_is_asked_for_what_the_words_say(name: str, tmp_path: Path) -> None:
    words, request = REQUESTS[name]
    failure = Failure(message="no", hint="", exit_code=2)
    behaviour = answering(failure=failure)

    with served(tmp_path, behaviour):
        ended = vlanlog(tmp_path, *words)

    assert ended == (2, "", "vlanlog: error: no\n")
    [asked] = behaviour.requests
    wanted = request_fields(load_settings(environ(tmp_path)), request)
    assert {name: asked.get(name) for name in wanted} == wanted
    assert asked["verb"] == b"command"


def test_error_of_the_daemon_is_shown_as_that_of_this_process(tmp_path: Path) -> None:
    error = UsageError("no guest\nat all", hint="start one")
    behaviour = answering(failure=Failure.of(error), notes=("f:1: bad",))

    with served(tmp_path, behaviour):
        assert vlanlog(tmp_path, "replay") == (
            2,
            "",
            "vlanlog: f:1: bad\nvlanlog: error: no guest\nvlanlog: error: at all\n"
            "hint: start one\n",
        )


def test_wish_that_was_recorded_and_not_carried_out_tells_both(tmp_path: Path) -> None:
    failure = Failure(message="the kernel is gone", hint="", exit_code=3)
    behaviour = answering(WishAnswer(vlans=port("7"), failure=failure))

    with served(tmp_path, behaviour):
        assert vlanlog(tmp_path, "set", "veth0", "--tagged", "7", "-m", "r") == (
            3,
            "veth0: tagged 7\n",
            "vlanlog: error: the kernel is gone\n",
        )


def test_config_errors_of_the_daemon_end_with_1(tmp_path: Path) -> None:
    answer = ReplayAnswer(report=UNCHANGED.report, config_errors=("f:1: bad",))

    with served(tmp_path, answering(answer, notes=("f:1: bad",))):
        assert vlanlog(tmp_path, "replay") == (1, SAID, "vlanlog: f:1: bad\n")


@pytest.mark.parametrize("words", [("replay",), ("set", "a", "--pvid", "1", "-m", "r")])
def test_client_that_is_answered_loads_no_database_and_no_netlink(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    program = (
        "import sys; from vlanlog.cli.app import main\n"
        f"sys.argv = ['vlanlog', *{words!r}]\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    answer = UNCHANGED if words == ("replay",) else WishAnswer(vlans=port("7"))

    with served(tmp_path, answering(answer)):
        done = subprocess.run(
            [sys.executable, "-c", program],
            env=environ(tmp_path),
            capture_output=True,
            text=True,
            check=True,
        )

    loaded = set(done.stderr.split())
    heavy = {"sqlalchemy", "alembic", "pyroute2", "psycopg", "asyncio", "sqlite3", "rich"}
    own = {name for name in loaded if name.startswith(("vlanlog.store", "vlanlog.kernel"))}
    assert "vlanlog.cli.ask" in loaded
    assert (loaded & heavy, own) == (set(), set())


@pytest.mark.parametrize(
    "behaviour",
    [
        closes_early,
        Answering(**ELSEWHERE),
        Answering(status=b"error", error_code=b"unknown-verb", error=b"what?"),
    ],
)
def test_work_is_done_here_where_the_daemon_does_not_do_it(
    tmp_path: Path, behaviour: Behaviour
) -> None:
    with served(tmp_path, behaviour):
        assert vlanlog(tmp_path, "replay") == (0, NOTHING, "")
    assert (tmp_path / "log.db").exists()


def test_rehearsal_asks_nobody(tmp_path: Path) -> None:
    behaviour = answering(UNCHANGED)

    with served(tmp_path, behaviour), log_in_use(tmp_path):
        planned = vlanlog(tmp_path, "replay", "--dry-run")
        adoptable = vlanlog(tmp_path, "adopt", "--all", "--dry-run")

    assert behaviour.requests == []
    assert planned == (0, NOTHING.splitlines(keepends=True)[0], "")
    assert adoptable == (0, "Nothing to adopt.\n", "")


IN_USE = f"vlanlog: error: the event log is in use by process {os.getpid()}, for more than 0.1 s"
DAEMON = f"the daemon (process {os.getpid()})"


def test_log_that_is_in_use_without_a_daemon_is_told_as_ever(tmp_path: Path) -> None:
    with log_in_use(tmp_path):
        assert vlanlog(tmp_path, "replay") == (
            3,
            "",
            f"{IN_USE}\nhint: let it end, or look at what it waits for; then try again\n",
        )


@pytest.mark.parametrize(
    ("behaviour", "told", "hint"),
    [
        (
            closes_early,
            "does not answer",
            "see 'journalctl -u vlanlog'; a restart of the daemon leaves all VLANs as they are",
        ),
        (
            Answering(**ELSEWHERE),
            "says: it serves hooks folder /h",
            "give --hooks-dir, --database and VLANLOG_HOST as the daemon has them",
        ),
        (
            Answering(status=b"error", error_code=b"database", error=b"disk full"),
            "says: disk full",
            "see 'journalctl -u vlanlog'",
        ),
    ],
)
def test_daemon_that_holds_the_log_and_does_not_do_the_work_is_named(
    tmp_path: Path, behaviour: Behaviour, told: str, hint: str
) -> None:
    with log_in_use(tmp_path), served(tmp_path, behaviour):
        assert vlanlog(tmp_path, "replay") == (3, "", f"{IN_USE}; {DAEMON} {told}\nhint: {hint}\n")


def test_answer_that_cannot_be_read_is_not_asked_for_again(tmp_path: Path) -> None:
    behaviour = Answering(status=b"ok", outcome=b"?")

    with served(tmp_path, behaviour):
        status, out, err = vlanlog(tmp_path, "replay")

    assert (status, out) == (3, "")
    assert err.startswith("vlanlog: error: the daemon's answer cannot be read: ")
    assert len(behaviour.requests) == 1
    assert not (tmp_path / "log.db").exists()


def test_long_wait_is_told_on_a_terminal(tmp_path: Path) -> None:
    noted = threading.Event()

    def answers_once_the_note_is_seen(peer: socket.socket) -> None:
        received(peer)
        noted.wait(60)
        peer.sendall(encode_frame({"status": b"ok", **outcome_fields(Outcome(answer=UNCHANGED))}))

    here, there = pty.openpty()
    with served(tmp_path, answers_once_the_note_is_seen):
        asking = subprocess.Popen(
            [VLANLOG, "replay"], env=environ(tmp_path), stdout=subprocess.PIPE, stderr=there
        )
        os.close(there)
        told = os.read(here, 1000)
        noted.set()
        out, _ = asking.communicate()
    os.close(here)

    assert told.decode() == "vlanlog: waiting for the daemon (replay)…\r\n"
    assert (asking.returncode, out.decode()) == (0, SAID)
