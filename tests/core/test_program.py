"""The plan for a host: bounds, a default PVID that moves, and the counts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.core.making import (
    MAC1,
    NATIVE,
    VM1,
    bridge,
    bridge_entry,
    device,
    guest,
    in_force,
    nic,
    port,
    port_entry,
    ranged,
    raw,
    table,
)
from vlanlog.core.desired import desired
from vlanlog.core.program import BridgePlan, Plan, Scope, plan, with_default_pvid
from vlanlog.core.state import HostState, PortTable
from vlanlog.core.vlan import NO_VLANS, PortVlans

BR0 = bridge("br0", 1, filtering=False)
BR1 = bridge("br1", 2, filtering=False)
KERNEL = table(
    BR0,
    BR1,
    device("br0", 1, port(pvid=1)),
    device("br1", 2, port(pvid=1), of="br1"),
    device("eth0", 3, port(pvid=1)),
    device("vnet0", 4, port(pvid=1)),
    device("lone", 5, port(pvid=1)),
)
STATE = HostState(
    guests={VM1: guest(VM1, "VM1", nic(MAC1, tap="vnet0"))},
    config=in_force(
        bridge_entry("br0", "eth0", trunk=port("100-109", pvid=1), own=port(pvid=1)),
        bridge_entry("br1", "eth9", own=port("7")),
        port_entry("VM1/*", port("200", pvid=100)),
    ),
)


def planned(scope: Scope, kernel: PortTable = KERNEL, state: HostState = STATE) -> Plan:
    return plan(desired(state, kernel), kernel, scope)


def touched(todo: Plan) -> tuple[list[str], list[str], list[str]]:
    return (
        [item.bridge.name for item in todo.bridges],
        [item.wish.port.name for item in todo.ports],
        list(todo.missing),
    )


MISSING = "trunk eth9 is not in any bridge (bridge_init.conf [br1])"


@pytest.mark.parametrize(
    ("scope", "words", "bounds"),
    [
        (Scope(), "host", (["br0", "br1"], ["br1", "eth0", "vnet0"], [MISSING])),
        (Scope(bridge="br0"), "bridge br0", (["br0"], ["eth0", "vnet0"], [])),
        (Scope(bridge="br1"), "bridge br1", (["br1"], ["br1"], [MISSING])),
        (Scope(port="eth0"), "port eth0", ([], ["eth0"], [])),
        (Scope(port="lone"), "port lone", ([], [], [])),
        (Scope(guest_uuid=VM1), f"guest {VM1}", ([], ["vnet0"], [])),
    ],
    ids=str,
)
def test_scope_bounds_the_plan(
    scope: Scope, words: str, bounds: tuple[list[str], list[str], list[str]]
) -> None:
    assert (str(scope), touched(planned(scope))) == (words, bounds)


def test_plan_counts_vids_and_ports() -> None:
    todo = planned(Scope())

    # eth0 +100-109, vnet0 +100,200 -1, br1 +7 -1; br0's own port is right.
    assert (todo.added, todo.removed, todo.unchanged, bool(todo)) == (13, 2, 1, True)


def test_plan_of_a_host_that_is_right_is_empty() -> None:
    kernel = table(bridge("br0", 1), device("br0", 1, port(pvid=1)))
    state = HostState(config=in_force(bridge_entry("br0", own=port(pvid=1))))

    assert planned(Scope(), kernel, state) == Plan(unchanged=1)


def test_bridge_is_planned_with_its_switches_in_order() -> None:
    state = HostState(config=in_force(bridge_entry("br0", own=port(pvid=1), default_pvid=0)))

    assert planned(Scope(), KERNEL, state).bridges == (
        BridgePlan(bridge=BR0, default_pvid=0, filtering=True, because="bridge_init.conf [br0]"),
    )
    assert planned(Scope(), KERNEL, state).bridges[0].steps == (
        "vlan_default_pvid 0",
        "vlan_filtering 1",
    )


@pytest.mark.parametrize(
    ("now", "old", "new", "after"),
    [
        (port(pvid=1), 1, 5, port(pvid=5)),
        (port(pvid=1), 1, 0, NO_VLANS),
        (port("5", pvid=1), 1, 5, port("5", pvid=1)),
        (port(pvid=20), 1, 5, port(pvid=20)),
        (raw("1", pvid=1), 1, 5, raw("1", pvid=1)),
        (port("1", pvid=20), 1, 0, port("1", pvid=20)),
        (NO_VLANS, 0, 5, port(pvid=5)),
        (port(pvid=20), 0, 5, raw("5,20", untagged="5,20", pvid=5)),
        (port("5"), 0, 5, port("5")),
        (port("5"), 0, 0, port("5")),
    ],
)
def test_default_pvid_that_moves_takes_along_what_the_kernel_takes(
    now: PortVlans, old: int, new: int, after: PortVlans
) -> None:
    assert with_default_pvid(now, old, new) == after


def test_port_is_planned_against_what_a_moving_default_pvid_leaves() -> None:
    state = HostState(
        config=in_force(
            bridge_entry("br0", "eth0", trunk=port("9", pvid=1), own=port("2"), default_pvid=0)
        )
    )

    steps = {item.wish.port.name: (item.adds, item.deletes) for item in planned(
        Scope(), KERNEL, state
    ).ports}  # fmt: skip

    assert steps == {
        "br0": ((ranged(2),), ()),
        "eth0": ((ranged(1, flags=NATIVE), ranged(9)), ()),
        # Nothing names these two: they keep what they have.
        "vnet0": ((ranged(1, flags=NATIVE),), ()),
        "lone": ((ranged(1, flags=NATIVE),), ()),
    }


@pytest.mark.parametrize(
    ("default_pvid", "names"),
    [(None, ["eth0"]), (0, ["br0", "eth0", "vnet0", "lone"])],
)
def test_guests_are_left_out_unless_the_default_pvid_moves_under_them(
    default_pvid: int | None, names: list[str]
) -> None:
    entry = bridge_entry(
        "br0", "eth0", trunk=port("9"), own=port(pvid=1), default_pvid=default_pvid
    )
    state = replace(STATE, config=in_force(entry, port_entry("VM1/*", port("200", pvid=1))))

    todo = planned(Scope(), KERNEL, state).without_guests()

    assert [item.wish.port.name for item in todo.ports] == names


def test_steps_are_in_the_words_of_bridge_8() -> None:
    [item] = planned(Scope(guest_uuid=VM1)).ports

    assert item.steps == ("add vid 100 pvid untagged", "add vid 200", "del vid 1")
