"""One client of the socket: its frame while it comes in, then its reply while it goes out.

Must not block, and must not know what the fields mean.
"""

from __future__ import annotations

import select
import selectors
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from vlanlog.hook import (
    HEAD_BYTES,
    FrameError,
    VersionError,
    body_length,
    decode_frame,
    encode_frame,
)

_CHUNK_BYTES = 1 << 18
_CREDENTIALS = struct.Struct("iII")
_VERSIONS = b"1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """Is who connected, by the kernel's word; pid is 0 where it is of a foreign pid namespace.

    Source: unix(7), ``SO_PEERCRED``.
    """

    pid: int
    uid: int
    gid: int


def peer_of(sock: socket.socket) -> Peer:
    """Returns the credentials that the other end had when it connected."""
    packed = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, gid = _CREDENTIALS.unpack(packed)
    return Peer(pid=pid, uid=uid, gid=gid)


def error_reply(code: str, text: str) -> dict[str, bytes]:
    """Returns the fields that tell a client that nothing was done.

    Source: docs/protocol.md.
    """
    told = text.encode("utf-8", "backslashreplace")
    return {"status": b"error", "error_code": code.encode("ascii"), "error": told}


class _State(Enum):
    READING = auto()
    WAITING = auto()
    WRITING = auto()
    CLOSED = auto()


class Connection:
    """Is one accepted client, from its first byte to the last one of its reply.

    It is in the selector only while the kernel has something to tell: not while its request is
    being carried out, when a client that hangs up would wake the loop for nothing.
    """

    def __init__(
        self,
        sock: socket.socket,
        selector: selectors.BaseSelector,
        patience_ns: int,
        on_close: Callable[[Connection], None],
    ) -> None:
        sock.setblocking(False)
        self.peer = peer_of(sock)
        self.received_ns = 0
        self._patience_ns = patience_ns
        self._ends_ns = time.monotonic_ns() + patience_ns
        self._socket = sock
        self._selector = selector
        self._on_close = on_close
        self._state = _State.READING
        self._watched = False
        self._in = bytearray()
        self._out = memoryview(b"")

    @property
    def ends_ns(self) -> int | None:
        """Returns when the client is given up, on the monotonic clock; None while it waits."""
        return self._ends_ns if self._state in (_State.READING, _State.WRITING) else None

    @property
    def is_answered(self) -> bool:
        """Tells whether the reply is under way or done."""
        return self._state in (_State.WRITING, _State.CLOSED)

    def read(self) -> dict[str, bytes] | None:
        """Takes in what came and returns the fields once the frame is whole.

        A frame that cannot be one is answered here.
        """
        if self._state is not _State.READING:
            return None
        try:
            fields = self._taken_in()
        except VersionError as error:
            self.answer({**error_reply("unknown-version", str(error)), "versions": _VERSIONS})
            return None
        except FrameError as error:
            self.answer(error_reply("bad-request", str(error)))
            return None
        except OSError:
            # The client was reset: nobody is there to be told.
            self.close()
            return None
        if fields is None:
            self._watch(selectors.EVENT_READ)
            return None
        self._in = bytearray()
        self._unwatch()
        self._state = _State.WAITING
        self.received_ns = time.monotonic_ns()
        return fields

    def _taken_in(self) -> dict[str, bytes] | None:
        while True:
            try:
                part = self._socket.recv(_CHUNK_BYTES)
            except BlockingIOError:
                return None
            self._in += part
            if len(self._in) >= HEAD_BYTES:
                size = HEAD_BYTES + body_length(bytes(self._in[:HEAD_BYTES]))
                if len(self._in) >= size:
                    # A connection carries one request: what follows it is passed over.
                    return decode_frame(bytes(self._in[:size]))
            if not part:
                raise FrameError("cut short")

    def answer(self, fields: dict[str, bytes]) -> None:
        """Begins to write the reply; the connection is closed after it."""
        if self._state is _State.CLOSED:
            return
        self._state = _State.WRITING
        self._ends_ns = time.monotonic_ns() + self._patience_ns
        self._out = memoryview(encode_frame(fields))
        self.write()

    def write(self) -> None:
        """Writes as much of the reply as the client takes now."""
        if self._state is not _State.WRITING:
            return
        try:
            while self._out:
                self._out = self._out[self._socket.send(self._out, socket.MSG_NOSIGNAL) :]
        except BlockingIOError:
            self._watch(selectors.EVENT_WRITE)
        except OSError:
            # It went away before its reply: what was done for it is done.
            self.close()
        else:
            self.close()

    def is_open(self) -> bool:
        """Tells whether the client has not closed its end; one that only ends sending has not.

        Source: ``unix_poll``: POLLHUP when both directions are shut, as close() does.
        """
        if self._state is _State.CLOSED:
            return False
        poll = select.poll()
        poll.register(self._socket, 0)
        return not poll.poll(0)

    def give_up(self) -> None:
        """Ends a client that took too long; one that has not sent its frame is told so."""
        if self._state is _State.READING:
            self.answer(error_reply("bad-request", "its frame did not come in time"))
        if self._state is not _State.CLOSED:
            self.close()

    def close(self) -> None:
        """Closes the connection, whatever state it is in."""
        if self._state is _State.CLOSED:
            return
        self._unwatch()
        self._state = _State.CLOSED
        self._socket.close()
        self._on_close(self)

    def _watch(self, events: int) -> None:
        if not self._watched:
            self._selector.register(self._socket, events, self)
            self._watched = True
        else:
            self._selector.modify(self._socket, events, self)

    def _unwatch(self) -> None:
        if self._watched:
            self._selector.unregister(self._socket)
            self._watched = False
