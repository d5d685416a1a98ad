"""The adapters on a real kernel: VLANs at random, devices that come and go."""

from __future__ import annotations

import os
import subprocess
from contextlib import closing

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.kernel.hosts import RealHost
from tests.kernel.netns import entered, index, ip_batch
from tests.properties.strategies import port_vlans
from vlanlog.core.plan import PortChange, additions, deletions
from vlanlog.core.state import IfIndex
from vlanlog.core.vlan import PortVlans, Vid, VlanFlags, VlanRange
from vlanlog.kernel.frame import attribute
from vlanlog.kernel.netlink import NetlinkSocket
from vlanlog.kernel.read import NetlinkReader
from vlanlog.kernel.wire import (
    AF_BRIDGE,
    IFLA_EXT_MASK,
    LINK_HEADER,
    RTM_GETLINK,
    RTM_GETVLAN,
    U32,
    port_message,
    ports_query,
    vlan_message,
    vlans_query,
)
from vlanlog.kernel.write import NetlinkWriter

pytestmark = pytest.mark.kernel

UNCOMPRESSED = 2
EVERY_OTHER = PortVlans.of(pvid=4094, tagged=sum(1 << vid for vid in range(1, 4094, 2)))
ALL = PortVlans((1 << 4095) - 2)

slow = settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))


def read_all_ways(host: RealHost, number: int) -> list[PortVlans]:
    """Returns one port's VLANs as every kind of dump has them."""
    table = host.reader.read()
    uncompressed = LINK_HEADER.pack(AF_BRIDGE, 0, 0, 0, 0)
    uncompressed += attribute(IFLA_EXT_MASK, U32.pack(UNCOMPRESSED))
    with NetlinkSocket() as kernel:
        listed = [
            port_message(part).vlans
            for query in (ports_query(), uncompressed)
            for part in kernel.dump(RTM_GETLINK, query)
            if port_message(part).ifindex == number
        ]
        whole = [vlan_message(part) for part in kernel.dump(RTM_GETVLAN, vlans_query())]
    ranges = [item for part in whole if part.ifindex == number for item in part.ranges]
    return [
        table.ports[IfIndex(number)].vlans,
        host.reader.read_vlans(IfIndex(number)),
        *listed,
        PortVlans.from_ranges(ranges),
    ]


@slow
@given(port_vlans(), port_vlans())
@example(EVERY_OTHER, ALL)
@example(ALL, PortVlans())
def test_port_is_taken_from_any_vlans_to_any(before: PortVlans, after: PortVlans) -> None:
    with entered(), closing(RealHost()) as host:
        host.add_bridge("br0", default_pvid=0)
        d0 = host.add_port("d0", "br0")
        held = PortVlans()
        for wanted in (before, after):
            adds = PortChange(ifindex=d0, is_self=False, ranges=additions(held, wanted))
            assert host.writer.add([adds]) == [""]
            gone = PortChange(ifindex=d0, is_self=False, ranges=deletions(held, wanted))
            assert host.writer.delete([gone]) == [""]
            held = wanted

            assert read_all_ways(host, d0) == [wanted] * 5


@slow
@given(st.lists(port_vlans(), min_size=1, max_size=80), port_vlans())
def test_many_ports_are_programmed_at_once(wanted: list[PortVlans], own: PortVlans) -> None:
    names = [f"d{number}" for number in range(len(wanted))]
    with entered(), closing(RealHost()) as host:
        br0 = host.add_bridge("br0", default_pvid=0)
        ip_batch(f"link add {name} master br0 type dummy" for name in names)
        goal = {"br0": own, **dict(zip(names, wanted, strict=True))}
        errors = host.writer.add(
            [
                PortChange(
                    ifindex=IfIndex(index(name)), is_self=name == "br0", ranges=vlans.ranges()
                )
                for name, vlans in goal.items()
            ]
        )
        found = {port.name: port.vlans for port in host.reader.read().ports.values()}

    assert (errors, found, br0 > 0) == ([""] * len(goal), goal, True)


@pytest.mark.usefixtures("netns")
def test_reading_survives_devices_that_come_and_go() -> None:
    churn = """
    while :; do
        ip link add br9 type bridge; ip link add e0 master br9 type dummy
        ip link add e1 master br0 type dummy; ip link del br9; ip link del e1; ip link del e0
    done
    """
    ip_batch(("link add br0 type bridge", "link add d0 master br0 type dummy"))
    with NetlinkReader() as reader:
        restless = subprocess.Popen(["sh", "-c", churn], start_new_session=True)
        try:
            tables = [reader.read() for _ in range(500)]
        finally:
            os.killpg(restless.pid, 9)
            restless.wait()

    steady = [(table.bridges.get("br0"), table.named("d0")) for table in tables]
    assert steady == [steady[0]] * 500
    assert None not in steady[0]
    assert len({len(table.ports) for table in tables}) > 1


@pytest.mark.usefixtures("netns")
def test_bridge_that_is_down_is_set_too() -> None:
    ip_batch(("link add br0 type bridge", "link set br0 down"))
    br0 = IfIndex(index("br0"))

    with NetlinkWriter() as writer, NetlinkReader() as reader:
        errors = (writer.set_vlan_filtering(br0, True), writer.set_default_pvid(br0, 9))
        found = reader.read().bridges["br0"]

    assert (errors, found.vlan_filtering, found.default_pvid) == (("", ""), True, 9)


@pytest.mark.usefixtures("netns")
def test_answers_lost_to_a_full_queue_do_not_lose_the_programming() -> None:
    names = [f"d{number}" for number in range(100)]
    ip_batch(
        (
            "link add br0 type bridge vlan_default_pvid 0",
            *(f"link add {name} master br0 type dummy" for name in names),
        )
    )
    ranges = (VlanRange(Vid(7), Vid(7), VlanFlags.PVID | VlanFlags.UNTAGGED),)
    changes = [
        PortChange(ifindex=IfIndex(index(name)), is_self=False, ranges=ranges) for name in names
    ]

    with NetlinkWriter(queue_bytes=1) as writer, NetlinkReader() as reader:
        errors = writer.add(changes)
        found = {str(port.vlans) for port in reader.read().ports.values() if not port.is_self}

    assert (errors, found, writer.messages_sent > 100) == ([""] * 100, {"pvid 7"}, True)
