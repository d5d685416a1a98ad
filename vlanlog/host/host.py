"""An opened host: its settings, its log, its kernel, and its config files.

Must not open anything by itself but the kernel, and that only when it is asked for.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from vlanlog import record
from vlanlog.config import Settings
from vlanlog.core.state import HostState, IfIndex, PortTable
from vlanlog.host.files import ConfigFiles, read_config
from vlanlog.host.place import At, Place, place_of, unwatched
from vlanlog.identity import SystemClock
from vlanlog.journal import Journal
from vlanlog.ports import Clock, EventLog, Eye, KernelReader, KernelWriter

if TYPE_CHECKING:
    from vlanlog.kernel.read import NetlinkReader
    from vlanlog.kernel.write import NetlinkWriter


class Kernel(Protocol):
    """Is the kernel as a host has it: to read, to program, and to look at for the record."""

    @property
    def reader(self) -> KernelReader:
        """Returns the kernel's reader. Raises: KernelError."""

    @property
    def writer(self) -> KernelWriter:
        """Returns the kernel's writer. Raises: KernelError."""

    @property
    def eye(self) -> Eye:
        """Returns what looks at the kernel for the record. Raises: KernelError."""


class UnwatchedKernel:
    """Is the kernel where nobody watches it: opened when it is first asked for."""

    def __init__(self, journal: Journal, stack: ExitStack) -> None:
        self._journal = journal
        self._stack = stack

    @cached_property
    def reader(self) -> NetlinkReader:
        """Returns the kernel's reader. Raises: KernelError."""
        # Questions to the log alone need not wait for it to load.
        from vlanlog.kernel.read import NetlinkReader

        return self._stack.enter_context(NetlinkReader())

    @cached_property
    def writer(self) -> NetlinkWriter:
        """Returns the kernel's writer. Raises: KernelError."""
        from vlanlog.kernel.write import NetlinkWriter

        return self._stack.enter_context(NetlinkWriter())

    @cached_property
    def eye(self) -> record.Rereading:
        """Returns an eye that reads all of the kernel. Raises: KernelError."""
        return record.Rereading(self._journal, self.reader)


@dataclass(kw_only=True)
class Host:
    """Is an opened host; ``notes`` collects what the user should hear of the record itself."""

    settings: Settings
    log: EventLog
    journal: Journal
    kernel: Kernel
    notes: list[str] = field(default_factory=list)
    clock: Clock = field(default_factory=SystemClock)

    @property
    def state(self) -> HostState:
        """Returns what the log says now."""
        return self.journal.state

    def place_of(self, at: At | None, *, utc: bool = False) -> Place | None:
        """Returns where in the log a moment is, None for now; UTC is for what an error says.

        Raises: UsageError where the log does not cover it; StoreError.
        """
        if at is None:
            return None
        return place_of(self.log, at, now_ns=self.clock.now_ns(), utc=utc)

    def state_at(self, place: Place | None, *, utc: bool = False) -> HostState:
        """Returns what the log says of a place, None for now; notes where nobody watched.

        Raises: StoreError.
        """
        if place is None:
            return self.state
        then = self.log.state(at_seq=place.seq)
        if (remark := unwatched(self.log, place, then.coverage, utc=utc)) is not None:
            self.notes.append(remark)
        return then

    def look(self, *, only: Collection[IfIndex] | None = None) -> PortTable:
        """Looks at the kernel and records what the log did not know of; see ``ports.Eye``."""
        return self.kernel.eye.look(only=only)

    def load_config(
        self, *, bridges: Path | None = None, ports: Path | None = None, anew: bool = False
    ) -> ConfigFiles:
        """Reads the config files (those of conf/ by default) and records what is new in them."""
        files = read_config(
            bridges or self.settings.conf / "bridge_init.conf",
            ports or self.settings.conf / "vlan_filtering.conf",
            self.state.config,
            anew=anew,
        )
        record.config(self.journal, files.facts)
        return files
