"""Process 1 of the lab: makes the root, runs one command in it, reaps orphans, ends the kernel.

Runs with `python -ISB`: must import little, because the boot waits for it.
"""

import fcntl
import os
import select
import signal
import socket
import struct
import sys
import termios
import traceback
import tty
from contextlib import suppress
from pathlib import Path

from . import syscalls
from .job import Job, read_job
from .root import enter_lab_root

_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1
_PIPE_BYTES = 65536
# Else the lab would start with a dummy0 and a bond0, which a fresh network namespace has not.
_PARAMETERS = {"bonding": "max_bonds=0", "dummy": "numdummies=0"}


def main(run_folder: str) -> None:
    """Does the job in the folder; ends the kernel, or natively exits with the command's status."""
    job = read_job(Path(run_folder))
    if job.backend != "uml":
        sys.exit(_do(job))
    for module in job.modules:
        syscalls.load_module(Path(module), _PARAMETERS.get(Path(module).stem, ""))
    # Held open, because the new root hides the folder: what is written here reaches the runner.
    syscalls.mount("none", "/proc", "hostfs", 0, run_folder)
    way_back = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY)
    syscalls.detach("/proc")
    try:
        status = str(_do(job))
    except BaseException:
        status = traceback.format_exc()
    for folder in job.writable:
        _flush(folder)
    file = os.open("status", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666, dir_fd=way_back)
    os.write(file, status.encode())
    os.fsync(file)
    syscalls.power_off()


def _do(job: Job) -> int:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    enter_lab_root(job)
    _name_host("vlanlog-lab")
    _raise_loopback()
    if job.libvirt:
        from .libvirt_settings import write_settings

        write_settings()
    os.umask(0o022)
    if job.interactive:
        return _interactive(job)
    return _supervised(job)


def _supervised(job: Job) -> int:
    """Runs the command; on consoles, behind pipes, so that it does not take them for a terminal."""
    consoles = [_raw_console(path) for path in job.consoles]
    pipes = [os.pipe() for _ in consoles]
    child = os.fork()
    if child == 0:
        for number, (_, inlet) in zip((1, 2), (pipes * 2)[:2], strict=False):
            os.dup2(inlet, number)
        os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
        _execute(job)
    for _, inlet in pipes:
        os.close(inlet)
    return _relay(child, dict(zip((outlet for outlet, _ in pipes), consoles, strict=True)))


def _relay(child: int, consoles: dict[int, int]) -> int:
    """Copies pipes to consoles until the child ends, reaping whoever else does."""
    ended, wake = os.pipe()
    for file in (ended, wake, *consoles):
        os.set_blocking(file, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake)
    waiting = {ended, *consoles}
    status = _reap(child)
    while status is None:
        for file in select.select(waiting, (), ())[0]:
            if not _copy(file, consoles.get(file)):
                waiting.discard(file)
        status = _reap(child)
    for outlet, console in consoles.items():
        # A daemon that the command left behind may hold the pipe: no waiting for its end.
        while select.select((outlet,), (), (), 0)[0] and _copy(outlet, console):
            pass
        termios.tcdrain(console)
    return status


def _copy(source: int, target: int | None) -> bool:
    """Copies what is there; returns whether there may be more."""
    data = os.read(source, _PIPE_BYTES)
    rest = memoryview(data)
    while target is not None and rest:
        rest = rest[os.write(target, rest) :]
    return bool(data)


def _reap(child: int) -> int | None:
    """Reaps all that have ended; returns the child's exit status, 128 + n after a signal."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return 1
        if pid == 0:
            return None
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


def _interactive(job: Job) -> int:
    child = os.fork()
    if child == 0:
        if job.consoles:
            os.setsid()
            console = os.open(job.consoles[0], os.O_RDWR)
            for number in (0, 1, 2):
                os.dup2(console, number)
            size = struct.pack("HHHH", *job.window, 0, 0)
            fcntl.ioctl(console, termios.TIOCSWINSZ, size)
            fcntl.ioctl(console, termios.TIOCSCTTY, 1)
        else:
            os.setpgid(0, 0)
            signal.signal(signal.SIGTTOU, signal.SIG_IGN)
            os.tcsetpgrp(0, os.getpid())
            signal.signal(signal.SIGTTOU, signal.SIG_DFL)
        _execute(job)
    return _relay(child, {})


def _execute(job: Job) -> None:
    try:
        # What is ignored here would stay so after exec.
        for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        os.chdir(job.folder)
        os.environ["PATH"] = job.environment["PATH"]
        os.execvpe(job.command[0], job.command, job.environment)
    except OSError as e:
        os.write(2, f"lab: error: cannot run {job.command[0]} in {job.folder}: {e}\n".encode())
    os._exit(127)


def _raw_console(path: str) -> int:
    console = os.open(path, os.O_RDWR | os.O_NOCTTY)
    tty.setraw(console)
    return console


def _name_host(name: str) -> None:
    socket.sethostname(name)
    # Else libvirtd waits for a name server that is not there. A container's file is read-only.
    with suppress(OSError), Path("/etc/hosts").open("a") as file:
        file.write(f"\n127.0.1.1 {name}\n")


def _raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        request = struct.pack("16sH14x", b"lo", 0)
        flags: int = struct.unpack("16sH14x", fcntl.ioctl(sock, _SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(sock, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | _IFF_UP))


def _flush(folder: str) -> None:
    """Sends what was written to a writable folder to the host."""
    try:
        syscalls.unmount(folder)
    except OSError:
        # Someone still has a file open there.
        os.sync()
