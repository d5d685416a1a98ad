"""Programs of Debian packages that the machine lacks, unpacked into the lab's cache.

Must not install anything.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

_PACKAGES = Path(__file__).resolve().parent / "lab" / "packages.py"


@cache
def tree_with(*packages: str) -> Path:
    """Returns a folder with what these packages hold and need beyond the machine's own packages.

    Raises: RuntimeError where they cannot be fetched.
    """
    command = [sys.executable, str(_PACKAGES), *packages]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{', '.join(packages)} could not be fetched: see above")
    return Path(done.stdout.strip())


def program(tree: Path, name: str) -> str:
    """Returns a program of the tree, or of the machine where it has the package installed.

    Raises: RuntimeError where neither has it.
    """
    found = shutil.which(name, path=f"{tree}/usr/bin:{tree}/usr/sbin") or shutil.which(name)
    if found is None:
        raise RuntimeError(f"no {name} in {tree}, nor on PATH")
    return found


def libraries(tree: Path) -> dict[str, str]:
    """Returns the variable that has programs of the tree find the libraries of the tree."""
    return {"LD_LIBRARY_PATH": f"{tree}/usr/lib/{os.uname().machine}-linux-gnu"}
