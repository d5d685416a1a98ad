"""A port that joins, as a line: what the kernel gives it belongs to it, what others do does not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.core.making import MAC1, VM1, bridge, hooked, nic, on_bridge, on_port, port, table
from tests.report.asking import reported
from tests.report.scribe import DAEMON, ROOT, Scribe
from vlanlog.core import codec
from vlanlog.core import event as e
from vlanlog.core.query import EventFilter
from vlanlog.core.state import HostState
from vlanlog.core.vlan import NO_VLANS, PortVlans
from vlanlog.follow import Lines, Story, Watch
from vlanlog.history import Line, Teller, lines
from vlanlog.report.make import is_foreign

TAP = replace(on_port("vnet0", 7), guest_uuid=VM1)
OTHER = on_port("vnet1", 8)
JOINED = e.PortAttached(mac="fe:54:00:00:00:01")
PVID = e.VlanAdded(first=1, last=1, pvid=True, untagged=True)
HOOK = hooked(VM1, "VM1", "start", nic(MAC1, tap="vnet0"))
SECOND_NS = 1_000_000_000

Told = tuple[str, str | None, PortVlans | None, PortVlans | None, bool]


def told(scribe: Scribe, before: HostState | None = None) -> list[Told]:
    """Returns each line: its kind, its port, what it tells of, and whether it is foreign."""
    return [shown(line) for line in lines(scribe.log.read(), before or HostState())]


def shown(line: Line) -> Told:
    kind = codec.kind_of(line.event.fact)
    return kind, line.event.subject.port, line.before, line.after, is_foreign(line)


ARRIVAL: Told = ("port.attached", "vnet0", NO_VLANS, port(pvid=1), False)


@pytest.mark.parametrize(
    "calls",
    [
        [[(TAP, JOINED), (TAP, PVID)]],
        [[(TAP, JOINED)], [(TAP, PVID)]],
        # Whose tap it is may be known only between the two.
        [[(replace(TAP, guest_uuid=None), JOINED)], [(TAP, PVID)]],
    ],
)
def test_default_pvid_belongs_to_the_arrival_however_it_was_recorded(
    calls: Sequence[Sequence[tuple[e.Subject, e.Fact]]],
) -> None:
    scribe = Scribe()
    for findings in calls:
        scribe.wrote(*findings)

    assert told(scribe) == [ARRIVAL]


def test_what_was_recorded_between_follows_the_arrival() -> None:
    scribe = Scribe()
    scribe.wrote((TAP, JOINED))
    scribe.wrote(HOOK)
    scribe.wrote((OTHER, e.VlanAdded(first=5, last=5)))
    scribe.wrote((TAP, PVID))

    assert told(scribe) == [
        ARRIVAL,
        ("hook.invoked", None, None, None, False),
        ("vlan.added", "vnet1", NO_VLANS, port("5"), True),
    ]


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize(
    "fact",
    [
        e.VlanAdded(first=666, last=666),
        e.VlanAdded(first=5, last=9, untagged=True),
        e.VlanAdded(first=5, last=5, pvid=True, untagged=True),
        e.VlanAdded(first=1, last=1, pvid=True),
        e.VlanRemoved(first=1, last=1),
    ],
)
def test_foreign_change_right_after_the_joining_is_a_line_of_its_own(
    fact: e.VlanAdded | e.VlanRemoved, together: bool
) -> None:
    scribe = Scribe()
    scribe.wrote((TAP, JOINED), (TAP, PVID))
    if together:
        scribe.goes_on()
    scribe.wrote((TAP, fact))

    kind = codec.kind_of(fact)
    after = (
        port(pvid=1).removed(fact.first, fact.last)
        if isinstance(fact, e.VlanRemoved)
        else port(pvid=1).added(fact.range)
    )
    assert told(scribe) == [ARRIVAL, (kind, "vnet0", port(pvid=1), after, True)]


def test_what_a_reread_finds_beside_the_default_pvid_is_a_line_of_its_own() -> None:
    scribe = Scribe()
    tagged = e.VlanAdded(first=666, last=666)
    scribe.wrote((TAP, JOINED), (TAP, tagged), (TAP, PVID), by=e.UNKNOWN_ACTOR)

    assert told(scribe) == [ARRIVAL, ("vlan.added", "vnet0", NO_VLANS, port("666"), True)]


def test_programming_right_after_the_joining_is_a_line_of_its_own() -> None:
    scribe = Scribe()
    scribe.wrote((TAP, JOINED), (TAP, PVID))
    scribe.goes_on()
    scribe.programmed(TAP, port(pvid=1), port("200", pvid=100), "conf", by=DAEMON)

    assert told(scribe) == [
        ARRIVAL,
        ("vlan.added", "vnet0", port(pvid=1), port("200", pvid=100), False),
    ]


@pytest.mark.parametrize(
    ("default_pvid", "vid", "foreign"),
    [(1, 1, False), (100, 100, False), (100, 1, True), (0, 1, True)],
)
def test_default_pvid_is_that_of_the_bridge(default_pvid: int, vid: int, foreign: bool) -> None:
    scribe = Scribe()
    pvid = e.VlanAdded(first=vid, last=vid, pvid=True, untagged=True)
    scribe.wrote((TAP, JOINED), (TAP, pvid))
    known = HostState(table=table(bridge("br0", 3, default_pvid=default_pvid)))

    expected: list[Told] = [("port.attached", "vnet0", NO_VLANS, port(pvid=vid), False)]
    if foreign:
        expected = [
            ("port.attached", "vnet0", NO_VLANS, NO_VLANS, False),
            ("vlan.added", "vnet0", NO_VLANS, port(pvid=vid), True),
        ]
    assert told(scribe, known) == expected
    latest = lines(scribe.log.read(), HostState(), latest=known)
    assert [shown(line) for line in latest] == expected


def test_default_pvid_is_the_one_that_the_bridge_was_set_to_since() -> None:
    scribe = Scribe()
    pvid = e.VlanAdded(first=9, last=9, pvid=True, untagged=True)
    change = e.BridgeChanged(vlan_filtering=True, default_pvid=9)
    scribe.wrote((on_bridge("br0", 3), change), by=ROOT)
    scribe.wrote((TAP, JOINED), (TAP, pvid))

    known = HostState(table=table(bridge("br0", 3, default_pvid=1)))
    assert told(scribe, known)[1:] == [("port.attached", "vnet0", NO_VLANS, port(pvid=9), False)]


def test_pvid_that_comes_later_is_somebodys_doing() -> None:
    scribe = Scribe()
    scribe.wrote((TAP, JOINED))
    scribe.at(scribe.at_ns + 2 * SECOND_NS).wrote((TAP, PVID))

    assert told(scribe) == [
        ("port.attached", "vnet0", NO_VLANS, NO_VLANS, False),
        ("vlan.added", "vnet0", NO_VLANS, port(pvid=1), True),
    ]


def test_pvid_that_is_put_back_is_somebodys_doing() -> None:
    scribe = Scribe()
    scribe.wrote((TAP, JOINED), (TAP, PVID))
    scribe.wrote((TAP, e.VlanRemoved(first=1, last=1)))
    scribe.wrote((TAP, PVID))

    assert [foreign for *_, foreign in told(scribe)] == [False, True, True]


def test_port_that_joined_as_nobodys_gets_its_default_pvid_by_the_bridge() -> None:
    scribe = Scribe()
    scribe.wrote((replace(TAP, guest_uuid=None), JOINED))
    scribe.wrote((TAP, PVID))
    first, second = scribe.log.read()

    [line] = lines([second], HostState(), [first])

    assert (*shown(line), line.why) == (
        ("vlan.added", "vnet0", NO_VLANS, port(pvid=1), False, "default PVID of br0")
    )


def test_port_that_rejoins_gets_its_default_pvid_anew() -> None:
    scribe = Scribe()
    for _ in range(2):
        scribe.wrote((TAP, JOINED))
        scribe.wrote((TAP, PVID))
        scribe.wrote((TAP, e.PortDetached()))

    assert told(scribe) == 2 * [ARRIVAL, ("port.detached", "vnet0", None, None, False)]


def test_arrival_is_not_held_back_for_longer_than_a_second() -> None:
    scribe = Scribe()
    scribe.wrote((TAP, JOINED))
    scribe.wrote(HOOK)
    scribe.at(scribe.at_ns + SECOND_NS).wrote(HOOK)
    teller = Teller(HostState())

    found = [[line.seq for line in teller.take(item)] for item in scribe.log.read()]

    assert (found, teller.held) == ([[], [], [1, 2, 3]], ())


def test_arrival_that_is_held_back_does_not_part_a_change_behind_it() -> None:
    scribe = Scribe()
    scribe.wrote((TAP, JOINED))
    five, seven = e.VlanAdded(first=5, last=5), e.VlanAdded(first=7, last=7)
    third = on_port("vnet2", 9)
    scribe.wrote((OTHER, five), (third, five), (OTHER, seven), (third, seven))

    assert told(scribe)[1:] == [
        ("vlan.added", name, NO_VLANS, port("5,7"), True) for name in ("vnet1", "vnet2")
    ]


def test_arrival_of_a_port_that_has_left_is_not_held_back() -> None:
    scribe = Scribe()
    scribe.wrote((TAP, JOINED))
    scribe.wrote((TAP, e.PortDetached()))
    teller = Teller(HostState())

    assert [[line.seq for line in teller.take(item)] for item in scribe.log.read()] == [[], [1, 2]]


def test_pvid_of_a_port_that_only_took_another_name_is_somebodys_doing() -> None:
    scribe, renamed = Scribe(), replace(TAP, port="lan0")
    scribe.wrote((TAP, JOINED), (TAP, PVID))
    scribe.wrote((TAP, e.VlanAdded(first=5, last=5, pvid=True, untagged=True)))
    scribe.wrote((renamed, JOINED))
    scribe.wrote((renamed, PVID))

    assert [foreign for *_, foreign in told(scribe)] == [False, True, False, True]


def unlike_the_kernels_own() -> Scribe:
    """Returns the log of a host where VM1's tap joins a bridge with another default PVID."""
    scribe = Scribe()
    scribe.booted("kvm-a-1")
    change = e.BridgeChanged(vlan_filtering=True, default_pvid=9)
    scribe.wrote((on_bridge("br0", 3), change), by=ROOT)
    scribe.wrote(HOOK)
    scribe.wrote((TAP, JOINED), (TAP, e.VlanAdded(first=9, last=9, pvid=True, untagged=True)))
    return scribe


JOINED_9: Told = ("port.attached", "vnet0", NO_VLANS, port(pvid=9), False)


def test_report_on_a_guest_knows_the_default_pvid_of_its_bridge() -> None:
    scribe = unlike_the_kernels_own()

    report = reported(scribe, guest=VM1, since_ns=0, until_ns=SECOND_NS)

    assert [shown(row.line) for row in report.guests[0].rows][-1] == JOINED_9


def test_follower_of_a_guest_knows_the_default_pvid_of_its_bridge() -> None:
    log = unlike_the_kernels_own().log
    wanted = EventFilter(subjects=(e.Subject(guest_uuid=VM1),), newest_first=False)
    follower = Lines(Story(wanted=wanted, number=10), log, log.head())
    watch = Watch(
        look=lambda *, anew: log,  # noqa: ARG005
        pause=lambda: None,
        say=print,
    )

    found = [*follower.past, *next(follower.new(watch))]

    assert [shown(line) for line in found][-1] == JOINED_9
