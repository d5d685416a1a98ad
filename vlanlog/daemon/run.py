"""The daemon's loop: one thread that hears the kernel, serves clients and acts when it is time.

Must not block anywhere but in the selector, for a guest's start may be waiting.
"""

from __future__ import annotations

import logging
import selectors
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace

from vlanlog import identity, record
from vlanlog.config import Settings
from vlanlog.core import event as e
from vlanlog.core.desired import desired
from vlanlog.core.program import Scope, plan
from vlanlog.daemon.answering import Answering
from vlanlog.daemon.autopilot import Autopilot
from vlanlog.daemon.elsewhere import Elsewhere
from vlanlog.daemon.keeping import KeptLog, OpensLog
from vlanlog.daemon.notify import Notifier
from vlanlog.daemon.observer import Observer
from vlanlog.daemon.server import Server
from vlanlog.daemon.timers import Timers
from vlanlog.daemon.waiting import Waiting
from vlanlog.daemon.wishes import Wishes
from vlanlog.daemon.witness import Witness
from vlanlog.errors import KernelError, StoreError
from vlanlog.host.host import Host
from vlanlog.journal import Envelope, Journal
from vlanlog.kernel.read import NetlinkReader
from vlanlog.kernel.watch import Watch
from vlanlog.kernel.write import NetlinkWriter
from vlanlog.libvirt import LiveGuests
from vlanlog.spool import Spool

_logger = logging.getLogger(__name__)

_BATCHES_A_ROUND = 4
_SPOOL_S = 2.0
_RETRY_S = 2.0
_BREATH_S = 0.02
_COMPLAINT_S = 60.0

Commands = Callable[[Host, dict[str, bytes]], dict[str, bytes]]


class WatchedKernel:
    """Is the kernel as the daemon has it: the eye hears of all that happens."""

    def __init__(self, reader: NetlinkReader, writer: NetlinkWriter, eye: Observer) -> None:
        self.reader = reader
        self.writer = writer
        self.eye = eye


class Daemon:
    """Is the resident process, from the first look at the kernel to the last word in the log."""

    def __init__(
        self,
        settings: Settings,
        opens_log: OpensLog,
        commands: Commands,
        notifier: Notifier,
        stack: ExitStack,
    ) -> None:
        """Opens everything.

        Raises: VlanlogError where another daemon runs; KernelError, StoreError.
        """
        self._settings = settings
        self._notifier = notifier
        self._selector = stack.enter_context(selectors.DefaultSelector())
        # First, so that it is let go of last: to ask twice for an end must not break it off.
        self._wishes = Wishes(stack, self._selector)
        self._server = Server(settings.socket, self._selector)
        stack.callback(self._server.close)
        self._spool = Spool(settings.spool, host=settings.host)
        self._kept = KeptLog(opens_log, self._spool.write_events)
        stack.callback(self._kept.close)
        self._clock = identity.SystemClock()
        self._journal = Journal(log=self._kept, clock=self._clock, envelope=self._envelope())
        # It hears before it looks, or what changed in between would go unseen.
        self._watch = stack.enter_context(Watch(buffer_bytes=settings.receive_buffer_bytes))
        self._waiting = Waiting(self._selector, self._watch)
        reader = stack.enter_context(NetlinkReader())
        self._elsewhere = Elsewhere(self._spool, self._kept, self._journal, self._clock)
        self._observer = Observer(
            self._journal,
            self._watch,
            reader,
            self._clock,
            pause=reader.settle,
            elsewhere=self._elsewhere,
        )
        writer = stack.enter_context(NetlinkWriter())
        self._host = Host(
            settings=settings,
            log=self._kept,
            journal=self._journal,
            kernel=WatchedKernel(reader, writer, self._observer),
        )
        guests = LiveGuests(settings.libvirt_status)
        self._autopilot = Autopilot(self._lend_to_daemon, guests.read)
        self._answering = Answering(self._journal, self._clock, self._lend, commands)
        self._witness = Witness(self._kept, host=settings.host)
        self._timers = Timers()
        self._complained_s = 0.0

    def run(self) -> None:
        """Serves until it is told to end.

        Raises: KernelError, StoreError, at the beginning alone.
        """
        self._begin()
        self._notifier.ready(f"watching, socket {self._settings.socket}")
        _logger.info("watching; socket %s", self._settings.socket)
        while not self._wishes.ends:
            with self._going_on():
                self._round()
        self._notifier.stopping("recording the last words")
        _logger.info("stopping")
        self._observer.end(e.DaemonStopped())
        self._witness.tell()

    def _begin(self) -> None:
        self._begin_log()
        now_s = time.monotonic()
        self._autopilot.begin(self._journal.state, self._observer.news(), now_s)
        self._timers.every("reconcile", self._settings.reconcile_s, now_s, self._reconcile)
        self._timers.every("spool", _SPOOL_S, now_s, self._elsewhere.take_in)
        self._timers.every("recover", _RETRY_S, now_s, self._recover)
        self._timers.every("witness", self._settings.head_s, now_s, self._witness.tell)
        if self._notifier.watchdog_ns is not None:
            period_s = self._notifier.watchdog_ns / 1e9
            self._timers.every("watchdog", period_s, now_s, self._notifier.alive)

    def _begin_log(self) -> None:
        record.boot(self._journal)
        self._host.load_config()
        self._observer.begin(e.DaemonStarted())

    def _round(self) -> None:
        # What was found while it acted, or reconciled, is not to wait for the next event.
        self._heed()
        events = self._waiting.events(self._timeout_s())
        requests = self._server.ready(events, queued=self._answering.queue)
        self._wishes.clear(events)
        # What a client's request is about happened before it asked.
        self._observer.hear(batches=_BATCHES_A_ROUND)
        self._heed()
        self._answering.serve(requests)
        self._heed()
        self._autopilot.act(self._journal.state, time.monotonic())
        self._timers.run(time.monotonic())
        if self._wishes.takes_reload():
            self._reload()

    def _timeout_s(self) -> float | None:
        if self._answering.queue:
            return 0.0
        ends = [self._timers.due_s(), self._autopilot.due_s()]
        if (deadline_ns := self._server.next_deadline_ns()) is not None:
            ends.append(deadline_ns / 1e9)
        due_s = min((end for end in ends if end is not None), default=None)
        return None if due_s is None else max(0.0, due_s - time.monotonic())

    def _heed(self) -> None:
        if news := self._observer.news():
            self._autopilot.heed(self._journal.state, news, time.monotonic())

    def _reconcile(self) -> None:
        if found := self._observer.reconcile():
            _logger.warning("%d changes of which the kernel said nothing", found)

    def _recover(self) -> None:
        if self._kept.is_failing and self._kept.recover():
            self._journal.begin_anew()
            if self._kept.is_another:
                self._begin_log()
        if self._kept.lost and not self._kept.is_failing:
            lost, since_ns = self._kept.taken_lost()
            self._observer.lose(f"{lost} events could not be written anywhere", since_ns)

    def _reload(self) -> None:
        self._notifier.reloading()
        try:
            self._read_config()
        finally:
            # The manager would wait for it, and take a reload that failed for one that hangs.
            self._notifier.ready("watching")

    def _read_config(self) -> None:
        files = self._host.load_config()
        for line in files.errors:
            _logger.error("%s", line)
        table = self._journal.state.table
        drift = plan(desired(self._journal.state, table), table, Scope())
        _logger.info(
            "config read anew; %s from it%s",
            "1 port differs" if len(drift.ports) == 1 else f"{len(drift.ports)} ports differ",
            ": 'vlanlog replay' puts them right" if drift else "",
        )

    @contextmanager
    def _going_on(self) -> Iterator[None]:
        """Lets no failure of one round end the daemon: what was missed is read anew."""
        try:
            yield
        except (StoreError, KernelError, OSError) as error:
            self._complain(str(error))
            self._timers.hasten("reconcile", time.monotonic() + _RETRY_S)
            # Not to fail again and again without a breath.
            time.sleep(_BREATH_S)

    def _complain(self, message: str) -> None:
        now_s = time.monotonic()
        if now_s - self._complained_s >= _COMPLAINT_S:
            self._complained_s = now_s
            _logger.critical("%s", message)

    def _envelope(self) -> Envelope:
        return Envelope(
            host=self._settings.host,
            boot_id=identity.boot_id(),
            actor=identity.this_process(e.ActorSource.DAEMON),
            correlation_id=self._clock.new_id(),
        )

    @contextmanager
    def _lend(self, envelope: Envelope) -> Iterator[Host]:
        with self._journal.acting(envelope):
            self._host.notes.clear()
            yield self._host

    def _lend_to_daemon(self) -> AbstractContextManager[Host]:
        own = self._journal.envelope
        return self._lend(replace(own, correlation_id=self._clock.new_id()))
