"""The system calls that the standard library lacks, by ctypes.

The lab's process 1 uses these instead of mount(8), insmod(8) and poweroff(8), because a small
container has none of them.
"""

import ctypes
import os
from pathlib import Path

MS_RDONLY = 1
MS_REMOUNT = 32
MS_BIND = 4096
MS_REC = 16384
MS_PRIVATE = 1 << 18
MNT_DETACH = 2
PR_SET_PDEATHSIG = 1
_POWER_OFF = 0x4321FEDC

_libc = ctypes.CDLL(None, use_errno=True)
# glibc has no wrapper for these two; the numbers differ by machine.
_NUMBERS = {"x86_64": (155, 313), "aarch64": (41, 273)}


def mount(source: str, target: str, kind: str | None, flags: int = 0, data: str = "") -> None:
    """Mounts as mount(2) does."""
    arguments = (os.fsencode(source), os.fsencode(target), kind.encode() if kind else None)
    _check(_libc.mount(*arguments, ctypes.c_ulong(flags), os.fsencode(data)), f"mount {target}")


def detach(target: str) -> None:
    """Unmounts at once for new users, and fully when the last one ends (umount2(2))."""
    _check(_libc.umount2(os.fsencode(target), MNT_DETACH), f"umount {target}")


def unmount(target: str) -> None:
    """Unmounts as umount(2) does: what was written is on the other side when it returns."""
    _check(_libc.umount2(os.fsencode(target), 0), f"umount {target}")


def pivot_root(new: str, old: str) -> None:
    """Makes `new` the root, and puts the old one at `old` (pivot_root(2))."""
    number = _NUMBERS[os.uname().machine][0]
    _check(_libc.syscall(number, os.fsencode(new), os.fsencode(old)), f"pivot_root {new}")


def unshare(flags: int) -> None:
    """Gives this process namespaces of its own (unshare(2); the os module's is Python 3.12's)."""
    _check(_libc.unshare(ctypes.c_int(flags)), "unshare")


def load_module(path: Path, parameters: str = "") -> None:
    """Loads a kernel module (finit_module(2))."""
    number = _NUMBERS[os.uname().machine][1]
    with path.open("rb") as file:
        _check(_libc.syscall(number, file.fileno(), parameters.encode(), 0), f"finit_module {path}")


def die_with_parent(signal: int) -> None:
    """Has the kernel send this process a signal when the thread that started it ends."""
    _check(_libc.prctl(PR_SET_PDEATHSIG, ctypes.c_ulong(signal), 0, 0, 0), "prctl")


def power_off() -> None:
    """Ends the machine; only ever called by process 1 of a user-mode kernel."""
    _check(_libc.reboot(ctypes.c_int(_POWER_OFF)), "reboot")


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
