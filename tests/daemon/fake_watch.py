"""A daemon's eye and autopilot upon the fake kernel, and a hand to tell them the time.

Must not compare anything. The watch tells what differs between two looks, in the kernel's order
of words (docs/kernel-notes.md); what came and went between them it does not know.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from tests.fakes.kernel import FakeKernel
from tests.fakes.log import MemoryEventLog
from tests.fakes.site import SteppingClock
from vlanlog import record
from vlanlog.config.settings import load_settings
from vlanlog.core import event as e
from vlanlog.core.entry import BridgeEntry, PortEntry
from vlanlog.core.event import Event
from vlanlog.core.notice import LinkMessage, Notice, PortMessage, VlanMessage
from vlanlog.core.plan import additions, deletions
from vlanlog.core.state import Bridge, ConfigRole, Guest, HostState, IfIndex, Port, PortTable, Seq
from vlanlog.core.vlan import PortVlans
from vlanlog.daemon.autopilot import Autopilot
from vlanlog.daemon.observer import Observer
from vlanlog.errors import StoreError
from vlanlog.host.host import Host
from vlanlog.journal import Envelope, Journal
from vlanlog.kernel.netlink import LostError
from vlanlog.libvirt import Live, Unread

SETTINGS = load_settings({}, Path("/nonexistent"))
DAEMON = e.Actor(source=e.ActorSource.DAEMON, uid=0, user="root")


class Kernel(FakeKernel):
    """Is the fake kernel with what else befalls a host's devices."""

    def set_mac(self, name: str, mac: str) -> None:
        """Gives a port another MAC."""
        port = self._port(name)
        self._ports[port.ifindex] = replace(port, mac=mac)

    def join(self, name: str, bridge: str) -> None:
        """Puts a device that left its bridge into one again; it keeps its ifindex."""
        index = self._loose.pop(name)
        vlans = PortVlans.of(pvid=self._bridge(bridge).default_pvid or None)
        self._ports[index] = Port(ifindex=index, name=name, bridge=bridge, vlans=vlans)


class FakeWatch:
    """Implements ``NoticeSource``; it begins to hear when it is made, ``limit`` notices a read."""

    def __init__(self, kernel: FakeKernel) -> None:
        self._kernel = kernel
        self._told = kernel.read()
        self._queue: list[Notice] = []
        self._losses = range(0)
        self._reads = 0
        self.limit = 1000

    def lose(self, *, times: int = 1, after: int = 0) -> None:
        """Lets so many reads find a loss, after so many that find none."""
        self._losses = range(self._reads + after, self._reads + after + times)

    def read(self, limit: int = 1000) -> list[Notice]:
        """Returns what is queued, up to a limit."""
        self._reads += 1
        if self._reads - 1 in self._losses:
            raise LostError("ENOBUFS: no room")
        now = self._kernel.read()
        self._queue += _notices(self._told, now)
        self._told = now
        limit = min(limit, self.limit)
        found, self._queue = self._queue[:limit], self._queue[limit:]
        return found

    def drain(self) -> int:
        """Throws away what is queued."""
        self._told, self._queue = self._kernel.read(), []
        return 1


def _notices(before: PortTable, now: PortTable) -> Iterator[Notice]:
    for index, port in before.ports.items():
        if index not in now.ports or now.ports[index].bridge != port.bridge:
            yield from _departure(port, is_device=not port.is_self)
    for bridge in now.bridges.values():
        if before.bridges.get(bridge.name) != bridge:
            yield _bridge_link(bridge)
    for index, port in now.ports.items():
        known = before.ports.get(index)
        stayed = known is not None and known.bridge == port.bridge
        if not port.is_self and (known is None or replace(known, vlans=port.vlans) != port):
            yield _link(port, now.bridges[port.bridge].ifindex)
        yield from _vlan_notices(index, known.vlans if known and stayed else PortVlans(), port)


def _departure(port: Port, *, is_device: bool) -> Iterator[Notice]:
    if is_device:
        yield PortMessage(
            ifindex=port.ifindex, gone=True, name=port.name, master=None, mac=port.mac,
            vlans=PortVlans(), switchdev=False,
        )  # fmt: skip
    if port.vlans:
        yield VlanMessage(
            ifindex=port.ifindex, gone=True, ranges=deletions(port.vlans, PortVlans())
        )
    yield LinkMessage(ifindex=port.ifindex, gone=True, name=port.name, mac=port.mac)


def _bridge_link(bridge: Bridge) -> LinkMessage:
    return LinkMessage(
        ifindex=bridge.ifindex,
        gone=False,
        name=bridge.name,
        kind="bridge",
        vlan_filtering=bridge.vlan_filtering,
        default_pvid=bridge.default_pvid,
    )


def _link(port: Port, master: IfIndex) -> LinkMessage:
    return LinkMessage(
        ifindex=port.ifindex, gone=False, name=port.name, master=master, mac=port.mac
    )


def _vlan_notices(index: IfIndex, before: PortVlans, port: Port) -> Iterator[Notice]:
    if gone := deletions(before, port.vlans):
        yield VlanMessage(ifindex=index, gone=True, ranges=gone)
        for item in gone:
            before = before.removed(item.first, item.last)
    if new := additions(before, port.vlans):
        yield VlanMessage(ifindex=index, gone=False, ranges=new)


class BusyReader:
    """Reads the kernel while others change it: ``after`` is done right after each reading."""

    def __init__(self, kernel: FakeKernel) -> None:
        self._kernel = kernel
        self.after: list[Callable[[], None]] = []

    def read(self) -> PortTable:
        """Returns every bridge and its ports, as they then were."""
        table = self._kernel.read()
        if self.after:
            self.after.pop(0)()
        return table

    def read_vlans(self, ifindex: IfIndex) -> PortVlans:
        """Returns the VLANs of one port."""
        return self._kernel.read_vlans(ifindex)


class FailingLog(MemoryEventLog):
    """Is a log that can be full for a while."""

    def __init__(self) -> None:
        super().__init__()
        self.is_full = False

    def append(self, events: Sequence[Event]) -> list[Seq]:
        """Keeps the events, or nothing."""
        if self.is_full:
            raise StoreError("the disk is full")
        return super().append(events)


class _Kernel:
    def __init__(self, kernel: FakeKernel, eye: Observer) -> None:
        self.reader = kernel
        self.writer = kernel
        self.eye = eye


class Resident:
    """Is the part of the daemon that hears and acts; ``at`` is one round of its loop.

    ``guests`` is what libvirt's status files say.
    """

    def __init__(self, *entries: BridgeEntry | PortEntry) -> None:
        self.kernel = Kernel()
        self.log = FailingLog()
        self.clock = SteppingClock()
        envelope = Envelope(
            host="host", boot_id="boot-1", actor=DAEMON, correlation_id=self.clock.new_id()
        )
        self.journal = Journal(log=self.log, clock=self.clock, envelope=envelope)
        record.boot(self.journal)
        self.configure(*entries)
        self.guests: dict[Path, Guest] = {}
        self.unread: tuple[Unread, ...] = ()
        self.watch: FakeWatch
        self.reader: BusyReader
        self.observer: Observer
        self.autopilot: Autopilot
        self.host: Host

    def configure(self, *entries: BridgeEntry | PortEntry) -> None:
        """Loads both files with these entries."""
        bridges = tuple(entry for entry in entries if isinstance(entry, BridgeEntry))
        ports = tuple(entry for entry in entries if isinstance(entry, PortEntry))
        files = [
            e.ConfigLoaded(
                role=ConfigRole.BRIDGES, file="b", digest=repr(bridges), bridges=bridges
            ),
            e.ConfigLoaded(role=ConfigRole.PORTS, file="p", digest=repr(ports), ports=ports),
        ]
        record.config(self.journal, files)

    @property
    def state(self) -> HostState:
        return self.journal.state

    def start(self, now_s: float = 0.0) -> None:
        """Begins to watch, and acts on what is due at once."""
        self.watch = FakeWatch(self.kernel)
        self.reader = BusyReader(self.kernel)
        self.observer = Observer(
            self.journal, self.watch, self.reader, self.clock, pause=lambda: None
        )
        self.host = Host(
            settings=SETTINGS,
            log=self.log,
            journal=self.journal,
            kernel=_Kernel(self.kernel, self.observer),
        )
        self.autopilot = Autopilot(self._lend, self._live)
        self.observer.begin(e.DaemonStarted())
        self.autopilot.begin(self.state, self.observer.news(), now_s)
        self.at(now_s)

    def _live(self) -> Live:
        return Live(guests=dict(self.guests), unread=self.unread)

    @contextmanager
    def _lend(self) -> Iterator[Host]:
        envelope = replace(self.journal.envelope, correlation_id=self.clock.new_id())
        with self.journal.acting(envelope):
            yield self.host

    def at(self, now_s: float) -> None:
        """Hears, heeds and acts as at this time, until there is nothing left to do."""
        for _ in range(20):
            self.hear(now_s)
            due_s = self.autopilot.due_s()
            if due_s is None or due_s > now_s:
                return
            self.autopilot.act(self.state, now_s)
        raise AssertionError("it acts again and again")

    def hear(self, now_s: float) -> None:
        """Hears and heeds, and does not act."""
        self.observer.hear()
        if news := self.observer.news():
            self.autopilot.heed(self.state, news, now_s)

    def carried(self, name: str) -> PortVlans:
        """Returns what the kernel has on a port."""
        port = self.kernel.read().named(name)
        assert port is not None
        return port.vlans

    def events(self, *kinds: type[e.Fact]) -> list[Event]:
        """Returns the recorded events of these kinds, in order."""
        return [item.event for item in self.log.read() if isinstance(item.event.fact, kinds)]

    def facts(self, *kinds: type[e.Fact]) -> list[e.Fact]:
        return [event.fact for event in self.events(*kinds)]
