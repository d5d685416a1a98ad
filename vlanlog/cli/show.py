"""The way to the terminal: results on stdout, everything else on stderr.

Must not compute results.
"""

from __future__ import annotations

import os
import shutil
import sys

from vlanlog.errors import VlanlogError
from vlanlog.render.words import plain, remark


def explain(error: VlanlogError) -> None:
    """Prints an error and its hint on stderr."""
    lines = error.message.splitlines() or [""]
    for line in lines:
        print(f"vlanlog: error: {plain(line)}", file=sys.stderr)
    if error.hint:
        hint(error.hint)


def hint(text: str) -> None:
    """Prints on stderr what to do next."""
    print(f"hint: {plain(text)}", file=sys.stderr)


def note(text: str) -> None:
    """Prints a remark on stderr."""
    say(remark(text))


def say(text: str) -> None:
    """Prints on stderr; where that fails, this and all that follows is lost.

    A hook's stderr is a log file: a disk that is full must not keep a guest from starting.
    """
    try:
        print(text, file=sys.stderr, flush=True)
    except OSError:
        # Else the interpreter tries again when it ends, and ends with 120.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stderr.fileno())
        os.close(nowhere)


def width() -> int | None:
    """Returns the terminal's width in columns, None where stdout is no terminal."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def colour() -> bool:
    """Tells whether stdout takes colours: a terminal, and NO_COLOR is not set."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")
