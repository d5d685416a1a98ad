"""Runs the scripts of a hook's folder, each in its own process group, with its own log and end.

Must not let a script reach the hook's own stdout and stderr: libvirt waits until both are closed.
"""

import os
import stat
import time
from errno import ENOEXEC

from vlanlog.dispatch.call import Call, without_passwords

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
else:
    # The public module is this one and enum, which takes as long as the rest of the interpreter.
    import _signal

LOG_TAIL_LINES = 20
LOG_TAIL_BYTES = 4096
_GRACE_S = 2.0
_LOG_FLAGS = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
# Python ignores both, and a script would inherit that.
_SIGNALS_IGNORED_BY_PYTHON = (_signal.SIGPIPE, _signal.SIGXFSZ)


class Ended:
    """Is how a script ended.

    Units: duration_ns.
    Shape: exit_status is 128 + N where signal N ended it, None where it could not be run or
    was not awaited; log is the path of its log, empty where none could be written.
    """

    __slots__ = ("duration_ns", "exit_status", "log", "log_tail", "script", "timed_out")

    def __init__(
        self,
        script: bytes,
        exit_status: int | None = None,
        *,
        timed_out: bool = False,
        duration_ns: int = 0,
        log: bytes = b"",
        log_tail: bytes = b"",
    ) -> None:
        self.script = script
        self.exit_status = exit_status
        self.timed_out = timed_out
        self.duration_ns = duration_ns
        self.log = log
        self.log_tail = log_tail

    @property
    def failed(self) -> bool:
        """Tells whether the script's verdict is not yes."""
        return self.exit_status != 0 or self.timed_out


def scripts_in(folder: bytes) -> list[bytes]:
    """Returns the names of the folder's executable files in byte order; dot files are left out."""
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    return [name for name in names if not name.startswith(b".") and _runs(folder + b"/" + name)]


def _runs(path: bytes) -> bool:
    return os.path.isfile(path) and os.access(path, os.X_OK)


def run_script(call: Call, folder: bytes, script: bytes, logs: bytes, deadline_s: float) -> Ended:
    """Runs one script to its end or its deadline and returns how it ended.

    Units: deadline_s; its process group then gets SIGTERM, and SIGKILL two seconds later.
    """
    started_ns = time.monotonic_ns()
    log, log_fd = _open_log(logs, call.log(script))
    try:
        pid = _spawned(call, folder, script, log_fd, deadline_s)
        raw, timed_out = _awaited(pid, deadline_s)
        log_tail = _tail(log_fd)
    except OSError as error:
        raw, timed_out = None, False
        log_tail = os.fsencode(f"could not be run: {error.strerror or error}")
    finally:
        os.close(log_fd)
    return Ended(
        script,
        None if raw is None else _exit_status(raw),
        timed_out=timed_out,
        duration_ns=time.monotonic_ns() - started_ns,
        log=log,
        log_tail=log_tail,
    )


def log_of(call: Call, script: bytes, logs: bytes, output: bytes) -> tuple[bytes, bytes]:
    """Writes a script's log for it; returns its path, as ``Ended`` has it, and its last lines."""
    log, fd = _open_log(logs, call.log(script))
    try:
        rest = memoryview(output)
        while rest:
            rest = rest[os.write(fd, rest) :]
        return log, _tail(fd)
    except OSError as error:
        # A disk that is full takes no verdict back.
        return log, os.fsencode(f"its log could not be written: {error.strerror or error}")
    finally:
        os.close(fd)


def write_log(logs: bytes, name: bytes, content: bytes) -> None:
    """Writes a log of the dispatcher's own, where that can be done."""
    _, fd = _open_log(logs, name)
    try:
        os.write(fd, content)
    except OSError:
        # The last place to tell of a failure has failed: a hook goes on all the same.
        return
    finally:
        os.close(fd)


def _open_log(logs: bytes, name: bytes) -> tuple[bytes, int]:
    path = b"%s/%s" % (logs, name)
    try:
        os.makedirs(logs, 0o700, exist_ok=True)
        fd = os.open(path, _LOG_FLAGS, 0o600)
        found = os.fstat(fd)
        if stat.S_ISREG(found.st_mode) and found.st_nlink == 1:
            os.ftruncate(fd, 0)
            return path, fd
        os.close(fd)
    except OSError:
        pass
    # Not a word of a script is lost for want of a log: its end still goes into the record.
    return b"", os.memfd_create("log")


def _spawned(call: Call, folder: bytes, script: bytes, log_fd: int, deadline_s: float) -> int:
    _signal.signal(_signal.SIGCHLD, _signal.SIG_DFL)
    # Blocked, it waits for sigtimedwait and cannot slip in between a look and the wait.
    _signal.pthread_sigmask(_signal.SIG_BLOCK, (_signal.SIGCHLD,))
    os.chdir(folder)
    command = [b"./" + script, call.target, call.conf(script)]
    stdin = os.memfd_create("xml")
    try:
        rest = memoryview(call.xml)
        while rest:
            rest = rest[os.write(stdin, rest) :]
        os.lseek(stdin, 0, os.SEEK_SET)
        files = [(os.POSIX_SPAWN_DUP2, fd, to) for fd, to in ((stdin, 0), (log_fd, 1), (log_fd, 2))]
        environment = call.environment(script_deadline_s=deadline_s)
        try:
            return _spawn(command, files, environment)
        except OSError as error:
            if error.errno != ENOEXEC:
                raise
            # A file without "#!" runs from a shell, so it ran under the dispatcher in bash.
            return _spawn([b"/bin/sh", *command], files, environment)
    finally:
        os.close(stdin)


def _spawn(
    command: list[bytes], files: list[tuple[int, int, int]], environment: dict[bytes, bytes]
) -> int:
    return os.posix_spawn(
        command[0],
        command,
        environment,
        file_actions=files,
        setpgroup=0,
        setsigmask=(),
        setsigdef=_SIGNALS_IGNORED_BY_PYTHON,
    )


def _awaited(pid: int, deadline_s: float) -> tuple[int | None, bool]:
    raw = _wait(pid, deadline_s)
    if raw is not None:
        return raw, False
    os.killpg(pid, _signal.SIGTERM)
    raw = _wait(pid, _GRACE_S)
    try:
        os.killpg(pid, _signal.SIGKILL)
    except ProcessLookupError:
        return raw, True
    return _wait(pid, _GRACE_S) if raw is None else raw, True


def _wait(pid: int, deadline_s: float) -> int | None:
    ends = time.monotonic() + deadline_s
    while True:
        found, raw = os.waitpid(pid, os.WNOHANG)
        if found:
            return raw
        left = ends - time.monotonic()
        if left <= 0:
            return None
        _signal.sigtimedwait((_signal.SIGCHLD,), left)


def _exit_status(raw: int) -> int:
    code = os.waitstatus_to_exitcode(raw)
    return code if code >= 0 else 128 - code


def _tail(fd: int) -> bytes:
    start = max(0, os.fstat(fd).st_size - LOG_TAIL_BYTES)
    lines = os.pread(fd, LOG_TAIL_BYTES, start).splitlines(keepends=True)
    if start and len(lines) > 1:
        # A line without its beginning may be the second half of a password.
        del lines[0]
    return without_passwords(b"".join(lines[-LOG_TAIL_LINES:]))
