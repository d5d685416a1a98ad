"""Plans carried out on the fake kernel, request by request, for random tables and wishes."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from tests.core.making import numbered
from tests.fakes.site import Site
from tests.properties.strategies import port_vlans
from vlanlog import replay
from vlanlog.core import event as e
from vlanlog.core.authorship import Authorship, Intents
from vlanlog.core.desired import BridgeWish, Desired, PortWish
from vlanlog.core.fold import advance
from vlanlog.core.observe import differences
from vlanlog.core.program import Plan, PortPlan, Scope, plan
from vlanlog.core.state import HostState, Port, PortTable
from vlanlog.core.vlan import PortVlans

NAMES = ("br0", "eth0", "vnet0", "vnet1")


@st.composite
def sites(draw: st.DrawFn) -> Site:
    site = Site()
    default_pvid = draw(st.sampled_from((0, 1, 5)))
    site.kernel.add_bridge("br0", vlan_filtering=draw(st.booleans()), default_pvid=default_pvid)
    for name in NAMES[1:]:
        site.kernel.add_port(name, "br0")
    for name in NAMES:
        if draw(st.booleans()):
            site.kernel.set_vlans(name, draw(port_vlans()))
    return site


wished = st.dictionaries(st.sampled_from(NAMES), port_vlans())


def wanted(table: PortTable, wishes: dict[str, PortVlans], default_pvid: int | None) -> Desired:
    ports = (
        PortWish(port=port, vlans=wishes[port.name], because="", subject=_subject(port))
        for port in table.ports.values()
        if port.name in wishes
    )
    return Desired(bridges=(BridgeWish(name="br0", default_pvid=default_pvid),), ports=tuple(ports))


def _subject(port: Port) -> e.Subject:
    return e.Subject(port=port.name, ifindex=port.ifindex, bridge=port.bridge)


@given(sites(), wished, st.none() | st.sampled_from((0, 1, 5, 9)))
def test_plan_reaches_its_target_and_touches_nothing_else(
    site: Site, wishes: dict[str, PortVlans], default_pvid: int | None
) -> None:
    site.look()
    before = site.kernel.carried()
    table = site.kernel.read()

    todo = plan(wanted(table, wishes, default_pvid), table, Scope())
    report = replay.program(site.journal, site.eye, site.kernel, todo)

    assert (site.kernel.carried(), report.undone) == ({**before, **wishes}, ())
    assert site.state.table == site.kernel.read()


@given(sites(), wished)
def test_port_never_lacks_what_it_keeps(site: Site, wishes: dict[str, PortVlans]) -> None:
    site.look()
    table = site.kernel.read()

    todo = plan(wanted(table, wishes, None), table, Scope())
    replay.program(site.journal, site.eye, site.kernel, todo)

    for _, carried in site.kernel.steps:
        for port in table.ports.values():
            goal = wishes.get(port.name, port.vlans)
            now = carried[port.name]
            kept = port.vlans.members & goal.members
            assert now.members & kept == kept
            if port.vlans.pvid == goal.pvid:
                assert now.pvid == goal.pvid
            elif port.vlans.pvid is not None and goal.pvid is not None:
                assert now.pvid in (port.vlans.pvid, goal.pvid)


@given(sites(), wished, st.sampled_from(NAMES), st.integers(1, 12))
def test_port_that_refuses_a_vid_harms_no_other(
    site: Site, wishes: dict[str, PortVlans], name: str, vid: int
) -> None:
    site.look()
    before = site.kernel.carried()
    site.kernel.refuse(name, vid, "No space left on device")
    table = site.kernel.read()

    todo = plan(wanted(table, wishes, None), table, Scope())
    report = replay.program(site.journal, site.eye, site.kernel, todo)

    after = site.kernel.carried()
    others = {other: vlans for other, vlans in {**before, **wishes}.items() if other != name}
    assert {other: after[other] for other in others} == others
    assert bool(report.undone) is (after[name] != wishes.get(name, before[name]))
    assert site.state.table == site.kernel.read()


@given(port_vlans(), port_vlans(), port_vlans())
def test_changes_told_apart_by_author_lead_to_the_same_table(
    before: PortVlans, goal: PortVlans, found: PortVlans
) -> None:
    site = Site()
    site.kernel.add_bridge("br0")
    index = site.kernel.add_port("vnet0", "br0")
    site.kernel.set_vlans("vnet0", before)
    table = site.kernel.read()
    state = HostState(boot_id="boot-1", table=table)
    port = table.ports[index]
    wish = PortWish(port=port, vlans=goal, because="", subject=_subject(port))
    todo = Plan(ports=(PortPlan(wish=wish, adds=(), deletes=()),))
    intents = Intents(bridges={}, ports={index: UUID(int=7)})
    now = replace(table, ports={**table.ports, index: replace(port, vlans=found)})

    told = Authorship(todo, intents).told_apart(differences(state, now))

    assert advance(numbered([finding for finding, _ in told]), state).table == now
    if found == goal:
        assert all(own for _, own in told)
