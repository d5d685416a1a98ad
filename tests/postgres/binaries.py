"""Finds PostgreSQL's programs: on PATH, where Debian keeps them, else unpacked into a cache.

Must not install anything.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

_PACKAGES = Path(__file__).resolve().parent.parent / "lab" / "packages.py"


@dataclass(frozen=True, slots=True, kw_only=True)
class Binaries:
    """Is a folder with initdb and postgres, and where they find their libraries.

    Shape: tree is what unpacked packages lie in, None for installed ones.
    """

    folder: Path
    libraries: tuple[Path, ...] = ()
    tree: Path | None = None

    def copied(self, folder: Path) -> Binaries:
        """Returns programs that others than root can run: a cache under /root is closed to them."""
        if self.tree is None:
            return self
        shutil.copytree(self.tree / "usr", folder / "usr", symlinks=True)
        return in_tree(folder)

    def environment(self) -> dict[str, str]:
        # GMT is built in, every other time zone needs a file that may be missing.
        own = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TZ": "GMT"}
        if self.libraries:
            own["LD_LIBRARY_PATH"] = ":".join(str(folder) for folder in self.libraries)
        return own


def binaries() -> Binaries:
    """Returns PostgreSQL's programs; VLANLOG_TEST_POSTGRESQL names their folder, or a tree.

    Raises: RuntimeError where there are none and none can be fetched.
    """
    if named := os.environ.get("VLANLOG_TEST_POSTGRESQL"):
        folder = Path(named)
        return Binaries(folder=folder) if (folder / "initdb").exists() else in_tree(folder)
    if found := shutil.which("initdb"):
        folder = Path(found).resolve().parent
        if (folder / "postgres").exists():
            return Binaries(folder=folder)
    if installed := _newest(Path("/")):
        return Binaries(folder=installed)
    command = [sys.executable, str(_PACKAGES), "postgresql"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError("no PostgreSQL on this machine, and none could be fetched: see above")
    return in_tree(Path(done.stdout.strip()))


def in_tree(tree: Path) -> Binaries:
    """Returns the programs of unpacked packages.

    Raises: RuntimeError where the tree has none.
    """
    folder = _newest(tree)
    if folder is None:
        raise RuntimeError(f"no PostgreSQL in {tree}")
    libraries = tuple((tree / "usr" / "lib").glob("*-linux-gnu*"))
    return Binaries(folder=folder, libraries=libraries, tree=tree)


def _newest(root: Path) -> Path | None:
    found = list(root.glob("usr/lib/postgresql/*/bin/initdb"))
    versions = {int(re.findall(r"postgresql/(\d+)/", str(path))[0]): path for path in found}
    return versions[max(versions)].parent if versions else None
