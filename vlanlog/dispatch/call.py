"""One call of a hook by libvirt: what was called, for which guest, and by which daemon.

Must not judge operations that it does not know: names were changed before and will be again.
"""

import os
import sys
import time

from vlanlog.dispatch.wire import uuid7_bytes

NAME_BYTES_MAX = 255
_UUID_BYTES = 36


class Call:
    """Is one call; paths and names are bytes, as libvirt and the kernel have them.

    Shape: argv is the object, the operation, the sub-operation and the extra, ``-`` where
    libvirt gave none; hooks is the absolute path of the folder that the dispatcher lies in;
    parent is the name of the calling daemon's process; has_daemon is False once vlanlog's own
    daemon did not answer this call.
    """

    __slots__ = ("argv", "correlation_id", "driver", "has_daemon", "hooks", "parent", "xml")

    def __init__(self, driver: bytes, hooks: bytes, parent: bytes, argv: list[bytes]) -> None:
        self.driver = driver
        self.hooks = os.path.abspath(hooks)
        self.parent = parent
        self.argv = [argument or b"-" for argument in argv] + [b"-"] * (4 - len(argv))
        self.correlation_id = uuid7_bytes()
        self.xml = b""
        self.has_daemon = True

    @property
    def has_xml(self) -> bool:
        """Tells whether libvirt gives an XML on stdin."""
        return self.driver != b"daemon"

    @property
    def operation(self) -> bytes:
        """Returns the operation, such as ``start``."""
        return self.argv[1]

    @property
    def hook(self) -> bytes:
        """Returns the name of the folder that holds the scripts, less its ``.d``."""
        if self.has_xml:
            return b"_".join((self.driver, self.argv[1], self.argv[2]))
        return b"_".join((self.driver, self.argv[1]))

    @property
    def folder(self) -> bytes:
        """Returns where the scripts lie, if there are any.

        Shape: always directly in the hooks folder, whatever the operation is called.
        """
        return b"%s/%s" % (self.hooks, _file_name(self.hook, b".d"))

    @property
    def target(self) -> bytes:
        """Returns what a script is told in its first argument: the guest, or the daemon's phase."""
        return self.argv[0] if self.has_xml else self.argv[1]

    def conf(self, script: bytes) -> bytes:
        """Returns the path of a script's config file, which need not exist."""
        return b"%s/conf/%s.conf" % (self.hooks, _stem(script))

    def log(self, script: bytes) -> bytes:
        """Returns the file name of a script's log.

        Shape: one path component of at most 255 bytes.
        """
        names = (self.hook, self.target) if self.has_xml else (self.hook,)
        return _file_name(b"_".join((*names, _stem(script))), b".log")

    def environment(self, *, script_deadline_s: float) -> dict[bytes, bytes]:
        """Returns the environment of a script: libvirt's, and which call it serves."""
        driver, (name, operation, sub_operation, extra) = self.driver, self.argv
        return {
            **os.environb,
            b"VLANLOG_PYTHON": os.fsencode(sys.executable),
            b"VLANLOG_HOOKS_DIR": self.hooks,
            b"VLANLOG_CORRELATION_ID": self.correlation_id.hex().encode(),
            b"VLANLOG_HOOK_NAME": self.hook,
            b"VLANLOG_HOOK_DRIVER": driver,
            b"VLANLOG_HOOK_OBJECT": name,
            b"VLANLOG_HOOK_OPERATION": operation,
            b"VLANLOG_HOOK_SUB_OPERATION": sub_operation,
            b"VLANLOG_HOOK_EXTRA": extra,
            b"VLANLOG_HOOK_PARENT": self.parent,
            # A daemon that is stuck is waited for once in a call, not again by each script.
            b"VLANLOG_DAEMON": b"present" if self.has_daemon else b"absent",
            b"VLANLOG_HOOK_ENDS_MONOTONIC_NS": b"%d"
            % (time.monotonic_ns() + int(script_deadline_s * 1e9)),
        }


def comm(pid: bytes) -> bytes:
    """Returns the name of a process, nothing where it is gone.

    Source: proc(5), ``/proc/PID/comm``.
    """
    return proc(b"%s/comm" % pid) if pid.isdigit() else b""


def proc(name: bytes) -> bytes:
    """Returns the content of a file of /proc, nothing where it cannot be read."""
    try:
        with open(b"/proc/" + name, "rb", buffering=0) as file:
            return file.read().strip()
    except OSError:
        return b""


def without_passwords(xml: bytes) -> bytes:
    """Returns the XML with the value of each ``passwd`` attribute blanked.

    libvirt hands out VNC and SPICE passwords at migrate and restore. A value without an end
    is blanked to the end of the XML.
    Source: ``virDomainGraphicsAuthDefFormatAttr``.
    """
    parts = []
    at = 0
    while (found := xml.find(b"passwd", at)) >= 0:
        start = _value_start(xml, found + len(b"passwd"))
        if start is None:
            end = found + len(b"passwd")
            parts.append(xml[at:end])
        else:
            parts.append(xml[at:start])
            end = xml.find(xml[start - 1 : start], start)
            end = len(xml) if end < 0 else end
        at = end
    return b"".join((*parts, xml[at:]))


def _value_start(xml: bytes, at: int) -> int | None:
    rest = xml[at : at + 64].lstrip()
    if not rest.startswith(b"="):
        return None
    quote = rest[1:].lstrip()[:1]
    return xml.index(quote, at) + 1 if quote in (b"'", b'"') else None


def guest_uuid(xml: bytes) -> bytes:
    """Returns the first UUID that the XML names, nothing where it names none.

    Source: ``virDomainDefFormatInternalSetRootName`` writes the guest's before any other.
    """
    _, found, rest = xml.partition(b"<uuid>")
    value, ended, _ = rest[: _UUID_BYTES + len(b"</uuid>")].partition(b"</uuid>")
    return value if found and ended and len(value) == _UUID_BYTES else b""


def _stem(script: bytes) -> bytes:
    stem, dot, _ = script.rpartition(b".")
    return stem if dot and stem else script


def _file_name(stem: bytes, suffix: bytes) -> bytes:
    name = b"".join(
        b"%%%02X" % byte if byte < 0x20 or byte in b"/%\x7f" else bytes((byte,)) for byte in stem
    )
    if len(name) + len(suffix) <= NAME_BYTES_MAX:
        return name + suffix
    # Imported here, since it takes longer than all the rest and few names are that long.
    from hashlib import sha256

    digest = b"-" + sha256(name).hexdigest()[:16].encode()
    return name[: NAME_BYTES_MAX - len(digest) - len(suffix)] + digest + suffix
