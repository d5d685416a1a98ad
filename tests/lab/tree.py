"""Unpacks Debian packages, and what they need and the host lacks, into a tree in the cache.

Packages' install scripts are not run: no users, no alternatives, no services. What the host has
already is not in the tree.
"""

import hashlib
import os
import shutil
import sys
from pathlib import Path

from .apt import backports_apt, host_apt, unpack
from .cache import cached, scratch_folder
from .errors import LabError

_DPKG_STATUS = Path("/var/lib/dpkg/status")
# Where these are symbolic links into /usr, a folder of that name in an overlay would hide them.
_MERGED = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")


def package_tree(names: tuple[str, ...], *, backports: bool = False) -> Path:
    """Returns the tree that holds these packages and what they need beyond the host's packages.

    With backports they are the newer ones that Debian makes for the host's release.
    Raises: LabError when they cannot be fetched.
    """
    try:
        status = _DPKG_STATUS.read_bytes()
    except OSError as e:
        raise LabError(
            f"cannot read {_DPKG_STATUS}: {e}", hint="the lab's packages need Debian or Ubuntu"
        ) from e
    # What the host lacks is part of what the tree is.
    key = hashlib.sha256(" ".join(sorted(names)).encode() + b"\0" + status).hexdigest()[:12]
    name = f"{'backports' if backports else 'packages'}-{key}"
    return cached(name, lambda fresh, _final: _fill(fresh, names, backports=backports))


def within(tree: Path) -> tuple[str, ...]:
    """Returns the beginning of a command that finds the tree's /usr over that of the machine.

    Only the command sees it so; what looks for its files at fixed places needs it.
    """
    mount = 'mount -t overlay -o ro,lowerdir="$0/usr:/usr" overlay /usr && exec "$@"'
    rights = () if os.geteuid() == 0 else ("--user", "--map-root-user")
    return ("unshare", *rights, "--mount", "sh", "-c", mount, str(tree))


def _fill(tree: Path, names: tuple[str, ...], *, backports: bool) -> None:
    print(f"lab: fetching {' '.join(names)} …", file=sys.stderr, flush=True)
    with scratch_folder("apt") as scratch:
        own, newer = scratch / "own", scratch / "newer"
        own.mkdir()
        newer.mkdir()
        apt = host_apt(own)
        if backports:
            apt = backports_apt(newer, apt)
        unpack(apt.download_missing(names), tree)
    _merge_usr(tree, Path("/"))


def _merge_usr(tree: Path, root: Path) -> None:
    """Moves /bin, /lib and so on of a tree below its /usr, as they are on a root so merged."""
    for name in _MERGED:
        split = tree / name
        if (root / name).is_symlink() and split.is_dir() and not split.is_symlink():
            _move_into(split, tree / "usr" / name)


def _move_into(source: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for entry in os.scandir(source):
        if entry.is_dir(follow_symlinks=False):
            _move_into(Path(entry.path), target / entry.name)
        else:
            shutil.move(entry.path, target / entry.name)
    source.rmdir()
