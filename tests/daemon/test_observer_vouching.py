"""Up to when the daemon vouches for what it has heard and read, where it then finds a gap."""

from __future__ import annotations

from collections.abc import Callable

from tests.core.making import ranged
from tests.fakes.site import Site
from vlanlog.core import event as e
from vlanlog.core.notice import Notice, VlanMessage
from vlanlog.core.state import IfIndex, PortTable
from vlanlog.core.vlan import PortVlans
from vlanlog.daemon.observer import Observer
from vlanlog.kernel.netlink import LostError


class Queue:
    """Is a watch whose next readings are given: lists of notices, or losses."""

    def __init__(self) -> None:
        self.next: list[list[Notice] | LostError] = []

    def read(self, limit: int = 0) -> list[Notice]:
        del limit
        found = self.next.pop(0) if self.next else []
        if isinstance(found, LostError):
            raise found
        return found

    def drain(self) -> int:
        return 0


class Reader:
    """Is the kernel's reader; ``during`` runs once, right after a reading was taken."""

    def __init__(self, site: Site) -> None:
        self._kernel = site.kernel
        self.during: Callable[[], None] | None = None

    def read(self) -> PortTable:
        table = self._kernel.read()
        if self.during is not None:
            change, self.during = self.during, None
            change()
        return table

    def read_vlans(self, ifindex: IfIndex) -> PortVlans:
        return self._kernel.read_vlans(ifindex)


class Seat:
    """Is an observer of a host with a bridge, which has begun to watch."""

    def __init__(self) -> None:
        self.site = Site()
        self.bridge = self.site.kernel.add_bridge("br0")
        self.queue, self.reader = Queue(), Reader(self.site)
        self.observer = Observer(
            self.site.journal, self.queue, self.reader, self.site.clock, pause=lambda: None
        )
        self.observer.begin(e.DaemonStarted())

    def gaps(self) -> list[tuple[str, int | None]]:
        """Returns the reason and the beginning of each gap since the start."""
        facts = [item.event.fact for item in self.site.log.read()]
        found = [fact for fact in facts if isinstance(fact, e.GapOpened)]
        return [(fact.reason, fact.since_ns) for fact in found[1:]]


def test_unsaid_change_during_a_reading_is_not_vouched_for() -> None:
    seat = Seat()
    changed_ns: list[int] = []

    def change() -> None:
        seat.site.kernel.set_vlan_filtering(seat.bridge, True)
        changed_ns.append(seat.site.clock.now_ns())

    seat.reader.during = change
    seat.observer.reconcile()
    seat.observer.reconcile()

    ((reason, since_ns),) = seat.gaps()
    assert reason == "the kernel said nothing of these changes"
    assert since_ns is not None
    assert since_ns < changed_ns[0]


def test_loss_may_have_begun_as_soon_as_all_was_heard() -> None:
    seat = Seat()
    notice = VlanMessage(ifindex=seat.bridge, gone=False, ranges=(ranged(7),))
    heard_ns = seat.site.clock.now_ns()
    seat.observer.hear()
    later_ns = seat.site.clock.now_ns()

    seat.queue.next = [[notice], LostError("ENOBUFS: No buffer space available")]
    seat.observer.hear()

    ((reason, since_ns),) = seat.gaps()
    assert reason == "ENOBUFS: No buffer space available"
    assert since_ns is not None
    assert heard_ns < since_ns < later_ns


def test_unsaid_change_that_a_look_at_one_port_finds_is_a_gap_as_any_other() -> None:
    seat = Seat()
    carried = PortVlans.of(pvid=1, tagged=1 << 9)
    seat.site.kernel.set_vlans("br0", carried)
    begun = len(list(seat.site.log.read()))

    seat.observer.look(only={seat.bridge})

    assert [
        (item.event.actor.source, type(item.event.fact))
        for item in list(seat.site.log.read())[begun:]
    ] == [
        (e.ActorSource.OPERATOR, e.GapOpened),
        (e.ActorSource.UNKNOWN, e.VlanAdded),
        (e.ActorSource.OPERATOR, e.GapClosed),
    ]
    assert [reason for reason, _ in seat.gaps()] == ["the kernel said nothing of these changes"]
