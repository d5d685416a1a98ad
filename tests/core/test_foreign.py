from __future__ import annotations

from dataclasses import replace

import pytest

from tests.core.making import (
    MAC1,
    VM1,
    bridge,
    bridge_entry,
    device,
    guest,
    in_force,
    nic,
    port,
    port_entry,
    table,
)
from vlanlog.core.entry import Foreign
from vlanlog.core.foreign import CALM_S, Patience, Policies
from vlanlog.core.state import HostState, Port

RECORD, REVERT, ADOPT = Foreign.RECORD, Foreign.REVERT, Foreign.ADOPT


def _host(of_bridge: Foreign, of_port: Foreign | None, *ports: Port) -> HostState:
    """Returns a host whose br0 has the trunk eth0, and a section for VM1's NIC."""
    return HostState(
        table=table(bridge("br0", 1), device("br0", 1), *ports),
        guests={VM1: guest(VM1, "VM1", nic(MAC1, tap="veth0"))},
        config=in_force(
            replace(bridge_entry("br0", "eth0"), foreign=of_bridge),
            replace(port_entry("veth0", port("200"), of="VM1"), foreign=of_port),
            replace(port_entry("veth9", port("200"), of="VM9"), foreign=of_port),
        ),
    )


@pytest.mark.parametrize(
    ("of_bridge", "of_port", "expected"),
    [
        (RECORD, None, RECORD),
        (RECORD, REVERT, REVERT),
        (REVERT, ADOPT, ADOPT),
        (REVERT, RECORD, RECORD),
        (REVERT, None, REVERT),
    ],
)
@pytest.mark.parametrize("name", ["veth0", "veth9"])
def test_policy_of_a_named_port_is_its_sections_else_its_bridges(
    name: str, of_bridge: Foreign, of_port: Foreign | None, expected: Foreign
) -> None:
    tap = device(name, 3)
    assert Policies(_host(of_bridge, of_port, tap)).of_port(tap) is expected


@pytest.mark.parametrize(("name", "index"), [("br0", 1), ("eth0", 2), ("dummy0", 4)])
def test_policy_of_a_port_without_a_section_is_its_bridges(name: str, index: int) -> None:
    item = device(name, index)
    assert Policies(_host(ADOPT, REVERT, item)).of_port(item) is ADOPT


@pytest.mark.parametrize("name", ["eth0", "br0"])
def test_policy_of_a_trunk_and_of_a_bridge_is_its_own_whatever_a_section_says(name: str) -> None:
    item = device(name, 2)
    state = _host(ADOPT, REVERT, item)
    strange = replace(port_entry(name, port("200"), of="VM9"), foreign=REVERT)
    bridges = tuple(held.entry for held in state.config.bridges.values())
    assert Policies(replace(state, config=in_force(*bridges, strange))).of_port(item) is ADOPT


def test_policy_of_a_bridge_that_no_section_names_is_record() -> None:
    assert Policies(_host(REVERT, REVERT)).of_bridge("br7") is RECORD
    assert Policies(_host(REVERT, None)).of_bridge("br0") is REVERT


def test_patience_doubles_its_pauses_up_to_five_minutes() -> None:
    patience, now_s, delays_s = Patience(), 1000.0, []
    for _ in range(11):
        # The other hand is quick: it changes the port in the moment in which it was put back.
        patience = patience.changed(now_s)
        delays_s.append(patience.delay_s(now_s))
        now_s += delays_s[-1]
        patience = patience.reverted(now_s)
    assert delays_s == [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300]


def test_patience_counts_the_pause_from_the_last_revert() -> None:
    patience = Patience(3, 100.0).changed(101.5)
    assert (patience.delay_s(101.5), patience.delay_s(104.0)) == (2.5, 0.0)


def test_patience_begins_anew_after_a_calm_minute_however_long_it_had_become() -> None:
    weary = Patience(9, 100.0)
    assert weary.changed(100.0 + CALM_S) == Patience()
    assert weary.changed(99.9 + CALM_S) == weary


def test_patience_is_not_won_back_by_its_own_waiting() -> None:
    weary = Patience(9, 100.0).changed(100.0)
    assert weary.reverted(100.0 + weary.delay_s(100.0)) == Patience(10, 356.0)
