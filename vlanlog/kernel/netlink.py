"""A netlink socket for requests: dumps, and many acknowledged changes per send.

Must not listen to notifications (a watcher's socket is another one), nor know what is sent.
"""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Mapping

from vlanlog.errors import KernelError
from vlanlog.kernel.closing import Closing
from vlanlog.kernel.frame import (
    NLM_F_DUMP,
    NLM_F_DUMP_INTR,
    NLM_F_REQUEST,
    NLMSG_DONE,
    NLMSG_ERROR,
    Ack,
    Message,
    ack,
    message,
    messages,
)

SOL_NETLINK = 270
_NETLINK_CAP_ACK = 10
_NETLINK_EXT_ACK = 11

BUFFER_BYTES = 64 * 1024
"""Kernels fill parts of a dump up to 32 KiB, or up to the size of the biggest device's message."""

_TIMEOUT_S = 5
_DUMP_TRIES = 8


class NetlinkError(OSError):
    """Says that the kernel refused a request, in its words."""

    def __init__(self, answer: Ack) -> None:
        super().__init__(answer.errno, str(answer))
        self.answer = answer

    def __str__(self) -> str:
        return str(self.answer)


class LostError(Exception):
    """Says that what the kernel sent cannot be used, and why; or that some of it is missing.

    A message was cut or not understood, a queue overrun, or the devices changed during a dump.
    """


def gather(found: list[Message], received: list[Message], seq: int) -> bool:
    """Adds what a datagram holds of a dump; tells whether the dump is complete.

    Raises: NetlinkError; LostError where the devices changed while they were dumped.
    """
    for part in received:
        if part.seq != seq:
            continue
        if part.flags & NLM_F_DUMP_INTR:
            raise LostError
        if part.kind in (NLMSG_DONE, NLMSG_ERROR):
            answer = ack(part)
            if answer.errno:
                raise NetlinkError(answer)
            return True
        found.append(part)
    return False


class NetlinkSocket(Closing):
    """Is an rtnetlink socket, for one thread that stays in its network namespace."""

    def __init__(self, *, buffer_bytes: int = BUFFER_BYTES, queue_bytes: int = 0) -> None:
        self._buffer = bytearray(buffer_bytes)
        self._queue_bytes = queue_bytes
        self._seq = 0
        self._socket = self._opened()

    def close(self) -> None:
        """Closes the socket; a second call does nothing."""
        self._socket.close()

    def _opened(self) -> socket.socket:
        try:
            opened = socket.socket(
                socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE
            )
        except OSError as e:
            raise KernelError(
                f"cannot open a netlink socket: {e.strerror}",
                hint="a sandbox or a limit on open files may forbid it",
            ) from e
        # A refusal then says why, and does not carry the whole request back.
        opened.setsockopt(SOL_NETLINK, _NETLINK_EXT_ACK, 1)
        opened.setsockopt(SOL_NETLINK, _NETLINK_CAP_ACK, 1)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("@ll", _TIMEOUT_S, 0))
        if self._queue_bytes:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._queue_bytes)
        opened.bind((0, 0))
        return opened

    def next_seq(self) -> int:
        """Returns a sequence number that this socket has not used; the kernel's answer bears it."""
        self._seq = self._seq % 0xFFFFFFFF + 1
        return self._seq

    def dump(self, kind: int, body: bytes) -> list[Message]:
        """Returns the messages that answer a dump request, read again while devices change.

        Raises: NetlinkError, KernelError.
        """
        for _ in range(_DUMP_TRIES):
            try:
                return self._dumped(kind, body)
            except LostError:
                # The rest of the old dump would stand between us and the answers to come.
                self.close()
                self._socket = self._opened()
        raise KernelError(
            f"{_DUMP_TRIES} dumps in a row were interrupted by changes", hint="try again"
        )

    def _dumped(self, kind: int, body: bytes) -> list[Message]:
        seq = self.next_seq()
        self._socket.send(message(kind, NLM_F_REQUEST | NLM_F_DUMP, seq, body))
        found: list[Message] = []
        while not gather(found, self._received(), seq):
            pass
        return found

    def _received(self, flags: int = 0) -> list[Message]:
        """Returns the messages of the next datagram.

        Raises: OSError; LostError where it did not fit, and the buffer has grown, or where
        the socket's queue had no room for it.
        """
        while True:
            try:
                size, sender = self._socket.recvfrom_into(self._buffer, 0, flags | socket.MSG_TRUNC)
            except OSError as e:
                if e.errno == errno.ENOBUFS:
                    raise LostError from e
                raise
            if size > len(self._buffer):
                self._buffer = bytearray(1 << size.bit_length())
                raise LostError
            # Only the kernel is port 0; a privileged process could pose as it otherwise.
            if sender[0] == 0:
                return list(messages(bytes(memoryview(self._buffer)[:size])))

    def acknowledged(self, requests: Mapping[int, bytes]) -> dict[int, Ack]:
        """Sends the requests, by sequence number, in one go; returns the kernel's answers.

        Shape: requests whose answer the socket's queue could not hold are missing.
        Raises: OSError, where nothing was sent.
        """
        self._socket.send(b"".join(requests.values()))
        answers: dict[int, Ack] = {}
        flags = 0
        while len(answers) < len(requests):
            try:
                received = self._received(flags)
            except LostError:
                # The kernel has answered all by now: what fitted is queued, the rest is lost.
                flags = socket.MSG_DONTWAIT
                continue
            except BlockingIOError:
                break
            for part in received:
                if part.kind == NLMSG_ERROR and part.seq in requests:
                    answers[part.seq] = ack(part)
        return answers
