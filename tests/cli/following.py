"""A command that goes on by itself: in a process of its own, at a pipe or at a terminal.

Must not compare anything.
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from tests.cli.golden import environment
from vlanlog.core import event as e
from vlanlog.core.observe import Finding
from vlanlog.store import open_log
from vlanlog.store.log import SqlEventLog

VLANLOG = Path(sys.executable).with_name("vlanlog")
_DEADLINE_S = 60


class Following:
    """Is the process, and what it has written so far."""

    def __init__(self, process: subprocess.Popen[bytes], out: int, err: int) -> None:
        self._process = process
        self._out, self._err = out, err
        self._texts = {out: b"", err: b""}
        self._open = {out, err}

    @property
    def stdout(self) -> str:
        return self._texts[self._out].decode().replace("\r\n", "\n")

    @property
    def stderr(self) -> str:
        return self._texts[self._err].decode()

    def until(self, text: str) -> None:
        """Reads until stdout has the text."""
        self._read(lambda: text in self.stdout, text)

    def until_said(self, text: str) -> None:
        """Reads until stderr has the text."""
        self._read(lambda: text in self.stderr, text)

    def interrupted(self) -> int:
        """Does what Ctrl-C does, and returns the exit status."""
        self._process.send_signal(signal.SIGINT)
        return self.ended()

    def ended(self) -> int:
        """Reads to the end, and returns the exit status."""
        self._read(lambda: not self._open, "its end")
        return self._process.wait(_DEADLINE_S)

    def close_stdout(self) -> None:
        """Goes away as ``head`` does that has seen enough."""
        os.close(self._out)
        self._open.remove(self._out)

    def end(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        for end in self._open:
            os.close(end)

    def _read(self, is_enough: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + _DEADLINE_S
        while not is_enough():
            ready, _, _ = select.select(list(self._open), [], [], deadline - time.monotonic())
            if not ready:
                raise AssertionError(f"no {what!r} in {self.stdout!r}, {self.stderr!r}")
            for end in ready:
                self._take(end)

    def _take(self, end: int) -> None:
        try:
            found = os.read(end, 65536)
        except OSError:
            # A terminal whose last writer has gone.
            found = b""
        self._texts[end] += found
        if not found:
            self._open.remove(end)
            os.close(end)


@contextmanager
def following(
    folder: Path, *words: str, terminal: bool = False, **more: str
) -> Iterator[Following]:
    """Runs the command; its stdout is a pipe, or a terminal of 80 columns."""
    out, theirs = pty.openpty() if terminal else os.pipe()
    if terminal:
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    err, their_err = os.pipe()
    process = subprocess.Popen(
        # A shell that runs the tests in the background has it ignored, and so would this be.
        ["env", "--default-signal=INT", VLANLOG, *words],
        env=environment(folder, **more),
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=their_err,
    )
    os.close(theirs)
    os.close(their_err)
    command = Following(process, out, err)
    try:
        yield command
    finally:
        command.end()


class Writer:
    """Appends to the log of ``host``, a second of the clock for each event."""

    def __init__(self, url: str) -> None:
        self.log: SqlEventLog = open_log(url, host="host")
        self._at_ns = 1_700_000_000_000_000_000

    def tell(self, *findings: Finding) -> None:
        """Commits the findings in one transaction, of one correlation."""
        correlation = uuid4()
        events = []
        for subject, fact in findings:
            self._at_ns += 1_000_000_000
            events.append(
                e.Event(
                    event_id=uuid4(),
                    at_ns=self._at_ns,
                    host="host",
                    boot_id="boot-1",
                    actor=e.Actor(source=e.ActorSource.OPERATOR, uid=0, user="root"),
                    correlation_id=correlation,
                    fact=fact,
                    subject=subject,
                )
            )
        self.log.append(events)

    def checkpoint(self) -> None:
        """Brings all that was committed into the file of that name, and lets go of it."""
        with self.log.engine.connect() as connection:
            # A reader that is looking just now holds up the end of it.
            while connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()[0]:
                time.sleep(0.01)
        self.log.engine.dispose()
