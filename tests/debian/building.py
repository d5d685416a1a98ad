"""Builds the Debian package with the distribution's tools, and enters systems that have it.

No step has a network but the fetching of wheels; nothing is written outside the folder given, and
outside the lab's cache.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.fetched import tree_with
from tests.lab.cache import cached

ROOT = Path(__file__).parents[2]
_TOOLS = ("debhelper", "dh-python", "lintian", "python3-pip", "python3-venv")
_PYTHON = "/usr/bin/python3"
_LEFT_OUT = (".git", ".venv", ".cache", "__pycache__", "*.egg-info", ".*_cache", ".hypothesis")

# Over /usr the tools, over what is written a memory of its own; what is below stays as it is.
_ENTER = """
set -e
mount -t tmpfs overlays /mnt
for folder in usr etc var; do
    mkdir -p /mnt/upper/$folder /mnt/work/$folder
    lower=/$folder
    if [ $folder = usr ] && [ -n "$0" ]; then lower=$0/usr:/usr; fi
    mount -t overlay -o "lowerdir=$lower,upperdir=/mnt/upper/$folder,workdir=/mnt/work/$folder" \\
        overlay /$folder
done
mount -t tmpfs run /run
exec "$@"
"""


def ran(command: list[str], folder: Path, *, tools: bool) -> subprocess.CompletedProcess[str]:
    """Runs a command on a system of its own, without a network: this one, with the tools or not."""
    environ = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": str(folder),
        "LC_ALL": "C.UTF-8",
        "DEBIAN_FRONTEND": "noninteractive",
        "SOURCE_DATE_EPOCH": "1795500000",
    }
    rights = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    tree = str(tree_with(*_TOOLS)) if tools else ""
    entered = ["unshare", *rights, "--mount", "--net", "sh", "-c", _ENTER, tree, *command]
    return subprocess.run(
        entered, cwd=folder, env=environ, capture_output=True, text=True, check=False
    )


def package(folder: Path) -> Path:
    """Builds the package in the folder; returns the file.

    Raises: RuntimeError with the end of what was said.
    """
    source = folder / "vlanlog"
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(*_LEFT_OUT), symlinks=True)
    shutil.rmtree(source / "debian" / "wheels", ignore_errors=True)
    shutil.copytree(_wheels(), source / "debian" / "wheels")
    # What the tools need is in the tree, of which dpkg knows nothing.
    build = ["dpkg-buildpackage", "--build=binary", "--no-sign", "--no-check-builddeps"]
    done = ran(build, source, tools=True)
    if done.returncode != 0:
        raise RuntimeError("\n".join((done.stdout + done.stderr).splitlines()[-30:]))
    (file,) = folder.glob("vlanlog_*.deb")
    return file


def _wheels() -> Path:
    """Returns a folder with the wheels that are needed, as debian/fetch-wheels fetches them."""
    needed = (ROOT / "pyproject.toml").read_bytes() + (ROOT / "debian/fetch-wheels").read_bytes()
    return cached(f"wheels-{hashlib.sha256(needed).hexdigest()[:12]}", lambda new, _: _fetch(new))


def _fetch(folder: Path) -> None:
    work = folder / "work"
    (work / "debian").mkdir(parents=True)
    shutil.copy(ROOT / "pyproject.toml", work)
    shutil.copy(ROOT / "debian" / "fetch-wheels", work / "debian")
    pip = f"{sys.executable} -m pip --disable-pip-version-check"
    environ = {**os.environ, "PYTHON": _PYTHON, "PIP": pip}
    subprocess.run([work / "debian" / "fetch-wheels"], env=environ, check=True)
    for wheel in (work / "debian" / "wheels").iterdir():
        shutil.move(wheel, folder)
    shutil.rmtree(work)
