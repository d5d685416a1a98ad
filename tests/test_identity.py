"""Who a process is, by /proc and the credentials of its socket."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from vlanlog.core.event import Actor, ActorSource
from vlanlog.identity import login_uid, process, this_process

GONE = 2**22 + 1
"""A pid that no kernel gives.

Source: proc(5), ``PID_MAX_LIMIT``.
"""

NOBODY = 2**32 - 1


@contextmanager
def child(*command: str) -> Iterator[int]:
    """Yields the pid of a process that has begun and waits until the block ends."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.read(1)
        try:
            yield process.pid
        finally:
            process.communicate()


def waiting(*words: str) -> tuple[str, ...]:
    return (sys.executable, "-c", "print(end='.', flush=True); input()", *words)


def comm(pid: int) -> str:
    return Path(f"/proc/{pid}/comm").read_text().strip()


def test_process_is_told_as_proc_has_it() -> None:
    command = waiting("two words")
    with child(*command) as pid:
        assert process(pid, 0, ActorSource.OPERATOR) == Actor(
            source=ActorSource.OPERATOR,
            uid=0,
            user="root",
            login_uid=login_uid(os.getpid()),
            pid=pid,
            command=shlex.join(command),
            parent=comm(os.getpid()),
        )


def test_this_process_is_told_like_any_other() -> None:
    found = this_process(ActorSource.DAEMON)
    assert found == process(os.getpid(), os.getuid(), ActorSource.DAEMON)
    assert (found.parent, found.pid) == (comm(os.getppid()), os.getpid())


@pytest.mark.parametrize(("pid", "told"), [(GONE, GONE), (0, None)])
def test_process_that_is_gone_or_hidden_is_told_by_what_is_known(
    pid: int, told: int | None
) -> None:
    expected = Actor(source=ActorSource.HOOK, uid=0, user="root", pid=told)
    assert process(pid, 0, ActorSource.HOOK) == expected


def test_zombie_has_no_command_left() -> None:
    pid = os.posix_spawn("/bin/true", ["true"], {})
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    found = process(pid, 0, ActorSource.OPERATOR)
    os.waitpid(pid, 0)
    assert (found.command, found.parent) == (None, comm(os.getpid()))


def test_uid_without_a_name_has_no_user() -> None:
    assert process(GONE, 4_000_000_000, ActorSource.OPERATOR).user is None


def test_long_command_is_cut() -> None:
    with child(*waiting("x" * 1000)) as pid:
        command = process(pid, 0, ActorSource.OPERATOR).command
    assert command == shlex.join(waiting("x" * 1000))[:500]


def test_command_keeps_its_last_word_though_it_is_empty() -> None:
    with child(*waiting("")) as pid:
        assert process(pid, 0, ActorSource.OPERATOR).command == shlex.join(waiting(""))


def test_name_of_a_process_does_not_hide_its_parent() -> None:
    rename = "open('/proc/self/comm', 'w').write(') R 1 (')"
    with child(sys.executable, "-c", f"{rename}; print(end='.', flush=True); input()") as pid:
        assert process(pid, 0, ActorSource.OPERATOR).parent == comm(os.getpid())


def test_login_uid_is_the_processes_own_and_not_ours() -> None:
    # To set it takes a capability, without which it stays what it was.
    program = (
        "import contextlib\nwith contextlib.suppress(OSError):"
        " open('/proc/self/loginuid', 'w').write('7')\nprint(end='.', flush=True); input()"
    )
    with child(sys.executable, "-c", program) as pid:
        told = int(Path(f"/proc/{pid}/loginuid").read_text())
        found = process(pid, 0, ActorSource.OPERATOR).login_uid
    assert found == (None if told == NOBODY else told)
