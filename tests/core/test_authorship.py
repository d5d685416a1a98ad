from __future__ import annotations

from uuid import UUID

from tests.core.making import bridge, device, on_bridge, on_port, port, raw
from vlanlog.core import event as e
from vlanlog.core.authorship import NOBODY, Authorship, Intents
from vlanlog.core.desired import PortWish
from vlanlog.core.observe import Finding
from vlanlog.core.plan import additions, deletions
from vlanlog.core.program import BridgePlan, Plan, PortPlan
from vlanlog.core.state import IfIndex
from vlanlog.core.vlan import PortVlans

BRIDGE_INTENT, PORT_INTENT = UUID(int=100), UUID(int=200)
BR0, TAP, OTHER = IfIndex(1), IfIndex(2), IfIndex(3)
ON_TAP, ON_OTHER = on_port("tap", TAP), on_port("other", OTHER)


def _port_plan(before: PortVlans, after: PortVlans) -> PortPlan:
    wish = PortWish(port=device("tap", TAP, before), vlans=after, because="b", subject=ON_TAP)
    return PortPlan(wish=wish, adds=additions(before, after), deletes=deletions(before, after))


def _authorship(*items: PortPlan | BridgePlan) -> Authorship:
    todo = Plan(
        bridges=tuple(item for item in items if isinstance(item, BridgePlan)),
        ports=tuple(item for item in items if isinstance(item, PortPlan)),
    )
    return Authorship(todo, Intents(bridges={BR0: BRIDGE_INTENT}, ports={TAP: PORT_INTENT}))


WHOSE = _authorship(_port_plan(port("10-20", pvid=1), port("15-30", pvid=5)))


def test_addition_that_was_aimed_at_is_the_plans_own() -> None:
    fact = e.VlanAdded(first=21, last=30)
    own = e.VlanAdded(first=21, last=30, cause=PORT_INTENT)
    assert WHOSE.told_apart([(ON_TAP, fact)]) == [((ON_TAP, own), True)]


def test_removal_that_was_aimed_at_is_the_plans_own() -> None:
    fact = e.VlanRemoved(first=10, last=14)
    own = e.VlanRemoved(first=10, last=14, cause=PORT_INTENT)
    assert WHOSE.told_apart([(ON_TAP, fact)]) == [((ON_TAP, own), True)]


def test_range_of_which_a_part_was_aimed_at_is_cut() -> None:
    assert WHOSE.told_apart([(ON_TAP, e.VlanAdded(first=28, last=33))]) == [
        ((ON_TAP, e.VlanAdded(first=28, last=30, cause=PORT_INTENT)), True),
        ((ON_TAP, e.VlanAdded(first=31, last=33)), False),
    ]


def test_vid_of_the_plan_with_other_flags_is_foreign() -> None:
    facts: list[e.Fact] = [
        e.VlanAdded(first=21, last=21, untagged=True),
        e.VlanAdded(first=21, last=21, pvid=True),
        e.VlanAdded(first=5, last=5, untagged=True),
    ]
    found = WHOSE.told_apart((ON_TAP, fact) for fact in facts)
    assert found == [((ON_TAP, fact), False) for fact in facts]


def test_removal_of_what_is_wanted_is_foreign() -> None:
    assert WHOSE.told_apart([(ON_TAP, e.VlanRemoved(first=14, last=16))]) == [
        ((ON_TAP, e.VlanRemoved(first=14, last=14, cause=PORT_INTENT)), True),
        ((ON_TAP, e.VlanRemoved(first=15, last=16)), False),
    ]


def test_change_of_a_port_that_the_plan_does_not_name_is_foreign() -> None:
    fact = e.VlanAdded(first=21, last=21)
    assert WHOSE.told_apart([(ON_OTHER, fact)]) == [((ON_OTHER, fact), False)]


def test_undo_is_the_plans_own_only_where_it_is_told() -> None:
    item = _port_plan(port("10-20"), port("30"))
    whose = _authorship(item)
    back: list[Finding] = [
        (ON_TAP, e.VlanAdded(first=10, last=20)),
        (ON_TAP, e.VlanRemoved(first=30, last=30)),
    ]
    assert [own for _, own in whose.told_apart(back)] == [False, False]
    whose.undoing([item])
    assert whose.told_apart(back) == [
        ((ON_TAP, e.VlanAdded(first=10, last=20, cause=PORT_INTENT)), True),
        ((ON_TAP, e.VlanRemoved(first=30, last=30, cause=PORT_INTENT)), True),
    ]


def test_ports_that_the_kernel_takes_along_are_explained_by_the_bridges_intent() -> None:
    now = bridge("br0", BR0, default_pvid=1)
    whose = _authorship(BridgePlan(bridge=now, default_pvid=7))
    facts: list[Finding] = [
        (ON_OTHER, e.VlanRemoved(first=1, last=1)),
        (ON_OTHER, e.VlanAdded(first=7, last=7, pvid=True, untagged=True)),
    ]
    assert whose.told_apart(facts) == [
        ((ON_OTHER, e.VlanRemoved(first=1, last=1, cause=BRIDGE_INTENT)), True),
        (
            (
                ON_OTHER,
                e.VlanAdded(first=7, last=7, pvid=True, untagged=True, cause=BRIDGE_INTENT),
            ),
            True,
        ),
    ]


def test_port_of_the_plan_that_the_kernel_took_along_has_its_own_intent_where_it_aims_there() -> (
    None
):
    now = bridge("br0", BR0, default_pvid=1)
    item = _port_plan(port("", pvid=1), port("20"))
    whose = _authorship(BridgePlan(bridge=now, default_pvid=7), item)
    native = e.VlanAdded(first=7, last=7, pvid=True, untagged=True)
    assert whose.told_apart([(ON_TAP, native), (ON_TAP, e.VlanRemoved(first=1, last=1))]) == [
        (
            (
                ON_TAP,
                e.VlanAdded(first=7, last=7, pvid=True, untagged=True, cause=BRIDGE_INTENT),
            ),
            True,
        ),
        ((ON_TAP, e.VlanRemoved(first=1, last=1, cause=PORT_INTENT)), True),
    ]


def test_foreign_removal_beside_the_one_that_the_kernel_took_along_stays_foreign() -> None:
    now = bridge("br0", BR0, default_pvid=2)
    whose = _authorship(BridgePlan(bridge=now, default_pvid=0))
    # Two removals that a re-read cannot tell from one.
    assert whose.told_apart([(ON_OTHER, e.VlanRemoved(first=1, last=3))]) == [
        ((ON_OTHER, e.VlanRemoved(first=1, last=1)), False),
        ((ON_OTHER, e.VlanRemoved(first=2, last=2, cause=BRIDGE_INTENT)), True),
        ((ON_OTHER, e.VlanRemoved(first=3, last=3)), False),
    ]


def test_vlans_of_another_bridge_are_not_taken_along() -> None:
    now = bridge("br0", BR0, default_pvid=1)
    whose = _authorship(BridgePlan(bridge=now, default_pvid=7))
    subject = on_port("far", 9, "br1")
    fact = e.VlanRemoved(first=1, last=1)
    assert whose.told_apart([(subject, fact)]) == [((subject, fact), False)]


def test_switches_as_planned_are_the_plans_own_at_every_step() -> None:
    now = bridge("br0", BR0, filtering=False, default_pvid=1)
    whose = _authorship(BridgePlan(bridge=now, default_pvid=7, filtering=True))
    subject = on_bridge("br0", BR0)
    steps = [
        e.BridgeChanged(vlan_filtering=False, default_pvid=7),
        e.BridgeChanged(vlan_filtering=True, default_pvid=7),
    ]
    strange = [
        e.BridgeChanged(vlan_filtering=True, default_pvid=8),
        e.BridgeChanged(vlan_filtering=True, default_pvid=7, gone=True),
    ]
    found = whose.told_apart((subject, fact) for fact in (*steps, *strange))
    assert [own for _, own in found] == [True, True, False, False]


def test_switch_that_the_plan_leaves_as_it_is_may_not_move_with_the_other() -> None:
    now = bridge("br0", BR0, filtering=True, default_pvid=1)
    whose = _authorship(BridgePlan(bridge=now, default_pvid=7))
    subject = on_bridge("br0", BR0)
    moved = [
        e.BridgeChanged(vlan_filtering=True, default_pvid=7),
        e.BridgeChanged(vlan_filtering=False, default_pvid=7),
    ]
    assert [own for _, own in whose.told_apart((subject, fact) for fact in moved)] == [True, False]


def test_switches_of_a_bridge_that_the_plan_leaves_alone_are_foreign() -> None:
    fact = e.BridgeChanged(vlan_filtering=True, default_pvid=1)
    subject = on_bridge("br0", BR0)
    assert WHOSE.told_apart([(subject, fact)]) == [((subject, fact), False)]


def test_arrivals_and_departures_are_nobodys_plan() -> None:
    findings: list[Finding] = [(ON_TAP, e.PortDetached()), (ON_TAP, e.PortAttached(mac=None))]
    assert WHOSE.told_apart(findings) == [(item, False) for item in findings]


def test_nobody_explains_nothing() -> None:
    findings: list[Finding] = [(ON_TAP, e.VlanAdded(first=1, last=9))]
    assert NOBODY.told_apart(findings) == [(item, False) for item in findings]


def test_plan_with_a_switch_may_change_any_port() -> None:
    now = bridge("br0", BR0, default_pvid=1)
    assert _authorship(BridgePlan(bridge=now, filtering=True)).ports is None
    assert WHOSE.ports == frozenset({TAP})


def test_pvid_moves_by_the_plan_with_the_old_one_left_untagged_in_between() -> None:
    whose = _authorship(_port_plan(raw("1", untagged="1", pvid=1), port("", pvid=5)))
    facts: list[e.Fact] = [
        e.VlanAdded(first=5, last=5, pvid=True, untagged=True),
        e.VlanRemoved(first=1, last=1),
    ]
    assert [own for _, own in whose.told_apart((ON_TAP, fact) for fact in facts)] == [True, True]
