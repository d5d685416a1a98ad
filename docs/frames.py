"""Sends or receives numbered datagrams until SIGINT, then writes how many: the demo's meter.

The receiver's file is there as soon as it can receive.
"""

import signal
import socket
import sys
import time
from pathlib import Path

PORT = 5000
INTERVAL_S = 0.005
QUIET_S = 0.5

ended = False


def _end(*_: object) -> None:
    global ended  # noqa: PLW0603  (a signal has no other way to tell the loop)
    ended = True


def send(address: str) -> int:
    """Returns how many datagrams were sent."""
    sent = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        while not ended:
            out.sendto(sent.to_bytes(4, "big"), (address, PORT))
            sent += 1
            time.sleep(INTERVAL_S)
    return sent


def receive(address: str) -> int:
    """Returns how many different datagrams arrived."""
    seen: set[bytes] = set()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as into:
        into.bind((address, PORT))
        into.settimeout(QUIET_S)
        counted.touch()
        while True:
            try:
                seen.add(into.recv(64))
            except TimeoutError:
                if ended:
                    return len(seen)


signal.signal(signal.SIGINT, _end)
counted = Path(sys.argv[3])
count = {"send": send, "receive": receive}[sys.argv[1]](sys.argv[2])
counted.write_text(f"{count}\n", encoding="ascii")
