"""Carries out what hooks and operators ask for, each in its own name, and answers.

Must not leave a client without an answer while it can be given one: without, it does the work
itself.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from pathlib import Path
from uuid import UUID

from vlanlog import identity
from vlanlog.core.event import ActorSource, Event
from vlanlog.daemon.server import Request
from vlanlog.errors import StoreError, VlanlogError
from vlanlog.host.bridges import program_bridges
from vlanlog.host.guest import GuestCall, program_guest
from vlanlog.host.host import Host
from vlanlog.journal import Envelope, Journal
from vlanlog.ports import Clock
from vlanlog.render.words import plain
from vlanlog.spool import UnreadableError, event_of_record

_logger = logging.getLogger(__name__)

_UUID_BYTES = 16

_STRETCH_S = 0.05
"""So long requests are carried out in one go; records wait two seconds, not the end of a queue."""

Lends = Callable[[Envelope], AbstractContextManager[Host]]
"""Yields the host to one who acts under this envelope."""


class Answering:
    """Answers requests; ``commands`` carries out an operator's command (JSON to JSON).

    Shape: queue holds the requests that ``serve`` has not come to yet.
    """

    def __init__(
        self,
        journal: Journal,
        clock: Clock,
        lend: Lends,
        commands: Callable[[Host, dict[str, bytes]], dict[str, bytes]],
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._lend = lend
        self._commands = commands
        self._own = journal.envelope
        self.queue: deque[Request] = deque()
        self._verbs: dict[str, Callable[[Request], dict[str, bytes]]] = {
            "apply-guest": self._apply_guest,
            "apply-bridges": self._apply_bridges,
            "command": self._command,
        }

    def serve(self, requests: Sequence[Request]) -> None:
        """Commits all records in one transaction and answers them, then does the rest in turn.

        It may leave some for its next call: who restarts libvirtd has every guest ask at once,
        and their records must not wait for one another's VLANs.
        """
        records = [request for request in requests if request.verb == "record"]
        self.queue += (request for request in requests if request.verb != "record")
        if records:
            self._record(records)
        ends_s = time.monotonic() + _STRETCH_S
        while self.queue:
            self._do(self.queue.popleft())
            if time.monotonic() >= ends_s:
                return

    def _record(self, requests: Sequence[Request]) -> None:
        events: list[Event] = []
        waiting: list[Request] = []
        for request in requests:
            try:
                events.append(self._event(request))
                waiting.append(request)
            except UnreadableError as error:
                request.refuse("bad-request", str(error))
        try:
            self._journal.take(events)
        except StoreError as error:
            for request in waiting:
                request.refuse("database", error.message)
            return
        for request in waiting:
            request.reply({"status": b"ok"})

    def _event(self, request: Request) -> Event:
        event = event_of_record(request.fields, host=self._own.host)
        peer = request.peer
        # What the kernel says of the client counts, not what it says of itself.
        actor = replace(event.actor, uid=peer.uid, pid=peer.pid)
        login_uid = identity.login_uid(peer.pid)
        if request.is_waiting():
            # Of one that is gone the pid may be another's by now.
            actor = replace(actor, login_uid=login_uid)
        return replace(event, actor=actor)

    def _do(self, request: Request) -> None:
        if not request.is_waiting():
            _logger.info("%s of process %d: nobody waits for it", request.verb, request.peer.pid)
            request.refuse("too-late", "nobody waits for it")
            return
        try:
            answer = self._verbs[request.verb](request)
        except StoreError as error:
            request.refuse("database", error.message)
        except Exception as error:
            _logger.exception("a bug while serving %s", request.verb)
            request.refuse("internal", repr(error))
        else:
            request.reply({"status": b"ok", **answer})

    def _apply_guest(self, request: Request) -> dict[str, bytes]:
        fields = request.fields
        operation = _operation(fields)
        call = GuestCall(
            name=_text(fields.get("guest", b"")),
            conf=_existing(fields.get("conf", b"")),
            operation=operation,
            xml=fields.get("xml", b""),
        )
        envelope = self._envelope(request, called=bool(operation))
        return _spoken(lambda say: program_guest(partial(self._lend, envelope), call, say))

    def _apply_bridges(self, request: Request) -> dict[str, bytes]:
        fields = request.fields
        conf = _existing(fields.get("conf", b""))
        everything = fields.get("phase") == b"reload"
        envelope = self._envelope(request, called="hook" in fields)
        open_host = partial(self._lend, envelope)
        return _spoken(lambda say: program_bridges(open_host, conf, say, everything=everything))

    def _command(self, request: Request) -> dict[str, bytes]:
        with self._lend(self._envelope(request, called=False)) as host:
            return self._commands(host, request.fields)

    def _envelope(self, request: Request, *, called: bool) -> Envelope:
        source = ActorSource.HOOK if called else ActorSource.OPERATOR
        actor = identity.process(request.peer.pid, request.peer.uid, source)
        if parent := request.fields.get("parent"):
            actor = replace(actor, parent=_text(parent))
        given = request.fields.get("correlation_id", b"")
        known = len(given) == _UUID_BYTES
        return replace(
            self._own,
            actor=actor,
            correlation_id=UUID(bytes=given) if known else self._clock.new_id(),
        )


def _spoken(work: Callable[[Callable[[str], None]], int]) -> dict[str, bytes]:
    """Returns the exit status of the work and all that it said, an error among it."""
    said: list[str] = []
    try:
        status = work(said.append)
    except VlanlogError as error:
        status = error.exit_code
        said += [f"vlanlog: error: {plain(line)}" for line in error.message.splitlines()]
        said += [f"hint: {plain(error.hint)}"] if error.hint else []
    output = "".join(f"{text}\n" for text in said)
    return {
        "exit_status": b"%d" % status,
        "output": output.encode("utf-8", "backslashreplace"),
    }


def _operation(fields: dict[str, bytes]) -> str:
    """Returns libvirt's word for the operation: the second of ``qemu_start_begin``."""
    _, _, rest = _text(fields.get("hook", b"")).partition("_")
    return rest.split("_")[0]


def _existing(given: bytes) -> Path | None:
    path = Path(_text(given)) if given else None
    return path if path is not None and path.exists() else None


def _text(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")
