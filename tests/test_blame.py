"""Which event each vid of a port is due to, and why it was set."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.core.making import MAC1, MAC2, VM1, VM2, hooked, nic, on_bridge, on_port, port, raw
from tests.fakes.log import MemoryEventLog
from tests.postgres.server import Server
from tests.report.scribe import HOOK, ROOT, Scribe
from vlanlog.blame import Blamed, blame, removed
from vlanlog.core import event as e
from vlanlog.core.query import EventFilter
from vlanlog.core.state import Seq, tap_mac
from vlanlog.core.vlan import Vid
from vlanlog.errors import StoreError
from vlanlog.ports import EventLog
from vlanlog.store import open_log

TAP = on_port("vnet0", 5)
CONFIG = "vlan_filtering.conf [VM1/*]"

Told = tuple[str, int, str, bool]


@pytest.fixture(
    params=["memory", "sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]
)
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EventLog]:
    """Is an empty log, of each kind in turn."""
    if request.param == "memory":
        yield MemoryEventLog()
        return
    url = f"sqlite:///{tmp_path}/log.db"
    if request.param == "postgresql":
        server: Server = request.getfixturevalue("postgres")
        url = server.new_database()
    found = open_log(url, host="kvm-a", snapshot_every=2)
    yield found
    found.engine.dispose()


@pytest.fixture
def scribe(log: EventLog) -> Scribe:
    """Is a host where vnet0 has joined br0, and got VLAN 1: events 2 and 3."""
    scribe = Scribe(log=log)
    scribe.booted("kvm-a-2")
    scribe.joined(TAP, MAC1)
    return scribe


def told(found: Blamed) -> list[Told]:
    """Returns each range with its event's seq, the intent's reason, and whether it joined so."""
    return [(str(item.range), item.source.seq, item.because, item.joined) for item in found.origins]


def blamed(
    scribe: Scribe, name: str = "vnet0", *, at_seq: int | None = None, vid: Vid | None = None
) -> list[Told]:
    state = scribe.log.state(at_seq=None if at_seq is None else Seq(at_seq))
    [found] = blame(scribe.log, state, e.Subject(port=name), vid)
    return told(found)


def test_what_a_port_has_since_it_joined_is_due_to_its_joining(scribe: Scribe) -> None:
    assert blamed(scribe) == [("1 pvid untagged", 3, "", True)]


def test_vid_that_was_added_later_did_not_join_with_the_port(scribe: Scribe) -> None:
    scribe.wrote((TAP, e.VlanAdded(first=5, last=5)))

    assert blamed(scribe) == [("1 pvid untagged", 3, "", True), ("5", 4, "", False)]


def test_vid_of_an_intent_carries_its_reason(scribe: Scribe) -> None:
    scribe.programmed(TAP, port(pvid=1), port("200,300-310", pvid=100), CONFIG)

    assert blamed(scribe) == [
        ("100 pvid untagged", 5, CONFIG, False),
        ("200", 6, CONFIG, False),
        ("300-310", 7, CONFIG, False),
    ]


def test_displaced_pvid_is_due_to_what_made_it_untagged(scribe: Scribe) -> None:
    scribe.wrote((TAP, e.VlanAdded(first=9, last=9, pvid=True, untagged=True)))

    assert blamed(scribe) == [("1 untagged", 3, "", True), ("9 pvid untagged", 4, "", False)]


def test_vid_with_other_flags_is_due_to_the_later_event(scribe: Scribe) -> None:
    scribe.wrote((TAP, e.VlanAdded(first=10, last=20)))
    scribe.wrote((TAP, e.VlanAdded(first=15, last=15, untagged=True)))

    assert blamed(scribe)[1:] == [
        ("10-14", 4, "", False),
        ("15 untagged", 5, "", False),
        ("16-20", 4, "", False),
    ]


def test_vid_that_went_and_came_back_is_due_to_its_return(scribe: Scribe) -> None:
    scribe.wrote((TAP, e.VlanAdded(first=10, last=20)))
    scribe.wrote((TAP, e.VlanRemoved(first=10, last=12)))
    scribe.wrote((TAP, e.VlanAdded(first=11, last=11)))

    assert blamed(scribe)[1:] == [("11", 6, "", False), ("13-20", 4, "", False)]


def test_time_that_is_asked_for_ends_the_story(scribe: Scribe) -> None:
    scribe.wrote((TAP, e.VlanAdded(first=5, last=5)))
    scribe.wrote((TAP, e.VlanAdded(first=5, last=5, untagged=True)))

    assert blamed(scribe, at_seq=4)[1:] == [("5", 4, "", False)]


def test_one_vid_is_told_alone(scribe: Scribe) -> None:
    scribe.wrote((TAP, e.VlanAdded(first=10, last=20)))

    assert blamed(scribe, vid=Vid(12)) == [("12", 4, "", False)]
    assert blamed(scribe, vid=Vid(9)) == []


def test_renamed_port_is_followed_through_its_names(scribe: Scribe) -> None:
    scribe.wrote((TAP, e.VlanAdded(first=5, last=5)))
    scribe.wrote((replace(TAP, port="lan"), e.PortAttached(mac=tap_mac(MAC1))))
    scribe.wrote((replace(TAP, port="lan"), e.VlanAdded(first=5, last=5, untagged=True)))
    scribe.wrote((TAP, e.PortAttached(mac=tap_mac(MAC1))))

    assert blamed(scribe) == [("1 pvid untagged", 3, "", True), ("5 untagged", 6, "", False)]


def test_change_beside_a_new_name_is_no_joining(scribe: Scribe) -> None:
    lan = replace(TAP, port="lan")
    scribe.wrote((lan, e.PortAttached(mac=MAC1)), (lan, e.VlanAdded(first=5, last=5)))

    assert blamed(scribe, "lan") == [("1 pvid untagged", 3, "", True), ("5", 5, "", False)]


def test_port_that_moved_to_another_bridge_joined_there(scribe: Scribe) -> None:
    moved = replace(TAP, bridge="br1")
    one = e.VlanAdded(first=1, last=1, pvid=True, untagged=True)
    scribe.wrote((moved, e.PortAttached(mac=MAC1)), (moved, one))

    assert blamed(scribe) == [("1 pvid untagged", 5, "", True)]


def test_events_of_another_port_of_that_name_are_not_its_own(scribe: Scribe) -> None:
    scribe.wrote((TAP, e.PortDetached()))
    scribe.joined(on_port("vnet0", 6), MAC1)

    assert blamed(scribe) == [("1 pvid untagged", 6, "", True)]


def test_late_events_of_the_last_boot_are_passed_by(scribe: Scribe) -> None:
    scribe.booted("kvm-a-3")
    scribe.joined(TAP, MAC1)
    scribe.boot = "kvm-a-2"
    scribe.wrote((TAP, e.VlanAdded(first=1, last=1)))

    assert blamed(scribe) == [("1 pvid untagged", 6, "", True)]


def test_default_pvid_that_moved_is_told_with_the_bridges_reason(scribe: Scribe) -> None:
    intent = e.ProgramIntended(steps=("vlan_default_pvid 7",), because="bridge_init.conf [br0]")
    [cause] = scribe.wrote((on_bridge("br0", 1), intent), by=ROOT)
    scribe.wrote((TAP, e.VlanAdded(first=7, last=7, pvid=True, untagged=True, cause=cause)))

    assert blamed(scribe, vid=Vid(7)) == [("7 pvid untagged", 5, "bridge_init.conf [br0]", False)]


def test_intent_that_is_not_in_the_log_leaves_no_reason(scribe: Scribe) -> None:
    [other] = scribe.wrote((on_bridge("br0", 1), e.BridgeChanged()))
    scribe.wrote((TAP, e.VlanAdded(first=7, last=7, cause=other)))

    assert blamed(scribe, vid=Vid(7)) == [("7", 5, "", False)]


def test_intent_is_found_however_far_back(scribe: Scribe) -> None:
    intent = e.ProgramIntended(because="CHG-1")
    [cause] = scribe.wrote((TAP, intent), by=ROOT)
    other = on_port("vnet1", 6)
    scribe.wrote(*[(other, e.VlanRemoved(first=9, last=9))] * 1_001)
    scribe.wrote((TAP, e.VlanAdded(first=7, last=7, cause=cause)), by=ROOT)

    assert blamed(scribe, vid=Vid(7)) == [("7", 1_006, "CHG-1", False)]


def test_what_was_intended_at_once_is_not_due_to_the_joining(scribe: Scribe) -> None:
    tap = on_port("vnet1", 6)
    [cause] = scribe.wrote((tap, e.ProgramIntended(because="CHG-1")), by=ROOT)
    added = e.VlanAdded(first=7, last=7, cause=cause)
    scribe.wrote((tap, e.PortAttached(mac=MAC1)), (tap, added), by=ROOT)

    assert blamed(scribe, "vnet1") == [("7", 6, "CHG-1", False)]


class ShortLog(MemoryEventLog):
    """Is a log of which nothing older than one event must be asked for."""

    def __init__(self, whole: EventLog, oldest: int) -> None:
        super().__init__()
        self.append([item.event for item in whole.read()])
        self._oldest = oldest

    def select(self, wanted: EventFilter) -> Iterator[e.Recorded]:
        """Yields what the filter names, as far back as there is something."""
        for item in super().select(wanted):
            assert item.seq >= self._oldest
            yield item


def test_log_is_read_only_as_far_back_as_needed(scribe: Scribe) -> None:
    scribe.wrote((TAP, e.VlanAdded(first=7, last=7)))
    scribe.wrote((TAP, e.VlanRemoved(first=9, last=9)))
    scribe.programmed(TAP, raw("1,7", untagged="1", pvid=1), port("200", pvid=100), CONFIG)

    [found] = blame(ShortLog(scribe.log, 6), scribe.log.state(), e.Subject(port="vnet0"))

    assert [(str(item.range), item.because) for item in found.origins] == [
        ("100 pvid untagged", CONFIG),
        ("200", CONFIG),
    ]


def test_bridge_is_all_its_ports(scribe: Scribe) -> None:
    scribe.joined(on_port("vnet1", 6, "br1"), MAC1)

    found = blame(scribe.log, scribe.log.state(), e.Subject(bridge="br1"))

    assert [item.port.name for item in found] == ["vnet1"]


def test_guest_is_all_its_nics_and_one_nic_is_its_own(log: EventLog) -> None:
    scribe = Scribe(log=log)
    scribe.booted("kvm-a-2")
    other = on_port("vnet1", 6)
    second = "52:54:00:00:00:0a"
    scribe.joined(TAP, MAC1)
    scribe.joined(other, second)
    scribe.joined(on_port("eth0", 2), "02:00:00:00:00:01")
    nics = (nic(MAC1, tap="vnet0"), nic(second, tap="vnet1"))
    scribe.wrote(hooked(VM1, "VM1", "start", *nics), by=HOOK)
    scribe.joined(on_port("vnet2", 7), MAC2)
    scribe.wrote(hooked(VM2, "VM2", "start", nic(MAC2, tap="vnet2")), by=HOOK)
    state = scribe.log.state()

    everything = blame(scribe.log, state, e.Subject(guest_uuid=VM1))
    one = blame(scribe.log, state, e.Subject(guest_uuid=VM1, mac=second))

    assert [(item.port.name, told(item)) for item in everything] == [
        ("vnet0", [("1 pvid untagged", 3, "", True)]),
        ("vnet1", [("1 pvid untagged", 5, "", True)]),
    ]
    assert [(item.port.name, item.guest, item.nic) for item in one] == [
        ("vnet1", state.guests[VM1], nics[1])
    ]


def test_log_without_the_event_is_not_whole(scribe: Scribe) -> None:
    state = scribe.log.state()
    tap = replace(state.table.ports[next(iter(state.table.ports))], vlans=raw("1,5-6"))
    forged = replace(state, table=replace(state.table, ports={tap.ifindex: tap}))

    with pytest.raises(StoreError, match="does not tell where vnet0 has vid 5-6 from"):
        blame(scribe.log, forged, e.Subject(port="vnet0"))


def lost(scribe: Scribe, *, at_seq: int | None = None, vid: Vid | None = None) -> list[Told]:
    state = scribe.log.state(at_seq=None if at_seq is None else Seq(at_seq))
    [found] = removed(scribe.log, state, e.Subject(port="vnet0"), vid)
    return told(found)


def test_vid_that_was_deleted_is_due_to_its_deletion(scribe: Scribe) -> None:
    scribe.wrote((TAP, e.VlanAdded(first=10, last=20)))
    scribe.wrote((TAP, e.VlanRemoved(first=12, last=14)))

    assert lost(scribe) == [("12-14", 5, "", False)]


def test_vid_that_the_intent_took_carries_its_reason(scribe: Scribe) -> None:
    scribe.programmed(TAP, port(pvid=1), port("200", pvid=100), CONFIG)

    assert lost(scribe) == [("1 untagged", 7, CONFIG, False)]


def test_vid_that_came_back_was_not_taken(scribe: Scribe) -> None:
    scribe.wrote((TAP, e.VlanRemoved(first=1, last=1)))
    scribe.wrote((TAP, e.VlanAdded(first=1, last=1)))

    assert lost(scribe) == []


def test_vid_that_was_deleted_twice_is_due_to_the_last_deletion(scribe: Scribe) -> None:
    scribe.wrote((TAP, e.VlanAdded(first=7, last=7)))
    scribe.wrote((TAP, e.VlanRemoved(first=7, last=7)))
    scribe.wrote((TAP, e.VlanAdded(first=7, last=8, untagged=True)))
    scribe.wrote((TAP, e.VlanRemoved(first=7, last=8)))

    assert lost(scribe) == [("7-8 untagged", 7, "", False)]


def test_deletion_of_what_was_not_there_took_nothing(scribe: Scribe) -> None:
    scribe.wrote((TAP, e.VlanAdded(first=7, last=7)))
    scribe.wrote((TAP, e.VlanRemoved(first=7, last=7)))
    scribe.wrote((TAP, e.VlanRemoved(first=7, last=9)))

    assert lost(scribe) == [("7", 5, "", False)]


def test_pvid_that_was_deleted_was_the_pvid(scribe: Scribe) -> None:
    scribe.wrote((TAP, e.VlanRemoved(first=1, last=1)))
    scribe.wrote((TAP, e.VlanAdded(first=9, last=9, pvid=True, untagged=True)))

    assert lost(scribe) == [("1 pvid untagged", 4, "", False)]


def test_pvid_that_was_displaced_before_it_was_deleted_was_none(scribe: Scribe) -> None:
    scribe.wrote((TAP, e.VlanAdded(first=9, last=9, pvid=True, untagged=True)))
    scribe.wrote((TAP, e.VlanRemoved(first=1, last=1)))

    assert lost(scribe) == [("1 untagged", 5, "", False)]


def test_one_vid_that_was_taken_is_told_alone(scribe: Scribe) -> None:
    scribe.wrote((TAP, e.VlanAdded(first=10, last=20)))
    scribe.wrote((TAP, e.VlanRemoved(first=10, last=20)))

    assert lost(scribe, vid=Vid(12)) == [("12", 5, "", False)]


def test_what_is_taken_later_was_not_taken_yet(scribe: Scribe) -> None:
    scribe.wrote((TAP, e.VlanRemoved(first=1, last=1)))

    assert lost(scribe, at_seq=3) == []


def test_what_a_port_lost_before_it_joined_is_another_story(scribe: Scribe) -> None:
    scribe.wrote((TAP, e.VlanRemoved(first=1, last=1)))
    scribe.wrote((replace(TAP, bridge="br1"), e.PortAttached(mac=MAC1)))

    assert lost(scribe) == []
