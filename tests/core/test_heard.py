"""The facts in what the kernel says: which are new, which are none, which must wait."""

from __future__ import annotations

import pytest

from tests.core.making import (
    BOOT,
    MAC1,
    NATIVE,
    VM1,
    Finding,
    bridge,
    device,
    guest,
    nic,
    numbered,
    on_bridge,
    on_port,
    port,
    ranged,
    raw,
    table,
)
from vlanlog.core import event as e
from vlanlog.core.fold import advance
from vlanlog.core.heard import Hearing
from vlanlog.core.notice import LinkMessage, Notice, PortMessage, VlanMessage
from vlanlog.core.state import HostState, IfIndex, PortTable
from vlanlog.core.vlan import NO_VLANS, PortVlans, VlanFlags, VlanRange

BR0 = bridge("br0", 1)
SELF = device("br0", 1, port(pvid=1))
VETH0 = device("veth0", 2, port("200", pvid=100), mac=MAC1)
BR1 = bridge("br1", 9, default_pvid=0)
OTHER = device("br1", 9, of="br1")
HERE = table(BR0, SELF, VETH0, BR1, OTHER)

VETH0_SAID = e.Subject(bridge="br0", port="veth0", ifindex=2, mac=MAC1)
LEFT = (VETH0_SAID, e.PortDetached())


def new(index: int, *ranges: VlanRange) -> VlanMessage:
    return VlanMessage(ifindex=IfIndex(index), gone=False, ranges=ranges)


def gone(index: int, first: int, last: int | None = None) -> VlanMessage:
    return VlanMessage(ifindex=IfIndex(index), gone=True, ranges=(ranged(first, last),))


def parting(index: int, *, switchdev: bool = False) -> PortMessage:
    """Returns what comes before a port's flush, and after every RTM_DELVLAN."""
    return PortMessage(
        ifindex=IfIndex(index),
        gone=True,
        name="",
        master=None,
        mac=None,
        vlans=NO_VLANS,
        switchdev=switchdev,
    )


def whole(index: int, vlans: PortVlans, *, switchdev: bool = False) -> PortMessage:
    return PortMessage(
        ifindex=IfIndex(index),
        gone=False,
        name="",
        master=None,
        mac=None,
        vlans=vlans,
        switchdev=switchdev,
    )


def link(
    name: str, index: int, master: int | None = None, *, mac: str | None = MAC1, ended: bool = False
) -> LinkMessage:
    return LinkMessage(
        ifindex=IfIndex(index),
        gone=ended,
        name=name,
        master=None if master is None else IfIndex(master),
        mac=mac,
        kind="tun",
    )


def bridge_link(
    name: str,
    index: int,
    *,
    filtering: bool = True,
    default_pvid: int | None = 1,
    ended: bool = False,
    mac: str = MAC1,
) -> LinkMessage:
    return LinkMessage(
        ifindex=IfIndex(index),
        gone=ended,
        name=name,
        mac=mac,
        kind="bridge",
        vlan_filtering=filtering,
        default_pvid=default_pvid,
    )


class Log:
    """Is a hearing and the state that follows from it."""

    def __init__(self, state: HostState | PortTable = HERE) -> None:
        self.hearing = Hearing()
        if isinstance(state, PortTable):
            state = HostState(boot_id=BOOT, table=state)
        self.state = state

    def take(self, *notices: Notice) -> list[Finding]:
        return self._folded(self.hearing.take(self.state, notices))

    def release(self) -> list[Finding]:
        return self._folded(self.hearing.release(self.state))

    def _folded(self, findings: list[Finding]) -> list[Finding]:
        self.state = advance(numbered(findings), self.state)
        return findings


def added(item: VlanRange) -> e.VlanAdded:
    return e.VlanAdded(first=item.first, last=item.last, pvid=item.pvid, untagged=item.untagged)


def removed(first: int, last: int | None = None) -> e.VlanRemoved:
    return e.VlanRemoved(first=first, last=last or first)


@pytest.mark.parametrize(
    ("notice", "facts"),
    [
        (new(2, ranged(10)), [added(ranged(10))]),
        (new(2, ranged(10, 20), ranged(30)), [added(ranged(10, 20)), added(ranged(30))]),
        (new(2, ranged(200)), []),
        (new(2, ranged(198, 202)), [added(ranged(198, 199)), added(ranged(201, 202))]),
        (new(2, ranged(200, flags=VlanFlags.UNTAGGED)),
         [added(ranged(200, flags=VlanFlags.UNTAGGED))]),
        (new(2, ranged(100, flags=NATIVE)), []),
        (new(2, ranged(100)), [added(ranged(100))]),
        (new(2, ranged(5, flags=NATIVE)), [added(ranged(5, flags=NATIVE))]),
        (gone(2, 200), [removed(200)]),
        (gone(2, 90, 210), [removed(100), removed(200)]),
        (gone(2, 201), []),
    ],
)  # fmt: skip
def test_vlans_of_a_port_are_told_as_far_as_they_differ(
    notice: Notice, facts: list[e.Fact]
) -> None:
    assert Log().take(notice) == [(VETH0_SAID, fact) for fact in facts]


def test_displaced_pvid_stays_an_untagged_member() -> None:
    log = Log()

    log.take(new(2, ranged(5, flags=NATIVE)))

    assert log.state.table.ports[IfIndex(2)].vlans == raw("5,100,200", untagged="5,100", pvid=5)


def test_vlans_are_told_in_the_order_heard() -> None:
    found = Log().take(new(2, ranged(10)), new(9, ranged(7)), gone(2, 10), new(2, ranged(11)))

    assert found == [
        (VETH0_SAID, added(ranged(10))),
        (on_port("br1", 9, "br1"), added(ranged(7))),
        (VETH0_SAID, removed(10)),
        (VETH0_SAID, added(ranged(11))),
    ]


def test_vlans_of_a_guests_tap_are_the_guests() -> None:
    tap = device("vnet0", 5, mac="fe:54:00:00:00:01")
    state = HostState(
        boot_id=BOOT,
        table=table(BR0, SELF, tap),
        guests={VM1: guest(VM1, "VM1", nic(MAC1, tap="vnet0"))},
    )
    subject = e.Subject(
        guest_uuid=VM1, guest_name="VM1", mac=MAC1, bridge="br0", port="vnet0", ifindex=5
    )

    found = Log(state).take(
        new(5, ranged(10)), link("vnet0", 5, mac="fe:54:00:00:00:01", ended=True)
    )

    assert found == [(subject, added(ranged(10))), (subject, e.PortDetached())]


def test_tap_that_goes_was_its_guests_though_the_guest_is_stopped() -> None:
    tap = device("vnet0", 5, mac="fe:54:00:00:00:01")
    stopped = guest(VM1, "VM1", nic(MAC1), running=False)
    state = HostState(boot_id=BOOT, table=table(BR0, SELF, tap), guests={VM1: stopped})
    subject = e.Subject(
        guest_uuid=VM1, guest_name="VM1", mac=MAC1, bridge="br0", port="vnet0", ifindex=5
    )

    assert Log(state).take(link("vnet0", 5, ended=True)) == [(subject, e.PortDetached())]


def test_port_joins_with_the_vlans_that_are_said_after_it() -> None:
    said = e.Subject(bridge="br0", port="veth1", ifindex=3, mac=MAC1)
    joined = link("veth1", 3, 1)

    found = Log().take(link("veth1", 3), joined, joined, new(3, ranged(1, flags=NATIVE)))

    assert found == [
        (said, e.PortAttached(mac=MAC1)),
        (said, added(ranged(1, flags=NATIVE))),
    ]


def test_port_joins_with_the_vlans_that_were_said_before_it_in_another_batch() -> None:
    said = e.Subject(bridge="br0", port="veth1", ifindex=3, mac=MAC1)
    log = Log()

    first = log.take(new(3, ranged(1, flags=NATIVE)), new(3, ranged(7)), gone(3, 7))
    then = log.take(link("veth1", 3, 1))

    assert (first, then) == (
        [],
        [(said, e.PortAttached(mac=MAC1)), (said, added(ranged(1, flags=NATIVE)))],
    )


def test_vlans_said_of_a_device_that_was_in_no_bridge_are_forgotten() -> None:
    log = Log()

    log.take(new(3, ranged(7)), link("veth1", 3), link("veth1", 3, 1))

    assert log.state.table.ports[IfIndex(3)].vlans == NO_VLANS


@pytest.mark.parametrize("master", [2, 77])
def test_master_that_is_no_bridge_is_not_ours(master: int) -> None:
    assert Log().take(link("veth1", 3, master)) == []


@pytest.mark.parametrize(
    "last", [link("veth0", 2), link("veth0", 2, 77), link("veth0", 2, ended=True)]
)
def test_port_that_leaves_is_detached_and_its_flush_is_no_removal(last: LinkMessage) -> None:
    log = Log()

    found = log.take(parting(2), gone(2, 100), gone(2, 200), bridge_link("br0", 1), last)

    assert (found, log.hearing.waits) == ([LEFT], False)


def test_port_that_moves_leaves_one_bridge_and_joins_the_other() -> None:
    said = e.Subject(bridge="br1", port="veth0", ifindex=2, mac=MAC1)

    found = Log().take(
        parting(2), gone(2, 100), link("veth0", 2), link("veth0", 2, 9), new(2, ranged(5))
    )

    assert found == [LEFT, (said, e.PortAttached(mac=MAC1)), (said, added(ranged(5)))]


def test_move_that_is_said_in_one_message_is_both() -> None:
    log = Log()

    found = log.take(link("veth0", 2, 9), new(2, ranged(200)))

    said = e.Subject(bridge="br1", port="veth0", ifindex=2, mac=MAC1)
    assert found == [LEFT, (said, e.PortAttached(mac=MAC1)), (said, added(ranged(200)))]
    assert log.state.table.ports[IfIndex(2)].vlans == port("200")


def test_removal_before_the_leaving_is_a_removal() -> None:
    found = Log().take(gone(2, 200), parting(2), gone(2, 100), link("veth0", 2))

    assert found == [(VETH0_SAID, removed(200)), LEFT]


def test_port_in_a_port_that_leaves_leaves_too() -> None:
    upper = device("veth0.7", 3, port("7"), of="br1", mac=MAC1)
    log = Log(table(BR0, SELF, VETH0, BR1, OTHER, upper))

    found = log.take(
        *(parting(2), gone(2, 100)),
        *(parting(3), gone(3, 7), link("veth0.7", 3, ended=True)),
        link("veth0", 2, ended=True),
    )

    upper_left = (
        e.Subject(bridge="br1", port="veth0.7", ifindex=3, mac=MAC1),
        e.PortDetached(),
    )
    assert found == [upper_left, LEFT]


@pytest.mark.parametrize("told", [parting(2), new(2, ranged(7)), link("veth0", 2, 1)])
def test_removals_are_removals_where_the_port_stays(told: Notice) -> None:
    found = Log().take(parting(2), gone(2, 200), told)

    assert found[0] == (VETH0_SAID, removed(200))


def test_whole_port_tells_that_it_stays() -> None:
    found = Log().take(parting(2), gone(2, 200), whole(2, port(pvid=100)))

    assert found == [(VETH0_SAID, removed(200))]


@pytest.mark.parametrize(
    "between", [new(2, ranged(7)), link("veth0", 2, 1), whole(2, port("7,200", pvid=100))]
)
def test_removal_is_told_at_once_where_something_else_was_said_of_the_port(
    between: Notice,
) -> None:
    log = Log()

    found = log.take(parting(2), between, gone(2, 200))

    assert (found[-1], log.hearing.waits) == ((VETH0_SAID, removed(200)), False)


def test_port_that_stayed_may_still_leave() -> None:
    found = Log().take(
        *(parting(2), gone(2, 100), new(2, ranged(7))),
        *(parting(2), gone(2, 200), link("veth0", 2)),
    )

    assert found == [(VETH0_SAID, removed(100)), (VETH0_SAID, added(ranged(7))), LEFT]


def test_nics_own_switch_does_not_speak_for_the_port() -> None:
    log = Log()

    found = log.take(whole(2, port("5"), switchdev=True), parting(2, switchdev=True), gone(2, 200))

    assert (found, log.hearing.waits) == ([(VETH0_SAID, removed(200))], False)


def test_port_that_may_be_leaving_holds_back_all_that_comes_after() -> None:
    log = Log()

    first = log.take(new(9, ranged(7)), parting(2), gone(2, 100), new(9, ranged(8)))
    waited = log.hearing.waits
    then = log.take(gone(2, 200), link("veth0", 2))

    own = on_port("br1", 9, "br1")
    assert (first, waited) == ([(own, added(ranged(7)))], True)
    assert (then, log.hearing.waits) == ([(own, added(ranged(8))), LEFT], False)


def test_what_was_held_back_is_told_in_order_when_nothing_follows() -> None:
    log = Log()
    log.take(parting(2), gone(2, 100), new(9, ranged(8)), gone(2, 200))

    released = log.release()

    assert (released, log.hearing.waits, log.release()) == (
        [
            (VETH0_SAID, removed(100)),
            (on_port("br1", 9, "br1"), added(ranged(8))),
            (VETH0_SAID, removed(200)),
        ],
        False,
        [],
    )


def test_port_that_left_behind_what_was_held_back_is_no_removal_either() -> None:
    veth1 = device("veth1", 3, port("7"), mac=MAC1)
    log = Log(table(BR0, SELF, VETH0, veth1))

    held = log.take(
        *(parting(2), gone(2, 100)),
        *(parting(3), gone(3, 7), link("veth1", 3, ended=True)),
    )

    veth1_left = (e.Subject(bridge="br0", port="veth1", ifindex=3, mac=MAC1), e.PortDetached())
    assert (held, log.release()) == ([], [(VETH0_SAID, removed(100)), veth1_left])


def test_new_bridge_has_its_port_with_the_vlans_said_before() -> None:
    found = Log().take(new(5, ranged(1, flags=NATIVE)), bridge_link("br5", 5))

    assert found == [
        (on_bridge("br5", 5), e.BridgeChanged(vlan_filtering=True, default_pvid=1)),
        (on_port("br5", 5, "br5"), e.PortAttached()),
        (on_port("br5", 5, "br5"), added(ranged(1, flags=NATIVE))),
    ]


def test_bridges_switches_are_told_together_and_once() -> None:
    said = bridge_link("br0", 1, filtering=False, default_pvid=7)

    found = Log().take(said, said)

    assert found == [(on_bridge("br0", 1), e.BridgeChanged(vlan_filtering=False, default_pvid=7))]


def test_bridges_mac_is_no_fact() -> None:
    assert Log().take(bridge_link("br0", 1, mac="52:54:00:00:00:99")) == []


def test_bridge_of_a_kernel_without_vlans_is_not_ours() -> None:
    assert Log().take(bridge_link("br5", 5, default_pvid=None)) == []


def test_bridge_that_ends_takes_its_ports_along_and_its_flush_is_no_removal() -> None:
    log = Log()

    found = log.take(gone(1, 1), bridge_link("br0", 1, ended=True))

    assert found == [
        (on_bridge("br0", 1), e.BridgeChanged(gone=True)),
        (on_port("br0", 1), e.PortDetached()),
        LEFT,
    ]
    assert log.state.table == table(BR1, OTHER)


@pytest.mark.parametrize(
    "between", [new(2, ranged(7)), new(1, ranged(7)), bridge_link("br0", 1), link("veth9", 99)]
)
def test_bridges_own_vlan_was_taken_away_if_something_stands_before_its_end(
    between: Notice,
) -> None:
    found = Log().take(gone(1, 1), between, bridge_link("br0", 1, ended=True))

    assert found[0] == (on_port("br0", 1), removed(1))


def test_bridges_own_vlan_is_held_back_at_the_end_of_what_is_heard() -> None:
    log = Log()

    held = log.take(gone(1, 1))

    assert (held, log.hearing.waits, log.release()) == (
        [],
        True,
        [(on_port("br0", 1), removed(1))],
    )


def test_renamed_bridge_is_another_one_with_the_same_ports_and_vlans() -> None:
    log = Log()

    found = log.take(bridge_link("lan", 1))

    lan = e.Subject(bridge="lan", port="veth0", ifindex=2, mac=MAC1)
    assert found == [
        (on_bridge("br0", 1), e.BridgeChanged(gone=True)),
        (on_bridge("lan", 1), e.BridgeChanged(vlan_filtering=True, default_pvid=1)),
        (on_port("br0", 1), e.PortDetached()),
        LEFT,
        (on_port("lan", 1, "lan"), e.PortAttached()),
        (on_port("lan", 1, "lan"), added(ranged(1, flags=NATIVE))),
        (lan, e.PortAttached(mac=MAC1)),
        (lan, added(ranged(100, flags=NATIVE))),
        (lan, added(ranged(200))),
    ]


def test_port_of_a_renamed_bridge_is_called_by_its_new_name_in_the_same_breath() -> None:
    found = Log().take(new(2, ranged(7)), bridge_link("lan", 1), new(2, ranged(8)))

    lan = e.Subject(bridge="lan", port="veth0", ifindex=2, mac=MAC1)
    assert (found[0], found[-1]) == (
        (VETH0_SAID, added(ranged(7))),
        (lan, added(ranged(8))),
    )


def test_bridge_that_ends_and_is_made_again_is_told_once_each() -> None:
    found = Log(table(BR0, SELF)).take(
        gone(1, 1), bridge_link("br0", 1, ended=True), bridge_link("br0", 5)
    )

    assert found == [
        (on_bridge("br0", 1), e.BridgeChanged(gone=True)),
        (on_port("br0", 1), e.PortDetached()),
        (on_bridge("br0", 5), e.BridgeChanged(vlan_filtering=True, default_pvid=1)),
        (on_port("br0", 5), e.PortAttached()),
    ]


def test_bridge_does_not_end_because_its_link_was_said_without_its_kind() -> None:
    assert Log().take(link("br0", 1)) == []


def test_bridge_made_anew_whose_end_was_not_heard_has_no_ports() -> None:
    log = Log()

    log.take(new(5, ranged(1, flags=NATIVE)), bridge_link("br0", 5))

    assert log.state.table == table(bridge("br0", 5), device("br0", 5, port(pvid=1)), BR1, OTHER)


def test_bridge_that_has_the_number_of_a_port_whose_end_was_not_heard_is_a_bridge() -> None:
    log = Log()

    log.take(bridge_link("br2", 2))

    assert log.state.table == table(
        BR0, SELF, BR1, OTHER, bridge("br2", 2), device("br2", 2, of="br2")
    )


@pytest.mark.parametrize(("name", "mac"), [("lan0", MAC1), ("veth0", "52:54:00:00:00:77")])
def test_port_with_another_name_or_mac_is_told_anew_and_keeps_its_vlans(
    name: str, mac: str
) -> None:
    log = Log()

    found = log.take(new(2, ranged(6)), link(name, 2, 1, mac=mac), new(2, ranged(7)))

    said = e.Subject(bridge="br0", port=name, ifindex=2, mac=mac)
    assert found == [
        (VETH0_SAID, added(ranged(6))),
        (said, e.PortAttached(mac=mac)),
        (said, added(ranged(7))),
    ]
    assert log.state.table.ports[IfIndex(2)].vlans == port("6-7,200", pvid=100)


def test_port_as_a_whole_is_told_as_far_as_it_differs() -> None:
    found = Log().take(whole(2, port("200,300", pvid=5)), whole(77, port("5")))

    assert found == [
        (VETH0_SAID, removed(100)),
        (VETH0_SAID, added(ranged(5, flags=NATIVE))),
        (VETH0_SAID, added(ranged(300))),
    ]


def test_nothing_is_told_of_devices_that_are_no_concern_of_bridges() -> None:
    found = Log().take(link("lo", 50), link("lo", 50, ended=True), parting(50), gone(50, 7))

    assert found == []
