from __future__ import annotations

from tests.core.making import bridge_entry, port
from tests.daemon.fake_watch import Resident
from vlanlog.core import event as e
from vlanlog.core.state import Coverage, IfIndex
from vlanlog.daemon.news import News

NATIVE = port("", pvid=1)
GAPS = (e.GapOpened, e.GapClosed)


def _watched() -> Resident:
    """Returns a daemon that watches br0 with eth0, and whose news were taken."""
    resident = Resident(bridge_entry("br0"))
    resident.kernel.add_bridge("br0", vlan_filtering=True)
    resident.kernel.add_port("eth0", "br0")
    resident.start()
    return resident


def _heard(resident: Resident) -> News:
    resident.observer.hear()
    return resident.observer.news()


def _index(resident: Resident, name: str) -> IfIndex:
    found = resident.state.table.named(name)
    assert found is not None
    return found.ifindex


def _coverage(resident: Resident) -> Coverage:
    return resident.state.coverage


def _reasons(resident: Resident, after: int) -> list[str]:
    return [fact.reason for fact in resident.facts(*GAPS)[after:] if isinstance(fact, GAPS)]


# What it tells those who act.


def test_port_that_joins_is_news_without_its_default_pvid() -> None:
    resident = _watched()
    index = resident.kernel.add_port("eth1", "br0")
    assert _heard(resident) == News(arrived={index})


def test_default_pvid_that_is_told_later_than_the_joining_is_no_foreign_change() -> None:
    resident = _watched()
    index = resident.kernel.add_port("eth1", "br0")
    resident.watch.limit = 1
    told = []
    while (news := _one_batch(resident)) is not None:
        told.append(news)
    assert told == [News(arrived={index}), News()]
    assert resident.state.table.ports[index].vlans == NATIVE


def _one_batch(resident: Resident) -> News | None:
    return None if resident.observer.hear(batches=1) else resident.observer.news()


def test_change_after_the_default_pvid_is_a_foreign_one() -> None:
    resident = _watched()
    index = resident.kernel.add_port("eth1", "br0")
    _heard(resident)
    resident.kernel.set_vlans("eth1", port("7", pvid=1))
    assert _heard(resident) == News(foreign={index})


def test_pvid_on_a_port_that_was_read_since_it_joined_is_a_foreign_change() -> None:
    resident = _watched()
    bridge = resident.state.table.bridges["br0"].ifindex
    resident.kernel.set_default_pvid(bridge, 0)
    index = resident.kernel.add_port("eth1", "br0")
    _heard(resident)
    resident.observer.look(only=[index])
    resident.kernel.set_vlans("eth1", NATIVE)
    assert _heard(resident) == News(foreign={index})


def test_port_that_leaves_is_no_news_and_takes_along_what_was() -> None:
    resident = _watched()
    resident.kernel.set_vlans("eth0", port("7"))
    resident.observer.hear()
    resident.kernel.remove("eth0")
    assert _heard(resident) == News()


def test_port_that_gets_another_mac_is_another_news_than_one_that_joins() -> None:
    resident = _watched()
    resident.kernel.set_mac("eth0", "02:00:00:00:00:01")
    assert _heard(resident) == News(readdressed={_index(resident, "eth0")})


def test_bridge_that_comes_and_one_that_changes_are_two_kinds_of_news() -> None:
    resident = _watched()
    resident.kernel.set_vlan_filtering(_index(resident, "br0"), on=False)
    index = resident.kernel.add_bridge("br1")
    assert _heard(resident) == News(
        arrived={index}, bridges_arrived={"br1"}, bridges_foreign={"br0"}
    )


def test_bridge_that_went_is_no_news_whatever_changed_before() -> None:
    resident = _watched()
    resident.kernel.set_vlan_filtering(_index(resident, "br0"), on=False)
    resident.observer.hear()
    resident.kernel.remove("br0")
    assert _heard(resident) == News()


def test_bridge_that_went_and_came_at_once_has_come() -> None:
    resident = _watched()
    resident.kernel.remove("br0")
    index = resident.kernel.add_bridge("br0", vlan_filtering=True)
    assert _heard(resident) == News(arrived={index}, bridges_arrived={"br0"})


def test_news_are_told_once() -> None:
    resident = _watched()
    resident.kernel.set_vlans("eth0", port("7"))
    assert _heard(resident)
    assert resident.observer.news() == News()


# Losses.


def test_loss_is_a_gap_that_a_reread_closes() -> None:
    resident = _watched()
    before = len(resident.facts(*GAPS))
    resident.kernel.set_vlans("eth0", port("7"))
    resident.watch.lose()
    assert _heard(resident) == News(foreign={_index(resident, "eth0")})
    assert _reasons(resident, before) == [
        "ENOBUFS: no room",
        "1 notices were thrown away; a re-read found 2 changes",
    ]
    assert resident.state.table == resident.kernel.read()


def test_loss_during_a_reconcile_is_a_gap_that_it_closes_itself() -> None:
    resident = _watched()
    before = len(resident.facts(*GAPS))
    resident.watch.lose(after=1)
    resident.observer.reconcile()
    assert _reasons(resident, before) == [
        "ENOBUFS: no room",
        "the kernel could be read again; a re-read found 0 changes",
    ]
    assert _coverage(resident) is Coverage.WATCHED


def test_gap_stays_open_while_every_reading_is_lost() -> None:
    resident = _watched()
    before = len(resident.facts(*GAPS))
    resident.watch.lose(times=26)
    resident.kernel.set_vlans("eth0", port("7"))
    resident.observer.hear()
    assert _reasons(resident, before) == ["ENOBUFS: no room"]
    assert _coverage(resident) is Coverage.GAP
    # What was read last is the best that is known.
    assert resident.state.table == resident.kernel.read()
    resident.observer.reconcile()
    assert _coverage(resident) is Coverage.WATCHED


def test_port_that_was_read_before_a_loss_is_read_again_after_it() -> None:
    resident = _watched()
    resident.kernel.add_port("eth1", "br0")
    _heard(resident)

    def change_and_lose() -> None:
        resident.kernel.set_vlans("eth0", port("7", pvid=1))
        resident.watch.lose()

    resident.reader.after = [
        lambda: resident.kernel.set_vlans("eth1", port("5", pvid=1)),
        change_and_lose,
        lambda: resident.kernel.set_vlans("eth0", port("7,9", pvid=1)),
    ]
    resident.observer.reconcile()
    assert resident.state.table == resident.kernel.read()


def test_changes_during_a_reading_are_told_once_and_in_their_place() -> None:
    resident = _watched()
    before = len(resident.facts(e.VlanAdded, e.VlanRemoved))
    resident.reader.after = [lambda: resident.kernel.set_vlans("eth0", port("7", pvid=1))]
    resident.observer.reconcile()
    found = resident.events(e.VlanAdded, e.VlanRemoved)[before:]
    assert [(item.fact, item.actor) for item in found] == [
        (e.VlanAdded(first=7, last=7), e.UNKNOWN_WRITER)
    ]


def test_silent_change_is_found_by_a_reconcile_and_told_to_those_who_act() -> None:
    resident = _watched()
    index = _index(resident, "eth0")
    resident.kernel.set_vlans("eth0", port("7"))
    resident.watch.drain()
    resident.observer.reconcile()
    assert resident.observer.news() == News(foreign={index})
    assert resident.events(e.VlanAdded)[-1].actor == e.UNKNOWN_ACTOR
