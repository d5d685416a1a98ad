"""Files that a command line names: ``-`` for stdin and stdout, compressed ones as they are named.

Must not leave half a file behind under the name that was asked for.
"""

from __future__ import annotations

import gzip
import lzma
import os
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedIOBase, BufferedReader, BufferedWriter
from pathlib import Path

from vlanlog.errors import VlanlogError

SPOILED = (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile)
"""What reading raises where a compressed file was cut short or damaged."""


class FileError(VlanlogError):
    """Says that a file that the command line names cannot be read or written."""


@contextmanager
def written(name: str) -> Iterator[BufferedIOBase]:
    """Yields a file to be written, which takes its name when all is in it and on the disk.

    Raises: FileError.
    """
    if name == "-":
        with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as out:
            yield out
        return
    path = Path(name)
    # Beside it, for a file is renamed only within one file system.
    new = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with new.open("xb") as file:
            with _packed(file, path.suffix) as packed:
                yield packed
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except BaseException as error:
        if not isinstance(error, FileExistsError):
            new.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise _failed(name, error) from error
        raise


@contextmanager
def read(name: str) -> Iterator[BufferedIOBase]:
    """Yields a file to be read, unpacked where it is compressed.

    Raises: FileError.
    """
    if name == "-":
        with os.fdopen(os.dup(sys.stdin.fileno()), "rb") as given:
            yield _unpacked(given)
        return
    try:
        file = Path(name).open("rb")  # noqa: SIM115  # closed below, where errors are not ours
    except OSError as error:
        raise _failed(name, error) from error
    with file:
        yield _unpacked(file)


def text_of(name: str) -> str:
    """Returns the text of a small file.

    Raises: FileError.
    """
    with read(name) as file:
        try:
            return file.read().decode()
        except (UnicodeDecodeError, *SPOILED) as error:
            raise FileError(f"{name} is no text: {error}", hint="is it the right file?") from error
        except OSError as error:
            raise _failed(name, error) from error


@contextmanager
def _packed(file: BufferedWriter, suffix: str) -> Iterator[BufferedIOBase]:
    match suffix:
        case ".gz":
            # Without a time in it: the same log gives the same bytes.
            with gzip.GzipFile(fileobj=file, mode="wb", filename="", mtime=0) as packed:
                yield packed
        case ".xz":
            # Its usual level takes seven times as long for a fifth less.
            with lzma.LZMAFile(file, "wb", preset=1) as packed:
                yield packed
        case _:
            yield file


def _unpacked(file: BufferedReader) -> BufferedIOBase:
    """Returns the file's content, by how it begins: it may have another name by now."""
    begins = file.peek(6)
    if begins.startswith(b"\x1f\x8b"):
        return gzip.GzipFile(fileobj=file)
    if begins.startswith(b"\xfd7zXZ\0"):
        return lzma.LZMAFile(file)
    return file


def _failed(name: str, error: OSError) -> FileError:
    return FileError(
        f"{name}: {error.strerror or error}", hint=f"look at: ls -ld {Path(name).parent} {name}"
    )
