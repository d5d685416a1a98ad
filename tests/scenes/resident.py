"""A ``vlanlog daemon`` beside a stage, as a service manager runs it.

Must not compare anything.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from tests.scenes.stage import VLANLOG, Stage
from vlanlog.core.event import Event
from vlanlog.core.state import HostState, PortTable
from vlanlog.kernel.read import NetlinkReader
from vlanlog.store import open_log
from vlanlog.store.log import SqlEventLog

_DEADLINE_S = 60.0
_PAUSE_S = 0.05


class Resident:
    """Is the daemon of a stage; it starts with ``start`` and says READY before that returns."""

    def __init__(self, stage: Stage, environ: Mapping[str, str] | None = None) -> None:
        self.stage = stage
        self.environ = dict(environ or {})
        self.said = stage.folder / "daemon.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.notices: list[str] = []
        self._manager_path = stage.folder / "notify"
        self._manager: socket.socket | None = None

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @cached_property
    def log(self) -> SqlEventLog:
        """Returns the log as any other process reads it."""
        return open_log(f"sqlite:///{self.stage.database}", host=os.uname().nodename)

    @property
    def state(self) -> HostState:
        return self.log.state()

    def events(self) -> list[Event]:
        return [item.event for item in self.log.read()]

    def start(self) -> None:
        if self._manager is not None:
            self._manager.close()
        self.notices.clear()
        self._manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._manager_path.unlink(missing_ok=True)
        self._manager.bind(str(self._manager_path))
        with self.said.open("ab") as said:
            self.process = subprocess.Popen(
                self.stage.booted([str(VLANLOG), "daemon"]),
                env=self._environment(),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
            )
        self.awaits("READY=1")

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "LC_ALL": "C.UTF-8",
            "VLANLOG_HOOKS_DIR": str(self.stage.hooks),
            "VLANLOG_PYTHON": sys.executable,
            "VLANLOG_LIBVIRT_STATUS_DIR": str(self.status_folder),
            "NOTIFY_SOCKET": str(self._manager_path),
            **self.environ,
        }

    @property
    def status_folder(self) -> Path:
        """Returns the folder in which libvirt would keep what runs."""
        return self.stage.folder / "qemu"

    def awaits(self, notice: str) -> None:
        """Waits until the daemon has told the service manager so."""
        assert self._manager is not None
        assert self.process is not None
        self._manager.settimeout(_PAUSE_S)
        ends = time.monotonic() + _DEADLINE_S
        while notice not in self.notices:
            try:
                self.notices += self._manager.recv(65536).decode().splitlines()
            except TimeoutError:
                over = self.process.poll() is not None or time.monotonic() > ends
                assert not over, self.said.read_text()

    def stop(self) -> int:
        """Ends it as a service manager does; returns its exit status."""
        return self.ended_by(signal.SIGTERM)

    def kill(self) -> None:
        self.ended_by(signal.SIGKILL)

    def ended_by(self, number: signal.Signals) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        status = self.process.wait(_DEADLINE_S)
        self.process = None
        return status

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def close(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        if self._manager is not None:
            self._manager.close()

    def settled(self, deadline_s: float = _DEADLINE_S) -> HostState:
        """Returns the log's state as soon as it is what the kernel carries.

        Raises: AssertionError with both where that does not come in time.
        """
        with NetlinkReader() as reader:
            return self.settled_with(reader, deadline_s)

    def settled_with(self, reader: NetlinkReader, deadline_s: float = _DEADLINE_S) -> HostState:
        """Returns it likewise, for the network namespace of the reader."""
        ends = time.monotonic() + deadline_s
        while True:
            state, table = self.state, reader.read()
            if state.table == table:
                return state
            if time.monotonic() > ends:
                raise AssertionError(unlike(state.table, table) + self.said.read_text())
            time.sleep(_PAUSE_S)


def unlike(known: PortTable, kernel: PortTable) -> str:
    """Returns what is not the same, in words."""
    lines = ["the log's projection is not what the kernel carries:"]
    for index in sorted(known.ports.keys() | kernel.ports.keys()):
        pair = known.ports.get(index), kernel.ports.get(index)
        if pair[0] != pair[1]:
            lines.append(f"  {index}: log {pair[0]}\n      kernel {pair[1]}")
    lines.append(f"  bridges: log {known.bridges}\n  kernel {kernel.bridges}\n")
    return "\n".join(lines)


@contextmanager
def watched(stage: Stage, environ: Mapping[str, str] | None = None) -> Iterator[Resident]:
    """Yields the daemon, started; it is ended whatever happens."""
    resident = Resident(stage, environ)
    try:
        resident.start()
        yield resident
    finally:
        resident.close()
