"""A server whose rounds the test turns by hand, raw clients, and a server that is a process.

Must not compare anything.
"""

from __future__ import annotations

import selectors
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from vlanlog.daemon.server import Request, Server
from vlanlog.hook import HEAD_BYTES, body_length, decode_frame, encode_frame

ROOT = Path(__file__).parents[2]


class Served:
    """Is a server at a path and its selector."""

    def __init__(self, path: Path, **options: Any) -> None:
        self.selector = selectors.DefaultSelector()
        self.path = path
        self.server = Server(path, self.selector, **options)

    def round(self, wait_s: float = 0) -> list[Request]:
        """Returns what is there by now: a Unix socket delivers while its sender sends."""
        return self.server.ready(self.selector.select(wait_s))

    def turn_until(self, count: int) -> list[Request]:
        """Turns rounds until so many requests came, answering each with its number."""
        requests: list[Request] = []
        while len(requests) < count:
            for request in self.round(wait_s=1):
                request.reply({"status": b"ok", "number": b"%d" % len(requests)})
                requests.append(request)
        return requests

    def close(self) -> None:
        self.server.close()
        self.selector.close()


@contextmanager
def served(path: Path, **options: Any) -> Iterator[Served]:
    one = Served(path, **options)
    try:
        yield one
    finally:
        one.close()


def connected(path: Path, sent: bytes = b"") -> socket.socket:
    """Returns a client that has sent this."""
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.settimeout(60)
    client.connect(str(path))
    client.sendall(sent)
    return client


def frame(verb: str = "record", **fields: bytes) -> bytes:
    return encode_frame({"verb": verb.encode(), **fields})


def reply_to(client: socket.socket) -> dict[str, bytes]:
    """Returns the fields that the server sent before it closed, and closes the client."""
    with client, client.makefile("rb") as file:
        head = file.read(HEAD_BYTES)
        fields = decode_frame(head + file.read(body_length(head)))
        # A server that closes with something unread resets the client, behind its reply.
        with suppress(ConnectionResetError):
            if file.read():
                raise AssertionError("the reply is longer than a frame")
    return fields


class Child:
    """Is a process that runs ``tests.daemon.child``."""

    def __init__(self, path: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.daemon.child", str(path)],
            cwd=ROOT, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.pid = self._process.pid

    def line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()


@contextmanager
def serving_child(path: Path) -> Iterator[Child]:
    """Yields a process that serves the path, once it does."""
    child = Child(path)
    try:
        if child.line() != "ready":
            raise AssertionError("the child does not serve")
        yield child
    finally:
        child.end()
