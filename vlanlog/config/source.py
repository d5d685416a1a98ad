"""Reads a config file's bytes and text.

Must not know what is in them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from vlanlog.config.fault import ConfigFault, ConfigMissingError
from vlanlog.errors import ConfigError

_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Is a file as it was read, once.

    Shape: digest is the sha256 of the bytes in hex; text is empty where there is a fault.
    """

    file: str
    digest: str
    text: str = ""
    fault: ConfigFault | None = None


def read_source(path: Path) -> Source:
    """Returns the file's text, or the one fault that it is not UTF-8.

    Raises: ConfigMissingError where there is no such file, ConfigError where it cannot be read.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError as e:
        raise ConfigMissingError(
            f"{path}: no such file",
            hint="'vlanlog install' lays one down that has no entry in force",
        ) from e
    except OSError as e:
        raise ConfigError(f"{path}: cannot be read: {e.strerror}", hint="check its mode") from e
    digest = hashlib.sha256(content).hexdigest()
    try:
        return Source(file=str(path), digest=digest, text=content.removeprefix(_BOM).decode())
    except UnicodeDecodeError as e:
        return Source(file=str(path), digest=digest, fault=_undecodable(str(path), e))


def _undecodable(file: str, error: UnicodeDecodeError) -> ConfigFault:
    before = error.object[: error.start]
    column = error.start - (before.rfind(b"\n") + 1) + 1
    return ConfigFault(
        file=file,
        line=before.count(b"\n") + 1,
        section=None,
        key=None,
        found=f"byte 0x{error.object[error.start]:02x} at column {column} is not UTF-8",
        expected="a text file in UTF-8",
    )
