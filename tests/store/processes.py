"""Starts other processes at a database, and ends them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]


class Child:
    """Is a process that runs ``tests.store.child``."""

    def __init__(self, *words: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.store.child", *words],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.pid = self._process.pid

    def line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def wait_ready(self) -> None:
        assert self.line() == "ready"

    def go(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def rest(self) -> list[str]:
        """Returns what it still says until it ends, its exit status last."""
        assert self._process.stdout is not None
        lines = self._process.stdout.read().splitlines()
        return [*lines, f"exit {self._process.wait()}"]

    def kill(self) -> list[str]:
        """Kills it with signal 9; returns what it had said by then."""
        self._process.kill()
        return self.rest()[:-1]

    def end(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


@contextmanager
def children(number: int, *words: str) -> Iterator[list[Child]]:
    """Yields processes that all are ready."""
    started = [Child(*words) for _ in range(number)]
    try:
        for child in started:
            child.wait_ready()
        yield started
    finally:
        for child in started:
            child.end()
