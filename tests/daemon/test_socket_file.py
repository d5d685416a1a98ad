"""The socket's file: who owns it, who takes it over, and what becomes of it."""

from __future__ import annotations

import logging
import os
import resource
import selectors
import signal
import socket
from pathlib import Path

import pytest

from tests.daemon.serving import connected, frame, reply_to, served, serving_child
from vlanlog.daemon.server import Server
from vlanlog.errors import VlanlogError
from vlanlog.hook import request


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s"


def refused(path: Path) -> VlanlogError:
    """Returns the error with which a server at the path does not come up."""
    with selectors.DefaultSelector() as selector, pytest.raises(VlanlogError) as caught:
        Server(path, selector)
    return caught.value


def modes(folder: Path) -> dict[str, int]:
    return {file.name: file.stat().st_mode & 0o777 for file in folder.iterdir()}


def test_files_are_closed_to_others(path: Path) -> None:
    before = os.umask(0)
    try:
        with served(path):
            assert modes(path.parent) == {"s": 0o600, "s.lock": 0o600}
    finally:
        os.umask(before)


def test_folder_is_made_where_there_is_none(tmp_path: Path) -> None:
    with served(tmp_path / "run/vlanlog/s"):
        assert (tmp_path / "run/vlanlog").stat().st_mode & 0o777 == 0o755


def test_closed_server_leaves_no_socket_and_nobody_waiting(path: Path) -> None:
    with served(path) as one:
        waiting, half = connected(path, frame()), connected(path, frame()[:5])
        one.round()
        queued = connected(path, frame())
    assert [client.recv(100) for client in (waiting, half)] == [b"", b""]
    with pytest.raises(ConnectionResetError):
        queued.recv(100)
    assert list(modes(path.parent)) == ["s.lock"]
    for client in (waiting, half, queued):
        client.close()


def test_second_server_is_refused_and_told_by_which_process(path: Path) -> None:
    with served(path) as one:
        error = refused(path)
        assert error.message == f"{path} is served by process {os.getpid()} already"
        client = connected(path, frame())
        one.turn_until(1)
        assert reply_to(client) == {"status": b"ok", "number": b"0"}


def test_server_of_another_process_is_named(path: Path) -> None:
    with serving_child(path) as child:
        assert refused(path).message == f"{path} is served by process {child.pid} already"


def test_server_that_was_killed_is_succeeded_at_once(path: Path) -> None:
    with serving_child(path) as child:
        child.signal(signal.SIGKILL)
        child.end()
        assert path.is_socket()
        with served(path) as one:
            client = connected(path, frame())
            one.turn_until(1)
            assert reply_to(client) == {"status": b"ok", "number": b"0"}


def test_server_can_follow_one_that_was_closed(path: Path) -> None:
    for _ in range(2):
        with served(path) as one, connected(path, frame()):
            assert len(one.round()) == 1


def test_stale_socket_is_taken_over_and_closed_to_others(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))
    path.chmod(0o777)
    with served(path) as one, connected(path, frame()):
        assert (len(one.round()), modes(path.parent)["s"]) == (1, 0o600)


def test_file_that_is_no_socket_is_left_alone(path: Path) -> None:
    path.write_text("precious")
    error = refused(path)
    assert error.message == f"socket {path} cannot be made: Address already in use"
    assert path.read_text() == "precious"


def test_server_that_did_not_come_up_keeps_no_lock(path: Path) -> None:
    path.touch()
    refused(path)
    path.unlink()
    with served(path) as one, connected(path, frame()):
        assert len(one.round()) == 1


def test_link_in_the_locks_place_is_not_followed(path: Path) -> None:
    victim = path.with_name("victim")
    victim.write_text("precious")
    path.with_name("s.lock").symlink_to(victim)
    assert f"lock file {path}.lock cannot be made" in refused(path).message
    assert victim.read_text() == "precious"


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("file/s", "lock file {}.lock cannot be made: File exists"),
        ("x" * 120, "socket {} cannot be made: AF_UNIX path too long"),
    ],
)
def test_path_at_which_nothing_can_be_made_is_told(tmp_path: Path, place: str, said: str) -> None:
    (tmp_path / "file").touch()
    error = refused(tmp_path / place)
    assert (error.message, bool(error.hint)) == (said.format(tmp_path / place), True)


def test_closing_removes_no_file_of_another(path: Path) -> None:
    with served(path):
        path.unlink()
        path.write_text("precious")
    assert path.read_text() == "precious"


def test_events_of_others_in_the_selector_are_passed_over(path: Path) -> None:
    with served(path) as one:
        ours, theirs = socket.socketpair()
        with ours, theirs, connected(path, frame()):
            one.selector.register(ours, selectors.EVENT_READ, data="another's")
            theirs.send(b"x")
            assert len(one.round()) == 1
            assert ours.recv(10) == b"x"


def test_daemon_that_was_stopped_sees_that_nobody_waits_any_more(path: Path) -> None:
    with serving_child(path) as child:
        child.signal(signal.SIGSTOP)
        assert request(path, "apply-guest", {}, 0.2) is None
        child.signal(signal.SIGCONT)
        assert child.line() == "apply-guest gone"
        assert request(path, "record", {}, 60) == {"status": b"ok"}
        assert child.line() == "record waits"


def test_server_out_of_files_says_so_and_serves_when_there_are_some(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with served(path) as one, connected(path, frame()) as client:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        lowest_free = os.dup(client.fileno())
        os.close(lowest_free)
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, hard))
        try:
            found = one.round()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert (found, one.selector.select(0)) == ([], [])
        assert caplog.record_tuples == [
            (
                "vlanlog.daemon.server",
                logging.WARNING,
                "clients have to wait: Too many open files",
            )
        ]
        assert one.server.next_deadline_ns() is not None
        while not found:
            found = one.round(wait_s=0.01)
        assert [asked.verb for asked in found] == ["record"]
