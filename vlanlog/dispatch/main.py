"""The order of a hook call: read, record, run the scripts, record how they ended, give a verdict.

Must not print on stdout (libvirt takes that for a domain's XML at migrate and restore), and must
not say no where libvirt would kill a running guest for it.
"""

import os
import sys
import time

from vlanlog.dispatch.call import Call, comm
from vlanlog.dispatch.own import done_by_daemon
from vlanlog.dispatch.record import Recorder
from vlanlog.dispatch.scripts import Ended, run_script, scripts_in, write_log
from vlanlog.dispatch.settings import Settings, read_settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from collections.abc import Iterator
else:
    import _signal

VERDICT_OPERATIONS = frozenset((b"prepare", b"start", b"migrate", b"restore"))
"""The operations of the qemu driver at which a non-zero exit refuses and kills nothing."""

_READ_DEADLINE_S = 5.0
_BACKSTOP_S = 15.0
_CHUNK_BYTES = 1 << 20


def main(arguments: list[str]) -> int:
    """Serves one call and returns the exit status; a bug refuses only a guest's start.

    Shape: arguments are the driver, the hooks folder, the pid of the calling daemon, and what
    libvirt gave.
    """
    try:
        return _served([os.fsencode(argument) for argument in arguments])
    except Exception:
        sys.excepthook(*sys.exc_info())
        return int(arguments[:1] == ["qemu"] and arguments[4:5] == ["start"])


def _served(arguments: list[bytes]) -> int:
    if os.geteuid() != 0:
        return 0
    _open_standard_files()
    driver, hooks, caller, *argv = arguments
    call = Call(driver, hooks, comm(caller), argv)
    settings = read_settings(call.hooks)
    ends = time.monotonic() + settings.hook_deadline_s
    if call.has_xml:
        call.xml = _read_stdin(min(_READ_DEADLINE_S, settings.hook_deadline_s / 2))
    _set_backstop(settings.hook_deadline_s + _BACKSTOP_S)

    recorder = Recorder(call, settings)
    problems = [recorder.invoked(call)]
    failed = []
    for ended in _run_all(call, settings, ends):
        problems.append(recorder.finished(ended))
        failed += [ended] if ended.failed else []
    unrecorded = next((problem for problem in problems if problem), "")

    if failed and driver == b"qemu" and call.operation in VERDICT_OPERATIONS:
        _tell(_refusal(call, failed, unrecorded))
        return 1
    if unrecorded:
        write_log(settings.logs, call.log(b"dispatcher"), _line(unrecorded))
    return 0


def _run_all(call: Call, settings: Settings, ends: float) -> "Iterator[Ended]":
    folder = call.folder
    for script in scripts_in(folder):
        left_s = ends - time.monotonic()
        if left_s > 0:
            deadline_s = min(left_s, settings.script_deadline_s)
            yield done_by_daemon(call, folder, script, settings, deadline_s) or run_script(
                call, folder, script, settings.logs, deadline_s
            )
        else:
            yield Ended(script, timed_out=True, log_tail=b"not run: the hook's time was up")


def _refusal(call: Call, failed: list[Ended], unrecorded: str) -> str:
    first = failed[0]
    more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
    words = first.log_tail.decode("utf-8", "backslashreplace").splitlines()
    said = next((line for line in reversed(words) if line.strip()), "it said nothing")
    notes = [f"log: {os.fsdecode(first.log)}"] if first.log else []
    notes += [unrecorded] if unrecorded else []
    return (
        f"vlanlog: error: {os.fsdecode(call.argv[0])}: {os.fsdecode(call.operation)} refused: "
        f"{os.fsdecode(first.script)} {_ending(first)}{more}: {said} [{'; '.join(notes)}]"
    )


def _ending(ended: Ended) -> str:
    if ended.timed_out:
        return "ran out of time"
    return "did not run" if ended.exit_status is None else f"ended with status {ended.exit_status}"


def _line(text: str) -> bytes:
    shown = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)
    return shown.encode("utf-8", "backslashreplace") + b"\n"


def _tell(text: str) -> None:
    try:
        os.write(2, _line(text))
    except OSError:
        # libvirt is gone or its pipe is: the exit status is all that is left to say.
        return


def _read_stdin(deadline_s: float) -> bytes:
    chunks: list[bytes] = []
    if not os.isatty(0):
        try:
            _read_into(chunks, deadline_s)
        except OSError:
            # Too late or unreadable: what came is what there is, and the record says so.
            return b"".join(chunks)
    return b"".join(chunks)


def _read_into(chunks: list[bytes], deadline_s: float) -> None:
    def expire(_number: int, _frame: object) -> None:
        _signal.setitimer(_signal.ITIMER_REAL, 0)
        raise TimeoutError

    _signal.signal(_signal.SIGALRM, expire)
    # Repeated, since the first one may come just before the read and not interrupt it.
    _signal.setitimer(_signal.ITIMER_REAL, deadline_s, 0.1)
    try:
        while chunk := os.read(0, _CHUNK_BYTES):
            chunks.append(chunk)
    finally:
        _signal.setitimer(_signal.ITIMER_REAL, 0)


def _set_backstop(seconds: float) -> None:
    # The deadlines above end a hook that waits; this ends one that hangs, for libvirt never does.
    _signal.signal(_signal.SIGALRM, _signal.SIG_DFL)
    _signal.setitimer(_signal.ITIMER_REAL, seconds)


def _open_standard_files() -> None:
    for fd in (0, 1, 2):
        try:
            os.fstat(fd)
        except OSError:
            # Else the next file to be opened would become a script's stdin or stdout.
            os.open("/dev/null", os.O_RDWR)
