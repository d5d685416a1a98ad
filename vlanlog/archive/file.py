"""An archive's file: an export packed by xz, written whole or not at all, and read back.

Must not touch the database.
"""

from __future__ import annotations

import fcntl
import hashlib
import lzma
import os
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from vlanlog.core import export
from vlanlog.core.export import ExportError, Header, Link
from vlanlog.core.state import Seq
from vlanlog.errors import BusyError, StoreError

_MODE = 0o600
_ANEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
_FOLDER_MODE = 0o750

LEVEL = 6
"""xz's level: 50 bytes an event, half of what gzip and xz's fast levels leave; 0.2 ms an event,
once, for what is kept for years."""

_BLOCK = 1 << 20

_NOTHING: Mapping[str, Mapping[Seq, frozenset[bytes]]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """Is a file as it lies on the disk; sha256 in hex."""

    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """Is what a file holds, its chain checked from end to end.

    Shape: last and hash are the place and the hash of its last event.
    """

    header: Header
    last: Seq
    hash: bytes
    events: int


class SpoiledError(StoreError):
    """Says that a file is not the archive that it should be; ``why`` leaves out which."""

    def __init__(self, path: Path, why: str, *, hint: str = "") -> None:
        super().__init__(f"{path}: {why}", hint=hint)
        self.why = why


def name_of(host: str, first: Seq, last: Seq) -> str:
    """Returns the name of the file for a stretch; names sort as the stretches follow."""
    return f"{_safe(host)}-{first:012d}-{last:012d}.jsonl.xz"


@contextmanager
def held(folder: Path, host: str) -> Iterator[None]:
    """Makes the folder and keeps all others from archiving the same host there.

    Raises: BusyError, StoreError.
    """
    with _translated(folder):
        folder.mkdir(mode=_FOLDER_MODE, exist_ok=True)
        lock = os.open(
            folder / f".{_safe(host)}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _MODE
        )
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BusyError(
                f"another process archives {host} in {folder}", hint="let it end"
            ) from error
        yield
    finally:
        os.close(lock)


def write(path: Path, header: Header, links: Iterable[Link]) -> Written:
    """Writes the file beside its name, and gives it the name when all of it is on the disk.

    What a run that was killed has left is written over.
    Raises: ExportError where the chain is broken; StoreError.
    """
    new = path.with_name(f".{_safe(header.host)}.new")
    with _translated(path):
        try:
            with os.fdopen(os.open(new, _ANEW, _MODE), "wb") as file:
                counted = _Counted(file)
                with lzma.LZMAFile(counted, "wb", preset=LEVEL) as packed:  # type: ignore[arg-type]
                    for line in export.lines(header, links):
                        packed.write(f"{line}\n".encode())
                file.flush()
                os.fsync(file.fileno())
            new.replace(path)
            _sync_folder(path.parent)
        except BaseException:
            new.unlink(missing_ok=True)
            raise
    return Written(size_bytes=counted.size_bytes, sha256=counted.sha256.hexdigest())


def read_back(
    path: Path, known: Mapping[str, Mapping[Seq, frozenset[bytes]]] = _NOTHING
) -> tuple[Written, Content]:
    """Returns what the file is and what it holds; each event is checked against its chain.

    ``known`` has by host and place the hashes that an event has to have.
    Raises: SpoiledError, StoreError.
    """
    with _translated(path), path.open("rb") as file:
        found = _sum_of(file)
        file.seek(0)
        try:
            with lzma.LZMAFile(file) as lines:
                header, links = export.read(lines)
                if header.selection:
                    raise SpoiledError(path, "it is a selection: its chain has holes")
                places = known.get(header.host, {})
                return found, _content(header, _compared(links, places, path))
        except ExportError as error:
            raise SpoiledError(path, f"line {error.line}: {error.why}") from error
        except (EOFError, lzma.LZMAError) as error:
            raise SpoiledError(path, f"it cannot be unpacked: {error}") from error


def _compared(
    links: Iterator[Link], known: Mapping[Seq, frozenset[bytes]], path: Path
) -> Iterator[Link]:
    for link in links:
        if known.get(link.seq, {link.hash}) != {link.hash}:
            raise SpoiledError(path, f"event {link.seq} is known with another hash")
        yield link


def _content(header: Header, links: Iterator[Link]) -> Content:
    numbered = deque(enumerate(links, start=1), maxlen=1)
    if not numbered:
        return Content(header=header, last=header.after, hash=header.after_hash, events=0)
    ((count, last),) = numbered
    return Content(header=header, last=last.seq, hash=last.hash, events=count)


def _sum_of(file: BinaryIO) -> Written:
    total, size_bytes = hashlib.sha256(), 0
    while block := file.read(_BLOCK):
        total.update(block)
        size_bytes += len(block)
    return Written(size_bytes=size_bytes, sha256=total.hexdigest())


class _Counted:
    """Is a file that sums up what is written to it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.sha256 = hashlib.sha256()
        self.size_bytes = 0

    def write(self, data: bytes) -> int:
        self.sha256.update(data)
        self.size_bytes += len(data)
        return self._file.write(data)


def _safe(host: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]|^\.", "_", host)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"{path}: {error.strerror or error}",
            hint=f"look at: ls -ld {path.parent} {path}; df {path.parent}",
        ) from error
