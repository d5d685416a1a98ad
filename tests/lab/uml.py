"""The user-mode kernel as a back end: starts it on a job, and reads the way back."""

import os
import shutil
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from .cache import cache_folder, scratch_folder
from .errors import LabError
from .job import Job, write_job
from .kernel import user_mode_kernel
from .process import run_to_end, standard_streams

_INIT = """#!{python} -ISB
import sys
sys.path.insert(0, {parent!r})
from {package}.init import main
main({run_folder!r})
"""


def run_in_uml(job: Job, *, memory: str, timeout_s: float | None) -> int:
    """Runs a job in a user-mode kernel; returns the command's exit status.

    Raises: LabError when the kernel ends without one; EndedError.
    """
    kernel = user_mode_kernel()
    with scratch_folder("run") as run_folder, _terminal_kept(job.interactive):
        streams = standard_streams()
        count = 1 if job.interactive else len(streams)
        consoles = tuple(f"/dev/tty{number + 1}" for number in range(count))
        modules = tuple(str(module) for module in kernel.modules)
        write_job(run_folder, replace(job, consoles=consoles, modules=modules))
        write_init(run_folder)
        pipes = [] if job.interactive else [os.pipe() for _ in consoles]
        channels = [f"con{n}=null,fd:{inlet}" for n, (_, inlet) in enumerate(pipes, start=1)]
        kept = [inlet for _, inlet in pipes]
        if job.interactive:
            channels, kept = _own_terminal()
        log = run_folder / "kernel.log"
        command = (str(kernel.binary), *_kernel_options(run_folder, memory), *channels)
        run_to_end(
            command,
            environment={**os.environ, "TMPDIR": str(_memory_folder(memory))},
            log=log,
            pipes={outlet: s for (outlet, _), s in zip(pipes, streams, strict=False)},
            kept=kept,
            interactive=False,
            timeout_s=timeout_s,
        )
        return _status(run_folder / "status", log)


def write_init(run_folder: Path) -> None:
    """Writes the program that the kernel starts: a few lines that import this package's init."""
    package = Path(__file__).resolve().parent
    init = run_folder / "init"
    init.write_text(
        _INIT.format(
            python=os.path.realpath(sys.executable),
            parent=str(package.parent),
            package=package.name,
            run_folder=str(run_folder),
        )
    )
    init.chmod(0o755)


def _kernel_options(run_folder: Path, memory: str) -> tuple[str, ...]:
    root = ("root=/dev/root", "rootfstype=hostfs", "rootflags=/", "ro", f"init={run_folder}/init")
    # seccomp=auto: the kernel then traces its processes by ptrace, which is there on any host.
    # uml_dir: else it writes to a folder in the caller's home.
    return (
        f"mem={memory}",
        "seccomp=auto",
        "quiet",
        "panic=-1",
        f"uml_dir={run_folder}/",
        "con=null",
        "con0=null,fd:1",
        *root,
    )


def _memory_folder(memory: str) -> Path:
    """Returns a folder for the file that is the kernel's memory: /dev/shm where it is big enough.

    In a container it often is not, and the kernel would die by SIGBUS half-way.
    """
    size = bytes_of(memory)
    for folder in (Path("/dev/shm"), Path("/tmp"), cache_folder()):
        try:
            found = os.statvfs(folder)
        except OSError:
            continue
        allowed = os.access(folder, os.W_OK) and not found.f_flag & os.ST_NOEXEC
        if allowed and found.f_bavail * found.f_frsize >= size:
            return folder
    raise LabError(
        f"no folder has {memory} to spare for the lab's memory",
        hint="give less with --memory, or make room in /dev/shm or in the cache folder",
    )


def bytes_of(memory: str) -> int:
    """Returns how much `512M` or `2G` is.

    Raises: ValueError.
    """
    return int(memory[:-1]) << {"K": 10, "M": 20, "G": 30}[memory[-1:].upper()]


def _status(status: Path, log: Path) -> int:
    """Returns what process 1 left as the command's exit status."""
    try:
        text = status.read_text()
        return int(text)
    except FileNotFoundError:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-30:])
        raise LabError(
            f"the user-mode kernel ended before the command did; its last words:\n{tail}",
            hint="is its memory enough (--memory)? May processes be traced here (ptrace)?",
        ) from None
    except ValueError:
        raise LabError(
            f"process 1 of the lab failed:\n{text}", hint="this is a bug in tests/lab"
        ) from None


def _own_terminal() -> tuple[list[str], list[int]]:
    inlet, outlet = os.dup(0), os.dup(1)
    return [f"con1=fd:{inlet},fd:{outlet}"], [inlet, outlet]


@contextmanager
def _terminal_kept(interactive: bool) -> Iterator[None]:
    """Puts the terminal back as it was: the kernel makes it raw."""
    before = termios.tcgetattr(0) if interactive else None
    try:
        yield
    finally:
        if before is not None:
            termios.tcsetattr(0, termios.TCSADRAIN, before)


def window_size() -> tuple[int, int]:
    """Returns the terminal's rows and columns."""
    size = shutil.get_terminal_size()
    return (size.lines, size.columns)
