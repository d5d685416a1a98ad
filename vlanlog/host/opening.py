"""Opens this host for one command: settings, log, spool, kernel, and who is acting.

Must not decide what is programmed; it constructs the adapters that use cases are handed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from enum import Enum, auto
from pathlib import Path
from typing import assert_never
from uuid import UUID

from sqlalchemy import Engine, make_url

from vlanlog import record
from vlanlog.config import Settings, load_settings
from vlanlog.config.settings import HOOKS_DIR, HOOKS_DIR_VARIABLE
from vlanlog.core.event import ActorSource, Event
from vlanlog.core.fold import advance
from vlanlog.core.state import HostState, Seq
from vlanlog.errors import BusyError, ConfigError, StoreError
from vlanlog.host.host import Host, UnwatchedKernel
from vlanlog.host.loglike import BootMarkingLog, NewLog, OutsideLog, SafeLog, nowhere
from vlanlog.identity import SystemClock, boot_id, this_process
from vlanlog.journal import Envelope, Journal
from vlanlog.ports import EventLog
from vlanlog.spool import Spool, UnreadableError
from vlanlog.store.engine import open_engine
from vlanlog.store.existing import may_be_there, open_existing
from vlanlog.store.lock import writer_lock
from vlanlog.store.log import SqlEventLog
from vlanlog.store.upgrade import ensure_schema

_NO_HOOKS = Path("/nonexistent")
"""A folder that is never there (Debian policy 9.1), so that no file speaks against a default."""

_RESUMES_S = 0.5


class Mode(Enum):
    """Says what a command needs of the log.

    READ takes in the spool where it may and appends nothing else; WRITE holds the writer lock;
    REHEARSE appends nothing; GLANCE is REHEARSE that goes on without a log; HOOK is WRITE for
    which no failure of the record counts.
    """

    READ = auto()
    WRITE = auto()
    REHEARSE = auto()
    GLANCE = auto()
    HOOK = auto()


@contextmanager
def opened(
    settings: Settings, mode: Mode, *, source: ActorSource = ActorSource.OPERATOR
) -> Iterator[Host]:
    """Yields the host with everything opened, and closes it.

    Raises: StoreError (never in HOOK mode), KernelError.
    """
    with ExitStack() as stack:
        opening = _Opening(settings, stack)
        yield _host(opening, opening.log(mode), boots=mode is not Mode.READ, source=source)


@contextmanager
def opened_log(settings: Settings, *, resumed: bool) -> Iterator[tuple[SqlEventLog, list[str]]]:
    """Yields the database's log under the writer lock, and remarks; the spool is taken in.

    ``resumed`` says that the caller watched all the time and only the database was away.
    It then waits for no one: those who wait for the caller do so for two seconds.
    Raises: StoreError.
    """
    timeout_s = min(settings.lock_timeout_s, _RESUMES_S) if resumed else settings.lock_timeout_s
    with ExitStack() as stack:
        opening = _Opening(replace(settings, lock_timeout_s=timeout_s), stack)
        yield opening.log_for_writing(resumed=resumed), opening.notes


@contextmanager
def opened_again(settings: Settings) -> Iterator[tuple[EventLog, list[str]]]:
    """Yields the log to read on in, and remarks; the spool is taken in where it may be.

    Raises: StoreError, also where the database is gone: none is made in its place.
    """
    url = make_url(settings.database)
    file = Path(url.database or "")
    # A backup that is being brought back is empty at first, and must not get tables of its own.
    if url.get_backend_name() == "sqlite" and not (file.exists() and file.stat().st_size):
        raise StoreError(f"there is no database {file}", hint="bring it back from a backup")
    with ExitStack() as stack:
        opening = _Opening(settings, stack)
        yield opening.log_to_read(makes=False), opening.notes


@contextmanager
def opened_for_hook(environ: Mapping[str, str], *, source: ActorSource) -> Iterator[Host]:
    """Yields the host in HOOK mode; where vlanlog.conf is broken, with the spool for a log.

    No error in vlanlog's own settings keeps a guest from starting.
    Raises: KernelError.
    """
    with ExitStack() as stack:
        try:
            opening = _Opening(load_settings(environ), stack)
            log = opening.log(Mode.HOOK)
        except ConfigError as error:
            opening = _Opening(_default_settings(environ), stack)
            log = opening.outside(error.message)
        yield _host(opening, log, boots=True, source=source)


def _default_settings(environ: Mapping[str, str]) -> Settings:
    hooks = Path(environ.get(HOOKS_DIR_VARIABLE) or HOOKS_DIR)
    return replace(load_settings({}, _NO_HOOKS), hooks=hooks, logs=hooks / "logs")


def _host(opening: _Opening, log: EventLog, *, boots: bool, source: ActorSource) -> Host:
    whose = envelope(opening.settings, source)
    journal = Journal(log=log, clock=SystemClock(), envelope=whose)
    if boots:
        record.boot(journal)
    return Host(
        settings=opening.settings,
        log=log,
        journal=journal,
        kernel=UnwatchedKernel(journal, opening.stack),
        notes=opening.notes,
    )


def envelope(settings: Settings, source: ActorSource) -> Envelope:
    """Returns what the events of this process have in common."""
    given = os.environ.get("VLANLOG_CORRELATION_ID", "")
    actor = this_process(source)
    if source is ActorSource.HOOK and (caller := os.environ.get("VLANLOG_HOOK_PARENT")):
        actor = replace(actor, parent=caller)
    return Envelope(
        host=settings.host,
        boot_id=boot_id(),
        actor=actor,
        correlation_id=UUID(given) if len(given) == 32 else SystemClock().new_id(),
    )


class _Opening:
    """Opens the log in the way that a mode wants it."""

    def __init__(self, settings: Settings, stack: ExitStack) -> None:
        self.settings = settings
        self.stack = stack
        self._spool = Spool(settings.spool, host=settings.host)
        self.notes: list[str] = []

    def log(self, mode: Mode) -> EventLog:
        match mode:
            case Mode.READ:
                return self.log_to_read(makes=self._spool.has_pending())
            case Mode.WRITE:
                return self.log_for_writing(resumed=False)
            case Mode.REHEARSE:
                return self._rehearsal()
            case Mode.GLANCE:
                return self._glance()
            case Mode.HOOK:
                return self._hook_log()
            case _:
                assert_never(mode)

    def log_to_read(self, *, makes: bool) -> SqlEventLog:
        """Returns the log with what was spooled taken in, if it can be; it may make a new one."""
        engine, log = self._database(makes=makes)
        self._take_in_if_possible(engine, log)
        return log

    def _database(self, *, makes: bool = True) -> tuple[Engine, SqlEventLog]:
        url, timeout_s = self.settings.database, self.settings.lock_timeout_s
        open_it = open_engine if makes else open_existing
        engine = open_it(url, timeout_s=timeout_s)
        self.stack.callback(engine.dispose)
        ensure_schema(engine)
        every = self.settings.snapshot_interval
        return engine, SqlEventLog(engine, host=self.settings.host, snapshot_every=every)

    def _lock(self, engine: Engine) -> None:
        timeout_s = self.settings.lock_timeout_s
        lock = writer_lock(engine, host=self.settings.host, timeout_s=timeout_s)
        self.stack.enter_context(lock)

    def log_for_writing(self, *, resumed: bool) -> SqlEventLog:
        """Returns the log under the writer lock, with what was spooled taken in."""
        engine, log = self._database()
        self._lock(engine)
        if resumed:
            self._take_in(log)
        else:
            self._take_over(log)
        return log

    def _take_over(self, log: EventLog) -> None:
        """Writes down that the watch is lost, if it is, and takes in what was spooled since."""
        head = log.head()
        journal = Journal(
            log=log, clock=SystemClock(), envelope=envelope(self.settings, ActorSource.UNKNOWN)
        )
        record.lost_watch(journal, head.at_ns if head else None)
        self._take_in(log)

    def _take_in(self, log: EventLog) -> None:
        try:
            taken = self._spool.take_in(BootMarkingLog(log, SystemClock()))
        except OSError as error:
            raise StoreError(
                f"the spool {self._spool.folder} cannot be taken in: {error.strerror}",
                hint="run as root; what is in it is not lost",
            ) from error
        for item in taken.set_aside:
            self.notes.append(f"a record could not be read ({item.reason}): see {item.path}")

    def _take_in_if_possible(self, engine: Engine, log: EventLog) -> None:
        try:
            if not self._spool.pending():
                return
            with writer_lock(engine, host=self.settings.host, timeout_s=0.0):
                self._take_over(log)
        except OSError as error:
            self.notes.append(f"the spool {self._spool.folder} cannot be read: {error.strerror}")
        except BusyError:
            # The daemon or another writer takes it in.
            return
        except StoreError as error:
            self.notes.append(error.message)

    def _glance(self) -> OutsideLog:
        try:
            return self._rehearsal()
        except StoreError as error:
            advice = f" ({error.hint})" if error.hint else ""
            self.notes.append(f"{error.message}; going on without the log{advice}")
            return OutsideLog(HostState(), nowhere)

    def _rehearsal(self) -> OutsideLog:
        past: EventLog = NewLog(HostState(), nowhere)
        # A rehearsal must not make a log by opening it.
        if may_be_there(self.settings.database):
            _, past = self._database(makes=False)
        return OutsideLog(self._with_waiting(past.state()), nowhere, past=past)

    def _with_waiting(self, state: HostState) -> HostState:
        """Returns the state after what the spool holds, which is in no log yet."""
        numbered = ((Seq(n), event) for n, event in enumerate(self._waiting(), start=state.seq + 1))
        return advance(numbered, state)

    def _waiting(self) -> list[Event]:
        try:
            pending = self._spool.pending()
        except OSError as error:
            self.notes.append(f"the spool could not be read: {error}")
            return []
        waiting: list[Event] = []
        for path in pending:
            try:
                waiting += self._spool.events_of(path)
            except (OSError, UnreadableError) as error:
                self.notes.append(f"{path} could not be read: {error}")
        return waiting

    def _hook_log(self) -> EventLog:
        state = HostState()
        try:
            engine, log = self._database()
            state = log.state()
            self._lock(engine)
            self._take_over(log)
        except StoreError as error:
            # Else it would take for a stranger's what a hook before it did with the log away too.
            return self.outside(error.message, self._with_waiting(state))
        return SafeLog(log, self._spooled, lambda error: self.notes.append(error.message))

    def outside(self, why: str, state: HostState | None = None) -> OutsideLog:
        """Returns a log that spools, for the reason given; the state is what is still known."""
        self.notes.append(f"{why}; the record goes to {self._spool.folder}")
        return OutsideLog(state or HostState(), self._spooled)

    def _spooled(self, events: Sequence[Event]) -> None:
        try:
            self._spool.write_events(events)
        except OSError as error:
            folder = self._spool.folder
            self.notes.append(f"not recorded: the spool {folder}: {error.strerror or error}")
