"""Frames with numbers, sent both ways without a pause between two devices, and counted.

Must not touch bridges. Both ends are packet sockets that keep to the namespace they were opened
in, so that one thread can serve them from anywhere.
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from dataclasses import dataclass

# Source: IEEE 802, "Local Experimental Ethertype 1".
ETH_P_LOCAL_EXPERIMENTAL = 0x88B5
_SO_RCVBUFFORCE = 33
# A frame of this size takes less than 1 KiB of the queue: room for ten seconds and more.
_QUEUE_BYTES = 64 << 20
_FRAMES_PER_S = 1000
_HEAD_BYTES = 14
_NUMBER = struct.Struct("!Q")
_PADDING = bytes(60)


@dataclass(frozen=True)
class Count:
    """Is what one direction has seen: how many frames went, and the numbers of those lost."""

    sent: int
    lost: tuple[int, ...]


class End:
    """Is a device of the namespace that the calling thread is in."""

    def __init__(self, device: str) -> None:
        kind = socket.SOCK_RAW | socket.SOCK_NONBLOCK
        self.socket = socket.socket(socket.AF_PACKET, kind, socket.htons(ETH_P_LOCAL_EXPERIMENTAL))
        self.socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _QUEUE_BYTES)
        self.socket.bind((device, ETH_P_LOCAL_EXPERIMENTAL))
        self.mac: bytes = self.socket.getsockname()[4]
        self.seen: set[int] = set()

    def send(self, to: End, number: int) -> None:
        head = to.mac + self.mac + ETH_P_LOCAL_EXPERIMENTAL.to_bytes(2, "big")
        self.socket.send(head + _NUMBER.pack(number) + _PADDING)

    def drain(self) -> None:
        while True:
            try:
                frame = self.socket.recv(2048)
            except BlockingIOError:
                return
            self.seen.add(_NUMBER.unpack_from(frame, _HEAD_BYTES)[0])


class Flow:
    """Sends in a thread of its own while the block of its ``with`` runs, then counts."""

    def __init__(self, first: End, second: End) -> None:
        self._ends = (first, second)
        self._sent = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Flow:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        # A margin on either side: what is done in the block lies wholly within the flow.
        time.sleep(0.1)
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        first, second = self._ends
        began = time.monotonic()
        while not self._stop.is_set():
            # Catches up where the thread was kept waiting: as many frames, and in the gap too.
            while self._sent < (time.monotonic() - began) * _FRAMES_PER_S:
                first.send(second, self._sent)
                second.send(first, self._sent)
                self._sent += 1
            first.drain()
            second.drain()
            time.sleep(0.0005)

    def counts(self) -> tuple[Count, Count]:
        """Returns what got from the first to the second end, and back, after all has arrived."""
        time.sleep(0.2)
        first, second = self._ends
        first.drain()
        second.drain()
        return self._count(second), self._count(first)

    def _count(self, receiver: End) -> Count:
        lost = tuple(number for number in range(self._sent) if number not in receiver.seen)
        return Count(self._sent, lost)
