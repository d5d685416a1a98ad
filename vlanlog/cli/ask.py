"""Has a command done: by the daemon where one serves this host, else in this process.

Must not import what does the work unless it is done here: an answer of the daemon is at hand
before the database's library is loaded.
"""

from __future__ import annotations

import socket
import struct
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from vlanlog.cli import show
from vlanlog.config import Settings
from vlanlog.dispatch.wire import request as ask_socket
from vlanlog.errors import BusyError, VlanlogError
from vlanlog.host.commands.answer import Answer, Outcome
from vlanlog.host.commands.request import AdoptRequest, ReplayRequest, Request
from vlanlog.host.commands.wire import CommandError, outcome_of, request_fields, verb_of

Kind = TypeVar("Kind", bound=Answer)

_DEADLINE_S = 300.0
"""Long enough for 1,000 ports with every other vid of 4,094, ten times over."""

_SILENCE_S = 2.0
_CREDENTIALS = struct.Struct("iII")


def answer_to(settings: Settings, request: Request, kind: type[Kind]) -> Kind:
    """Returns the answer, after what was noted on the way has been shown.

    Raises: VlanlogError, whoever met it.
    """
    with _waiting(verb_of(request)):
        fields = request_fields(settings, request)
        reply = ask_socket(settings.socket, "command", fields, _DEADLINE_S)
    if reply is None or reply.get("status") != b"ok":
        return _told(_done_here(settings, request, reply), kind)
    try:
        outcome = outcome_of(reply, kind)
    except CommandError as error:
        raise VlanlogError(
            f"the daemon's answer cannot be read: {error}",
            hint="it is done, see 'vlanlog history'; restart the daemon, it has another version",
        ) from error
    return _told(outcome, kind)


def rehearsal_of(
    settings: Settings, request: ReplayRequest | AdoptRequest, kind: type[Kind]
) -> Kind:
    """Returns what the request would come to; nothing is changed, and nobody is asked.

    Raises: VlanlogError.
    """
    from vlanlog.host.commands.carry import rehearsed
    from vlanlog.host.opening import Mode, opened

    with opened(settings, Mode.REHEARSE) as host:
        outcome = rehearsed(host, request)
    return _told(outcome, kind)


def _told(outcome: Outcome, kind: type[Kind]) -> Kind:
    for line in outcome.notes:
        show.note(line)
    if outcome.failure is not None:
        raise outcome.failure.error()
    if not isinstance(outcome.answer, kind):
        raise TypeError(f"{outcome.answer!r} is no {kind.__name__}")
    return outcome.answer


def _done_here(settings: Settings, request: Request, reply: dict[str, bytes] | None) -> Outcome:
    from vlanlog.host.commands.carry import check_right, performed
    from vlanlog.host.opening import Mode, opened

    # Before the log is opened: who lacks the right may be told something else there.
    check_right(request)
    try:
        with opened(settings, Mode.WRITE) as host:
            return performed(host, request)
    except BusyError as error:
        raise _busy(settings, error, reply) from error


def _busy(settings: Settings, error: BusyError, reply: dict[str, bytes] | None) -> BusyError:
    """Returns the error with what is known of the daemon: it may be the one that is busy."""
    pid = listener(settings)
    if pid is None:
        return error
    daemon = f"the daemon (process {pid})"
    if reply is None:
        told = f"{daemon} does not answer"
        hint = "see 'journalctl -u vlanlog'; a restart of the daemon leaves all VLANs as they are"
    else:
        told = f"{daemon} says: {reply.get('error', b'').decode(errors='replace')}"
        hint = "give --hooks-dir, --database and VLANLOG_HOST as the daemon has them"
        if reply.get("error_code") != b"other-host":
            hint = "see 'journalctl -u vlanlog'"
    return BusyError(f"{error.message}; {told}", hint=hint)


def listener(settings: Settings) -> int | None:
    """Returns the pid of the process that listens on the socket, None where none does.

    Source: unix(7), ``SO_PEERCRED``.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as peer:
        peer.settimeout(_SILENCE_S)
        try:
            peer.connect(str(settings.socket))
        except OSError:
            return None
        packed = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return int(_CREDENTIALS.unpack(packed)[0]) or None


@contextmanager
def _waiting(verb: str) -> Iterator[None]:
    """Says on a terminal what is waited for, once that takes long."""
    if not sys.stderr.isatty():
        yield
        return
    timer = threading.Timer(_SILENCE_S, show.note, (f"waiting for the daemon ({verb})…",))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
