"""A log that is looked at for long: opened anew now and then, and where hooks have spooled.

Must not hold the writer lock between two looks.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType

from vlanlog.config import Settings
from vlanlog.host.opening import opened_again
from vlanlog.ports import EventLog
from vlanlog.spool import Spool

_FRESH_S = 10.0
"""After so long it is opened anew: a newer vlanlog may have upgraded the database."""

_SPOOLED_S = 1.0
"""So often, at most, it is opened anew to take in what hooks have spooled."""


class LiveLog:
    """Opens a host's log to read; ``say`` is told each remark once."""

    def __init__(self, settings: Settings, say: Callable[[str], None]) -> None:
        self._settings = settings
        self._say = say
        self._said: set[str] = set()
        self._spool = Spool(settings.spool, host=settings.host)
        self._stack = ExitStack()
        self._log: EventLog | None = None
        self._opened_s = 0.0

    def __enter__(self) -> LiveLog:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._stack.close()

    def look(self, *, anew: bool) -> EventLog:
        """Returns the log as it is now; ``anew`` says that the last one did not answer.

        Raises: StoreError; the next look tries again.
        """
        if anew or self._log is None or self._is_stale():
            self._log = None
            self._stack.close()
            self._log = self._opened()
        return self._log

    def _is_stale(self) -> bool:
        age_s = time.monotonic() - self._opened_s
        return age_s > _FRESH_S or (age_s > _SPOOLED_S and self._spool.has_pending())

    def _opened(self) -> EventLog:
        log, notes = self._stack.enter_context(opened_again(self._settings))
        self._opened_s = time.monotonic()
        for note in notes:
            if note not in self._said:
                self._said.add(note)
                self._say(note)
        return log
