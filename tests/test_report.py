"""A report as a value: which VLANs when, whose changes are foreign, what was not watched."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.core.making import hooked, nic, on_port, port, raw
from tests.report import sample
from tests.report.asking import carried, reported
from tests.report.sample import DMZ, LAN, WEB, at_nic, ns
from tests.report.scribe import DAEMON, HOOK, ROOT, Scribe
from vlanlog.core import event as e
from vlanlog.core.state import tap_mac
from vlanlog.core.vlan import NO_VLANS, format_vids, parse_vids
from vlanlog.report.lanes import Moment, lanes
from vlanlog.report.values import GuestStory, NicStory, Period, Plug, Stretch, Unseen

SECOND_NS = 1_000_000_000
BEGIN, END = ns("02T06:00"), ns("04T06:00")


@pytest.fixture(scope="module")
def story() -> GuestStory:
    """Is the sample's guest."""
    [guest] = sample.report().guests
    return guest


def bars(nic_story: NicStory) -> list[tuple[str, str, int, int]]:
    """Returns the bars of the lanes: vids, how, and the minutes from the period's begin."""
    return [
        (
            format_vids(lane.vids),
            "untagged" if time.untagged else "tagged",
            (time.span.from_ns - BEGIN) // (60 * SECOND_NS),
            (time.span.to_ns - BEGIN) // (60 * SECOND_NS),
        )
        for lane in nic_story.lanes
        for time in lane.times
    ]


def started(scribe: Scribe, tap: str, index: int, at: str) -> e.Subject:
    scribe.at(ns(at)).joined(on_port(tap, index), LAN)
    scribe.wrote(hooked(WEB, "web01", "start", nic(LAN, tap=tap)), by=HOOK)
    return at_nic(tap, index, LAN)


def host() -> Scribe:
    """Returns a host that is watched from eight o'clock on."""
    scribe = Scribe()
    scribe.at(ns("02T08:00"))
    scribe.booted("b")
    scribe.watched()
    return scribe


def test_vids_that_behave_alike_share_a_lane(story: GuestStory) -> None:
    assert bars(story.nics[0]) == [
        ("1", "untagged", 1234, 1520),
        ("200,305-310", "tagged", 192, 1620),
        ("200,305-310", "tagged", 1665, 2880),
        ("300-304", "tagged", 192, 1234),
        ("300-304", "tagged", 1520, 1620),
        ("300-304", "tagged", 1665, 2880),
        ("320", "tagged", 1665, 2880),
        ("666", "tagged", 460, 478),
        ("999", "tagged", 2071, 2880),
    ]


def test_native_vlan_has_a_lane_of_its_own(story: GuestStory) -> None:
    assert [native.pvid for native in story.nics[0].natives] == [1, 100, 1, 101]


def test_nic_is_followed_to_another_tap(story: GuestStory) -> None:
    assert [(stay.port, stay.bridge) for stay in story.nics[0].stays] == [
        ("vnet0", "br0"),
        ("vnet4", "br0"),
    ]


def test_bar_knows_the_rows_that_began_and_ended_it(story: GuestStory) -> None:
    [strange] = [lane for lane in story.nics[0].lanes if lane.vids == parse_vids("666")]
    [time] = strange.times
    assert time.span.begun is not None
    assert time.span.ended is not None
    ended = story.rows[time.span.ended]

    assert story.rows[time.span.begun].foreign == 1
    assert (ended.line.event.actor, ended.line.why) == (ROOT, "replay to desired")


def test_foreign_changes_are_numbered_and_no_others(story: GuestStory) -> None:
    told = [(row.foreign, row.line.event.subject.port) for row in story.rows if row.foreign]

    assert told == [(1, "vnet0"), (2, "vnet0"), (3, "vnet5"), (4, "vnet4")]
    assert [story.rows[number].foreign for number in story.nics[0].foreign] == [1, 2, 4]
    assert [story.rows[number].foreign for number in story.nics[1].foreign] == [3]


def test_change_that_changes_nothing_is_not_foreign() -> None:
    scribe = host()
    lan = started(scribe, "vnet0", 7, "02T09:00")
    scribe.wrote((lan, e.VlanRemoved(first=5, last=5)))

    [guest] = reported(scribe, guest=WEB, since_ns=BEGIN, until_ns=END).guests

    assert [row.foreign for row in guest.rows] == [0] * len(guest.rows)


def test_make_before_break_is_one_change() -> None:
    scribe = host()
    lan = started(scribe, "vnet0", 7, "02T09:00")
    scribe.at(ns("02T10:00")).programmed(lan, port(pvid=1), port("7", pvid=9), "c")

    [guest] = reported(scribe, guest=WEB, since_ns=BEGIN, until_ns=END).guests

    assert [lane.vids for lane in guest.nics[0].lanes] == [parse_vids("7")]


def test_change_that_shares_a_row_with_an_earlier_one_keeps_its_time() -> None:
    scribe = host()
    lan = started(scribe, "vnet0", 7, "02T09:00")
    scribe.wrote((lan, e.PortAttached(mac=tap_mac(LAN))))
    scribe.goes_on()
    scribe.at(ns("02T11:00")).wrote((lan, e.VlanAdded(first=5, last=5)))

    [guest] = reported(scribe, guest=WEB, since_ns=BEGIN, until_ns=END).guests

    assert bars(guest.nics[0]) == [("5", "tagged", 300, 2880)]


def test_report_begins_with_what_was_carried_before(story: GuestStory) -> None:
    since = ns("03T00:00")

    [guest] = reported(sample.log(), guest=WEB, since_ns=since, until_ns=END).guests

    assert guest.nics[0].natives[0].span.from_ns == since
    assert guest.nics[0].natives[0].span.begun is None
    assert carried(guest.nics[0], since) == carried(story.nics[0], since)
    assert carried(guest.nics[0], since) == port("200,300-310", pvid=100)


def test_report_ends_before_what_came_later() -> None:
    until = ns("02T13:00")

    [guest] = reported(sample.log(), guest=WEB, since_ns=BEGIN, until_ns=until).guests

    assert max(row.at_ns for row in guest.rows) < until
    assert carried(guest.nics[0], until - 1) == port("200,300-310", pvid=100)


def test_stopped_guest_carries_nothing(story: GuestStory) -> None:
    assert carried(story.nics[0], ns("03T09:30")) == NO_VLANS


def test_tap_of_another_guest_is_not_told() -> None:
    scribe = host()
    lan = started(scribe, "vnet0", 7, "02T09:00")
    scribe.wrote((lan, e.PortDetached()))
    other = replace(lan, ifindex=8, guest_uuid="another", guest_name="other", mac=DMZ)
    scribe.wrote((other, e.PortAttached()), (other, e.VlanAdded(first=5, last=5)))

    [guest] = reported(scribe, guest=WEB, since_ns=BEGIN, until_ns=END).guests

    assert carried(guest.nics[0], END - 1) == NO_VLANS
    assert {row.line.event.subject.guest_uuid for row in guest.rows} <= {None, WEB}


def test_stranger_on_a_port_of_that_name_is_not_told() -> None:
    scribe = host()
    early = on_port("vnet0", 5)
    scribe.wrote((early, e.PortAttached()), (early, e.VlanAdded(first=5, last=5)))
    scribe.wrote((early, e.PortDetached()))
    started(scribe, "vnet0", 7, "02T09:00")

    [guest] = reported(scribe, guest=WEB, since_ns=BEGIN, until_ns=END).guests

    assert {row.line.event.subject.ifindex for row in guest.rows} == {None, 7}


def test_change_that_an_intent_explains_is_not_foreign_whoever_told_of_it() -> None:
    scribe = host()
    lan = started(scribe, "vnet0", 7, "02T09:00")
    [cause] = scribe.wrote((lan, e.ProgramIntended()), by=HOOK)
    scribe.wrote((lan, e.VlanAdded(first=5, last=5, cause=cause)))

    [guest] = reported(scribe, guest=WEB, since_ns=BEGIN, until_ns=END).guests

    assert [row.foreign for row in guest.rows] == [0] * len(guest.rows)


def test_port_that_joined_before_its_guest_was_told_is_in_the_story() -> None:
    scribe = host()
    started(scribe, "vnet0", 7, "02T09:00")

    [guest] = reported(scribe, guest=WEB, since_ns=BEGIN, until_ns=END).guests

    assert [
        (row.line.after, row.line.event.subject.mac)
        for row in guest.rows
        if isinstance(row.line.event.fact, e.PortAttached)
    ] == [(port(pvid=1), tap_mac(LAN))]


def test_guest_on_two_hosts_is_one_story() -> None:
    first, second = host(), Scribe("kvm-b")
    lan = started(first, "vnet0", 7, "02T09:00")
    first.at(ns("02T12:00")).wrote((lan, e.PortDetached()))
    first.wrote(hooked(WEB, "web01", "stopped"), by=HOOK)
    second.at(ns("02T07:00"))
    second.booted("c")
    started(second, "vnet9", 3, "02T12:05")

    [guest] = reported(first, second, guest=WEB, since_ns=BEGIN, until_ns=END).guests

    assert [(stay.host, stay.port) for stay in guest.nics[0].stays] == [
        ("kvm-a", "vnet0"),
        ("kvm-b", "vnet9"),
    ]
    assert [row.host for row in guest.rows][-1] == "kvm-b"
    assert [row.at_ns for row in guest.rows] == sorted(row.at_ns for row in guest.rows)


def test_host_that_never_met_the_guest_has_no_gap_for_it() -> None:
    second = Scribe("kvm-b")
    second.at(ns("02T07:00"))
    second.booted("c")

    [guest] = reported(sample.log(), second, guest=WEB, since_ns=BEGIN, until_ns=END).guests

    assert {item.host for item in guest.unseen} == {"kvm-a"}


def test_renamed_guest_has_both_names() -> None:
    scribe = host()
    started(scribe, "vnet0", 7, "02T09:00")
    scribe.wrote(hooked(WEB, "web02", "start", nic(LAN, tap="vnet0")), by=HOOK)

    [guest] = reported(scribe, guest=WEB, since_ns=BEGIN, until_ns=END).guests

    assert (guest.name, guest.names) == ("web02", ("web01", "web02"))


def test_guest_without_an_event_in_the_period_keeps_its_name() -> None:
    report = reported(sample.log(), guest=WEB, since_ns=ns("02T06:00"), until_ns=ns("02T06:30"))

    assert [(guest.name, guest.nics, guest.rows) for guest in report.guests] == [("web01", (), ())]


def test_clock_that_was_set_back_moves_no_row_up() -> None:
    scribe = host()
    lan = started(scribe, "vnet0", 7, "02T12:00")
    scribe.at(ns("02T11:00")).wrote((lan, e.VlanAdded(first=5, last=5)))

    [guest] = reported(scribe, guest=WEB, since_ns=BEGIN, until_ns=END).guests

    assert [row.line.seq for row in guest.rows] == sorted(row.line.seq for row in guest.rows)
    assert [row.at_ns for row in guest.rows] == sorted(row.at_ns for row in guest.rows)
    assert bars(guest.nics[0]) == [("5", "tagged", 360, 2880)]


def moment(at_ns: int, tagged: str, *, untagged: str = "") -> Moment:
    both = f"{tagged} {untagged}"
    plug = Plug(host="h", port="p", bridge="b", vlans=raw(both, untagged=untagged))
    return Moment(at_ns=at_ns, row=at_ns, plugs=(plug,))


def test_lanes_are_as_few_as_tell_all_vids_apart() -> None:
    moments = [moment(0, "1-9"), moment(1, "5-12"), moment(2, "5,6", untagged="12")]

    found = [
        (format_vids(lane.vids), [(t.span.from_ns, t.span.to_ns, t.untagged) for t in lane.times])
        for lane in lanes(moments, 9)
    ]

    assert found == [
        ("1-4", [(0, 1, False)]),
        ("5-6", [(0, 9, False)]),
        ("7-9", [(0, 2, False)]),
        ("10-11", [(1, 2, False)]),
        ("12", [(1, 2, False), (2, 9, True)]),
    ]


def unseen(
    scribe: Scribe, since: int = BEGIN, until: int = END, *, watching: bool = True
) -> list[tuple[Unseen, int, int, str]]:
    report = reported(scribe, guest=WEB, since_ns=since, until_ns=until, watching=watching)
    [cover] = report.hosts
    assert cover.watched_ns + cover.unseen_ns == Period(since_ns=since, until_ns=until).length_ns
    assert cover.unseen_ns == sum(_length(item) for item in cover.unseen)
    return [(item.why, item.from_ns, item.to_ns, item.reason) for item in cover.unseen]


def _length(item: Stretch) -> int:
    return item.to_ns - item.from_ns


MS = 1_000_000


def test_gap_reaches_back_to_what_was_last_vouched_for() -> None:
    lost, stopped = unseen(sample.log(), ns("02T12:00"))

    assert lost == (
        Unseen.GAP,
        ns("03T01:10"),
        ns("03T02:34") + 4 * MS,
        "the daemon ended without a word",
    )
    assert stopped == (
        Unseen.GAP,
        ns("03T20:00") + MS,
        ns("03T20:52") + MS,
        "the daemon was stopped",
    )


def test_time_before_the_log_and_before_the_first_watch_is_not_watched() -> None:
    first, second = unseen(host(), until=ns("02T09:00"))

    assert first[:3] == (Unseen.BEFORE, BEGIN, ns("02T08:00") + MS)
    assert second[0] is Unseen.NEVER
    assert second[1] == first[2]


def test_gap_that_is_open_at_the_begin_is_told_with_its_reason() -> None:
    assert unseen(sample.log(), ns("03T20:30"), ns("03T22:00")) == [
        (Unseen.GAP, ns("03T20:30"), ns("03T20:52") + MS, "the daemon was stopped")
    ]


def test_loss_that_was_noticed_after_the_period_is_in_it() -> None:
    assert unseen(sample.log(), ns("02T12:00"), ns("03T02:00")) == [
        (Unseen.GAP, ns("03T01:10"), ns("03T02:00"), "the daemon ended without a word")
    ]


def test_gap_that_nobody_closed_lasts_to_the_end() -> None:
    scribe = host()
    scribe.at(ns("02T12:00")).wrote((e.NO_SUBJECT, e.GapOpened(reason="r")), by=DAEMON)

    assert unseen(scribe, ns("02T09:00")) == [(Unseen.GAP, ns("02T12:00") + MS, END, "r")]


def test_gaps_that_overlap_count_once() -> None:
    scribe = host()
    for at, since in (("02T12:00", "02T11:00"), ("02T12:30", "02T11:30")):
        fact = e.GapOpened(reason=since, since_ns=ns(since))
        scribe.at(ns(at)).wrote((e.NO_SUBJECT, fact), by=DAEMON)
    scribe.at(ns("02T13:00")).wrote((e.NO_SUBJECT, e.GapClosed(reason="r")), by=DAEMON)

    assert unseen(scribe, ns("02T09:00")) == [
        (Unseen.GAP, ns("02T11:00"), ns("02T12:30") + MS, "02T11:00"),
        (Unseen.GAP, ns("02T12:30") + MS, ns("02T13:00") + MS, "02T11:30"),
    ]


def test_nothing_vouches_for_what_follows_the_last_event_without_a_daemon() -> None:
    last = ns("03T20:52") + MS

    assert unseen(sample.log(), ns("03T21:00"), watching=False) == [
        (Unseen.OPEN, ns("03T21:00"), END, "")
    ]
    assert unseen(sample.log(), ns("03T20:00"), watching=False)[-1] == (Unseen.OPEN, last, END, "")


def test_time_that_was_watched_is_not_unseen() -> None:
    assert unseen(sample.log(), ns("02T12:00"), ns("02T18:00")) == []


def test_empty_log_covers_nothing() -> None:
    assert unseen(Scribe()) == [(Unseen.BEFORE, BEGIN, END, "")]
