"""The three layers of a host in memory, and how each differs from each."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.core.making import port
from tests.host.commanding import Commanded
from vlanlog.cli.layers import Found, Layer, layer_table
from vlanlog.core.compared import bridge_differences, port_differences
from vlanlog.core.vlan import NO_VLANS, PortVlans
from vlanlog.render.words import change

Told = dict[str, str]

KERNEL, OBSERVED, DESIRED = Layer.KERNEL, Layer.OBSERVED, Layer.DESIRED
UPLINK = port(pvid=1)
WISHED = port("200", pvid=100)


@pytest.fixture
def place(tmp_path: Path) -> Commanded:
    """Is a host where the log, the kernel and the files say three things of VM1's port.

    br0 and eth0 are as the files say; nothing names lone, and new is in no log.
    """
    place = Commanded(tmp_path)
    place.site.kernel.set_vlans("vnet0", port("200,300", pvid=100))
    place.site.look()
    place.site.kernel.set_vlans("vnet0", port("200,666", pvid=100))
    place.site.kernel.set_vlans("lone", port("5", pvid=1))
    place.site.kernel.add_port("new", "br0")
    return place


def carried(found: Found) -> dict[str, PortVlans]:
    return {item.name: item.vlans for item in found.table.ports.values()}


def told(place: Commanded, first: Layer, second: Layer) -> Told:
    a, b = (layer_table(place.host, layer).side for layer in (first, second))
    assert bridge_differences(a, b) == ()
    return {item.port.name: change(*item.vlans) for item in port_differences(a, b)}


def test_each_layer_is_what_it_says(place: Commanded) -> None:
    same = {"br0": UPLINK, "eth0": UPLINK}

    layers = {layer: carried(layer_table(place.host, layer)) for layer in Layer}

    assert layers == {
        KERNEL: {
            **same, "vnet0": port("200,666", pvid=100), "lone": port("5", pvid=1), "new": UPLINK
        },
        OBSERVED: {**same, "vnet0": port("200,300", pvid=100), "lone": UPLINK},
        DESIRED: {**same, "vnet0": WISHED},
    }  # fmt: skip


DIFFERENCES: dict[tuple[Layer, Layer], Told] = {
    (KERNEL, DESIRED): {"vnet0": "-666"},
    (DESIRED, KERNEL): {"vnet0": "+666"},
    (KERNEL, OBSERVED): {"vnet0": "+300 -666", "lone": "-5", "new": "-1 pvid 1→none"},
    (OBSERVED, KERNEL): {"vnet0": "+666 -300", "lone": "+5", "new": "pvid none→1"},
    (OBSERVED, DESIRED): {"vnet0": "-300"},
    (DESIRED, OBSERVED): {"vnet0": "+300"},
    **{(layer, layer): {} for layer in Layer},
}


@pytest.mark.parametrize("pair", DIFFERENCES, ids="-".join)
def test_layers_differ_exactly_by_this(place: Commanded, pair: tuple[Layer, Layer]) -> None:
    assert told(place, *pair) == DIFFERENCES[pair]


def test_port_that_is_desired_and_was_never_observed_differs(place: Commanded) -> None:
    place.configure("[VM1/*]\npvid = 100\ntagged = 200\n[new]\nguest = VM9\npvid = 7\n")
    place.site.kernel.set_vlans("new", NO_VLANS)

    assert told(place, OBSERVED, DESIRED) == {"vnet0": "-300", "new": "pvid none→7"}
    assert told(place, KERNEL, DESIRED) == {"vnet0": "-666", "new": "pvid none→7"}


def test_switches_of_a_bridge_differ(place: Commanded) -> None:
    kernel = place.site.kernel
    kernel.set_default_pvid(kernel.read().bridges["br0"].ifindex, 0)
    layers = {layer: layer_table(place.host, layer).side for layer in Layer}

    pairs = [(OBSERVED, KERNEL), (OBSERVED, DESIRED), (KERNEL, DESIRED)]
    found = {
        (a, b): [
            (item.before and item.before.default_pvid, item.after and item.after.default_pvid)
            for item in bridge_differences(layers[a], layers[b])
        ]
        for a, b in pairs
    }

    assert found == {
        (OBSERVED, KERNEL): [(1, 0)], (OBSERVED, DESIRED): [(1, 0)], (KERNEL, DESIRED): []
    }  # fmt: skip
