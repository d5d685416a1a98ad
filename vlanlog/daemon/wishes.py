"""What signals ask the daemon for, so that its selector wakes for them.

Must not do it: the loop asks here.
"""

from __future__ import annotations

import selectors
import signal
import socket
from contextlib import ExitStack
from types import FrameType


class Wishes:
    """Is what signals ask for: SIGTERM and SIGINT to end, SIGHUP to read the config anew."""

    def __init__(self, stack: ExitStack, selector: selectors.BaseSelector) -> None:
        self.ends = False
        self._reloads = False
        self._wakes, wakes = socket.socketpair()
        for end in (self._wakes, wakes):
            end.setblocking(False)
            stack.callback(end.close)
        selector.register(self._wakes, selectors.EVENT_READ)
        # The selector returns for it: a signal just before select() would else wait for an event.
        before = signal.set_wakeup_fd(wakes.fileno(), warn_on_full_buffer=False)
        stack.callback(signal.set_wakeup_fd, before)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            stack.callback(signal.signal, number, signal.signal(number, self._take))

    def _take(self, number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGHUP:
            self._reloads = True
        else:
            self.ends = True

    def takes_reload(self) -> bool:
        """Tells whether a reload was asked for since the last call."""
        reloads, self._reloads = self._reloads, False
        return reloads

    def clear(self, events: list[tuple[selectors.SelectorKey, int]]) -> None:
        """Takes the wake-up bytes out, so that the selector can wait again."""
        if any(key.fileobj is self._wakes for key, _ in events):
            while True:
                try:
                    if not self._wakes.recv(4096):
                        return
                except BlockingIOError:
                    return
