"""What the daemon says on stderr: with the journal's priorities there, for people elsewhere.

Must not know who says it: modules log by ``logging.getLogger(__name__)``.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping
from typing import TextIO

_PRIORITIES = {
    logging.DEBUG: 7,
    logging.INFO: 6,
    logging.WARNING: 4,
    logging.ERROR: 3,
    logging.CRITICAL: 2,
}


def log_to(stream: TextIO, environ: Mapping[str, str], level: int = logging.INFO) -> None:
    """Sends all that is logged from now on to the stream, in the form that fits it."""
    sink = _Sink(stream)
    sink.setFormatter(_JournalLines() if is_journal(stream, environ) else _PlainLines())
    logging.basicConfig(level=level, handlers=[sink], force=True)


def is_journal(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Tells whether the stream is the one that the manager connected to the journal.

    Source: systemd.exec(5), ``JOURNAL_STREAM``: device and inode, in decimal.
    """
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return environ.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"


class _Sink(logging.StreamHandler[TextIO]):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  logging's name
        """Goes on without a reader: what waits in the stream would fail the exit status else."""
        if not isinstance(sys.exception(), OSError):
            super().handleError(record)
            return
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.stream.fileno())
        os.close(nowhere)


class _PlainLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        head = f"vlanlog daemon: {record.levelname.lower()}: "
        return "\n".join((head + _shown(record.getMessage()), *self._trace(record)))

    def _trace(self, record: logging.LogRecord) -> list[str]:
        return self.formatException(record.exc_info).splitlines() if record.exc_info else []


class _JournalLines(_PlainLines):
    def format(self, record: logging.LogRecord) -> str:
        # Each line is a message of its own to the journal, and wants its own priority.
        head = f"<{_PRIORITIES.get(record.levelno, 5)}>"
        lines = (_shown(record.getMessage()), *self._trace(record))
        return "\n".join(head + line for line in lines)


def _shown(text: str) -> str:
    # A guest may be named with a newline in it, which would begin a line of its own choice.
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
