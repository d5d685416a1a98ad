"""vlanlog's own scripts, which the daemon does in the dispatcher's stead: a process less.

Must not take a script for its own that an operator has changed: what it does then is theirs.
"""

import time

from vlanlog.dispatch.call import Call, without_passwords
from vlanlog.dispatch.scripts import Ended, log_of
from vlanlog.dispatch.settings import Settings
from vlanlog.dispatch.wire import answered_status, request

_DEADLINE_S = 15.0
_TEXT = b"""\
#!/bin/sh
# fmt: off
PYTHON=""
"exec" "${PYTHON:-${VLANLOG_PYTHON:-python3}}" "-I" "$0" "$@"
# fmt: on

import os
import sys

try:
    from vlanlog.hook import ask_daemon

    status = ask_daemon("%(verb)s", sys.argv[1:])
    if status is not None:
        # All is said and written: a guest's start need not wait for the interpreter's tidying up.
        os._exit(status)
    from vlanlog.cli.scripts import %(name)s
except ImportError as error:
    sys.exit(
        f"vlanlog: error: {sys.executable} cannot import vlanlog ({error}); "
        "name an interpreter that can in the line PYTHON=, or in VLANLOG_PYTHON"
    )
sys.exit(%(name)s(sys.argv[1:]))
"""
TEXTS = {
    _TEXT % {b"verb": b"apply-guest", b"name": b"vlan_filtering"}: "apply-guest",
    _TEXT % {b"verb": b"apply-bridges", b"name": b"bridge_init"}: "apply-bridges",
}
"""The scripts as they are shipped, and what each asks the daemon for."""

_BYTES_MAX = 4096


def verb_of(path: bytes) -> str:
    """Returns what the script at the path asks for, nothing where it is not vlanlog's own.

    The line that names the interpreter is an installer's.
    """
    try:
        with open(path, "rb", buffering=0) as file:
            text = file.read(_BYTES_MAX)
    except OSError:
        return ""
    start = text.find(b"\nPYTHON=") + 1
    end = text.find(b"\n", start)
    return TEXTS.get(b'%sPYTHON=""%s' % (text[:start], text[end:]), "")


def done_by_daemon(
    call: Call, folder: bytes, script: bytes, settings: Settings, deadline_s: float
) -> Ended | None:
    """Returns how the daemon ended what the script would have asked it for.

    None where the script has to be run: it is not vlanlog's own, or no daemon did it. It is not
    asked again in this call then.
    Units: deadline_s; half of it stays for doing it without the daemon.
    """
    verb = verb_of(folder + b"/" + script) if call.has_daemon else ""
    if not verb:
        return None
    started_ns = time.monotonic_ns()
    fields = {
        "guest" if verb == "apply-guest" else "phase": call.target,
        "conf": call.conf(script),
        "correlation_id": call.correlation_id,
        "hook": call.hook,
        "parent": call.parent,
    }
    if call.has_xml:
        fields["xml"] = without_passwords(call.xml)
    reply = request(settings.socket, verb, fields, min(_DEADLINE_S, deadline_s / 2))
    status = answered_status(reply)
    if reply is None or status is None:
        call.has_daemon = False
        return None
    log, log_tail = log_of(call, script, settings.logs, reply.get("output", b""))
    return Ended(
        script,
        status,
        duration_ns=time.monotonic_ns() - started_ns,
        log=log,
        log_tail=log_tail,
    )
