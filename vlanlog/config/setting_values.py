"""Reads the single values of vlanlog's own settings: the database, paths, times, counts.

Must not know where a value was written, and must not repeat a database URL: it has a password.
"""

from __future__ import annotations

import math
import re
from pathlib import Path

from vlanlog.config.fault import BadValueError

_LONGEST_S = 3600.0
_COUNT = re.compile(r"[0-9]{1,9}")
_URL = re.compile(r"(?P<dialect>[a-z0-9_]+)(\+[a-z0-9_]+)?://(?P<rest>.*)")
_HOST_BYTES = 255
_SOCKET_BYTES = 107
_BUFFER_MIN, _BUFFER_MAX = 2304, 512 << 20


def database_url(text: str) -> str:
    """Returns a SQLAlchemy URL; a path becomes that of a SQLite file.

    Raises: BadValueError.
    """
    if "\n" in text:
        raise BadValueError("a value of several lines", "a database URL or a path in one")
    url = _URL.fullmatch(text)
    if url is None:
        if "?" in text:
            raise BadValueError("a path with a '?'", "a path without, or a SQLAlchemy URL")
        return f"sqlite:///{absolute_path(text)}"
    if url["dialect"] not in {"sqlite", "postgresql"}:
        raise BadValueError(f"database {url['dialect']!r}", "sqlite or postgresql")
    if url["dialect"] == "sqlite" and not url["rest"].startswith("//"):
        # Each command would make a database of its own where it happens to run.
        raise BadValueError("a relative SQLite path", "sqlite:// and an absolute path: 4 slashes")
    return text


def absolute_path(text: str) -> Path:
    """Returns the path of a file or folder.

    Raises: BadValueError.
    """
    if not text.startswith("/") or not text.isprintable():
        raise BadValueError(f"{text!r} is not an absolute path", "one that starts with '/'")
    return Path(text)


def socket_path(text: str) -> Path:
    """Returns the path of a socket.

    Raises: BadValueError.
    Source: ``sun_path`` in unix(7).
    """
    if len(text.encode()) > _SOCKET_BYTES:
        raise BadValueError(f"{text!r} is too long", f"at most {_SOCKET_BYTES} bytes")
    return absolute_path(text)


def seconds(text: str) -> float:
    """Returns a time that is not nothing and not more than an hour.

    Raises: BadValueError.
    """
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number <= _LONGEST_S:
        raise BadValueError(f"{text!r}", f"seconds, more than 0 and at most {_LONGEST_S:.0f}")
    return number


def events(text: str) -> int:
    """Returns a number of events, at least one.

    Raises: BadValueError.
    """
    if _COUNT.fullmatch(text) is None or int(text) == 0:
        raise BadValueError(f"{text!r}", "a number of events, 1 or more")
    return int(text)


def buffer_bytes(text: str) -> int:
    """Returns the size of a socket's receive buffer, in bytes.

    Raises: BadValueError.
    Source: socket(7): the kernel doubles it, and what it counts is an int.
    """
    if _COUNT.fullmatch(text) is None or not _BUFFER_MIN <= int(text) <= _BUFFER_MAX:
        expected = f"bytes, {_BUFFER_MIN} to {_BUFFER_MAX}"
        raise BadValueError(f"{text!r}", expected)
    return int(text)


def host_name(text: str) -> str:
    """Returns the name under which this host's events are kept.

    Raises: BadValueError.
    """
    if not text.isprintable() or " " in text or len(text.encode()) > _HOST_BYTES:
        raise BadValueError(f"{text!r}", "a host's name without blanks")
    return text
