"""Starts one process group, copies what it prints as it prints it, and ends it whatever happens.

Ends only what it started: by process id, and by the process group that it made.
"""

import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import BinaryIO, NoReturn

from . import syscalls

TIMED_OUT = 124
"""The exit status after a timeout, as timeout(1) has it."""


class EndedError(Exception):
    """The run was ended from outside: by a signal, or by its own time limit."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


@contextmanager
def signals_raise() -> Iterator[None]:
    """Turns SIGINT, SIGTERM and SIGHUP into EndedError while it lasts."""

    def stop(number: int, _frame: FrameType | None) -> NoReturn:
        raise EndedError(128 + number, f"stopped by {signal.Signals(number).name}")

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, stop) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def run_to_end(
    command: Sequence[str],
    *,
    environment: dict[str, str],
    log: Path | None,
    pipes: dict[int, BinaryIO],
    kept: Sequence[int] = (),
    interactive: bool,
    timeout_s: float | None,
) -> int:
    """Runs a command, in a session of its own unless interactive; returns its exit status.

    `pipes` maps the read ends of pipes to the streams that they are copied to; `kept` are the
    descriptors that the command inherits, closed here once it has started; without a log the
    command has our own standard streams.

    Raises: EndedError.
    """
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    with (log or Path(os.devnull)).open("wb") as file:
        process = subprocess.Popen(
            command,
            env=environment,
            stdin=None if interactive else subprocess.DEVNULL,
            stdout=None if log is None else file,
            stderr=None if log is None else file,
            pass_fds=tuple(kept),
            # A session, not just a group: else the kernel would be stopped at its first touch
            # of our terminal (`--shell`).
            start_new_session=not interactive,
            preexec_fn=_die_with_runner,  # noqa: PLW1509 (there is one thread)
        )
    try:
        for descriptor in kept:
            os.close(descriptor)
        _copy_until_end(process, pipes, deadline)
        return process.wait()
    finally:
        _end(process, group=not interactive)


def _die_with_runner() -> None:
    syscalls.die_with_parent(signal.SIGKILL)


def _copy_until_end(
    process: subprocess.Popen[bytes], pipes: dict[int, BinaryIO], deadline: float | None
) -> None:
    """Copies until the process has ended and the pipes are empty."""
    handle = os.pidfd_open(process.pid)
    try:
        with selectors.DefaultSelector() as selector:
            for pipe in (handle, *pipes):
                selector.register(pipe, selectors.EVENT_READ)
            ready = _wait(selector, deadline)
            while handle not in ready:
                for pipe in ready:
                    if not _copy(pipe, pipes[pipe]):
                        selector.unregister(pipe)
                ready = _wait(selector, deadline)
    finally:
        os.close(handle)
    for pipe, stream in pipes.items():
        os.set_blocking(pipe, False)
        _drain(pipe, stream)


def _wait(selector: selectors.BaseSelector, deadline: float | None) -> set[int]:
    left = None if deadline is None else deadline - time.monotonic()
    ready = {key.fd for key, _ in selector.select(left)}
    if not ready:
        raise EndedError(TIMED_OUT, "timed out")
    return ready


def _drain(pipe: int, stream: BinaryIO) -> None:
    # A process that outlives the kernel may hold the other end: no waiting for it.
    with suppress(BlockingIOError):
        while _copy(pipe, stream):
            pass


def _copy(pipe: int, stream: BinaryIO) -> bool:
    """Copies what is there; returns whether there may be more."""
    data = os.read(pipe, 65536)
    stream.write(data)
    stream.flush()
    return bool(data)


def _end(process: subprocess.Popen[bytes], *, group: bool) -> None:
    """Kills what is left: both back ends' kernels then end all that runs in the lab."""
    if process.poll() is None:
        process.kill()
        process.wait()
    if group:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def standard_streams() -> tuple[BinaryIO, ...]:
    """Returns our standard output and error; only the first when both go to the same place.

    One stream then carries both, and their order is that in which the command wrote.
    """
    out, err = os.fstat(1), os.fstat(2)
    if (out.st_dev, out.st_ino) == (err.st_dev, err.st_ino):
        return (sys.stdout.buffer,)
    return (sys.stdout.buffer, sys.stderr.buffer)
