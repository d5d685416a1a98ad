"""Runs a Python command and notes the kind of every netlink message that it sends.

    python sent.py NOTES COMMAND ARGUMENT…

Must not import the program: what it counts must not depend on what the program says of itself.
"""

from __future__ import annotations

import runpy
import socket
import struct
import sys
from pathlib import Path
from typing import Any

_HEADER = struct.Struct("=IHHII")


class NotingSocket(socket.socket):
    """Notes what goes through any of the ways to send that a socket has."""

    notes: Path

    def _note(self, data: Any) -> None:  # what socket takes: anything with a buffer
        if self.family != socket.AF_NETLINK:
            return
        rest = bytes(data)
        with self.notes.open("a") as file:
            while len(rest) >= _HEADER.size:
                size, kind, *_ = _HEADER.unpack_from(rest)
                print(kind, file=file)
                rest = rest[(size + 3) & ~3 :]

    def send(self, data: Any, *rest: Any) -> int:
        self._note(data)
        return super().send(data, *rest)

    def sendall(self, data: Any, *rest: Any) -> None:
        self._note(data)
        super().sendall(data, *rest)

    def sendto(self, data: Any, *rest: Any) -> int:
        self._note(data)
        return super().sendto(data, *rest)

    def sendmsg(self, buffers: Any, *rest: Any) -> int:
        self._note(b"".join(buffers))
        return super().sendmsg(buffers, *rest)


if __name__ == "__main__":
    NotingSocket.notes = Path(sys.argv[1])
    socket.socket = NotingSocket  # type: ignore[misc]
    sys.argv = sys.argv[2:]
    runpy.run_path(sys.argv[0], run_name="__main__")
