"""What a script of a ``.d`` folder asks the daemon to do in its stead.

Must not touch the kernel or the database: where no daemon answers, the caller does the work.
"""

import os
import sys
import time

from vlanlog.dispatch.call import without_passwords
from vlanlog.dispatch.settings import read_settings
from vlanlog.dispatch.wire import answered_status, request

_DEADLINE_S = 15.0


def ask_daemon(verb: str, argv: list[str]) -> int | None:
    """Returns the exit status of what the daemon did; None where the caller has to do it.

    Asks for ``apply-guest`` or ``apply-bridges`` with the arguments that the dispatcher gives to
    a script, and writes the daemon's words to stderr. A daemon that did not answer the
    dispatcher is not waited for again. By hand, options and arguments left out are not the
    daemon's business.
    """
    called = "VLANLOG_CORRELATION_ID" in os.environ
    if called and os.environ.get("VLANLOG_DAEMON") == "absent":
        return None
    if not called and (not argv or any(word.startswith("-") for word in argv)):
        return None
    names = ("guest" if verb == "apply-guest" else "phase", "conf")
    fields = {name: os.fsencode(word) for name, word in zip(names, argv, strict=False)}
    if called:
        fields.update(_call())
    reply = request(read_settings(_hooks()).socket, verb, fields, _deadline_s())
    status = answered_status(reply)
    if reply is None or status is None:
        return None
    sys.stderr.buffer.write(reply.get("output", b""))
    sys.stderr.buffer.flush()
    return status


def _call() -> dict[str, bytes]:
    correlation_id = os.environ["VLANLOG_CORRELATION_ID"]
    fields = {
        "correlation_id": bytes.fromhex(correlation_id),
        "hook": os.environb.get(b"VLANLOG_HOOK_NAME", b""),
        "parent": os.environb.get(b"VLANLOG_HOOK_PARENT", b""),
    }
    if os.environ.get("VLANLOG_HOOK_DRIVER") != "daemon":
        fields["xml"] = _stdin()
    return fields


def _hooks() -> bytes:
    script = os.path.abspath(os.fsencode(sys.argv[0]))
    given = os.environb.get(b"VLANLOG_HOOKS_DIR")
    return given or os.path.dirname(os.path.dirname(script))


def _stdin() -> bytes:
    # The dispatcher's stdin is a file: rewound, so that who works without the daemon reads it too.
    xml = sys.stdin.buffer.read()
    os.lseek(0, 0, os.SEEK_SET)
    return without_passwords(xml)


def _deadline_s() -> float:
    ends_ns = os.environ.get("VLANLOG_HOOK_ENDS_MONOTONIC_NS", "")
    if not ends_ns.isdigit():
        return _DEADLINE_S
    # Half of what is left stays for doing it without the daemon.
    return min(_DEADLINE_S, (int(ends_ns) - time.monotonic_ns()) / 2e9)
