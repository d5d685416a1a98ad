"""What the kernel says after each way to change VLANs: every row that the program leans on.

Where Linux does what nobody would expect, the test's name says so; docs/kernel-notes.md lists it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import pytest

from tests.kernel.listener import Listener
from tests.kernel.netns import bridge, index, ip, ip_batch, sysfs
from tests.kernel.requests import (
    BEGIN,
    END,
    MASTER_INFO,
    PVID,
    SELF,
    UNTAGGED,
    programmed,
    vlandb,
)
from vlanlog.core.state import IfIndex
from vlanlog.core.vlan import Vid, VlanFlags, VlanRange
from vlanlog.kernel.frame import messages
from vlanlog.kernel.read import NetlinkReader
from vlanlog.kernel.wire import RTM_DELLINK, RTM_DELVLAN, RTM_NEWVLAN, RTM_SETLINK

pytestmark = [pytest.mark.kernel, pytest.mark.usefixtures("netns")]

BAD_RANGE = "Invalid argument (bridge: End vlan id is less than or equal to start vlan id)"


@dataclass(frozen=True)
class Host:
    """Is a bridge that is up, with one port d0."""

    listener: Listener
    br0: int
    d0: int

    def said(self) -> list[str]:
        return self.listener.said()

    def vlans(self, name: str) -> str:
        with NetlinkReader() as reader:
            return str(reader.read_vlans(IfIndex(index(name))))


@pytest.fixture
def host() -> Iterator[Host]:
    ip_batch(
        (
            "link add br0 address 52:54:00:00:00:01 type bridge",
            "link set br0 up",
            "link add d0 address 52:54:00:00:00:02 type dummy",
            "link set d0 master br0",
        )
    )
    with closing(Listener()) as listener:
        yield Host(listener, index("br0"), index("d0"))


def ranged(first: int, last: int | None = None, flags: VlanFlags = VlanFlags.TAGGED) -> VlanRange:
    return VlanRange(Vid(first), Vid(last or first), flags)


def bridge_set(setting: str) -> None:
    ip(*f"link set br0 type bridge {setting}".split())


def test_notifications_do_not_say_who_asked(host: Host) -> None:
    programmed(RTM_SETLINK, host.d0, (0, 10))

    headers = [datagram[8:16] for datagram in host.listener.datagrams()]

    assert headers == [bytes(8), bytes(8)]


def test_setlink_says_each_single_and_range_then_the_port_once(host: Host) -> None:
    programmed(RTM_SETLINK, host.d0, (0, 10), (BEGIN, 20), (END, 30), (UNTAGGED, 40))

    assert host.said() == [
        "+vlan d0: 10",
        "+vlan d0: 20-30",
        "+vlan d0: 40 untagged",
        "port d0: pvid 1, tagged 10,20-30, untagged 40",
    ]


def test_setlink_says_only_the_part_of_a_range_that_changed(host: Host) -> None:
    programmed(RTM_SETLINK, host.d0, (BEGIN, 20), (END, 30))
    host.said()

    programmed(RTM_SETLINK, host.d0, (BEGIN, 15), (END, 35))

    assert host.said() == [
        "+vlan d0: 15-19",
        "+vlan d0: 31-35",
        "port d0: pvid 1, tagged 15-35",
    ]


def test_setlink_that_fails_half_way_says_what_it_did(host: Host) -> None:
    error = programmed(RTM_SETLINK, host.d0, (0, 10), (BEGIN, 200), (END, 100))

    assert (error, host.said()) == (BAD_RANGE, ["+vlan d0: 10", "port d0: pvid 1, tagged 10"])


def test_dellink_says_a_port_that_is_new_and_not_gone(host: Host) -> None:
    programmed(RTM_SETLINK, host.d0, (BEGIN, 20), (END, 30))
    host.said()

    programmed(RTM_DELLINK, host.d0, (BEGIN, 22), (END, 40))

    assert host.said() == ["-vlan d0: 22-30", "port d0: pvid 1, tagged 20-21"]


def test_newvlan_says_the_port_after_every_entry(host: Host) -> None:
    vlandb(RTM_NEWVLAN, host.d0, ranged(60), ranged(70, 80, VlanFlags.UNTAGGED))

    assert host.said() == [
        "+vlan d0: 60",
        "port d0: pvid 1, tagged 60",
        "+vlan d0: 70-80 untagged",
        "port d0: pvid 1, tagged 60, untagged 70-80",
    ]


def test_newvlan_says_the_port_in_the_words_of_a_request(host: Host) -> None:
    vlandb(RTM_NEWVLAN, host.d0, ranged(60))

    kinds = [part.kind for data in host.listener.datagrams() for part in messages(data)]

    assert kinds == [RTM_NEWVLAN, RTM_SETLINK]


def test_delvlan_says_the_port_is_gone_though_it_stays(host: Host) -> None:
    programmed(RTM_SETLINK, host.d0, (0, 60), (BEGIN, 70), (END, 80))
    host.said()

    vlandb(RTM_DELVLAN, host.d0, ranged(60), ranged(70, 80))

    assert host.said() == [
        "-vlan d0: 60",
        "-port d0: pvid 1, tagged 70-80",
        "-vlan d0: 70-80",
        "-port d0: pvid 1",
    ]
    assert host.vlans("d0") == "pvid 1"


def test_bridges_own_vlans_are_said_like_a_ports(host: Host) -> None:
    programmed(RTM_SETLINK, host.br0, (0, 60), flags=SELF)
    programmed(RTM_DELLINK, host.br0, (0, 60), flags=SELF)

    assert host.said() == [
        "+vlan br0: 60",
        "port br0: pvid 1, tagged 60",
        "-vlan br0: 60",
        "port br0: pvid 1",
    ]


def test_join_says_master_then_default_pvid_then_port(host: Host) -> None:
    ip("link", "add", "d1", "address", "52:54:00:00:00:03", "type", "dummy")
    host.said()

    ip("link", "set", "d1", "master", "br0")

    assert [line for line in host.said() if "link br0" not in line] == [
        "link d1 in br0",
        "link d1 in br0",
        "+vlan d1: 1 pvid untagged",
        "port d1: pvid 1",
    ]


def test_leave_says_port_gone_then_its_vlans_joined_whatever_their_flags(host: Host) -> None:
    programmed(RTM_SETLINK, host.d0, (0, 2), (UNTAGGED, 3), (0, 33))
    host.said()

    ip("link", "set", "d0", "nomaster")

    assert [line for line in host.said() if "link br0" not in line] == [
        "link d0 in br0",
        "port d0: pvid 1, tagged 2,33, untagged 3",
        "-port d0: pvid 1, tagged 2,33, untagged 3",
        "-vlan d0: 1-3",
        "-vlan d0: 33",
        "link d0",
    ]


def test_deleted_device_says_port_then_vlans_then_link(host: Host) -> None:
    programmed(RTM_SETLINK, host.d0, (0, 33))
    host.said()

    ip("link", "del", "d0")

    assert [line for line in host.said() if "link br0" not in line] == [
        "port d0: pvid 1, tagged 33",
        "-port d0: pvid 1, tagged 33",
        "-vlan d0: 1",
        "-vlan d0: 33",
        "-link d0",
    ]


def test_bridge_says_its_vlans_before_itself_and_takes_them_back_before_it_goes(
    host: Host,
) -> None:
    ip(*["link", "add", "br9", "type", "bridge", "vlan_default_pvid", "9"])
    made = host.said()
    ip("link", "del", "br9")

    assert (made, host.said()) == (
        [
            "+vlan br9: 1 pvid untagged",
            "-vlan br9: 1",
            "+vlan br9: 9 pvid untagged",
            "link br9 filtering 0 default 9",
        ],
        ["-vlan br9: 9", "-link br9 filtering 0 default 9"],
    )


def test_bridge_speaks_between_a_devices_flush_and_its_end(host: Host) -> None:
    ip("link", "set", "d0", "up")
    host.said()

    ip("link", "del", "d0")

    assert host.said()[-3:] == [
        "-vlan d0: 1",
        "link br0 filtering 0 default 1",
        "-link d0",
    ]


def test_deleted_bridge_says_its_ports_go_first(host: Host) -> None:
    bridge_set("vlan_filtering 0")
    host.said()

    ip("link", "del", "br0")

    ends = [line for line in host.said() if line.startswith("-")]
    assert ends == [
        "-port d0: pvid 1",
        "-vlan d0: 1",
        "-vlan br0: 1",
        "-link br0 filtering 0 default 1",
    ]


@pytest.mark.parametrize("way", ["netlink", "sysfs"])
def test_default_pvid_says_vlans_of_all_and_no_port(host: Host, way: str) -> None:
    if way == "netlink":
        bridge_set("vlan_default_pvid 5")
    else:
        assert sysfs("br0/bridge/default_pvid", "5") == ""

    assert host.said() == [
        "-vlan br0: 1",
        "+vlan br0: 5 pvid untagged",
        "-vlan d0: 1",
        "+vlan d0: 5 pvid untagged",
        "link br0 filtering 0 default 5",
    ]


def test_default_pvid_of_a_down_bridge_says_vlans_but_not_the_bridge(host: Host) -> None:
    ip("link", "set", "br0", "down")
    host.said()

    bridge_set("vlan_default_pvid 5")

    assert host.said() == [
        "-vlan br0: 1",
        "+vlan br0: 5 pvid untagged",
        "-vlan d0: 1",
        "+vlan d0: 5 pvid untagged",
    ]


def test_default_pvid_passes_over_a_port_whose_pvid_was_moved(host: Host) -> None:
    programmed(RTM_SETLINK, host.d0, (PVID | UNTAGGED, 20))
    host.said()

    bridge_set("vlan_default_pvid 5")

    assert host.said() == [
        "-vlan br0: 1",
        "+vlan br0: 5 pvid untagged",
        "link br0 filtering 0 default 5",
    ]


@pytest.mark.parametrize("way", ["netlink", "sysfs"])
def test_filtering_of_an_up_bridge_says_the_bridge(host: Host, way: str) -> None:
    if way == "netlink":
        bridge_set("vlan_filtering 1")
    else:
        assert sysfs("br0/bridge/vlan_filtering", "1") == ""

    assert host.said() == ["link br0 filtering 1 default 1"]


@pytest.mark.parametrize("way", ["netlink", "sysfs"])
def test_filtering_of_a_down_bridge_is_silent(host: Host, way: str) -> None:
    ip("link", "set", "br0", "down")
    host.said()

    if way == "netlink":
        bridge_set("vlan_filtering 1")
    else:
        assert sysfs("br0/bridge/vlan_filtering", "1") == ""

    with NetlinkReader() as reader:
        switched = reader.read().bridges["br0"].vlan_filtering
    assert (host.said(), switched) == ([], True)


def test_displaced_pvid_is_said_only_by_the_port(host: Host) -> None:
    programmed(RTM_SETLINK, host.d0, (PVID | UNTAGGED, 20))

    assert host.said() == ["+vlan d0: 20 pvid untagged", "port d0: pvid 20, untagged 1"]


def test_deleted_pvid_is_said_without_its_flags(host: Host) -> None:
    programmed(RTM_DELLINK, host.d0, (0, 1))

    assert host.said() == ["-vlan d0: 1", "port d0: none"]


def test_pvid_added_again_without_flags_is_said(host: Host) -> None:
    programmed(RTM_SETLINK, host.d0, (0, 1))

    assert host.said() == ["+vlan d0: 1", "port d0: tagged 1"]


def test_setlink_with_master_says_the_vlan_of_both_but_the_port_of_one(host: Host) -> None:
    programmed(RTM_SETLINK, host.d0, (MASTER_INFO, 300))

    assert host.said() == [
        "+vlan br0: 300",
        "+vlan d0: 300",
        "port d0: pvid 1, tagged 300",
    ]
    assert host.vlans("br0") == "pvid 1, tagged 300"


def test_dellink_with_master_takes_the_bridges_vlan_unsaid(host: Host) -> None:
    programmed(RTM_SETLINK, host.d0, (MASTER_INFO, 300))
    host.said()

    programmed(RTM_DELLINK, host.d0, (MASTER_INFO, 300))

    assert host.said() == ["-vlan d0: 300", "port d0: pvid 1"]
    assert host.vlans("br0") == "pvid 1"


def test_request_that_changes_nothing_is_silent(host: Host) -> None:
    programmed(RTM_SETLINK, host.d0, (BEGIN, 20), (END, 30))
    host.said()

    programmed(RTM_SETLINK, host.d0, (PVID | UNTAGGED, 1), (BEGIN, 20), (END, 30))
    programmed(RTM_DELLINK, host.d0, (0, 99))

    assert host.said() == []


def test_unchanged_vid_after_a_changed_one_is_said_again(host: Host) -> None:
    programmed(RTM_SETLINK, host.d0, (0, 10))
    host.said()

    programmed(RTM_SETLINK, host.d0, (0, 400), (0, 10))

    assert host.said() == [
        "+vlan d0: 400",
        "+vlan d0: 10",
        "port d0: pvid 1, tagged 10,400",
    ]


def test_absent_vid_after_a_deleted_one_is_said_to_go(host: Host) -> None:
    programmed(RTM_SETLINK, host.d0, (0, 10))
    host.said()

    programmed(RTM_DELLINK, host.d0, (0, 10), (0, 3000))

    assert host.said() == ["-vlan d0: 10", "-vlan d0: 3000", "port d0: pvid 1"]


def test_port_options_say_the_port_with_the_same_vlans(host: Host) -> None:
    bridge("link", "set", "dev", "d0", "cost", "7")

    assert host.said() == ["port d0: pvid 1"]


def test_vlan_state_says_the_vlan_as_if_it_were_added(host: Host) -> None:
    programmed(RTM_SETLINK, host.d0, (0, 10))
    host.said()

    bridge(*["vlan", "set", "vid", "10", "dev", "d0", "state", "blocking"])

    assert host.said() == ["+vlan d0: 10"]
