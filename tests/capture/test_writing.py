"""What is written as config is read back as the same values, and reads well."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.config.writing import bridge_entries, port_entries
from vlanlog.config import Loaded, read_bridges, read_ports
from vlanlog.config.writing import bridges_text, ports_text
from vlanlog.core.entry import (
    BridgeEntry,
    Foreign,
    OnFailure,
    PortEntry,
    Selector,
    SelectorKind,
)
from vlanlog.core.vlan import PortVlans, parse_vids

LINES = st.lists(st.text(max_size=30), max_size=2)
NET1 = Selector(kind=SelectorKind.ALIAS, guest="VM2", value="net1")
VETH0 = Selector(kind=SelectorKind.TAP, guest="100 % VM", value="veth0")


def bridges_of(text: str) -> Loaded:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bridge_init.conf"
        path.write_text(text, newline="")
        return read_bridges(path)


def ports_of(text: str) -> Loaded:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vlan_filtering.conf"
        path.write_text(text, newline="")
        return read_ports(path)


@given(entries=bridge_entries(), above=LINES, first=LINES)
def test_bridges_are_read_back_as_they_were_written(
    entries: tuple[BridgeEntry, ...], above: list[str], first: list[str]
) -> None:
    comments = {entry.name: above for entry in entries} | {"": first}
    loaded = bridges_of(bridges_text(entries, comments))
    assert (loaded.bridges, loaded.errors, loaded.warnings) == (entries, (), ())


@given(entries=port_entries(), above=LINES, first=LINES)
def test_ports_are_read_back_as_they_were_written(
    entries: tuple[PortEntry, ...], above: list[str], first: list[str]
) -> None:
    comments = {entry.section: above for entry in entries} | {"": first}
    loaded = ports_of(ports_text(entries, comments))
    assert (loaded.ports, loaded.errors) == (entries, ())


def test_bridge_is_written_as_an_operator_would() -> None:
    entry = BridgeEntry(
        name="br0",
        trunk_ports=("eth0", "eth1"),
        trunk=PortVlans.of(tagged=parse_vids("100,200-210")),
        own=PortVlans.of(pvid=1),
        default_pvid=0,
        prune=False,
        foreign=Foreign.REVERT,
    )
    assert bridges_text([entry], {"": ["All of it."], "br0": ["the uplinks", "of rack\n4"]}) == (
        "# All of it.\n\n# the uplinks\n# of rack\\n4\n[br0]\n"
        "trunk-port = eth0 eth1\ntrunk-pvid =\ntrunk-tags = 100 200-210\nbr-pvid = 1\n"
        "default-pvid = 0\nprune = no\nforeign = revert\n"
    )


def test_ports_are_written_as_an_operator_would() -> None:
    entries = (
        PortEntry(section="VM2/net1", selector=NET1, vlans=PortVlans.of(pvid=300)),
        PortEntry(
            section="veth0",
            selector=VETH0,
            vlans=PortVlans.of(tagged=parse_vids("7")),
            foreign=Foreign.RECORD,
            on_failure=OnFailure.ALLOW,
        ),
    )
    assert ports_text(entries) == (
        "[VM2/net1]\npvid = 300\n\n[veth0]\nguest = 100 %% VM\npvid =\ntagged = 7\n"
        "foreign = record\non-failure = allow\n"
    )


def test_long_list_goes_on_in_indented_lines() -> None:
    every_other = sum(1 << vid for vid in range(2, 4095, 2))
    entry = PortEntry(
        section="VM2/net1", selector=NET1, vlans=PortVlans.of(pvid=1, tagged=every_other)
    )
    text = ports_text([entry])
    assert max(map(len, text.splitlines())) <= 90
    assert ports_of(text).ports == (entry,)
