"""Acquires the user-mode kernel: Debian's, with its own C library and the modules that tests need.

Debian 12's and 13's user-mode-linux die at start on processors with AMX; the unstable suite's
does not, but it needs that suite's C library, so its ELF header is pointed at a private one.
"""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from .apt import debian_apt, host_apt, unpack
from .cache import cached, scratch_folder
from .errors import LabError

# In the order of insmod: each after those that it needs.
_MODULES = (
    "net/llc/llc",
    "net/802/stp",
    "net/802/garp",
    "net/802/mrp",
    "net/8021q/8021q",
    "net/bridge/bridge",
    "drivers/net/tun",
    "drivers/net/veth",
    "drivers/net/dummy",
    "drivers/net/bonding/bonding",
    "fs/overlayfs/overlay",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class UserModeKernel:
    """A kernel that runs as an ordinary process, and its modules in the order of loading."""

    binary: Path
    modules: tuple[Path, ...]


def user_mode_kernel() -> UserModeKernel:
    """Returns the cached kernel, fetched first if need be.

    Raises: LabError when it cannot be fetched.
    """
    folder = cached("user-mode-linux", _build)
    modules = tuple(folder / "modules" / f"{Path(name).name}.ko" for name in _MODULES)
    return UserModeKernel(binary=folder / "linux", modules=modules)


def _build(fresh: Path, final: Path) -> None:
    print("lab: fetching user-mode-linux …", file=sys.stderr, flush=True)
    with scratch_folder("apt") as scratch:
        unstable, host, tree = scratch / "unstable", scratch / "host", scratch / "tree"
        for folder in (unstable, host, tree):
            folder.mkdir()
        own = host_apt(host)
        newest = debian_apt(unstable, ("unstable",), own)
        unpack(newest.download(("user-mode-linux", "libc6")), tree)
        unpack(own.download(("patchelf",)), scratch / "patchelf")
        _keep(tree, fresh)
        patchelf = scratch / "patchelf" / "usr" / "bin" / "patchelf"
        _point_at_own_libc(patchelf, fresh / "linux", final / "lib")


def _keep(tree: Path, fresh: Path) -> None:
    """Copies the little that is used: the package's 3,000 other modules take 150 MB."""
    shutil.copy2(_only(tree, "usr/bin/linux.uml", "usr/bin/linux"), fresh / "linux")
    (fresh / "modules").mkdir()
    for name in _MODULES:
        module = _only(tree, f"usr/lib/uml/modules/*/kernel/{name}.ko")
        shutil.copy2(module, fresh / "modules" / module.name)
    (fresh / "lib").mkdir()
    for library in tree.glob("usr/lib/*-linux-gnu/*.so.*"):
        shutil.copy2(library, fresh / "lib" / library.name)


def _only(tree: Path, *patterns: str) -> Path:
    for pattern in patterns:
        for path in tree.glob(pattern):
            return path
    raise LabError(
        f"the package user-mode-linux has no {' or '.join(patterns)}",
        hint="its layout has changed: adapt tests/lab/kernel.py",
    )


def _point_at_own_libc(patchelf: Path, binary: Path, libraries: Path) -> None:
    loader = libraries / "ld-linux-x86-64.so.2"
    options = ("--set-interpreter", str(loader), "--set-rpath", str(libraries))
    done = subprocess.run(
        (str(patchelf), *options, str(binary)), capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise LabError(
            f"patchelf failed: {done.stderr.strip()}", hint="only amd64 hosts are supported"
        )
