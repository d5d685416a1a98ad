"""Tells the service manager how the daemon is: ready, busy, alive, ending.

Must not block and must not fail the daemon; where no manager listens, nothing is said.

A library of its own is not worth its weight here: sdnotify is as long as this and knows neither
watchdog nor errors; cysystemd and systemd-python bring libsystemd.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Mapping

_log = logging.getLogger(__name__)


class Notifier:
    """Speaks to the socket that the manager named in the environment.

    Units: watchdog_ns is how often ``alive`` is to be said, half of what the manager waits;
    None for never.
    Source: sd_notify(3), systemd.service(5) on ``Type=notify-reload``.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._address = _address(environ.get("NOTIFY_SOCKET", ""))
        self._complained = False
        self.watchdog_ns = _watchdog_ns(environ) if self._address else None

    def ready(self, status: str = "") -> None:
        """Says that the daemon serves, at its start and after a reload."""
        self._send("READY=1", *_status(status))

    def status(self, text: str) -> None:
        """Says in a line what the daemon is doing; ``systemctl status`` shows it."""
        self._send(*_status(text))

    def alive(self) -> None:
        """Says that the loop goes round."""
        self._send("WATCHDOG=1")

    def reloading(self) -> None:
        """Says that the config is read anew; ``ready`` ends that.

        Units: MONOTONIC_USEC is µs of the monotonic clock.
        """
        self._send("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self, status: str = "") -> None:
        """Says that the daemon ends by itself."""
        self._send("STOPPING=1", *_status(status))

    def _send(self, *lines: str) -> None:
        if not self._address:
            return
        message = "\n".join(lines).encode("utf-8", "backslashreplace")
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
                manager.setblocking(False)
                manager.sendto(message, self._address)
        except OSError as error:
            # Said once: a manager that is deaf would fill the journal with it.
            if not self._complained:
                _log.warning("the service manager cannot be told %s: %s", lines[0], error)
            self._complained = True


def _address(name: str) -> bytes:
    if name.startswith("@"):
        return b"\0" + os.fsencode(name[1:])
    if name.startswith("/"):
        return os.fsencode(name)
    if name:
        _log.warning("NOTIFY_SOCKET=%s is neither a path nor an abstract name", name)
    return b""


def _watchdog_ns(environ: Mapping[str, str]) -> int | None:
    period_us, pid = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", "")
    if not period_us.isdecimal() or pid not in ("", str(os.getpid())):
        return None
    return int(period_us) * 1000 // 2 or None


def _status(text: str) -> list[str]:
    # A line of its own would be taken for another variable.
    return [f"STATUS={' '.join(text.split())}"] if text else []
