"""Events as the lines of a story: what makes one line, and which reason it carries."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.making import MAC1, VM1, event, hooked, nic, on_port, port, port_entry, raw
from tests.fakes.site import Site
from vlanlog.core import codec
from vlanlog.core import event as e
from vlanlog.core.query import EventFilter
from vlanlog.core.state import HostState, Seq
from vlanlog.core.vlan import NO_VLANS, PortVlans
from vlanlog.history import Line, lines, merged
from vlanlog.lookback import beside

OF_VM1 = EventFilter(subjects=(e.Subject(guest_uuid=VM1),), newest_first=False)

Told = tuple[str, PortVlans | None, PortVlans | None, str]


@pytest.fixture
def site() -> Site:
    """Is a host that filters on br0, where VM1 has just started."""
    site = Site()
    site.kernel.add_bridge("br0", vlan_filtering=True)
    site.look()
    site.kernel.add_port("vnet0", "br0")
    site.told(hooked(VM1, "VM1", "start", nic(MAC1, tap="vnet0")))
    return site


def story(
    site: Site, wanted: EventFilter = OF_VM1, *, since: int = 0, before: HostState | None = None
) -> list[Told]:
    found = [item for item in site.log.select(wanted) if item.seq > since]
    return [
        (codec.kind_of(line.event.fact), line.before, line.after, line.why)
        for line in lines(found, before or HostState())
    ]


def test_arrival_and_what_it_carries_are_one_line(site: Site) -> None:
    site.look()

    assert story(site) == [
        ("hook.invoked", None, None, ""),
        ("port.attached", NO_VLANS, port(pvid=1), ""),
    ]


def test_change_is_one_line_with_the_reason_of_its_intent(site: Site) -> None:
    site.look()
    known = site.state
    site.config(port_entry("VM1/*", port("200,300", pvid=100)))

    site.replayed()

    assert story(site, since=known.seq, before=known) == [
        (
            "vlan.added",
            port(pvid=1),
            port("200,300", pvid=100),
            "vlan_filtering.conf [VM1/*]",
        )
    ]


def test_foreign_change_has_no_reason(site: Site) -> None:
    site.look()
    known = site.state
    site.kernel.set_vlans("vnet0", port("5", pvid=1))

    site.look()

    assert story(site, since=known.seq, before=known) == [
        ("vlan.added", port(pvid=1), port("5", pvid=1), "")
    ]


def test_two_changes_of_two_commands_are_two_lines(site: Site) -> None:
    site.look()
    known = site.state
    for vlans in (port("5"), port("5,6")):
        site.kernel.set_vlans("vnet0", vlans)
        site.opened()
        site.look()

    assert story(site, since=known.seq, before=known) == [
        ("vlan.removed", port(pvid=1), port("5"), ""),
        ("vlan.added", port("5"), port("5,6"), ""),
    ]


def test_ours_and_foreign_in_one_replay_are_two_lines(site: Site) -> None:
    site.config(port_entry("VM1/*", port("200", pvid=1)))
    site.look()
    known = site.state
    site.kernel.between = lambda: site.kernel.set_vlans("vnet0", port("200,555", pvid=1))

    site.replayed()

    assert [(kind, why) for kind, _, _, why in story(site, since=known.seq, before=known)] == [
        ("vlan.added", "vlan_filtering.conf [VM1/*]"),
        ("vlan.added", ""),
        ("program.finished", ""),
    ]


def test_vid_that_comes_and_goes_is_told_twice(site: Site) -> None:
    site.look()
    known = site.state
    [on_tap] = (item.event.subject for item in site.log.select(replace(OF_VM1, vids=1 << 1)))
    site.told(
        (on_tap, e.VlanAdded(first=5, last=9)),
        (on_tap, e.VlanRemoved(first=7, last=7)),
    )

    assert story(site, since=known.seq, before=known) == [
        ("vlan.added", port(pvid=1), port("5-9", pvid=1), ""),
        ("vlan.removed", port("5-9", pvid=1), port("5,6,8,9", pvid=1), ""),
    ]


def test_ports_changed_in_turns_are_a_line_each(site: Site) -> None:
    site.look()
    known = site.state
    one, other = (
        item.event.subject for item in site.log.select(EventFilter(vids=1 << 1, newest_first=False))
    )
    site.told(
        (one, e.VlanAdded(first=5, last=5)),
        (other, e.VlanAdded(first=5, last=5)),
        (one, e.VlanRemoved(first=1, last=1)),
        (other, e.VlanRemoved(first=1, last=1)),
    )

    everyones = EventFilter(newest_first=False)
    assert story(site, everyones, since=known.seq, before=known) == [
        ("vlan.added", port(pvid=1), port("5"), ""),
        ("vlan.added", port(pvid=1), port("5"), ""),
    ]


def test_end_that_was_as_intended_is_not_told(site: Site) -> None:
    site.config(port_entry("VM1/*", port("200")))
    site.replayed()

    assert "program.finished" not in [kind for kind, *_ in story(site)]


def test_failure_is_told_after_its_change(site: Site) -> None:
    site.config(port_entry("VM1/*", port("200,300", pvid=100)))
    site.kernel.refuse("vnet0", 300, "No space left on device")
    site.replayed()

    assert story(site)[-1] == ("program.finished", None, None, "")


def test_tap_of_the_next_start_begins_without_vlans(site: Site) -> None:
    site.config(port_entry("VM1/*", port("200")))
    site.replayed()
    site.kernel.remove("vnet0")
    site.told(hooked(VM1, "VM1", "stopped", nic(MAC1)))
    site.look()
    known = site.state
    site.kernel.add_port("vnet1", "br0")
    site.told(hooked(VM1, "VM1", "start", nic(MAC1, tap="vnet1")))
    site.look()

    assert story(site, since=known.seq, before=known) == [
        ("hook.invoked", None, None, ""),
        ("port.attached", NO_VLANS, port(pvid=1), ""),
    ]


def test_change_on_another_port_is_a_line_of_its_own(site: Site) -> None:
    site.kernel.add_port("lone", "br0")
    site.look()
    known = site.state
    site.kernel.set_vlans("vnet0", port("5"))
    site.kernel.set_vlans("lone", port("5"))

    site.look()

    everything = EventFilter(newest_first=False)
    assert [told[:3] for told in story(site, everything, since=known.seq, before=known)] == [
        ("vlan.removed", port(pvid=1), port("5")),
        ("vlan.removed", port(pvid=1), port("5")),
    ]


def test_same_ifindex_in_another_boot_is_another_port() -> None:
    site = Site()
    subject = on_port("vnet0", 7)
    site.told((subject, e.VlanAdded(first=1, last=1, pvid=True, untagged=True)))
    site.reboot("boot-2")

    site.told((subject, e.VlanAdded(first=5, last=5)))

    assert story(site, EventFilter(newest_first=False))[-1][1:3] == (NO_VLANS, port("5"))


def joined_unheard(site: Site, tap: str) -> None:
    """Has a tap of VM1's join before a hook tells whose it is, and gives it VLAN 5."""
    site.kernel.add_port(tap, "br0")
    site.look()
    site.told(hooked(VM1, "VM1", "start", nic(MAC1, tap=tap)))
    site.kernel.set_vlans(tap, port("5", pvid=1))
    site.look()


def test_tap_that_joined_as_nobodys_is_told_with_what_it_carried() -> None:
    site = Site()
    site.kernel.add_bridge("br0", vlan_filtering=True)
    site.told(hooked(VM1, "VM1", "prepare", nic(MAC1)))
    for tap in ("tap1", "tap2"):
        joined_unheard(site, tap)
        site.kernel.remove(tap)
        site.look()
    own = list(site.log.select(OF_VM1))

    told = list(lines(own, HostState(), beside(site.log, own)))

    assert [(line.before, line.after) for line in told if line.before is not None] == [
        (port(pvid=1), port("5", pvid=1)),
        (port(pvid=1), port("5", pvid=1)),
    ]
    assert [line.event for line in told if line.before is None] == [
        item.event for item in own if not isinstance(item.event.fact, e.VlanAdded)
    ]


def test_port_that_is_the_guests_at_times_is_told_with_what_others_did() -> None:
    site, nobodys = Site(), on_port("vnet0", 7)
    own = replace(nobodys, guest_uuid=VM1)
    steps: list[tuple[e.Subject, e.Fact]] = [
        (own, e.PortAttached()),
        (own, e.PortDetached()),
        (nobodys, e.PortAttached()),
        (nobodys, e.VlanAdded(first=1, last=1)),
        (own, e.VlanAdded(first=5, last=5)),
        (nobodys, e.VlanRemoved(first=5, last=5)),
        (own, e.VlanAdded(first=6, last=6)),
    ]
    for step in steps:
        site.opened()
        site.told(step)
    events = list(site.log.select(OF_VM1))

    others = beside(site.log, events)
    told = list(lines(events, HostState(), others))

    assert [item.event.fact for item in others] == [
        fact for subject, fact in steps if subject == nobodys
    ]
    assert [(line.before, line.after) for line in told] == [
        (NO_VLANS, NO_VLANS),
        (None, None),
        (port("1"), port("1,5")),
        (port("1"), port("1,6")),
    ]


@pytest.mark.parametrize(("boots", "carried"), [(1, port("5")), (2, NO_VLANS)])
def test_port_of_the_last_boot_is_known_to_what_comes_late(boots: int, carried: PortVlans) -> None:
    site = Site()
    first, subject = site.journal, on_port("vnet0", 7)
    first.write([(subject, e.VlanAdded(first=5, last=5))])
    for number in range(boots):
        site.reboot(f"boot-{number + 2}")

    first.write([(subject, e.VlanAdded(first=6, last=6))])

    assert story(site, EventFilter(newest_first=False))[-1][1] == carried


def test_displaced_pvid_is_told_as_the_kernel_leaves_it(site: Site) -> None:
    site.look()
    known = site.state
    site.kernel.set_vlans("vnet0", raw("1,9", untagged="1,9", pvid=9))

    site.look()

    assert story(site, since=known.seq, before=known) == [
        ("vlan.added", port(pvid=1), raw("1,9", untagged="1,9", pvid=9), "")
    ]


def test_port_that_takes_another_name_carries_what_it_carried(site: Site) -> None:
    site.look()
    known = site.state
    index = site.kernel.read().named("vnet0")
    assert index is not None
    renamed = replace(on_port("lan0", index.ifindex), guest_uuid=VM1)
    site.told((renamed, e.PortAttached()), (renamed, e.VlanAdded(first=5, last=5)))

    assert story(site, since=known.seq, before=known)[-1][1:3] == (
        port(pvid=1),
        port("5", pvid=1),
    )


def test_line_stands_where_its_first_event_does(site: Site) -> None:
    site.look()

    assert [line.seq for line in lines(site.log.read(), HostState())] == [
        Seq(1), Seq(2), Seq(3), Seq(5), Seq(6),
    ]  # fmt: skip


def stamped(host: str, *seconds: int) -> list[Line]:
    """Returns lines of a host in its order, with these stamps."""
    return [
        Line(seq=Seq(n), event=replace(event(e.DaemonStarted(), number=second), host=host))
        for n, second in enumerate(seconds, start=1)
    ]


@pytest.mark.parametrize(
    ("parts", "order"),
    [
        ([], ""),
        ([stamped("a"), stamped("b", 1)], "b1"),
        ([stamped("a", 1, 4), stamped("b", 2, 3)], "a1 b1 b2 a2"),
        # At the same time: as the hosts are given.
        ([stamped("a", 5), stamped("b", 5, 5)], "a1 b1 b2"),
        # A clock that was set back moves nothing down, and its host keeps its order.
        ([stamped("a", 9, 2, 6), stamped("b", 1, 3, 7)], "b1 a1 a2 b2 a3 b3"),
    ],
)
def test_stories_of_hosts_are_merged_by_time_each_in_its_order(
    parts: list[list[Line]], order: str
) -> None:
    found = [f"{line.event.host}{line.seq}" for line in merged(parts)]

    assert found == order.split()


@given(
    parts=st.lists(st.lists(st.integers(1, 9), max_size=6), max_size=3), number=st.integers(1, 6)
)
def test_ends_of_stories_make_the_end_of_the_merged_story(
    parts: list[list[int]], number: int
) -> None:
    stories = [stamped(str(host), *seconds) for host, seconds in enumerate(parts)]

    assert merged(story[-number:] for story in stories)[-number:] == merged(stories)[-number:]
