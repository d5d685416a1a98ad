"""The files of the host, or of an image below a folder: looked at, written, copied, removed.

Must not follow a link out of the image, and must never leave half a file under its name.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path, PurePosixPath

from vlanlog.errors import VlanlogError

NEW_NAME = ".vlanlog-new"
_LINKS_MAX = 40


class InstallError(VlanlogError):
    """Says why vlanlog cannot be installed or taken away; ``message`` may have several lines."""


class Form(StrEnum):
    """Is what stands at a path."""

    ABSENT = "absent"
    FILE = "file"
    LINK = "link"
    FOLDER = "folder"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Is what was found at a path.

    Shape: content of a file, target of a link; mode without the type.
    """

    form: Form
    content: bytes = b""
    target: str = ""
    mode: int = 0

    @property
    def print(self) -> str:
        """Returns its fingerprint, by which it is known again: ``file:SHA256``, ``link:TARGET``."""
        return fingerprint(self.form, self.content, self.target)


def fingerprint(form: Form, content: bytes = b"", target: str = "") -> str:
    """Returns what tells one content of a path from another; modes and owners are left out."""
    match form:
        case Form.FILE:
            return f"file:{hashlib.sha256(content).hexdigest()}"
        case Form.LINK:
            return f"link:{target}"
        case _:
            return str(form)


class Tree:
    """Is the files below a root; paths are absolute as seen from within it."""

    def __init__(self, root: Path = Path("/")) -> None:
        self.root = root.resolve()

    @property
    def is_image(self) -> bool:
        """Tells whether this is not the running host itself."""
        return self.root != Path("/")

    def place(self, path: str) -> Path:
        """Returns where a path is; links on the way to it are followed within the root.

        Raises: InstallError where links lead in a circle.
        """
        *parents, name = PurePosixPath(path).parts[1:] or ("",)
        return self.root.joinpath(*self._resolved(parents), name)

    def inside(self, path: str) -> str:
        """Returns the path without links, all of them followed within the root."""
        return "/" + "/".join(self._resolved(PurePosixPath(path).parts[1:]))

    def target(self, path: str) -> str:
        """Returns where the link at a path leads to, one step far, links of folders followed."""
        folder = PurePosixPath(self.inside(str(PurePosixPath(path).parent)))
        to = folder / self.found(path).target
        return str(PurePosixPath(self.inside(str(to.parent))) / to.name)

    def _resolved(self, parts: Sequence[str]) -> list[str]:
        at: list[str] = []
        left = list(reversed(parts))
        links = 0
        while left:
            part = left.pop()
            if part == "..":
                at = at[:-1]
                continue
            here = self.root.joinpath(*at, part)
            if not here.is_symlink():
                at.append(part)
                continue
            links += 1
            if links > _LINKS_MAX:
                raise InstallError(f"{here}: links lead in a circle", hint=f"look at: ls -l {here}")
            target = PurePosixPath(here.readlink())
            if target.is_absolute():
                at = []
            left += reversed([step for step in target.parts if step != "/"])
        return at

    def found(self, path: str) -> Found:
        """Returns what is at a path; a link is not followed.

        Raises: InstallError where it cannot be looked at.
        """
        place = self.place(path)
        try:
            state = place.lstat()
            mode = stat.S_IMODE(state.st_mode)
            if stat.S_ISREG(state.st_mode):
                return Found(form=Form.FILE, content=place.read_bytes(), mode=mode)
            if stat.S_ISLNK(state.st_mode):
                return Found(form=Form.LINK, target=str(place.readlink()), mode=mode)
        except (FileNotFoundError, NotADirectoryError):
            return Found(form=Form.ABSENT)
        except OSError as error:
            raise _failed(place, error) from error
        return Found(form=Form.FOLDER if stat.S_ISDIR(state.st_mode) else Form.OTHER, mode=mode)

    def read_through(self, path: str) -> Found:
        """Returns what is at a path, and where that is a link, what it leads to."""
        found = self.found(path)
        return self.found(self.inside(path)) if found.form is Form.LINK else found

    def names(self, folder: str) -> list[str]:
        """Returns the names in a folder in order, none where there is no folder."""
        try:
            return sorted(place.name for place in self.place(self.inside(folder)).iterdir())
        except OSError:
            return []

    def obstacle(self, path: str) -> str:
        """Returns why nothing can be written at a path, nothing where something can."""
        try:
            *parents, _ = PurePosixPath(path).parts[1:]
            at = self.root.joinpath(*self._resolved(parents))
        except InstallError as error:
            return error.message
        while not os.path.lexists(at):
            at = at.parent
        if not at.is_dir():
            return f"{at} is no folder"
        return "" if os.access(at, os.W_OK | os.X_OK) else f"{at} cannot be written to"

    def make_folder(self, path: str, mode: int) -> None:
        """Makes a folder with all that lead to it; one that is there stays as it is.

        Its mode is had at once, less what the umask forbids: between two calls a kill may come.
        """
        place = self.place(path)
        with _told(place):
            place.parent.mkdir(parents=True, exist_ok=True)
            if not self.place(self.inside(path)).is_dir():
                place.mkdir(mode)

    def write(self, path: str, content: bytes, mode: int) -> None:
        """Writes a file, which takes its name when it is whole, on the disk, and may be run."""
        place = self.place(path)
        with _told(place):
            new = _scratch(place)
            with new.open("xb") as file:
                file.write(content)
                os.fchmod(file.fileno(), mode)
                file.flush()
                os.fsync(file.fileno())
            _take_name(new, place)

    def link(self, path: str, target: str) -> None:
        """Makes a symbolic link, or has one lead elsewhere."""
        place = self.place(path)
        with _told(place):
            new = _scratch(place)
            new.symlink_to(target)
            _take_name(new, place)

    def copy(self, source: str, path: str) -> None:
        """Copies a file or a link with mode, times, owner and extended attributes."""
        place, whence = self.place(path), self.place(source)
        with _told(place):
            new = _scratch(place)
            shutil.copy2(whence, new, follow_symlinks=False)
            state = whence.lstat()
            if os.geteuid() == 0:
                os.chown(new, state.st_uid, state.st_gid, follow_symlinks=False)
                # To change the owner takes a set-uid bit away.
                if not whence.is_symlink():
                    new.chmod(stat.S_IMODE(state.st_mode))
            _take_name(new, place)

    def sweep(self, paths: Iterable[str]) -> None:
        """Removes what was about to become the files at these paths when someone was killed."""
        for path in paths:
            place = self.place(path)
            with _told(place):
                if place.parent.is_dir():
                    _scratch(place)

    def remove(self, path: str) -> None:
        """Removes a file or a link; one that is gone is no matter."""
        place = self.place(path)
        with _told(place):
            place.unlink(missing_ok=True)

    def remove_folder(self, path: str) -> bool:
        """Removes a folder if it is empty; tells whether it is gone."""
        place = self.place(path)
        try:
            place.rmdir()
        except OSError:
            return not os.path.lexists(place)
        return True

    def clear(self, path: str) -> None:
        """Removes a folder with all that is in it, links in it as links."""
        place = self.place(self.inside(path))
        with _told(place):
            if os.path.lexists(place):
                shutil.rmtree(place)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the tree against another install at the same time.

        Raises: InstallError where one is at work, or where there is no such tree.
        """
        with _told(self.root):
            fd = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            flock(fd, LOCK_EX | LOCK_NB)
        except BlockingIOError as error:
            os.close(fd)
            raise InstallError(
                "another install or uninstall is at work", hint="wait for its end, then try again"
            ) from error
        try:
            yield
        finally:
            os.close(fd)


def _scratch(place: Path) -> Path:
    """Returns a free name for what is about to become the file at a place.

    It does not lie in a folder whose executables are run: libvirt runs those of ``qemu.d`` that
    begin with a dot as well, and so would run one that was left behind.
    """
    beside = place.with_name(NEW_NAME)
    above = place.parent.parent / NEW_NAME
    runs = place.parent.name.endswith(".d")
    same = place.parent.stat().st_dev == place.parent.parent.stat().st_dev
    new = above if runs and same else beside
    new.unlink(missing_ok=True)
    return new


def _take_name(new: Path, place: Path) -> None:
    new.rename(place)
    folder = os.open(place.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def _told(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _failed(place, error) from error


def _failed(place: Path, error: OSError) -> InstallError:
    return InstallError(
        f"{place}: {error.strerror or error}",
        hint=f"look at: ls -ld {place.parent} {place}; then run the command again",
    )
