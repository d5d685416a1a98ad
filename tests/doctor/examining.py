"""A host in a folder for the checks that look at files, processes and the log.

Must not compare anything.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from vlanlog.config import load_settings
from vlanlog.core.finding import Finding, Grade
from vlanlog.core.state import PortTable
from vlanlog.doctor.examination import CHECKS, found
from vlanlog.doctor.view import View
from vlanlog.store import open_log
from vlanlog.store.log import SqlEventLog

SOURCES = Path(__file__).parents[2]
HOST = "host"
NOBODY = 65534


def a_view(folder: Path, table: PortTable | None = None) -> View:
    """Returns a host whose files are all in the folder, with these bridges and ports."""
    settings = load_settings(
        {"VLANLOG_HOST": HOST},
        folder / "hooks",
        database=folder / "db" / "log.db",
        spool=folder / "spool",
        socket=folder / "socket",
        libvirt_status=folder / "qemu",
    )
    kernel = table or PortTable()
    return View(settings=settings, root=folder, table=lambda: kernel)


def findings(view: View, check: str) -> list[Finding]:
    """Returns what one check finds now: nothing is left of an earlier look."""
    fresh = replace(view, stack=ExitStack())
    with fresh.stack:
        return list(found(check, CHECKS[check], fresh))


def told(view: View, check: str) -> list[tuple[Grade, str]]:
    """Returns grade and text of what one check finds, the folder written as /."""
    return [(item.grade, item.text.replace(str(view.root), "")) for item in findings(view, check)]


def write(view: View, name: str, text: str) -> Path:
    """Writes a file of the host."""
    path = view.path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def lay_down(view: View) -> None:
    """Lays down the hooks as an installer does: they name their interpreter."""
    hooks = view.settings.hooks
    shutil.copytree(SOURCES / "hooks", hooks, symlinks=True, dirs_exist_ok=True)
    for path in hooks.rglob("*"):
        if path.is_file() and not path.is_symlink():
            lines = path.read_text().splitlines()
            own = f'PYTHON="{sys.executable}"'
            path.write_text("\n".join(own if x[:7] == "PYTHON=" else x for x in lines) + "\n")


def log_of(view: View) -> SqlEventLog:
    """Returns the host's log, made where there was none."""
    assert view.database_file is not None
    view.database_file.parent.mkdir(exist_ok=True)
    return open_log(view.settings.database, host=HOST)


def tree_of(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Returns every file under a folder with its mode and content; SQLite's own are left out."""
    return {
        str(path.relative_to(folder)): (path.lstat().st_mode, path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith(("-wal", "-shm", ".lock"))
    }


def process(view: View, pid: int, comm: str, *, age_s: float = 0.0, context: str = "") -> None:
    """Puts a process into the host's /proc, which was started so long ago."""
    up_s = 10_000.0
    ticks = round((up_s - age_s) * os.sysconf("SC_CLK_TCK"))
    write(view, f"proc/{pid}/comm", f"{comm}\n")
    write(view, f"proc/{pid}/stat", f"{pid} ({comm}) S {'0 ' * 18}{ticks} 0\n")
    write(view, f"proc/{pid}/attr/current", context)
    write(view, "proc/uptime", f"{up_s} 0\n")


@contextmanager
def as_nobody() -> Iterator[None]:
    """Runs the block without root's rights, whoever runs the tests."""
    user = os.geteuid()
    os.seteuid(NOBODY if user == 0 else user)
    try:
        yield
    finally:
        os.seteuid(user)
