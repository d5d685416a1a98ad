"""What each fact does to what is known of a host."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.making import (
    BOOT,
    MAC1,
    MAC2,
    VM1,
    VM2,
    Finding,
    bridge,
    bridge_entry,
    device,
    event,
    guest,
    hooked,
    nic,
    numbered,
    on_bridge,
    on_port,
    port,
    port_entry,
    raw,
    table,
)
from tests.core.samples import FACTS
from vlanlog.core import event as e
from vlanlog.core.entry import BridgeEntry, PortEntry
from vlanlog.core.fold import TOLD_ONLY, advance, assignee_of
from vlanlog.core.state import (
    Assignee,
    Assignment,
    Bridge,
    ConfigInForce,
    ConfigRole,
    Coverage,
    HeldBridge,
    HeldPort,
    HostState,
    Port,
    PortTable,
    Seq,
)
from vlanlog.core.vlan import NO_VLANS, PortVlans

BOOTED = HostState(boot_id=BOOT)
BR0 = (on_bridge("br0", 1), e.BridgeChanged(vlan_filtering=True, default_pvid=1))
SELF = (on_port("br0", 1), e.PortAttached())
VETH0 = (on_port("veth0", 2), e.PortAttached(mac="fe:54:00:00:00:01"))


def after(*findings: Finding, state: HostState = BOOTED, boot: str = BOOT) -> HostState:
    return advance(numbered(findings, after=state.seq, boot=boot), state)


def added(first: int, last: int = 0, *, pvid: bool = False, untagged: bool = False) -> e.VlanAdded:
    return e.VlanAdded(first=first, last=last or first, pvid=pvid, untagged=untagged)


def loaded(
    *entries: BridgeEntry | PortEntry, role: ConfigRole = ConfigRole.PORTS, digest: str = "d"
) -> Finding:
    return e.NO_SUBJECT, e.ConfigLoaded(
        role=role,
        file="file",
        digest=digest,
        bridges=tuple(entry for entry in entries if isinstance(entry, BridgeEntry)),
        ports=tuple(entry for entry in entries if isinstance(entry, PortEntry)),
    )


def carried(state: HostState) -> dict[str, PortVlans]:
    return {port.name: port.vlans for port in state.table.ports.values()}


def test_bridge_and_its_ports_are_known_as_they_appear() -> None:
    state = after(BR0, SELF, VETH0, (on_port("veth0", 2), added(5, 9)))

    assert state.table == table(
        bridge("br0", 1),
        device("br0", 1),
        device("veth0", 2, port("5-9"), mac="fe:54:00:00:00:01"),
    )


def test_new_pvid_displaces_the_old_one_which_stays_untagged() -> None:
    state = after(
        VETH0,
        (on_port("veth0", 2), added(1, pvid=True, untagged=True)),
        (on_port("veth0", 2), added(100, pvid=True, untagged=True)),
    )

    assert carried(state) == {"veth0": raw("1,100", untagged="1,100", pvid=100)}


def test_removed_pvid_leaves_none() -> None:
    state = after(
        VETH0,
        (on_port("veth0", 2), added(1, pvid=True, untagged=True)),
        (on_port("veth0", 2), e.VlanRemoved(first=1, last=3)),
    )

    assert carried(state) == {"veth0": NO_VLANS}


def test_attach_to_the_same_bridge_keeps_vlans_and_takes_the_new_name() -> None:
    state = after(VETH0, (on_port("veth0", 2), added(5)), (on_port("lan0", 2), e.PortAttached()))

    assert state.table == table(device("lan0", 2, port("5")))


def test_attach_to_another_bridge_begins_without_vlans() -> None:
    state = after(
        VETH0, (on_port("veth0", 2), added(5)), (on_port("veth0", 2, "br1"), e.PortAttached())
    )

    assert state.table == table(device("veth0", 2, of="br1"))


def test_detached_port_is_forgotten_with_its_vlans() -> None:
    state = after(VETH0, (on_port("veth0", 2), added(5)), (on_port("veth0", 2), e.PortDetached()))

    assert state.table == PortTable()


def test_bridge_that_is_gone_takes_its_ports_along() -> None:
    other = (on_port("veth1", 3, "br1"), e.PortAttached())
    state = after(BR0, SELF, VETH0, other, (on_bridge("br0", 1), e.BridgeChanged(gone=True)))

    assert state.table == table(device("veth1", 3, of="br1"))


def test_vlan_of_a_port_that_was_not_met_makes_it_known() -> None:
    state = after((on_port("veth9", 9), added(5)))

    assert state.table == table(device("veth9", 9, port("5")))


def test_new_boot_empties_the_kernel_and_stops_the_guests() -> None:
    before = after(BR0, VETH0, hooked(VM1, "VM1", "started", nic(MAC1, tap="vnet0", alias="net0")))

    state = after((e.NO_SUBJECT, e.HostBooted()), state=before, boot="boot-2")

    assert state == HostState(
        seq=Seq(4), boot_id="boot-2", guests={VM1: guest(VM1, "VM1", nic(MAC1), running=False)}
    )


def test_boot_that_is_known_changes_nothing() -> None:
    before = after(BR0, VETH0)

    state = after((e.NO_SUBJECT, e.HostBooted()), state=before)

    assert replace(state, seq=before.seq) == before


@pytest.mark.parametrize(
    "late",
    [
        (on_port("veth0", 2), added(5)),
        (on_port("veth0", 2), e.VlanRemoved(first=1, last=4094)),
        (on_port("veth0", 2), e.PortDetached()),
        (on_port("veth9", 9), e.PortAttached()),
        (on_bridge("br0", 1), e.BridgeChanged(gone=True)),
        hooked(VM1, "VM1", "stopped"),
    ],
    ids=lambda finding: type(finding[1]).__name__,
)
def test_late_event_of_a_boot_that_is_over_changes_nothing(late: Finding) -> None:
    before = after(BR0, VETH0, hooked(VM1, "VM1", "started", nic(MAC1, tap="veth0")))

    state = after(late, state=before, boot="boot-0")

    assert replace(state, seq=before.seq) == before


@pytest.mark.parametrize("operation", ["start", "started", "reconnect", "attach"])
def test_guest_runs_from_start_on(operation: str) -> None:
    state = after(hooked(VM1, "VM1", operation, nic(MAC1, tap="vnet0")))

    assert state.guests == {VM1: guest(VM1, "VM1", nic(MAC1, tap="vnet0"))}


@pytest.mark.parametrize("operation", ["prepare", "migrate", "restore", "from-the-future"])
def test_guest_is_known_but_does_not_run_before_start(operation: str) -> None:
    state = after(hooked(VM1, "VM1", operation, nic(MAC1, tap="veth0")))

    assert state.guests == {VM1: guest(VM1, "VM1", nic(MAC1, tap="veth0"), running=False)}


def test_running_guest_is_not_stopped_by_an_unknown_operation() -> None:
    running = hooked(VM1, "VM1", "started", nic(MAC1, tap="vnet0"))

    state = after(running, hooked(VM1, "VM1", "from-the-future", nic(MAC1)))

    assert state.guests == {VM1: guest(VM1, "VM1", nic(MAC1, tap="vnet0"))}


@pytest.mark.parametrize("operation", ["stopped", "release"])
def test_stopped_guest_keeps_fixed_taps_and_loses_generated_ones(operation: str) -> None:
    nics = (nic(MAC1, tap="vnet3", alias="net0"), nic(MAC2, tap="veth0", alias="net1"))

    state = after(hooked(VM1, "VM1", "started", *nics), hooked(VM1, "VM1", operation))

    stopped = guest(VM1, "VM1", nic(MAC1), nic(MAC2, tap="veth0"), running=False)
    assert (state.guests, dict(state.owners().by_tap)) == ({VM1: stopped}, {})


def test_renamed_guest_is_the_same_one() -> None:
    state = after(hooked(VM1, "VM1", "started"), hooked(VM1, "web", "started"))

    assert state.guests == {VM1: guest(VM1, "web")}


def test_tap_name_that_another_guest_took_is_the_first_ones_no_more() -> None:
    # VM1 died with libvirtd, which called no hook; vnet0 was made anew for VM2.
    state = after(
        hooked(VM1, "VM1", "started", nic(MAC1, tap="vnet0"), nic(MAC2, tap="vnet1")),
        hooked(VM2, "VM2", "start", nic("52:54:00:00:00:09", tap="vnet0")),
    )

    assert state.guests[VM1] == guest(VM1, "VM1", nic(MAC1), nic(MAC2, tap="vnet1"))
    assert {tap: owner.name for tap, (owner, _) in state.owners().by_tap.items()} == {
        "vnet0": "VM2",
        "vnet1": "VM1",
    }


def test_daemon_hook_names_no_guest() -> None:
    fact = e.HookInvoked(
        driver="daemon", operation="start", sub_operation="-", extra="start", object="-"
    )

    assert after((e.NO_SUBJECT, fact)).guests == {}


WEB = port_entry("veth0", port("200", pvid=100), of="VM1")
DNS = port_entry("VM2/*", port(pvid=300))
BRIDGE = bridge_entry("br0", "eth0", trunk=port("100"))


def test_entry_that_did_not_change_keeps_its_since() -> None:
    state = after(loaded(WEB, DNS), loaded(WEB, replace(DNS, vlans=port(pvid=301)), digest="d2"))

    assert state.config == ConfigInForce(
        ports={
            "veth0": HeldPort(entry=WEB, since=Seq(1)),
            "VM2/*": HeldPort(entry=replace(DNS, vlans=port(pvid=301)), since=Seq(2)),
        },
        loaded={ConfigRole.PORTS: "d2"},
    )


def test_entry_that_went_and_came_back_is_new() -> None:
    state = after(loaded(WEB, DNS), loaded(DNS), loaded(WEB, DNS))

    assert {name: held.since for name, held in state.config.ports.items()} == {
        "veth0": 3,
        "VM2/*": 1,
    }


def test_each_file_is_in_force_by_itself() -> None:
    bridges = loaded(BRIDGE, role=ConfigRole.BRIDGES, digest="b")

    state = after(loaded(WEB), bridges, bridges, loaded(digest="p"))

    assert state.config == ConfigInForce(
        bridges={"br0": HeldBridge(entry=BRIDGE, since=Seq(2))},
        loaded={ConfigRole.PORTS: "p", ConfigRole.BRIDGES: "b"},
    )


def test_rejected_file_leaves_the_last_good_one_in_force() -> None:
    bad = e.ConfigRejected(role=ConfigRole.PORTS, file="f", digest="bad", errors=("f:1: no",))
    good = after(loaded(WEB))

    state = after((e.NO_SUBJECT, bad), state=good)

    assert state.config == replace(good.config, rejected={ConfigRole.PORTS: "bad"})


def test_good_file_clears_its_own_rejection_alone() -> None:
    bad = [
        (e.NO_SUBJECT, e.ConfigRejected(role=role, file="f", digest="bad", errors=("f:1: no",)))
        for role in ConfigRole
    ]

    state = after(*bad, loaded(WEB))

    assert state.config.rejected == {ConfigRole.BRIDGES: "bad"}


OF_NIC = e.Subject(guest_uuid=VM1, guest_name="VM1", mac=MAC1, port="vnet0", ifindex=7)


def wish(vlans: str, reason: str = "r") -> e.AssignmentSet:
    return e.AssignmentSet(vlans=port(vlans), reason=reason)


def test_assignment_is_for_the_nic_where_the_subject_names_one() -> None:
    assert [assignee_of(OF_NIC), assignee_of(on_port("veth0", 2))] == [
        Assignee(guest_uuid=VM1, mac=MAC1),
        Assignee(port="veth0"),
    ]


def test_newest_assignment_of_a_nic_wins_whatever_its_tap_is_called() -> None:
    state = after(
        (OF_NIC, wish("5", "old")),
        (on_port("veth0", 2), wish("6")),
        (replace(OF_NIC, port="vnet9", ifindex=70), wish("7", "new")),
    )

    assert set(state.assignments) == {
        Assignment(assignee=Assignee(port="veth0"), vlans=port("6"), reason="r", since=Seq(2)),
        Assignment(
            assignee=Assignee(guest_uuid=VM1, mac=MAC1), vlans=port("7"), reason="new", since=Seq(3)
        ),
    }


def test_cleared_assignment_is_gone_and_the_others_stay() -> None:
    state = after(
        (OF_NIC, wish("5")),
        (on_port("veth0", 2), wish("6")),
        (OF_NIC, e.AssignmentCleared(reason="r")),
        (on_port("veth9", 9), e.AssignmentCleared(reason="there was none")),
    )

    assert [item.assignee for item in state.assignments] == [Assignee(port="veth0")]


def test_assignment_outlives_a_boot() -> None:
    before = after((OF_NIC, wish("5")))

    state = after((e.NO_SUBJECT, e.HostBooted()), state=before, boot="boot-2")

    assert state.assignments == before.assignments


TOLD = [
    e.DaemonStarted(),
    e.DaemonStopped(),
    e.ScriptFinished(hook="qemu_start_begin", script="s", exit_status=0, duration_ns=1),
    e.ProgramIntended(before=NO_VLANS, after=port("5")),
    e.ProgramFinished(intent=numbered([VETH0])[0][1].event_id, outcome=e.Outcome.DONE),
    e.ReplayStarted(to="desired", scope="host"),
    e.ReplayFinished(added=1, removed=1, ports_changed=1, ports_unchanged=1, messages=1),
    e.GuestRefused(operation="start", problems=("p",), refused=True),
    e.RevertDelayed(reverts=3, delay_s=8.0),
]


def test_gap_opens_and_closes() -> None:
    def gap(*facts: e.Fact) -> Coverage:
        return after(*((e.NO_SUBJECT, fact) for fact in facts)).coverage

    opened, closed = e.GapOpened(reason="r"), e.GapClosed(reason="r")

    assert [gap(), gap(opened), gap(opened, closed), gap(opened, closed, opened)] == [
        Coverage.NONE,
        Coverage.GAP,
        Coverage.WATCHED,
        Coverage.GAP,
    ]


def test_observed_guest_runs_with_the_nics_that_were_read() -> None:
    subject = e.Subject(guest_uuid=VM2, guest_name="VM2")
    observed = e.GuestObserved(nics=(nic(MAC2, tap="vnet0"),), source="VM2.xml")

    state = after(hooked(VM1, "VM1", "started", nic(MAC1, tap="vnet0")), (subject, observed))

    assert state.guests == {
        VM1: guest(VM1, "VM1", nic(MAC1)),
        VM2: guest(VM2, "VM2", nic(MAC2, tap="vnet0")),
    }


@pytest.mark.parametrize("fact", TOLD, ids=lambda fact: type(fact).__name__)
def test_fact_that_only_tells_a_story_moves_nothing_but_the_seq(fact: e.Fact) -> None:
    before = after(BR0, VETH0, hooked(VM1, "VM1", "started", nic(MAC1, tap="veth0")))

    state = after((on_port("veth0", 2), fact), state=before)

    assert state == replace(before, seq=Seq(before.seq + 1))


def test_state_that_was_folded_further_is_left_as_it_was() -> None:
    before = after(BR0, SELF, VETH0)
    copy = HostState(seq=before.seq, boot_id=BOOT, table=table(*_devices(before)))

    after((on_port("veth0", 2), added(5)), (on_port("br0", 1), e.PortDetached()), state=before)

    assert before == copy


def _devices(state: HostState) -> list[Bridge | Port]:
    return [*state.table.bridges.values(), *state.table.ports.values()]


def test_facts_that_are_only_told_change_nothing_but_the_place() -> None:
    filled = advance((Seq(n), event(fact, on_port("vnet0", 7))) for n, fact in enumerate(FACTS, 1))
    told = [fact for fact in FACTS if isinstance(fact, TOLD_ONLY)]
    states = [HostState(boot_id=BOOT), filled]

    after = [
        advance([(Seq(1000), event(fact, on_port("vnet0", 7)))], state)
        for state in states
        for fact in told
    ]

    assert {type(fact) for fact in told} == set(TOLD_ONLY)
    assert after == [replace(state, seq=Seq(1000)) for state in states for _ in told]


HOOKS = st.builds(
    lambda uuid, operation, taps: hooked(
        uuid, uuid[:3], operation, *(nic(MAC1, tap=tap) for tap in taps)
    ),
    st.sampled_from((VM1, VM2, VM1.replace("1", "3"))),
    st.sampled_from(("prepare", "start", "stopped", "release", "attach")),
    st.lists(st.sampled_from(("veth0", "vnet0", "vnet1")), max_size=2, unique=True),
)


@given(st.lists(HOOKS, max_size=8))
def test_taps_pass_from_guest_to_guest_alike_at_once_and_one_by_one(hooks: list[Finding]) -> None:
    begin = HostState(boot_id=BOOT)
    events = numbered(hooks)

    at_once, one_by_one = advance(events, begin), begin
    for item in events:
        one_by_one = advance([item], one_by_one)

    assert at_once == one_by_one
