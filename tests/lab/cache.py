"""Folders that cost a download to make: built once, checked against sha256 sums before each use.

Must not write anywhere but below the cache folder.
"""

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import LabError

_SCRATCH = "scratch-"
_OLD_S = 3600.0

Build = Callable[[Path, Path], None]
"""Fills its first argument, an empty folder, which is then renamed to the second."""


def cache_folder() -> Path:
    """Returns the cache folder, made if it is missing.

    Raises: LabError when its path has white space, which a kernel command line cannot carry.
    """
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    folder = Path(os.environ.get("VLANLOG_LAB_CACHE") or f"{home}/vlanlog-lab").absolute()
    if any(character.isspace() or character in ',:"\\' for character in str(folder)):
        raise LabError(
            f"the cache folder's path has a space, comma, colon, quote or backslash: {folder}",
            hint="set VLANLOG_LAB_CACHE to a plain path",
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise LabError(
            f"cannot make the cache folder {folder}: {e}",
            hint="set VLANLOG_LAB_CACHE to a folder that you can write to",
        ) from e
    return folder


@contextmanager
def scratch_folder(prefix: str) -> Iterator[Path]:
    """Gives an empty folder below the cache folder, removed at the end."""
    _sweep()
    folder = Path(tempfile.mkdtemp(prefix=f"{_SCRATCH}{prefix}-", dir=cache_folder()))
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(handle)


def _sweep() -> None:
    """Removes the scratch folders of runs that were killed: old, and locked by no one."""
    for folder in cache_folder().glob(f"{_SCRATCH}*"):
        with suppress(OSError):
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                if time.time() - folder.stat().st_mtime > _OLD_S:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(handle)


@contextmanager
def _lock(name: str) -> Iterator[None]:
    with (cache_folder() / f"{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def cached(name: str, build: Build) -> Path:
    """Returns the folder called name, built first if it is missing, moved or damaged."""
    final = cache_folder() / name
    manifest = cache_folder() / f"{name}.manifest"
    with _lock(name):
        if not _is_whole(final, manifest):
            _rebuild(final, manifest, build)
    return final


def _rebuild(final: Path, manifest: Path, build: Build) -> None:
    manifest.unlink(missing_ok=True)
    with scratch_folder(final.name) as scratch:
        fresh = scratch / "new"
        fresh.mkdir()
        build(fresh, final)
        sums = _sums(fresh)
        if final.exists():
            final.rename(scratch / "broken")
        fresh.rename(final)
    text = json.dumps({"folder": str(final), "files": sums}, indent=0, sort_keys=True)
    partial = manifest.with_suffix(".partial")
    partial.write_text(text)
    partial.rename(manifest)


def _is_whole(final: Path, manifest: Path) -> bool:
    try:
        wanted: object = json.loads(manifest.read_text())
    except (OSError, ValueError):
        return False
    return wanted == {"folder": str(final), "files": _sums(final)}


def _sums(folder: Path) -> dict[str, str]:
    """Returns the sha256 of each file and the target of each symbolic link, by relative path."""
    paths = [
        Path(top, name)
        for top, folders, files in os.walk(folder)
        for name in (*files, *(f for f in folders if Path(top, f).is_symlink()))
    ]
    with ThreadPoolExecutor(2) as pool:
        sums = pool.map(_sum, paths)
        return {str(p.relative_to(folder)): s for p, s in zip(paths, sums, strict=True)}


def _sum(path: Path) -> str:
    if path.is_symlink():
        return f"-> {path.readlink()}"
    if not path.is_file():
        return "not a regular file"
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
