"""What the kernel takes, refuses and leaves behind: the rules that programming leans on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import pytest

from tests.kernel.hosts import RealHost
from tests.kernel.netns import ip_batch, sysfs
from tests.kernel.requests import (
    BEGIN,
    END,
    PVID,
    SELF,
    UNTAGGED,
    programmed,
    together,
    vlandb,
)
from vlanlog.core.notice import VlanMessage
from vlanlog.core.state import IfIndex
from vlanlog.core.vlan import PortVlans, Vid, VlanRange
from vlanlog.kernel.frame import Message
from vlanlog.kernel.netlink import NetlinkSocket
from vlanlog.kernel.wire import (
    RTM_DELLINK,
    RTM_GETLINK,
    RTM_GETVLAN,
    RTM_NEWVLAN,
    RTM_SETLINK,
    port_message,
    ports_query,
    vlan_message,
    vlans_query,
)

pytestmark = [pytest.mark.kernel, pytest.mark.usefixtures("netns")]

UNSUPPORTED = "Operation not supported"
BAD_RANGE = "Invalid argument (bridge: End vlan id is less than or equal to start vlan id)"


@dataclass(frozen=True)
class Host:
    """Is a bridge without default PVID, and one port d0."""

    real: RealHost
    br0: int
    d0: int

    def read(self, number: int) -> PortVlans:
        return self.real.reader.read_vlans(IfIndex(number))

    def carried(self, number: int) -> str:
        return str(self.read(number))


@pytest.fixture
def host() -> Iterator[Host]:
    with closing(RealHost()) as real:
        br0 = real.add_bridge("br0", default_pvid=0)
        yield Host(real, br0, real.add_port("d0", "br0"))


def dumped(kind: int, body: bytes) -> list[Message]:
    with NetlinkSocket() as kernel:
        return kernel.dump(kind, body)


@pytest.mark.parametrize(
    ("infos", "error", "left"),
    [
        pytest.param(
            [(BEGIN | PVID, 10), (END | PVID, 12)],
            "Invalid argument (bridge: Pvid isn't allowed in a range)",
            "none",
            id="pvid in a range",
        ),
        pytest.param([(BEGIN, 200), (END, 100)], BAD_RANGE, "none", id="backwards"),
        pytest.param([(BEGIN, 100), (END, 100)], BAD_RANGE, "none", id="range of one"),
        pytest.param([(0, 0)], "Invalid argument (bridge: Vlan id is invalid)", "none", id="vid 0"),
        pytest.param(
            [(0, 4095)], "Invalid argument (bridge: Vlan id is invalid)", "none", id="vid 4095"
        ),
        pytest.param([(0, 10), (BEGIN, 200), (END, 100)], BAD_RANGE, "tagged 10", id="half way"),
        pytest.param(
            [(0, 10), (END, 12)],
            "",
            "tagged 10,12",
            id="end alone is a single",
        ),
        pytest.param([(0, 10), (BEGIN, 20)], "", "tagged 10", id="begin alone is passed over"),
        pytest.param(
            [(BEGIN | UNTAGGED, 20), (END, 22)], "", "untagged 20-22", id="flags of the begin"
        ),
        pytest.param([], "", "none", id="no infos"),
    ],
)
def test_setlink_walks_its_infos_until_one_is_wrong(
    host: Host, infos: list[tuple[int, int]], error: str, left: str
) -> None:
    assert (programmed(RTM_SETLINK, host.d0, *infos), host.carried(host.d0)) == (error, left)


def test_dellink_walks_likewise_and_does_not_say_why(host: Host) -> None:
    programmed(RTM_SETLINK, host.d0, (BEGIN, 10), (END, 20))

    error = programmed(RTM_DELLINK, host.d0, (0, 10), (BEGIN, 20), (END, 15))

    assert (error, host.carried(host.d0)) == ("Invalid argument", "tagged 11-20")


def test_requests_sent_together_each_get_an_answer(host: Host) -> None:
    errors = together(
        RTM_SETLINK,
        (host.d0, [(0, 10)]),
        (host.d0, [(0, 0)]),
        (9999, [(0, 11)]),
        (host.d0, [(0, 12)]),
    )

    assert errors == [
        "",
        "Invalid argument (bridge: Vlan id is invalid)",
        "No such device (unknown ifindex)",
        "",
    ]
    assert host.carried(host.d0) == "tagged 10,12"


def test_self_is_for_the_bridges_own_port_alone(host: Host) -> None:
    errors = [
        programmed(RTM_SETLINK, host.br0, (0, 10), flags=SELF),
        programmed(RTM_SETLINK, host.br0, (0, 11)),
        programmed(RTM_SETLINK, host.d0, (0, 12), flags=SELF),
        programmed(RTM_SETLINK, host.d0, (0, 13), flags=1),
    ]

    assert errors == ["", UNSUPPORTED, UNSUPPORTED, ""]
    assert (host.carried(host.br0), host.carried(host.d0)) == ("tagged 10", "tagged 13")


def test_newvlan_needs_no_self(host: Host) -> None:
    error = vlandb(RTM_NEWVLAN, host.br0, VlanRange(Vid(10), Vid(12)))

    assert (error, host.carried(host.br0)) == ("", "tagged 10-12")


def test_one_message_carries_every_vid_on_its_own(host: Host) -> None:
    infos = [(UNTAGGED if vid % 2 else 0, vid) for vid in range(1, 4095)]

    error = programmed(RTM_SETLINK, host.d0, *infos)

    every = (1 << 4095) - 2
    odd = sum(1 << vid for vid in range(1, 4095, 2))
    assert (error, host.read(host.d0)) == ("", PortVlans(every, odd))


def test_default_pvid_is_refused_by_sysfs_while_filtering_and_taken_by_netlink(host: Host) -> None:
    host.real.writer.set_vlan_filtering(IfIndex(host.br0), True)

    by_sysfs = sysfs("br0/bridge/default_pvid", "5")
    before = host.carried(host.d0)
    by_netlink = host.real.writer.set_default_pvid(IfIndex(host.br0), 5)

    assert (bool(by_sysfs), before, by_netlink, host.carried(host.d0)) == (
        True,
        "none",
        "",
        "pvid 5",
    )


def test_vlan_dump_of_one_port_speaks_of_that_port_alone(host: Host) -> None:
    host.real.add_port("d1", "br0")
    programmed(RTM_SETLINK, host.d0, (BEGIN, 20), (END, 30), (UNTAGGED, 31))

    found = [vlan_message(part) for part in dumped(RTM_GETVLAN, vlans_query(host.d0))]

    assert [(part.ifindex, part.gone, [str(r) for r in part.ranges]) for part in found] == [
        (host.d0, False, ["20-30", "31 untagged"])
    ]


def test_vlan_dump_of_a_port_without_vlans_is_an_empty_message(host: Host) -> None:
    found = [vlan_message(part) for part in dumped(RTM_GETVLAN, vlans_query(host.d0))]

    assert found == [VlanMessage(ifindex=IfIndex(host.d0), gone=False, ranges=())]


def test_vlan_dump_of_one_port_may_take_several_messages(host: Host) -> None:
    programmed(RTM_SETLINK, host.d0, *[(0, vid) for vid in range(2, 4095, 2)])

    found = [vlan_message(part) for part in dumped(RTM_GETVLAN, vlans_query(host.d0))]

    assert len(found) > 1
    assert [item.first for part in found for item in part.ranges] == list(range(2, 4095, 2))


def test_link_dump_has_the_bridge_as_the_master_of_itself(host: Host) -> None:
    found = [port_message(part) for part in dumped(RTM_GETLINK, ports_query())]

    assert [(part.name, part.master) for part in found] == [("br0", host.br0), ("d0", host.br0)]


def test_link_dump_has_one_message_even_for_the_longest_list(host: Host) -> None:
    programmed(RTM_SETLINK, host.d0, *[(UNTAGGED if vid % 2 else 0, vid) for vid in range(1, 4095)])
    ip_batch(f"link add e{n} master br0 type dummy" for n in range(3))

    found = [port_message(part) for part in dumped(RTM_GETLINK, ports_query())]

    assert [part.name for part in found] == ["br0", "d0", "e0", "e1", "e2"]
    assert found[1].vlans == host.read(host.d0)
