"""The daemon's Unix socket: who may connect, which requests came whole, and their replies.

Must not block and must not carry out anything: the loop does, with what ``ready`` returns.
"""

from __future__ import annotations

import fcntl
import logging
import os
import selectors
import socket
import stat
import time
from collections.abc import Collection, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from vlanlog.daemon.connection import Connection, Peer, error_reply
from vlanlog.errors import VlanlogError

VERBS = frozenset({"record", "apply-guest", "apply-bridges", "command"})
"""What can be asked for; docs/protocol.md says what each means."""

CLIENTS_MAX = 512
"""Those beyond it wait in the kernel's queue: half of the 1,024 open files of a usual process."""

PATIENCE_NS = 5_000_000_000
"""How long a client may take to send its frame, and again to read its reply."""

_BACKLOG = 4096
_VERB_SHOWN = 40
_RETRY_NS = 200_000_000

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Request:
    """Is one whole request whose client waits for its reply.

    Units: received_ns is the monotonic clock's, when the frame was whole; ends_monotonic_ns is
    when the client stops waiting, by the same clock, None where it did not say.
    """

    verb: str
    fields: dict[str, bytes]
    peer: Peer
    received_ns: int
    ends_monotonic_ns: int | None
    connection: Connection

    def reply(self, fields: dict[str, bytes]) -> None:
        """Sends the reply without waiting for the client, which may be gone.

        Raises: ValueError at the second reply to a request.
        """
        if self.connection.is_answered:
            raise ValueError(f"the request {self.verb} was answered already")
        self.connection.answer(fields)

    def refuse(self, code: str, text: str) -> None:
        """Tells the client that nothing was done; it then does without the daemon."""
        self.reply(error_reply(code, text))

    def is_waiting(self) -> bool:
        """Tells whether the client still wants it: it has not hung up and its time is not over.

        To be asked right before anything but a ``record`` is carried out: a daemon that was
        stopped for a while finds requests whose taps may be another guest's by now. Asked after
        a look at the client's /proc, it also tells that the pid was not another's meanwhile.
        In a time namespace with a clock of its own a client may look late; it then does the
        work itself.
        """
        ends_ns = self.ends_monotonic_ns
        if ends_ns is not None and ends_ns <= time.monotonic_ns():
            return False
        return self.connection.is_open()


class Server:
    """Owns the socket's file: made with mode 0600 under a flock'ed lock file, removed at close."""

    def __init__(
        self,
        path: Path,
        selector: selectors.BaseSelector,
        *,
        patience_ns: int = PATIENCE_NS,
        clients_max: int = CLIENTS_MAX,
    ) -> None:
        """Listens at the path, where a socket of a daemon that was killed is taken over.

        Raises: VlanlogError where another daemon serves the path, or it cannot be made.
        """
        self.path = path
        self._selector = selector
        self._patience_ns = patience_ns
        self._clients_max = clients_max
        self._connections: set[Connection] = set()
        self._handed_out: list[Request] = []
        self._listens = False
        self._retry_ns: int | None = None
        with ExitStack() as stack:
            self._lock = _locked(path)
            stack.callback(os.close, self._lock)
            self._listener = _listening(path)
            self._file = _identity(path)
            stack.pop_all()
        self._listen()

    def ready(
        self,
        events: Iterable[tuple[selectors.SelectorKey, int]],
        *,
        queued: Collection[Request] = (),
    ) -> list[Request]:
        """Returns the requests that came whole in this round of the loop.

        It accepts, reads and writes what can be had without waiting, drops who was too slow, and
        passes over events of others in the same selector. What the last round left without an
        answer and does not have ``queued`` either, by a failure of its own, is refused: its
        client then does without, at once.
        """
        for request in self._unanswered():
            if request not in queued:
                request.refuse("internal", "it was passed over")
        requests: list[Request] = []
        accepts = self._retry_ns is not None and self._retry_ns <= time.monotonic_ns()
        for key, _ in events:
            if key.data is self:
                accepts = True
            elif isinstance(key.data, Connection):
                key.data.write()
                requests += self._read(key.data)
        if accepts:
            self._listen()
            requests += self._accepted()
        self._drop_late()
        self._handed_out = [*queued, *requests]
        return requests

    def next_deadline_ns(self) -> int | None:
        """Returns when ``ready`` is to be called at the latest, on the monotonic clock."""
        ends = [connection.ends_ns for connection in self._connections]
        ends += [self._retry_ns, *(request.received_ns for request in self._unanswered())]
        return min((end for end in ends if end is not None), default=None)

    def close(self) -> None:
        """Removes the file and hangs up: who waits does without the daemon, at once."""
        if _identity(self.path) == self._file:
            self.path.unlink(missing_ok=True)
        self._retry_ns = None
        self._pause()
        self._listener.close()
        for connection in list(self._connections):
            connection.close()
        # The lock's file stays: who holds a removed one would not keep the next one out.
        os.ftruncate(self._lock, 0)
        os.close(self._lock)

    def _accepted(self) -> list[Request]:
        requests: list[Request] = []
        while len(self._connections) < self._clients_max:
            try:
                sock, _ = self._listener.accept()
            except BlockingIOError:
                return requests
            except OSError as error:
                # Out of files or memory: the queue would wake the loop again and again.
                _log.warning("clients have to wait: %s", error.strerror)
                self._pause()
                self._retry_ns = time.monotonic_ns() + _RETRY_NS
                return requests
            connection = Connection(sock, self._selector, self._patience_ns, self._closed)
            self._connections.add(connection)
            if connection.peer.uid in (0, os.geteuid()):
                requests += self._read(connection)
            else:
                connection.answer(error_reply("not-allowed", "only root may ask"))
        self._pause()
        return requests

    def _read(self, connection: Connection) -> list[Request]:
        fields = connection.read()
        if fields is None:
            return []
        request = _request(connection, fields)
        if request.verb not in VERBS:
            request.refuse("unknown-verb", f"no verb {request.verb[:_VERB_SHOWN]!r} is known")
            return []
        return [request]

    def _unanswered(self) -> list[Request]:
        return [one for one in self._handed_out if not one.connection.is_answered]

    def _drop_late(self) -> None:
        now_ns = time.monotonic_ns()
        for connection in list(self._connections):
            if connection.ends_ns is not None and connection.ends_ns <= now_ns:
                connection.give_up()

    def _closed(self, connection: Connection) -> None:
        self._connections.discard(connection)
        if not self._listens:
            self._listen()

    def _listen(self) -> None:
        self._retry_ns = None
        if not self._listens and self._listener.fileno() >= 0:
            self._selector.register(self._listener, selectors.EVENT_READ, self)
            self._listens = True

    def _pause(self) -> None:
        if self._listens:
            self._selector.unregister(self._listener)
            self._listens = False


def _request(connection: Connection, fields: dict[str, bytes]) -> Request:
    verb = fields.pop("verb", b"").decode("ascii", "backslashreplace")
    ends = fields.pop("ends_monotonic_ns", b"")
    return Request(
        verb=verb,
        fields=fields,
        peer=connection.peer,
        received_ns=connection.received_ns,
        ends_monotonic_ns=int(ends) if ends.isdigit() and len(ends) < 20 else None,
        connection=connection,
    )


def _locked(path: Path) -> int:
    lock_path = path.with_name(f"{path.name}.lock")
    try:
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        lock = os.open(lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as e:
        raise VlanlogError(
            f"lock file {lock_path} cannot be made: {e.strerror}",
            hint=f"run as root, or look at: ls -ld {path.parent}",
        ) from e
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as e:
        pid = os.pread(lock, 32, 0).decode(errors="replace").strip()
        os.close(lock)
        holder = f"process {pid}" if pid.isdigit() else "another process"
        raise VlanlogError(
            f"{path} is served by {holder} already",
            hint="one daemon a host is enough: see 'systemctl status vlanlog'",
        ) from e
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
    return lock


def _listening(path: Path) -> socket.socket:
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        listener.setblocking(False)
        # Before bind(2), which gives the file this mode: it is never open to others.
        os.fchmod(listener.fileno(), 0o600)
        try:
            # Whoever left it is dead: the lock is ours.
            if stat.S_ISSOCK(path.lstat().st_mode):
                path.unlink()
        except FileNotFoundError:
            pass
        try:
            listener.bind(os.fsencode(path))
            listener.listen(_BACKLOG)
        except OSError as e:
            raise VlanlogError(
                f"socket {path} cannot be made: {e.strerror or e}",
                hint=f"look at: ls -ld {path.parent} {path}; or name another with socket =",
            ) from e
        stack.pop_all()
    return listener


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
