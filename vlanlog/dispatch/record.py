"""Records of a hook call: to the daemon where it answers, else to a file of the spool.

Must not fail a hook: what could not be recorded is told to the caller as a text.
"""

import os
import time

from vlanlog.dispatch.call import Call, guest_uuid, proc, without_passwords
from vlanlog.dispatch.scripts import Ended
from vlanlog.dispatch.settings import Settings
from vlanlog.dispatch.wire import encode_frame, request, uuid7_bytes

RECORD_SUFFIX = b".hook"
TEMPORARY_SUFFIX = b".tmp"
_DAEMON_DEADLINE_S = 2.0


class Recorder:
    """Writes the records of one call; after one failure the daemon is not asked again.

    A daemon that did not answer at all is noted in the call, for the scripts.
    """

    def __init__(self, call: Call, settings: Settings) -> None:
        self._call = call
        self._settings = settings
        self._daemon_records = True
        self._common = {
            "correlation_id": call.correlation_id,
            "boot_id": proc(b"sys/kernel/random/boot_id"),
            "uid": b"%d" % os.getuid(),
            "loginuid": proc(b"self/loginuid"),
            "pid": b"%d" % os.getpid(),
            "parent": call.parent,
            "hook": call.hook,
            "driver": call.driver,
            "arguments": b"\0".join(call.argv),
        }
        self._guest: dict[str, bytes] = {}

    def invoked(self, call: Call) -> str:
        """Records that libvirt called; returns what went wrong, nothing where it is durable."""
        if call.has_xml:
            self._guest = {"guest_name": call.argv[0], "guest_uuid": guest_uuid(call.xml)}
        names = ("object", "operation", "sub_operation", "extra")
        return self._write(
            {
                "kind": b"invoked",
                **dict(zip(names, call.argv, strict=False)),
                "xml": without_passwords(call.xml),
            }
        )

    def finished(self, ended: Ended) -> str:
        """Records how a script ended; returns what went wrong, nothing where it is durable."""
        status = b"" if ended.exit_status is None else b"%d" % ended.exit_status
        return self._write(
            {
                "kind": b"finished",
                "script": ended.script,
                "exit_status": status,
                "timed_out": b"%d" % ended.timed_out,
                "duration_ns": b"%d" % ended.duration_ns,
                "log_tail": ended.log_tail,
            }
        )

    def _write(self, fields: dict[str, bytes]) -> str:
        event_id, at_ns = uuid7_bytes(), time.time_ns()
        stamps = {"event_id": event_id, "at_ns": b"%d" % at_ns}
        fields = {**stamps, **self._common, **self._guest, **fields}
        if self._daemon_records:
            reply = request(self._settings.socket, "record", fields, _DAEMON_DEADLINE_S)
            if reply is not None and reply.get("status") == b"ok":
                return ""
            self._daemon_records = False
            self._call.has_daemon = reply is not None
        try:
            write_durably(
                self._settings.spool,
                spool_name(at_ns, event_id) + RECORD_SUFFIX,
                encode_frame({"verb": b"record", **fields}),
            )
        except OSError as error:
            return f"not recorded: {os.fsdecode(self._settings.spool)}: {error.strerror or error}"
        return ""


def spool_name(at_ns: int, event_id: bytes) -> bytes:
    """Returns the name of a spool file, less its suffix: names sort by time."""
    return b"%020d-%s" % (at_ns, event_id.hex().encode())


def write_durably(folder: bytes, name: bytes, content: bytes) -> None:
    """Makes a file that is there whole or not at all, after a crash too; root alone may read it.

    Raises: OSError; nothing is left behind then.
    """
    _make_private(folder)
    path = b"%s/%s" % (folder, name)
    fd = os.open(path + TEMPORARY_SUFFIX, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        try:
            _write_all(fd, content)
            os.fsync(fd)
        finally:
            os.close(fd)
        os.rename(path + TEMPORARY_SUFFIX, path)
    except OSError:
        os.unlink(path + TEMPORARY_SUFFIX)
        raise
    sync_folder(folder)


def sync_folder(folder: bytes) -> None:
    """Makes durable which names the folder holds."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _make_private(folder: bytes) -> None:
    try:
        os.mkdir(folder, 0o700)
    except FileExistsError:
        return
    except FileNotFoundError:
        os.makedirs(os.path.dirname(folder), 0o755, exist_ok=True)
        os.makedirs(folder, 0o700, exist_ok=True)
    sync_folder(os.path.dirname(folder) or b".")


def _write_all(fd: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(fd, rest) :]
