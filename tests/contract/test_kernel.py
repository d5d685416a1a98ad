"""One suite for the fake kernel and the real one: the same requests leave the same table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.kernel.hosts import FakeHost, Host, RealHost, mac_of
from tests.kernel.netns import entered
from tests.properties.strategies import port_vlans
from vlanlog.core.plan import PortChange
from vlanlog.core.state import IfIndex
from vlanlog.core.vlan import PortVlans, Vid, VlanFlags, VlanRange, parse_vids

NATIVE = VlanFlags.PVID | VlanFlags.UNTAGGED
UNTAGGED = VlanFlags.UNTAGGED
UNSUPPORTED = "Operation not supported"


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.kernel)])
def host(request: pytest.FixtureRequest) -> Iterator[Host]:
    if request.param == "fake":
        yield FakeHost()
    else:
        with entered(), closing(RealHost()) as real:
            yield real


def ranged(first: int, last: int | None = None, flags: VlanFlags = VlanFlags.TAGGED) -> VlanRange:
    return VlanRange(Vid(first), Vid(last or first), flags)


def change(index: IfIndex, *ranges: VlanRange, is_self: bool = False) -> PortChange:
    return PortChange(ifindex=index, is_self=is_self, ranges=ranges)


def carried(host: Host) -> dict[str, PortVlans]:
    return {port.name: port.vlans for port in host.reader.read().ports.values()}


def vlans(members: str, *, untagged: str = "", pvid: int | None = None) -> PortVlans:
    return PortVlans(parse_vids(members), parse_vids(untagged), pvid)


VLAN_1 = vlans("1", untagged="1", pvid=1)


def test_host_without_bridges_is_an_empty_table(host: Host) -> None:
    host.add_device("d0")

    table = host.reader.read()

    assert (table.bridges, table.ports) == ({}, {})


def test_table_has_every_bridge_and_port(host: Host) -> None:
    br0 = host.add_bridge("br0", vlan_filtering=True)
    host.add_bridge("br1", default_pvid=0)
    d0 = host.add_port("d0", "br0")
    host.add_port("d1", "br1")
    host.add_device("d2")

    table = host.reader.read()

    assert {
        (b.name, b.vlan_filtering, b.default_pvid, name) for name, b in table.bridges.items()
    } == {("br0", True, 1, "br0"), ("br1", False, 0, "br1")}
    assert {(p.name, p.bridge, p.mac, p.is_self, p.vlans) for p in table.ports.values()} == {
        ("br0", "br0", None, True, VLAN_1),
        ("br1", "br1", None, True, PortVlans()),
        ("d0", "br0", mac_of("d0"), False, VLAN_1),
        ("d1", "br1", mac_of("d1"), False, PortVlans()),
    }
    assert all(port.ifindex == index for index, port in table.ports.items())
    assert (table.bridges["br0"].ifindex, table.named("d0")) == (br0, table.ports[d0])


def test_new_pvid_displaces_the_old_one_which_stays_untagged(host: Host) -> None:
    host.add_bridge("br0")
    d0 = host.add_port("d0", "br0")

    errors = host.writer.add([change(d0, ranged(20, flags=NATIVE))])

    assert (errors, carried(host)["d0"]) == ([""], vlans("1,20", untagged="1,20", pvid=20))


def test_pvid_may_be_tagged(host: Host) -> None:
    host.add_bridge("br0", default_pvid=0)
    d0 = host.add_port("d0", "br0")

    errors = host.writer.add([change(d0, ranged(20, flags=VlanFlags.PVID))])

    assert (errors, carried(host)["d0"]) == ([""], vlans("20", pvid=20))


def test_adding_the_pvids_vid_without_flags_clears_both(host: Host) -> None:
    host.add_bridge("br0")
    d0 = host.add_port("d0", "br0")

    errors = host.writer.add([change(d0, ranged(1))])

    assert (errors, carried(host)["d0"]) == ([""], vlans("1"))


def test_adding_a_range_over_the_pvid_clears_it(host: Host) -> None:
    host.add_bridge("br0")
    d0 = host.add_port("d0", "br0")

    errors = host.writer.add([change(d0, ranged(1, 5, UNTAGGED))])

    assert (errors, carried(host)["d0"]) == ([""], vlans("1-5", untagged="1-5"))


def test_deleting_the_pvid_leaves_none(host: Host) -> None:
    host.add_bridge("br0")
    d0 = host.add_port("d0", "br0")
    host.writer.add([change(d0, ranged(100, 200))])

    errors = host.writer.delete([change(d0, ranged(1))])

    assert (errors, carried(host)["d0"]) == ([""], vlans("100-200"))


def test_deleting_absent_vids_is_no_error(host: Host) -> None:
    host.add_bridge("br0")
    d0 = host.add_port("d0", "br0")

    errors = host.writer.delete([change(d0, ranged(30), ranged(1, 4094))])

    assert (errors, carried(host)["d0"]) == ([""], PortVlans())


def test_one_request_carries_all_vids_and_flags(host: Host) -> None:
    host.add_bridge("br0", default_pvid=0)
    d0 = host.add_port("d0", "br0")
    wanted = [
        ranged(10, flags=NATIVE),
        *(ranged(vid, flags=UNTAGGED) for vid in range(11, 2000, 2)),
        ranged(2000, 4094),
    ]

    errors = host.writer.add([change(d0, *wanted)])

    assert (errors, carried(host)["d0"]) == ([""], PortVlans.from_ranges(wanted))


def test_bridges_own_port_wants_self_and_others_refuse_it(host: Host) -> None:
    br0 = host.add_bridge("br0")
    d0 = host.add_port("d0", "br0")
    item = ranged(20)

    errors = host.writer.add(
        [change(br0, item, is_self=True), change(br0, item), change(d0, item, is_self=True)]
    )

    assert errors == ["", UNSUPPORTED, UNSUPPORTED]
    assert carried(host) == {"br0": vlans("1,20", untagged="1", pvid=1), "d0": VLAN_1}


def test_failures_do_not_stop_the_changes_after_them(host: Host) -> None:
    host.add_bridge("br0")
    d0 = host.add_port("d0", "br0")
    loose = host.add_device("d1")
    item = ranged(20)

    errors = host.writer.add(
        [
            change(IfIndex(9999), item),
            change(loose, item),
            change(d0, ranged(30, 40, VlanFlags.PVID)),
            change(d0),
            change(d0, item),
        ]
    )

    assert errors == [
        "No such device (unknown ifindex)",
        UNSUPPORTED,
        "30-40 pvid: a PVID is one vid, not a range",
        "",
        "",
    ]
    assert carried(host)["d0"] == vlans("1,20", untagged="1", pvid=1)


def test_messages_sent_counts_what_went_to_the_kernel(host: Host) -> None:
    br0 = host.add_bridge("br0")
    d0 = host.add_port("d0", "br0")

    host.writer.add([change(d0, ranged(20)), change(d0), change(d0, ranged(9, 3))])
    host.writer.delete([change(d0, ranged(20, 30))])
    host.writer.set_vlan_filtering(br0, True)
    host.writer.set_default_pvid(br0, 0)

    assert host.writer.messages_sent == 4


def test_port_that_joins_gets_the_default_pvid(host: Host) -> None:
    host.add_bridge("br0", default_pvid=7)
    host.add_bridge("br1", default_pvid=0)
    host.add_port("d0", "br0")
    host.add_port("d1", "br1")

    native = vlans("7", untagged="7", pvid=7)
    assert carried(host) == {"br0": native, "d0": native, "br1": PortVlans(), "d1": PortVlans()}


def test_port_that_left_or_is_gone_is_not_in_the_table(host: Host) -> None:
    host.add_bridge("br0")
    for name in ("d0", "d1", "d2"):
        host.add_port(name, "br0")

    host.leave("d0")
    host.remove("d1")

    assert set(carried(host)) == {"br0", "d2"}


def test_removed_bridge_takes_its_ports_along(host: Host) -> None:
    host.add_bridge("br0")
    host.add_bridge("br1")
    host.add_port("d0", "br0")

    host.remove("br0")

    assert (set(host.reader.read().bridges), set(carried(host))) == ({"br1"}, {"br1"})


def test_filtering_is_switched_without_touching_vlans(host: Host) -> None:
    br0 = host.add_bridge("br0")
    d0 = host.add_port("d0", "br0")
    host.writer.add([change(d0, ranged(20, 30))])
    before = carried(host)

    error = host.writer.set_vlan_filtering(br0, True)

    found = host.reader.read().bridges["br0"]
    assert (error, found.vlan_filtering, carried(host)) == ("", True, before)


def test_default_pvid_moves_where_the_old_one_still_is(host: Host) -> None:
    br0 = host.add_bridge("br0", vlan_filtering=True)
    host.add_port("same", "br0")
    moved = host.add_port("moved", "br0")
    tagged = host.add_port("tagged", "br0")
    has = host.add_port("has", "br0")
    host.writer.add(
        [
            change(moved, ranged(20, flags=NATIVE)),
            change(tagged, ranged(1, flags=VlanFlags.PVID)),
            change(has, ranged(5)),
        ]
    )

    error = host.writer.set_default_pvid(br0, 5)

    native = vlans("5", untagged="5", pvid=5)
    assert (error, host.reader.read().bridges["br0"].default_pvid) == ("", 5)
    assert carried(host) == {
        "br0": native,
        "same": native,
        "moved": vlans("1,20", untagged="1,20", pvid=20),
        "tagged": vlans("1", pvid=1),
        "has": vlans("1,5", untagged="1", pvid=1),
    }


def test_default_pvid_zero_leaves_ports_where_it_was_moved(host: Host) -> None:
    br0 = host.add_bridge("br0", vlan_filtering=True)
    host.add_port("same", "br0")
    moved = host.add_port("moved", "br0")
    host.writer.add([change(moved, ranged(20, flags=NATIVE))])

    error = host.writer.set_default_pvid(br0, 0)

    assert error == ""
    assert carried(host) == {
        "br0": PortVlans(),
        "same": PortVlans(),
        "moved": vlans("1,20", untagged="1,20", pvid=20),
    }


def test_first_default_pvid_displaces_every_ports_pvid(host: Host) -> None:
    br0 = host.add_bridge("br0", default_pvid=0)
    host.add_port("bare", "br0")
    set_ = host.add_port("set", "br0")
    has = host.add_port("has", "br0")
    host.writer.add([change(set_, ranged(20, flags=NATIVE)), change(has, ranged(5))])

    error = host.writer.set_default_pvid(br0, 5)

    native = vlans("5", untagged="5", pvid=5)
    assert error == ""
    assert carried(host) == {
        "br0": native,
        "bare": native,
        "set": vlans("5,20", untagged="5,20", pvid=5),
        "has": vlans("5"),
    }


def test_bridge_settings_are_refused_where_they_make_no_sense(host: Host) -> None:
    br0 = host.add_bridge("br0")
    d0 = host.add_port("d0", "br0")
    writer = host.writer

    errors = (
        writer.set_default_pvid(br0, 4095),
        writer.set_default_pvid(d0, 5),
        writer.set_vlan_filtering(IfIndex(9999), True),
    )

    assert errors == ("Invalid argument", UNSUPPORTED, "No such device")


def test_one_port_is_read_by_its_index(host: Host) -> None:
    br0 = host.add_bridge("br0")
    d0 = host.add_port("d0", "br0")
    loose = host.add_device("d1")
    host.writer.add([change(d0, ranged(100, 200), ranged(20, flags=NATIVE))])

    found = [host.reader.read_vlans(index) for index in (br0, d0, loose, IfIndex(9999))]

    assert found == [
        VLAN_1,
        vlans("1,20,100-200", untagged="1,20", pvid=20),
        PortVlans(),
        PortVlans(),
    ]


NAMES = ("br0", "d0", "d1")
Step = tuple[str, Any, Any]


def _changes(word: str) -> st.SearchStrategy[Step]:
    ranges = port_vlans().flatmap(lambda held: st.permutations(held.ranges())).map(tuple)
    return st.tuples(st.just(word), st.sampled_from(NAMES), ranges)


steps: st.SearchStrategy[list[Step]] = st.lists(
    st.one_of(
        _changes("add"),
        _changes("delete"),
        st.tuples(st.just("default_pvid"), st.just("br0"), st.integers(0, 6)),
        st.tuples(st.just("rejoin"), st.sampled_from(NAMES[1:]), st.none()),
    ),
    max_size=10,
)


def _done(host: Host, todo: list[Step]) -> tuple[list[str], dict[str, PortVlans]]:
    indexes = {"br0": host.add_bridge("br0"), **{n: host.add_port(n, "br0") for n in NAMES[1:]}}
    errors: list[str] = []
    for word, name, value in todo:
        if word == "default_pvid":
            errors.append(host.writer.set_default_pvid(indexes[name], value))
        elif word == "rejoin":
            host.remove(name)
            indexes[name] = host.add_port(name, "br0")
        else:
            verb: Callable[[list[PortChange]], list[str]] = getattr(host.writer, word)
            errors += verb([change(indexes[name], *value, is_self=name == "br0")])
    return errors, carried(host)


@pytest.mark.kernel
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps)
def test_fake_and_real_kernel_end_alike(todo: list[Step]) -> None:
    with entered(), closing(RealHost()) as host:
        real = _done(host, todo)

    assert _done(FakeHost(), todo) == real
