"""The command, run in a process of its own, and what it writes as one text.

Must not judge: ``test_golden.py`` compares.
"""

from __future__ import annotations

import io
import os
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path

from vlanlog.cli.app import main

DATA = Path(__file__).parents[1] / "data" / "cli"
# Words of the person who runs the tests must not change what is written.
KEPT = ("PATH", "HOME", "LD_LIBRARY_PATH")


def environment(folder: Path, **more: str) -> dict[str, str]:
    """Returns a terminal of 80 columns without colours, and a host with its files in the folder."""
    return {
        **{name: os.environ[name] for name in KEPT if name in os.environ},
        "COLUMNS": "80",
        "NO_COLOR": "1",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "VLANLOG_HOOKS_DIR": str(folder),
        "VLANLOG_DATABASE": f"sqlite:///{folder}/log.db",
        "VLANLOG_SPOOL_DIR": str(folder / "spool"),
        "VLANLOG_HOST": "host",
        **more,
    }


def transcript(folder: Path, words: Sequence[str], **more: str) -> str:
    """Returns the command line, its stdout, its stderr and its exit status.

    The folder, which holds hooks, log and spool, is written as FOLDER.
    """
    out, err = folder / "stdout", folder / "stderr"
    status = _run(words, environment(folder, **more), out, err)
    shown = " ".join(["vlanlog", *(repr(word) if repr(word) != f"'{word}'" or " " in word else word
                                   for word in words)])  # fmt: skip
    parts = [f"$ {shown}\n", out.read_text()]
    if told := err.read_text():
        parts.append(f"--- stderr\n{told}")
    parts.append(f"--- exit status {status}\n")
    return "".join(parts).replace(str(folder), "FOLDER")


def _run(words: Sequence[str], environ: Mapping[str, str], out: Path, err: Path) -> int:
    """Runs the command in a fork: half a second of imports is done once for all of them."""
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        return os.waitstatus_to_exitcode(status)
    try:
        _become(words, environ, out, err)
        main()
    except SystemExit as end:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(end.code if isinstance(end.code, int) else 1)
    except BaseException:
        traceback.print_exc()
        os._exit(99)
    os._exit(98)


def _become(words: Sequence[str], environ: Mapping[str, str], out: Path, err: Path) -> None:
    for number, path in ((1, out), (2, err)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    sys.stdin = io.TextIOWrapper(io.FileIO(os.devnull))
    sys.stdout = io.TextIOWrapper(io.FileIO(1, "w"), encoding="utf-8", write_through=True)
    sys.stderr = io.TextIOWrapper(io.FileIO(2, "w"), encoding="utf-8", write_through=True)
    sys.argv = ["vlanlog", *words]
    os.environ.clear()
    os.environ.update(environ)
    time.tzset()
