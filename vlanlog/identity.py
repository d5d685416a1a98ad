"""Who acts, on which host, in which boot, and when: the real clock and the real /proc.

Must not guess: what /proc does not tell is None.
"""

from __future__ import annotations

import os
import pwd
import shlex
import time
from pathlib import Path
from uuid import UUID

from vlanlog.core.event import Actor, ActorSource
from vlanlog.hook import uuid7_bytes

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_UNSET_LOGIN_UID = 2**32 - 1
_COMMAND_CHARS = 500


class SystemClock:
    """Is the machine's clock and its source of ids."""

    def now_ns(self) -> int:
        """Returns ns since the epoch, UTC."""
        return time.time_ns()

    def new_id(self) -> UUID:
        """Returns a UUIDv7 that no one has.

        Source: RFC 9562, section 5.7.
        """
        return UUID(bytes=uuid7_bytes())


def boot_id() -> str:
    """Returns the kernel's random id of this boot.

    Source: random(4), ``/proc/sys/kernel/random/boot_id``.
    """
    return BOOT_ID.read_text().strip()


def this_process(source: ActorSource = ActorSource.OPERATOR) -> Actor:
    """Returns the calling process as an actor."""
    return process(os.getpid(), os.getuid(), source)


def process(pid: int, uid: int, source: ActorSource) -> Actor:
    """Returns a process as an actor: uid, login uid, command line, parent's name.

    The process must be one that cannot end meanwhile, such as a client that waits for its
    reply: else a new one may have its pid. Of one that is gone only pid and uid are told.
    Units: pid is 0 where it is not known.
    Source: proc(5), ``/proc/PID/loginuid``, ``cmdline``, ``stat`` and ``comm``.
    """
    return Actor(
        source=source,
        uid=uid,
        user=_user_name(uid),
        login_uid=login_uid(pid),
        pid=pid or None,
        command=_command(pid),
        parent=_parent(pid),
    )


def login_uid(pid: int) -> int | None:
    """Returns the audit login uid of a process, None where no one logged in."""
    text = _first_line(Path(f"/proc/{pid}/loginuid"))
    if text is None or not text.isdigit() or int(text) == _UNSET_LOGIN_UID:
        return None
    return int(text)


def _user_name(uid: int) -> str | None:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return None


def _command(pid: int) -> str | None:
    try:
        text = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return None
    return shlex.join(text.removesuffix("\0").split("\0"))[:_COMMAND_CHARS] if text else None


def _parent(pid: int) -> str | None:
    parent = _parent_pid(pid)
    if parent is None:
        return None
    name = _first_line(Path(f"/proc/{parent}/comm"))
    # A parent that ended in between has handed its child to another, and its pid perhaps too.
    return name if _parent_pid(pid) == parent else None


def _parent_pid(pid: int) -> int | None:
    text = _first_line(Path(f"/proc/{pid}/stat"))
    # The name before it may hold blanks and brackets.
    return int(text.rpartition(")")[2].split()[1]) if text else None


def _first_line(path: Path) -> str | None:
    try:
        return path.read_text(errors="replace").strip() or None
    except OSError:
        return None
