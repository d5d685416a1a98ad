"""Builds the lab's root: the host's files under overlays whose upper layers are in memory.

Nothing that is written there reaches the host, but for the folders that a job names as writable.
Must run as process 1 of the lab, before the command.
"""

import os
import subprocess
from pathlib import Path

from . import syscalls
from .job import Job
from .syscalls import MS_BIND, MS_RDONLY, MS_REC, MS_REMOUNT

# Any root has this folder, and it gets a mount of its own in the new root.
_SCRATCH = "/sys"
_NEW = f"{_SCRATCH}/root"
_TREE = f"{_SCRATCH}/tree"
_FRESH = ("/proc", "/sys", "/dev", "/run")


def enter_lab_root(job: Job) -> None:
    """Makes and enters the new root."""
    syscalls.mount("lab", _SCRATCH, "tmpfs", 0, "mode=0755,size=80%")
    Path(_NEW).mkdir()
    # A user-mode kernel sees through the host's mounts; a native one must stack them one by one.
    mounts = ("/",) if job.backend == "uml" else _mount_points()
    for number, point in enumerate(mounts):
        # Overlapping layers are refused: the tree, itself below /, comes as a mount of its own.
        if job.backend == "uml" and job.tree is not None:
            Path(_TREE).mkdir()
            syscalls.mount("none", _TREE, "hostfs", MS_RDONLY, job.tree)
            _overlay(number, point, (_TREE, point))
        else:
            _overlay(number, point, (point,))
    if job.backend != "uml" and job.tree is not None:
        # Natively a copy, because the host's root may be an overlay and only two may be stacked.
        subprocess.run(("cp", "-a", "--remove-destination", f"{job.tree}/.", _NEW), check=True)
    for folder in job.writable:
        Path(_NEW + folder).mkdir(parents=True, exist_ok=True)
        if job.backend == "uml":
            syscalls.mount("none", _NEW + folder, "hostfs", 0, folder)
        else:
            syscalls.mount(folder, _NEW + folder, None, MS_BIND | MS_REC)
    _mount_kernel_folders(job.backend)
    os.chdir(_NEW)
    syscalls.pivot_root(".", ".")
    syscalls.detach(".")
    os.chdir("/")


def _overlay(number: int, point: str, layers: tuple[str, ...]) -> None:
    """Puts an overlay over one mounted folder; a mounted file becomes read-only."""
    target = _NEW + (point if point != "/" else "")
    if not Path(point).is_dir():
        syscalls.mount(point, target, None, MS_BIND)
        syscalls.mount(point, target, None, MS_BIND | MS_REMOUNT | MS_RDONLY)
        return
    upper, work = f"{_SCRATCH}/upper{number}", f"{_SCRATCH}/work{number}"
    Path(upper).mkdir()
    Path(work).mkdir()
    status = Path(point).stat()
    Path(upper).chmod(status.st_mode & 0o7777)
    os.chown(upper, status.st_uid, status.st_gid)
    lower = ":".join(_escaped(layer) for layer in layers)
    options = f"lowerdir={lower},upperdir={upper},workdir={work}"
    syscalls.mount("lab", target, "overlay", 0, options)


def _escaped(path: str) -> str:
    return path.replace("\\", "\\\\").replace(":", "\\:").replace(",", "\\,")


def _mount_points() -> tuple[str, ...]:
    """Returns where the host has something mounted, but for the kernel's own folders."""
    points: dict[str, None] = {}
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        point = line.split()[4].encode().decode("unicode_escape")
        if not point.startswith(tuple(f"{fresh}/" for fresh in _FRESH)) and point not in _FRESH:
            points[point] = None
    return tuple(points)


def _mount_kernel_folders(backend: str) -> None:
    syscalls.mount("proc", f"{_NEW}/proc", "proc")
    syscalls.mount("sysfs", f"{_NEW}/sys", "sysfs")
    syscalls.mount("cgroup2", f"{_NEW}/sys/fs/cgroup", "cgroup2")
    syscalls.mount("run", f"{_NEW}/run", "tmpfs", 0, "mode=0755")
    Path(f"{_NEW}/run/lock").mkdir(mode=0o1777)
    if backend == "uml":
        syscalls.mount("dev", f"{_NEW}/dev", "devtmpfs")
    else:
        syscalls.mount("dev", f"{_NEW}/dev", "tmpfs", 0, "mode=0755")
        _make_devices()
    for name in ("pts", "shm", "net"):
        Path(f"{_NEW}/dev/{name}").mkdir(exist_ok=True)
    syscalls.mount("devpts", f"{_NEW}/dev/pts", "devpts", 0, "newinstance,ptmxmode=0666,mode=0620")
    syscalls.mount("shm", f"{_NEW}/dev/shm", "tmpfs", 0, "mode=1777")
    _make_node("net/tun", 10, 200)
    for name, target in (("ptmx", "pts/ptmx"), ("fd", "/proc/self/fd")):
        link = Path(f"{_NEW}/dev/{name}")
        link.unlink(missing_ok=True)
        link.symlink_to(target)


def _make_devices() -> None:
    for name, minor in (("null", 3), ("zero", 5), ("full", 7), ("random", 8), ("urandom", 9)):
        _make_node(name, 1, minor)
    _make_node("tty", 5, 0)


def _make_node(name: str, major: int, minor: int) -> None:
    path = Path(f"{_NEW}/dev/{name}")
    if not path.exists():
        os.mknod(path, 0o020666, os.makedev(major, minor))
    path.chmod(0o666)
