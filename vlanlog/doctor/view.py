"""What the checks look at: a host's kernel, files, processes and log, each read once.

Must not judge, and must not change anything, not even the schema of an old database.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from vlanlog.config import Settings
from vlanlog.core.desired import Desired, desired
from vlanlog.core.device import Device
from vlanlog.core.state import Guest, HostState, IfIndex, Owners, PortTable
from vlanlog.host.files import ConfigFiles
from vlanlog.host.host import Host
from vlanlog.host.opening import Mode, opened
from vlanlog.kernel.devices import read_devices
from vlanlog.kernel.read import NetlinkReader
from vlanlog.libvirt import Live, running_guests
from vlanlog.store.engine import open_engine
from vlanlog.store.existing import Engine
from vlanlog.store.schema import HEAD
from vlanlog.store.upgrade import revision_of


class NotSeenError(Exception):
    """Says that a check cannot be done, why, and with what it could."""

    def __init__(self, text: str, hint: str = "") -> None:
        super().__init__(text)
        self.text = text
        self.hint = hint


def kernel_table() -> PortTable:
    """Returns the bridges and ports of this network namespace.

    Raises: KernelError.
    """
    with NetlinkReader() as reader:
        return reader.read()


@dataclass(kw_only=True)
class View:
    """Is a host that is examined; what several checks want is read at the first one's asking.

    Shape: root is where the host's file system begins; ``table`` and ``room`` read the kernel and
    the free space of a folder.
    """

    settings: Settings
    root: Path = Path("/")
    full: bool = False
    table: Callable[[], PortTable] = kernel_table
    room: Callable[[Path], os.statvfs_result] = os.statvfs
    stack: ExitStack = field(default_factory=ExitStack)

    @property
    def is_root(self) -> bool:
        """Tells whether the examination has root's rights."""
        return os.geteuid() == 0

    def path(self, name: str) -> Path:
        """Returns where a file of the host lies."""
        return self.root / name.lstrip("/")

    @cached_property
    def kernel(self) -> PortTable:
        """Returns the bridges and their ports. Raises: KernelError."""
        return self.table()

    @cached_property
    def devices(self) -> Mapping[IfIndex, Device]:
        """Returns the network devices. Raises: KernelError."""
        return read_devices()

    @cached_property
    def live(self) -> Live:
        """Returns which guests run, by libvirt's status files."""
        return running_guests(self.settings.libvirt_status)

    @property
    def database_file(self) -> Path | None:
        """Returns the file of an SQLite database, None for a server's."""
        scheme, _, rest = self.settings.database.partition(":///")
        return Path(rest.partition("?")[0]) if scheme.startswith("sqlite") else None

    @cached_property
    def engine(self) -> Engine | None:
        """Returns the database as it is, None where there is no file of it yet.

        Raises: StoreError; NotSeenError where its folder may not be entered.
        """
        # Opening one makes its folder.
        if self.database_file is not None and not _has_content(self.database_file):
            return None
        timeout_s = self.settings.lock_timeout_s
        engine = open_engine(self.settings.database, timeout_s=timeout_s, makes=False)
        self.stack.callback(engine.dispose)
        return engine

    @cached_property
    def revision(self) -> str | None:
        """Returns the schema that the database has, None where there is none yet.

        Raises: StoreError, StoreNewerError.
        """
        return None if self.engine is None else revision_of(self.engine)

    @property
    def log(self) -> Engine:
        """Returns the database, whose tables are those that this program knows.

        Raises: StoreError; NotSeenError where that is not so.
        """
        if self.engine is None or self.revision != HEAD:
            raise NotSeenError("there is no log to be read", "see the check 'database'")
        return self.engine

    @cached_property
    def host(self) -> Host:
        """Returns the host as a rehearsal opens it; its config is that of the files.

        Raises: StoreError; NotSeenError where opening it would upgrade the database.
        """
        if self.engine is not None and self.revision != HEAD:
            raise NotSeenError("the database has another schema", "see the check 'database'")
        return self.stack.enter_context(opened(self.settings, Mode.REHEARSE))

    @cached_property
    def config(self) -> ConfigFiles:
        """Returns the config files, read anew. Raises: as ``host``."""
        return self.host.load_config(anew=True)

    @cached_property
    def state(self) -> HostState:
        """Returns what the log says now, with the config of the files. Raises: as ``host``."""
        _ = self.config
        return self.host.state

    @cached_property
    def desired(self) -> Desired:
        """Returns what ports should carry, those of guests that only libvirt tells of too.

        Raises: as ``host``; KernelError.
        """
        known = {guest.uuid: guest for guest in self.guests}
        return desired(replace(self.state, guests=known), self.kernel)

    @cached_property
    def guests(self) -> tuple[Guest, ...]:
        """Returns the guests that run: by libvirt's word, and where it has none by the log's."""
        live = {guest.uuid: guest for guest in self.live.guests.values()}
        told = {guest.uuid: guest for guest in self.state.guests.values() if guest.running}
        return tuple({**told, **live}.values())

    @cached_property
    def owners(self) -> Owners:
        """Returns the running guest and NIC behind each tap."""
        return Owners(
            {nic.tap: (guest, nic) for guest in self.guests for nic in guest.nics if nic.tap}
        )

    def read_text(self, path: Path) -> str:
        """Returns a file's text, nothing where there is none.

        Raises: NotSeenError where it may not be read.
        """
        try:
            return path.read_text(encoding="utf-8", errors="replace")
        except (FileNotFoundError, NotADirectoryError):
            return ""
        except OSError as error:
            raise NotSeenError(f"{path}: {error.strerror}", as_root(error)) from error

    def listed(self, folder: Path, pattern: str = "*") -> list[Path]:
        """Returns the files of a folder by name, none where it is not there.

        Raises: NotSeenError where it may not be read.
        """
        try:
            found = sorted(folder.iterdir())
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise NotSeenError(f"{folder}: {error.strerror}", as_root(error)) from error
        return [path for path in found if path.match(pattern)]

    def processes(self, *names: str) -> Iterator[tuple[int, str]]:
        """Yields pid and name of the host's processes that are called so."""
        for folder in self.path("proc").glob("[0-9]*"):
            try:
                name = (folder / "comm").read_text(errors="replace").strip()
            except OSError:
                # It has ended.
                continue
            if name in names:
                yield int(folder.name), name


def as_root(error: OSError) -> str:
    """Returns the way to know more, where rights are what is missing."""
    return "run 'vlanlog doctor' as root" if isinstance(error, PermissionError) else ""


def _has_content(file: Path) -> bool:
    try:
        return bool(file.stat().st_size)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise NotSeenError(f"{file}: {error.strerror}", as_root(error)) from error
