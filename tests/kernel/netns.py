"""A network namespace of its own for a test, and the host's tools run inside it.

Must not leave the test process in another namespace than it was in.
"""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

CLONE_NEWNET = 0x40000000
_LIBC = ctypes.CDLL(None, use_errno=True)


def _checked(status: int) -> None:
    if status:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


@contextmanager
def entered() -> Iterator[None]:
    """Runs the block in a fresh network namespace, which ends with it."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        _checked(_LIBC.unshare(CLONE_NEWNET))
        try:
            yield
        finally:
            _checked(_LIBC.setns(home, CLONE_NEWNET))
    finally:
        os.close(home)


def run(*command: str, stdin: str | None = None) -> str:
    """Returns the command's output; a failure raises with what it said."""
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssertionError(f"{' '.join(command)}: {done.stderr or done.stdout}")
    return done.stdout


def ip(*arguments: str) -> None:
    run("ip", *arguments)


def bridge(*arguments: str) -> None:
    run("bridge", *arguments)


def ip_batch(lines: Iterable[str]) -> None:
    run("ip", "-batch", "-", stdin="\n".join(lines) + "\n")


def sysfs(path: str, value: str) -> str:
    """Writes to /sys/class/net as this namespace shows it; returns the error's text."""
    script = 'mount -t sysfs none /sys && printf %s "$2" > "/sys/class/net/$1"'
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script, "sh", path, value],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stderr.strip()


def index(name: str) -> int:
    """Returns the ifindex of a device of this namespace."""
    return socket.if_nametoindex(name)
