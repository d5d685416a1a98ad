"""Small daemons: one answers well, the others in every way that a daemon can fail a hook."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from vlanlog.hook import HEAD_BYTES, body_length, decode_frame, encode_frame

Behaviour = Callable[[socket.socket], None]


def received(peer: socket.socket) -> dict[str, bytes]:
    """Returns the request that the peer sent."""
    with peer.makefile("rb") as file:
        head = file.read(HEAD_BYTES)
        return decode_frame(head + file.read(body_length(head)))


class Answering:
    """Answers every request with the same fields and keeps what was asked, and until when."""

    def __init__(self, **reply: bytes) -> None:
        self.requests: list[dict[str, bytes]] = []
        self.ends_monotonic_ns: list[int] = []
        self._reply = encode_frame(reply)

    def __call__(self, peer: socket.socket) -> None:
        asked = received(peer)
        self.ends_monotonic_ns.append(int(asked.pop("ends_monotonic_ns")))
        self.requests.append(asked)
        peer.sendall(self._reply)


def in_turn(*behaviours: Behaviour) -> Behaviour:
    """Meets each connection with the next behaviour, and those that are left with the last."""
    waiting = list(behaviours)

    def serve(peer: socket.socket) -> None:
        behaviour = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        behaviour(peer)

    return serve


def closes_early(_peer: socket.socket) -> None:
    """Hangs up without a look at what was asked."""


def never_answers(peer: socket.socket) -> None:
    """Takes the request and does nothing until the client hangs up."""
    received(peer)
    peer.recv(1)


def closes_in_mid_reply(peer: socket.socket) -> None:
    received(peer)
    peer.sendall(encode_frame({"status": b"ok"})[:-1])


def answers_garbage(peer: socket.socket) -> None:
    received(peer)
    peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def answers_in_another_version(peer: socket.socket) -> None:
    received(peer)
    peer.sendall(b"VLANLOG/2\n" + bytes(100))


def promises_too_much(peer: socket.socket) -> None:
    received(peer)
    peer.sendall(b"VLANLOG/1\n\xff\xff\xff\xff")


def refuses(peer: socket.socket) -> None:
    received(peer)
    peer.sendall(encode_frame({"status": b"error", "error_code": b"database", "error": b"locked"}))


def answers_by_drops(peer: socket.socket) -> None:
    """Sends a byte now and then, so that no single wait is long."""
    received(peer)
    stop = threading.Event()
    with contextlib.suppress(OSError):
        for byte in encode_frame({"status": b"ok", "padding": bytes(10_000)}):
            peer.sendall(bytes((byte,)))
            stop.wait(0.05)


@contextlib.contextmanager
def daemon(path: Path, behaviour: Behaviour) -> Iterator[None]:
    """Serves the socket, one connection at a time, until the block ends."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen()

        def serve() -> None:
            while True:
                try:
                    peer, _ = listener.accept()
                except OSError:
                    return
                with peer:
                    behaviour(peer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


@contextlib.contextmanager
def stuck_daemon(path: Path, *, backlog: int) -> Iterator[None]:
    """Listens and never accepts: a connection is made by the kernel and nothing ever answers."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen(backlog)
        yield


@contextlib.contextmanager
def busy_daemon(path: Path, behaviour: Behaviour) -> Iterator[None]:
    """Has its queue full, and turns to it a little later."""
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener,
        socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as first,
    ):
        listener.bind(str(path))
        listener.listen(0)
        first.connect(str(path))

        def serve() -> None:
            listener.accept()[0].close()
            with listener.accept()[0] as peer:
                behaviour(peer)

        thread = threading.Timer(0.2, serve)
        thread.start()
        yield
        thread.join()
