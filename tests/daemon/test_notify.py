"""What the service manager hears, on a socket as its own is."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from vlanlog.daemon.notify import Notifier

NAMES: dict[str, Callable[[Path], str]] = {
    "path": lambda folder: f"{folder}/notify",
    "abstract": lambda _: f"@vlanlog-test-{secrets.token_hex(8)}",
}


class Manager:
    """Is a manager's socket and the environment that it gives."""

    def __init__(self, name: str) -> None:
        self.environ = {"NOTIFY_SOCKET": name}
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(name.replace("@", "\0"))
        self.socket.setblocking(False)

    def heard(self) -> list[str]:
        messages = []
        while True:
            try:
                messages.append(self.socket.recv(10_000).decode())
            except BlockingIOError:
                return messages


@pytest.fixture(params=NAMES)
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Manager]:
    one = Manager(NAMES[request.param](tmp_path))
    with one.socket:
        yield one


def test_manager_hears_each_state_as_a_message(manager: Manager) -> None:
    notifier = Notifier(manager.environ)
    notifier.ready()
    notifier.ready("watching 7 bridges")
    notifier.status("reading the kernel")
    notifier.alive()
    notifier.stopping()
    notifier.stopping("by SIGTERM")
    assert manager.heard() == [
        "READY=1",
        "READY=1\nSTATUS=watching 7 bridges",
        "STATUS=reading the kernel",
        "WATCHDOG=1",
        "STOPPING=1",
        "STOPPING=1\nSTATUS=by SIGTERM",
    ]


def test_reload_begins_with_its_time(manager: Manager) -> None:
    before_us = time.monotonic_ns() // 1000
    Notifier(manager.environ).reloading()
    (message,) = manager.heard()
    head, time_us = message.split("=1\nMONOTONIC_USEC=")
    assert head == "RELOADING"
    assert before_us <= int(time_us) <= time.monotonic_ns() // 1000


def test_status_is_one_line_of_text_whatever_is_in_it(manager: Manager) -> None:
    Notifier(manager.environ).status("guest a\nREADY=1\t\udcff is gone")
    assert manager.heard() == ["STATUS=guest a READY=1 \\udcff is gone"]


def test_without_a_manager_nothing_is_said(caplog: pytest.LogCaptureFixture) -> None:
    notifier = Notifier({"WATCHDOG_USEC": "1000000"})
    notifier.ready("watching")
    assert (notifier.watchdog_ns, caplog.messages) == (None, [])


def test_name_that_is_no_unix_socket_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    notifier = Notifier({"NOTIFY_SOCKET": "vsock:2:1234"})
    notifier.ready()
    assert caplog.messages == [
        "NOTIFY_SOCKET=vsock:2:1234 is neither a path nor an abstract name",
    ]


def test_manager_that_is_gone_is_told_of_once_and_fails_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    notifier = Notifier({"NOTIFY_SOCKET": f"{tmp_path}/gone"})
    notifier.ready()
    notifier.alive()
    said = "the service manager cannot be told READY=1: [Errno 2] No such file or directory"
    assert caplog.record_tuples == [("vlanlog.daemon.notify", logging.WARNING, said)]


@pytest.mark.parametrize("manager", ["path"], indirect=True)
def test_manager_that_does_not_listen_blocks_nobody(manager: Manager) -> None:
    notifier = Notifier(manager.environ)
    for _ in range(5000):
        notifier.alive()
    assert 0 < len(manager.heard()) < 5000


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 15_000_000_000),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 15_000_000_000),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "-5"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_watchdog_wants_a_sign_in_half_of_its_time(
    manager: Manager, variables: dict[str, str], expected: int | None
) -> None:
    assert Notifier({**manager.environ, **variables}).watchdog_ns == expected
