"""Replay on a fake kernel: in which order, what a failure leaves, and what the log says of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.core.making import (
    MAC1,
    MAC2,
    VM1,
    VM2,
    bridge_entry,
    hooked,
    nic,
    on_port,
    port,
    port_entry,
    raw,
)
from tests.fakes.site import OPERATOR, SECOND_NS, Site
from vlanlog.core import event as e
from vlanlog.core.program import Plan, Scope
from vlanlog.core.vlan import NO_VLANS, PortVlans
from vlanlog.replay import Report, To

VM1_STARTS = hooked(VM1, "VM1", "start", nic(MAC1, tap="vnet0"))
OF_NIC = e.Subject(guest_uuid=VM1, guest_name="VM1", mac=MAC1)
BRIDGE = bridge_entry("br0", "eth0", trunk=port("100-300", pvid=1), own=port("200", pvid=1))
WEB = port_entry("VM1/*", port("200,300", pvid=100))


@pytest.fixture
def site() -> Site:
    """Is br0 with a trunk, the tap of VM1 and a port that nothing names."""
    site = Site()
    site.kernel.add_bridge("br0")
    site.kernel.add_port("eth0", "br0")
    site.kernel.add_port("vnet0", "br0")
    site.kernel.add_port("lone", "br0")
    site.told(VM1_STARTS)
    site.config(BRIDGE, WEB)
    return site


def outcomes(report: Report) -> dict[str, e.Outcome]:
    return {item.name: item.outcome for item in report.results}


def foreign(site: Site) -> list[e.Fact]:
    """Returns the VLAN facts since the replay began that are not said to be ours."""
    start = next(
        item.seq for item in site.log.read() if isinstance(item.event.fact, e.ReplayStarted)
    )
    return [
        item.event.fact
        for item in site.log.read(after=start)
        if isinstance(item.event.fact, e.VlanAdded | e.VlanRemoved)
        and item.event.fact.cause is None
        and item.event.actor == e.UNKNOWN_ACTOR
    ]


def test_replay_makes_before_it_breaks(site: Site) -> None:
    site.replayed()

    before = {"br0": port(pvid=1), "eth0": port(pvid=1), "lone": port(pvid=1)}
    trunk, own = port("100-300", pvid=1), port("200", pvid=1)
    midway = raw("1,100,200,300", untagged="1,100", pvid=100)
    done = port("200,300", pvid=100)
    assert site.kernel.steps == [
        ("add", {**before, "br0": own, "eth0": trunk, "vnet0": midway}),
        ("delete", {**before, "br0": own, "eth0": trunk, "vnet0": done}),
        ("vlan_filtering 1", {**before, "br0": own, "eth0": trunk, "vnet0": done}),
    ]


def test_default_pvid_moves_first_and_is_made_good_at_once(site: Site) -> None:
    site.config(replace(BRIDGE, default_pvid=0), WEB)

    site.replayed()

    steps = [(what, carried["lone"]) for what, carried in site.kernel.steps]
    assert steps == [
        ("vlan_default_pvid 0", NO_VLANS),
        ("add", port(pvid=1)),
        ("vlan_filtering 1", port(pvid=1)),
    ]
    assert site.kernel.carried() == {
        "br0": port("200", pvid=1),
        "eth0": port("100-300", pvid=1),
        "vnet0": port("200,300", pvid=100),
        "lone": port(pvid=1),
    }


def test_intents_are_in_the_log_before_the_first_request(site: Site) -> None:
    site.replayed()

    tail = site.kernel.kinds_before_first_request[-5:]
    assert tail == ["replay.started", *["program.intended"] * 4]


def test_intent_says_from_what_to_what_by_which_steps_and_why(site: Site) -> None:
    site.replayed(scope=Scope(guest_uuid=VM1))

    assert site.facts("program.intended") == [
        e.ProgramIntended(
            before=port(pvid=1),
            after=port("200,300", pvid=100),
            steps=("add vid 100 pvid untagged", "add vid 200", "add vid 300", "del vid 1"),
            because="vlan_filtering.conf [VM1/*]",
        )
    ]


def test_every_intent_has_an_end_of_its_own(site: Site) -> None:
    site.replayed()

    intended = {
        item.event.event_id: item.event.subject
        for item in site.log.read()
        if isinstance(item.event.fact, e.ProgramIntended)
    }
    ended = {
        item.event.fact.intent: item.event.subject
        for item in site.log.read()
        if isinstance(item.event.fact, e.ProgramFinished)
    }
    assert ended == intended


def test_log_knows_afterwards_what_the_kernel_carries(site: Site) -> None:
    site.replayed()

    assert site.state.table == site.kernel.read()
    assert site.log.state() == site.state


def test_changes_carry_their_intent_and_their_actor(site: Site) -> None:
    site.replayed(scope=Scope(guest_uuid=VM1))

    intent = next(
        item.event.event_id
        for item in site.log.read()
        if isinstance(item.event.fact, e.ProgramIntended)
    )
    changes = [
        (item.event.fact, item.event.actor, item.event.subject.guest_name)
        for item in site.log.read()
        if isinstance(item.event.fact, e.VlanAdded | e.VlanRemoved) and item.event.fact.cause
    ]
    assert changes == [
        (
            e.VlanAdded(first=100, last=100, pvid=True, untagged=True, cause=intent),
            OPERATOR,
            "VM1",
        ),
        (e.VlanAdded(first=200, last=200, cause=intent), OPERATOR, "VM1"),
        (e.VlanAdded(first=300, last=300, cause=intent), OPERATOR, "VM1"),
        (e.VlanRemoved(first=1, last=1, cause=intent), OPERATOR, "VM1"),
    ]


def test_second_replay_sends_nothing(site: Site) -> None:
    site.replayed()
    sent = site.kernel.messages_sent

    report = site.replayed()

    assert (site.kernel.messages_sent - sent, report) == (0, Report(plan=Plan(unchanged=3)))


def test_replay_ends_with_its_counts(site: Site) -> None:
    site.replayed()

    assert site.facts("replay.started", "replay.finished") == [
        e.ReplayStarted(to="desired", scope="host"),
        # br0 +200, eth0 +100-300, vnet0 +100 +200 +300 -1; two SETLINK... one DELLINK, filtering.
        e.ReplayFinished(added=205, removed=1, ports_changed=3, ports_unchanged=0, messages=5),
    ]


def test_request_that_failed_half_way_is_undone_and_the_rest_is_done(site: Site) -> None:
    site.kernel.refuse("vnet0", 300, "No space left on device")

    report = site.replayed()

    assert site.kernel.carried()["vnet0"] == port(pvid=1)
    assert outcomes(report) == {
        "br0": e.Outcome.DONE,
        "eth0": e.Outcome.DONE,
        "vnet0": e.Outcome.UNDONE,
    }
    assert report.undone == ("vnet0: No space left on device (left as it was)",)


def test_failure_is_said_in_the_log_with_what_was_found(site: Site) -> None:
    site.kernel.refuse("vnet0", 300, "No space left on device")

    report = site.replayed(scope=Scope(guest_uuid=VM1))

    [end] = [fact for fact in site.facts() if isinstance(fact, e.ProgramFinished)]
    assert (end.outcome, end.found, end.error) == (
        e.Outcome.UNDONE,
        port(pvid=1),
        "No space left on device (left as it was)",
    )
    [finished] = [fact for fact in site.facts() if isinstance(fact, e.ReplayFinished)]
    assert finished.undone == report.undone


def test_port_that_cannot_even_be_put_back_is_said_to_be_left_half_way(site: Site) -> None:
    # Deleting fails as well, so what was added before the failure stays.
    site.kernel.refuse("vnet0", 300, "No space left on device")
    site.kernel.refuse("vnet0", 200, "Input/output error")
    site.config(BRIDGE, port_entry("VM1/*", port("150,200", pvid=1)))
    site.kernel.set_vlans("vnet0", port(pvid=1))
    site.kernel.refuse("vnet0", 150, "")

    def stuck() -> None:
        site.kernel.refuse("vnet0", 150, "Input/output error")

    site.kernel.between = stuck
    report = site.replayed(scope=Scope(guest_uuid=VM1))

    assert site.kernel.carried()["vnet0"] == port("150", pvid=1)
    assert outcomes(report) == {"vnet0": e.Outcome.PARTIAL}
    assert report.undone == ("vnet0: Input/output error (left with pvid 1, tagged 150)",)


def test_nothing_is_deleted_where_the_additions_did_not_take(site: Site) -> None:
    site.kernel.refuse("vnet0", 100, "No space left on device")

    site.replayed()

    assert all(carried["vnet0"].pvid == 1 for _, carried in site.kernel.steps)


def test_port_that_went_away_is_said_to_be_gone(site: Site) -> None:
    site.kernel.between = lambda: site.kernel.remove("vnet0")

    report = site.replayed()

    assert report.undone == ("vnet0: the port is gone",)
    assert site.state.table == site.kernel.read()


@pytest.mark.parametrize(
    ("meanwhile", "facts"),
    [
        (
            raw("1,100,200,300,555", untagged="1,100", pvid=100),
            [e.VlanAdded(first=555, last=555)],
        ),
        # 301 beside the 300 that we added ourselves: one range in the kernel, two authors.
        (
            raw("1,100,200,300,301", untagged="1,100", pvid=100),
            [e.VlanAdded(first=301, last=301)],
        ),
        (
            raw("1,100,200,300", untagged="1,100,300", pvid=100),
            [e.VlanAdded(first=300, last=300, untagged=True)],
        ),
    ],
)
def test_foreign_change_in_between_is_not_called_ours(
    site: Site, meanwhile: PortVlans, facts: list[e.Fact]
) -> None:
    site.kernel.between = lambda: site.kernel.set_vlans("vnet0", meanwhile)

    site.replayed(scope=Scope(guest_uuid=VM1))

    assert foreign(site) == facts
    assert site.state.table == site.kernel.read()


def test_vid_that_another_hand_took_away_is_not_called_ours(site: Site) -> None:
    site.kernel.set_vlans("vnet0", port("200", pvid=1))
    site.look()
    site.kernel.between = lambda: site.kernel.set_vlans(
        "vnet0", raw("1,100,300", untagged="1,100", pvid=100)
    )

    site.replayed(scope=Scope(guest_uuid=VM1))

    assert foreign(site) == [e.VlanRemoved(first=200, last=200)]


def test_bridge_that_another_hand_switches_is_not_called_ours(site: Site) -> None:
    site.replayed()
    site.config(replace(BRIDGE, own=port("201", pvid=1)), WEB)
    br0 = site.kernel.read().bridges["br0"].ifindex
    site.kernel.between = lambda: _quietly_off(site, br0)

    site.replayed()

    [change] = [
        item.event.actor
        for item in site.log.read()
        if item.event.fact == e.BridgeChanged(vlan_filtering=False)
    ][1:]
    assert change == e.UNKNOWN_ACTOR


def _quietly_off(site: Site, index: object) -> None:
    site.kernel.set_vlan_filtering(index, False)  # type: ignore[arg-type]


def test_dry_plan_is_what_the_replay_then_does(site: Site) -> None:
    todo = site.planned()

    assert site.replayed().plan == todo


def test_config_leaves_assignments_aside(site: Site) -> None:
    site.assigned(OF_NIC, port("7"))
    site.replayed()
    assert site.kernel.carried()["vnet0"] == port("7")

    site.replayed(To.CONFIG)

    assert site.kernel.carried()["vnet0"] == port("200,300", pvid=100)
    assert site.has_assignment(OF_NIC)


def test_config_of_then_is_replayed_with_the_taps_of_now(site: Site) -> None:
    site.replayed()
    then = site.clock.now_ns()
    site.config(BRIDGE, port_entry("VM1/*", port("9")))
    site.kernel.remove("vnet0")
    site.kernel.add_port("vnet7", "br0")
    site.told(hooked(VM1, "VM1", "start", nic(MAC1, tap="vnet7")))

    site.replayed(To.CONFIG, at_ns=then)

    assert site.kernel.carried()["vnet7"] == port("200,300", pvid=100)


def test_observed_of_then_follows_the_nic_to_its_tap_of_now(site: Site) -> None:
    site.kernel.add_port("vnet1", "br0")
    site.told(hooked(VM2, "VM2", "start", nic(MAC2, tap="vnet1")))
    site.kernel.set_vlans("vnet0", port("11"))
    site.kernel.set_vlans("vnet1", port("22"))
    site.look()
    then = site.clock.now_ns()
    for name in ("vnet0", "vnet1"):
        site.kernel.remove(name)
    # After a restart the two have changed their taps' names.
    for name in ("vnet1", "vnet0"):
        site.kernel.add_port(name, "br0")
    site.told(hooked(VM2, "VM2", "start", nic(MAC2, tap="vnet0")))
    site.told(hooked(VM1, "VM1", "start", nic(MAC1, tap="vnet1")))

    site.replayed(To.OBSERVED, at_ns=then)

    carried = site.kernel.carried()
    assert (carried["vnet1"], carried["vnet0"]) == (port("11"), port("22"))


def test_observed_of_then_leaves_guests_alone_that_were_not_there(site: Site) -> None:
    site.look()
    then = site.clock.now_ns()
    site.kernel.remove("vnet0")
    site.kernel.add_port("vnet0", "br0")
    site.kernel.set_vlans("vnet0", port("42"))
    # The tap's name is VM2's now; what VM1 carried under it is none of its business.
    site.told(hooked(VM2, "VM2", "start", nic(MAC2, tap="vnet0")))

    site.replayed(To.OBSERVED, at_ns=then)

    assert site.kernel.carried()["vnet0"] == port("42")


def test_observed_of_then_puts_the_bridges_switches_back(site: Site) -> None:
    site.replayed()
    then = site.clock.now_ns()
    br0 = site.kernel.read().bridges["br0"].ifindex
    earlier = site.kernel.carried()
    site.kernel.set_vlan_filtering(br0, False)
    site.kernel.set_default_pvid(br0, 7)

    site.replayed(To.OBSERVED, at_ns=then)

    found = site.kernel.read().bridges["br0"]
    assert (found.vlan_filtering, found.default_pvid) == (True, 1)
    assert site.kernel.carried() == earlier


def test_desired_of_then_is_what_config_and_wishes_said(site: Site) -> None:
    site.assigned(OF_NIC, port("7"))
    then = site.clock.now_ns()
    site.told((OF_NIC, e.AssignmentCleared(reason="r")))

    site.replayed(To.DESIRED, at_ns=then)

    assert site.kernel.carried()["vnet0"] == port("7")
    assert site.facts("replay.started") == [e.ReplayStarted(to="desired", scope="host", at_ns=then)]


def test_reboot_is_replayed_as_its_guests_start(site: Site) -> None:
    site.assigned(OF_NIC, port("200,300-310", pvid=100))
    site.replayed()
    site.reboot("boot-2")
    site.kernel.add_bridge("br0")
    site.kernel.add_port("eth0", "br0")
    site.kernel.add_port("vnet4", "br0")
    site.told(hooked(VM1, "VM1", "start", nic(MAC1, tap="vnet4")))

    site.replayed()

    assert site.kernel.carried() == {
        "br0": port("200", pvid=1),
        "eth0": port("100-300", pvid=1),
        "vnet4": port("200,300-310", pvid=100),
    }


def test_what_is_missing_is_left_undone_and_said(site: Site) -> None:
    site.kernel.leave("eth0")

    report = site.replayed()

    assert report.undone == ("trunk eth0 is not in any bridge (bridge_init.conf [br0])",)
    assert site.kernel.carried()["vnet0"] == port("200,300", pvid=100)


def test_clock_that_was_set_back_takes_nothing_out_of_order(site: Site) -> None:
    site.told((on_port("lone", 5), e.AssignmentSet(vlans=port("7"), reason="r")))
    site.clock.at_ns -= 3600 * SECOND_NS

    site.replayed()

    assert site.kernel.carried()["lone"] == port("7")
