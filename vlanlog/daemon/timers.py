"""What the daemon does again and again, and when.

Must not know what it is that is done.
"""

from __future__ import annotations

from collections.abc import Callable


class Timers:
    """Calls what is to be done again and again; times are monotonic, in seconds."""

    def __init__(self) -> None:
        self._due: dict[str, tuple[float, float, Callable[[], None]]] = {}

    def every(self, name: str, period_s: float, now_s: float, call: Callable[[], None]) -> None:
        """Calls it from one period on."""
        self._due[name] = (now_s + period_s, period_s, call)

    def due_s(self) -> float | None:
        """Returns when the next call is due."""
        return min((due_s for due_s, _, _ in self._due.values()), default=None)

    def hasten(self, name: str, due_s: float) -> None:
        """Makes the next call earlier, if it is not by then."""
        before_s, period_s, call = self._due[name]
        self._due[name] = (min(before_s, due_s), period_s, call)

    def run(self, now_s: float) -> None:
        """Makes the calls that are due; one that is late is made once."""
        for name, (due_s, period_s, call) in list(self._due.items()):
            if due_s <= now_s:
                self._due[name] = (now_s + period_s, period_s, call)
                call()
