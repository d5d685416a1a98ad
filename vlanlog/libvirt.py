"""Reads which guests run, and on which taps, from the status files that libvirt keeps of them.

Must never call libvirt: a hook may be holding the guest, and the two would wait for each other.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from vlanlog.core.domain import DomainError, parse_status
from vlanlog.core.state import Guest

STATUS_FOLDER = Path("/run/libvirt/qemu")
"""Is where the QEMU driver of libvirtd and virtqemud keeps them: ``cfg->stateDir``."""

_SUFFIX = ".xml"
# Not "crashed": then QEMU and its taps are kept (on_crash=preserve), or else the file goes too.
_NOT_RUNNING = "shutoff"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """Is a status file, or the folder, that cannot be read, and why."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """Is what the folder said of all guests.

    Shape: each running guest by the file that says so, both in order of the files' names.
    """

    guests: Mapping[Path, Guest] = field(default_factory=dict)
    unread: tuple[Unread, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """Is a file as it was read: which one it was, and what it said (None: not running)."""

    stamp: tuple[int, int, int] | None
    said: Guest | Unread | None


class LiveGuests:
    """Is the folder of status files, of which only those that changed are read again.

    libvirt writes ``NAME.xml.new`` and renames it: a file is there whole, and each new one has
    another inode than the one before.
    Source: ``virDomainObjSave``, ``virFileRewrite``.
    """

    def __init__(self, folder: Path = STATUS_FOLDER) -> None:
        self._folder = folder
        self._seen: Mapping[Path, _Seen] = {}

    def read(self) -> Live:
        """Returns what the folder says now; without a folder there are no guests."""
        try:
            with os.scandir(self._folder) as entries:
                files = sorted(Path(entry.path) for entry in entries if _is_status_file(entry))
        except FileNotFoundError:
            files = []
        except OSError as error:
            return Live(unread=(_unread(self._folder, error),))
        seen = {path: self._look(path) for path in files}
        self._seen = {path: found for path, found in seen.items() if found is not None}
        said = {path: found.said for path, found in self._seen.items()}
        return Live(
            guests={path: guest for path, guest in said.items() if isinstance(guest, Guest)},
            unread=tuple(unread for unread in said.values() if isinstance(unread, Unread)),
        )

    def _look(self, path: Path) -> _Seen | None:
        try:
            known = self._seen.get(path)
            if known is not None and known.stamp == _stamp(path.lstat()):
                return known
            return _read(path)
        except FileNotFoundError:
            # The guest has ended since the folder was listed.
            return None
        except OSError as error:
            return _Seen(stamp=None, said=_unread(path, error))


def running_guests(folder: Path = STATUS_FOLDER) -> Live:
    """Returns what the folder says now, to one who asks once."""
    return LiveGuests(folder).read()


def _is_status_file(entry: os.DirEntry[str]) -> bool:
    return entry.name.endswith(_SUFFIX) and entry.is_file(follow_symlinks=False)


def _read(path: Path) -> _Seen:
    with path.open("rb") as file:
        # Of the file that is open: the name may be another one's by now.
        stamp = _stamp(os.fstat(file.fileno()))
        xml = file.read()
    return _Seen(stamp=stamp, said=_told(path, xml))


def _told(path: Path, xml: bytes) -> Guest | Unread | None:
    try:
        status = parse_status(xml)
    except DomainError as error:
        return Unread(path=path, reason=str(error))
    if status.state == _NOT_RUNNING:
        return None
    domain = status.domain
    return Guest(uuid=domain.uuid, name=domain.name, running=True, nics=domain.nics)


def _stamp(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_mtime_ns, status.st_size, status.st_ino


def _unread(path: Path, error: OSError) -> Unread:
    return Unread(path=path, reason=error.strerror or str(error))
