"""Waits for what the loop has to do with, and in a storm of notices lets some gather.

Must not keep a client waiting for it.
"""

from __future__ import annotations

import selectors
import time

from vlanlog.kernel.watch import Watch

_STORM_S = 0.02
_GATHERS_S = 0.01

Events = list[tuple[selectors.SelectorKey, int]]


class Waiting:
    """Is the selector, with the watch registered.

    Each time the loop hears of something makes a transaction. A writer that changes one vid
    after the other would have one for each, which costs eight times as much, and on few CPUs
    slows the writer down. So a notice that comes right after another is heard of a little later.
    """

    def __init__(self, selector: selectors.BaseSelector, watch: Watch) -> None:
        self._selector = selector
        self._watch = watch
        self._heard_s = 0.0
        selector.register(watch, selectors.EVENT_READ)

    def events(self, timeout_s: float | None) -> Events:
        """Returns what there is to do, as soon as there is something or the time is over."""
        events = self._selector.select(timeout_s)
        if not any(key.fileobj is self._watch for key, _ in events):
            return events
        if len(events) == 1 and time.monotonic() - self._heard_s < _STORM_S:
            events += self._of_others(_GATHERS_S)
        self._heard_s = time.monotonic()
        return events

    def _of_others(self, timeout_s: float) -> Events:
        self._selector.unregister(self._watch)
        try:
            return self._selector.select(timeout_s)
        finally:
            self._selector.register(self._watch, selectors.EVENT_READ)
