from __future__ import annotations

from tests.core.making import bridge, device, on_bridge, on_port, port, table
from vlanlog.core import event as e
from vlanlog.core.observe import Finding
from vlanlog.core.state import IfIndex, PortTable
from vlanlog.daemon.news import Gathering, News

ETH0, BR0 = IfIndex(2), IfIndex(1)
ON_ETH0, ON_BR0 = on_port("eth0", ETH0), on_bridge("br0", BR0)
KNOWN = table(bridge("br0", 1), device("br0", 1), device("eth0", 2, port("", pvid=1), mac="m"))
NATIVE = e.VlanAdded(first=1, last=1, pvid=True, untagged=True)
JOINED, LEFT = e.PortAttached(mac="m"), e.PortDetached()
SWITCHED = e.BridgeChanged(vlan_filtering=True)
GONE = e.BridgeChanged(gone=True)
EMPTY = table()


def _news(*findings: Finding, known: PortTable = KNOWN, own: bool = False) -> News:
    gathering = Gathering()
    gathering.take([(item, own) for item in findings], known)
    return gathering.news()


def test_port_that_left_and_joined_at_once_has_joined() -> None:
    assert _news((ON_ETH0, LEFT), (ON_ETH0, JOINED)) == News(arrived={ETH0})


def test_port_that_joined_and_left_at_once_is_no_news() -> None:
    assert _news((ON_ETH0, JOINED), (ON_ETH0, LEFT), known=EMPTY) == News()


def test_port_that_took_another_name_has_arrived() -> None:
    assert _news((on_port("eth9", ETH0), JOINED)) == News(arrived={ETH0})


def test_port_that_was_only_told_of_anew_has_another_mac() -> None:
    assert _news((ON_ETH0, JOINED)) == News(readdressed={ETH0})


def test_port_that_arrived_and_got_another_mac_has_arrived() -> None:
    found = _news((on_port("eth9", ETH0), JOINED), (ON_ETH0, JOINED))
    assert found == News(arrived={ETH0})


def test_change_of_a_port_that_just_arrived_is_part_of_its_arrival() -> None:
    strange = e.VlanAdded(first=7, last=7)
    assert _news((ON_ETH0, JOINED), (ON_ETH0, strange), known=EMPTY) == News(arrived={ETH0})


def test_own_change_is_no_news() -> None:
    findings: list[Finding] = [
        (ON_ETH0, NATIVE),
        (ON_ETH0, e.VlanRemoved(first=1, last=1)),
        (ON_BR0, SWITCHED),
    ]
    assert _news(*findings, own=True) == News()


def _after_joining(*facts: e.Fact) -> News:
    """Returns what is news after a port joined and that was taken note of."""
    gathering = Gathering()
    gathering.take([((ON_ETH0, JOINED), False)], EMPTY)
    gathering.news()
    gathering.take([((ON_ETH0, fact), False) for fact in facts], KNOWN)
    return gathering.news()


def test_first_pvid_of_a_port_that_joined_is_the_kernels_doing() -> None:
    assert _after_joining(NATIVE) == News()


def test_second_pvid_of_a_port_that_joined_is_a_strangers_doing() -> None:
    assert _after_joining(NATIVE, NATIVE) == News(foreign={ETH0})


def test_first_change_of_a_port_that_joined_is_a_strangers_where_it_is_no_pvid() -> None:
    assert _after_joining(e.VlanAdded(first=7, last=7)) == News(foreign={ETH0})
    assert _after_joining(e.VlanRemoved(first=7, last=7)) == News(foreign={ETH0})


def test_first_pvid_after_the_kernel_had_done_is_a_strangers_doing() -> None:
    gathering = Gathering()
    gathering.take([((ON_ETH0, JOINED), False)], EMPTY)
    gathering.news()
    gathering.joined(ETH0)
    gathering.take([((ON_ETH0, NATIVE), False)], KNOWN)
    assert gathering.news() == News(foreign={ETH0})


def test_first_pvid_of_a_port_that_joined_twice_is_the_kernels_doing() -> None:
    assert _after_joining(NATIVE, LEFT, JOINED, NATIVE) == News(arrived={ETH0})


def test_bridge_that_came_and_was_switched_has_come() -> None:
    assert _news((ON_BR0, SWITCHED), (ON_BR0, SWITCHED), known=EMPTY) == News(
        bridges_arrived={"br0"}
    )


def test_bridge_that_came_and_went_is_no_news() -> None:
    assert _news((ON_BR0, SWITCHED), (ON_BR0, GONE), known=EMPTY) == News()


def test_bridge_that_was_switched_and_went_is_no_news() -> None:
    assert _news((ON_BR0, SWITCHED), (ON_BR0, GONE)) == News()


def test_bridge_that_went_and_came_has_come() -> None:
    assert _news((ON_BR0, GONE), (ON_BR0, SWITCHED)) == News(bridges_arrived={"br0"})


def test_bridge_that_came_and_was_switched_later_has_come() -> None:
    gathering = Gathering()
    gathering.take([((ON_BR0, SWITCHED), False)], EMPTY)
    gathering.take([((ON_BR0, SWITCHED), False)], KNOWN)
    assert gathering.news() == News(bridges_arrived={"br0"})
