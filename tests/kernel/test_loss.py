"""What the watch makes of too much, too long and foreign: it says so, and hears again."""

from __future__ import annotations

import errno
import os
import socket
import struct

import pytest

from tests.core.making import numbered, ranged
from tests.kernel.doings import by_vlandb, set_up, setlink
from tests.kernel.ear import Ear, listening
from tests.kernel.netns import index, ip_batch, run
from vlanlog.core import event as e
from vlanlog.core.fold import advance
from vlanlog.core.notice import PortMessage, VlanMessage
from vlanlog.core.observe import differences
from vlanlog.core.state import IfIndex
from vlanlog.core.vlan import Vid, VlanRange
from vlanlog.kernel.frame import attribute, message
from vlanlog.kernel.read import NetlinkReader
from vlanlog.kernel.watch import LostError, Watch, notices, tells_vlans
from vlanlog.kernel.wire import (
    AF_BRIDGE,
    IFLA_IFNAME,
    LINK_HEADER,
    RTM_DELVLAN,
    RTM_NEWLINK,
    RTM_NEWVLAN,
)

SHORT_BYTES = 100
"""Is enough for a VLAN's message, not for a link's."""


def vlan_message(ifindex: int, vid: int) -> bytes:
    info = attribute(1, struct.pack("=HH", 0, vid))
    body = struct.pack("=B3xi", AF_BRIDGE, ifindex) + attribute(1, info)
    return message(RTM_DELVLAN, 0, 0, body)


def gone(ifindex: int, vid: int) -> VlanMessage:
    return VlanMessage(ifindex=IfIndex(ifindex), gone=True, ranges=(VlanRange(Vid(vid), Vid(vid)),))


def storm(ports: int, vids: int) -> list[tuple[str, e.VlanAdded]]:
    """Adds vids to d0 and its like, one request each; returns what that is."""
    wanted = [
        (f"d{port}", e.VlanAdded(first=2 + 2 * number, last=2 + 2 * number))
        for number in range(vids)
        for port in range(ports)
    ]
    lines = (f"vlan add vid {fact.first} dev {name}" for name, fact in wanted)
    run("bridge", "-batch", "-", stdin="\n".join(lines) + "\n")
    return wanted


def make_ports(count: int) -> None:
    ip_batch(
        (
            "link add br0 type bridge vlan_default_pvid 0",
            *(f"link add d{number} master br0 type dummy" for number in range(count)),
        )
    )


def test_datagram_may_hold_several_messages() -> None:
    assert list(notices(vlan_message(2, 10) + vlan_message(3, 11))) == [gone(2, 10), gone(3, 11)]


def test_message_that_is_not_understood_is_a_loss_after_what_came_before() -> None:
    found = notices(vlan_message(2, 10) + vlan_message(2, 4095))

    assert next(found) == gone(2, 10)
    with pytest.raises(LostError, match="not understood: vids 4095-4095 are no range"):
        next(found)


def test_messages_of_other_kinds_are_passed_over() -> None:
    address, done, empty = (message(kind, 0, 0, bytes(16)) for kind in (20, 3, RTM_NEWLINK))

    [link] = notices(address + done + empty)

    assert (link.ifindex, link.gone) == (0, False)


def test_radios_event_is_passed_over_though_it_reads_like_a_link_without_master() -> None:
    body = LINK_HEADER.pack(socket.AF_UNSPEC, 0, 5, 0, 0)
    event = attribute(IFLA_IFNAME, b"wlan0\0") + attribute(11, bytes(20))

    assert list(notices(message(RTM_NEWLINK, 0, 0, body + event))) == []


def test_message_without_a_whole_header_is_a_loss() -> None:
    with pytest.raises(LostError, match="link message has 4 bytes, expected 16"):
        list(notices(message(RTM_NEWLINK, 0, 0, bytes(4))))


def read_all(watch: Watch) -> None:
    while watch.read():
        pass


def overrun(watch: Watch) -> None:
    with pytest.raises(LostError, match="ENOBUFS: No buffer space available"):
        read_all(watch)


@pytest.mark.parametrize(
    ("error", "release", "told"),
    [
        (errno.EINVAL, "6.1.0-18-amd64", True),
        (errno.EINVAL, "4.18.0-553.el8_10.x86_64", True),
        (errno.EOPNOTSUPP, "5.4.0-187-generic", False),
        (errno.EOPNOTSUPP, "5.6.0", True),
        (errno.EOPNOTSUPP, "5.10.218", True),
        (errno.EOPNOTSUPP, "7.2", True),
    ],
)
def test_kernel_that_says_vlans_is_known_by_its_answer_or_its_release(
    error: int, release: str, told: bool
) -> None:
    assert tells_vlans(error, release) is told


@pytest.mark.kernel
@pytest.mark.usefixtures("netns")
def test_states_of_ports_are_not_even_delivered() -> None:
    set_up()
    with Watch() as watch:
        run("bridge", "link", "set", "dev", "d0", "cost", "7")
        setlink((0, 10))()
        by_vlandb(RTM_NEWVLAN, ranged(60), ranged(70))()

        assert watch.drain() == 3


@pytest.mark.kernel
@pytest.mark.usefixtures("netns")
def test_states_of_ports_are_delivered_where_they_are_all_that_there_is() -> None:
    set_up()
    with Watch(vlan_notices=False) as watch:
        setlink((0, 10))()

        [notice] = watch.read()

        assert isinstance(notice, PortMessage)
        assert (notice.name, str(notice.vlans)) == ("d0", "pvid 1, tagged 2,10,33, untagged 3")


@pytest.mark.kernel
@pytest.mark.usefixtures("netns")
def test_at_most_so_many_notices_are_read_at_once() -> None:
    set_up()
    with Watch() as watch:
        for number in range(10, 15):
            setlink((0, number))()

        assert [len(watch.read(limit=2)) for _ in range(4)] == [2, 2, 1, 0]


@pytest.mark.kernel
@pytest.mark.usefixtures("netns")
def test_overrun_is_a_loss_after_which_everything_is_read_anew() -> None:
    make_ports(4)
    with Watch(buffer_bytes=1) as watch, NetlinkReader() as reader:
        ear = Ear(watch, reader)
        storm(4, 50)

        overrun(watch)
        lost, thrown_away = watch.drops(), watch.drain()
        findings = differences(ear.state, reader.read())
        ear.state = advance(numbered(findings), ear.state)
        setlink((0, 3000), of="d1")()

        assert (lost > 0, thrown_away > 0, len(findings), ear.hear(), ear.unheard()) == (
            True,
            True,
            200,
            [(ear.on("d1"), e.VlanAdded(first=3000, last=3000))],
            [],
        )


@pytest.mark.kernel
@pytest.mark.usefixtures("netns")
def test_overrun_that_was_not_read_is_drained_too() -> None:
    make_ports(1)
    with Watch(buffer_bytes=1) as watch:
        storm(1, 50)
        thrown_away = watch.drain()

        setlink((0, 3000))()

        assert (thrown_away > 0, len(watch.read())) == (True, 1)


@pytest.mark.kernel
@pytest.mark.usefixtures("netns")
def test_loss_that_was_not_told_is_drained_too() -> None:
    set_up()
    with Watch(read_bytes=SHORT_BYTES) as watch:
        setlink((0, 10))()
        run("ip", "link", "set", "d0", "txqueuelen", "77")

        before = len(watch.read())

        assert (before, watch.drain(), watch.read()) == (1, 0, [])


@pytest.mark.kernel
@pytest.mark.usefixtures("netns")
def test_watch_that_is_closed_has_lost_everything() -> None:
    watch = Watch()
    watch.close()

    with pytest.raises(LostError, match="EBADF: Bad file descriptor"):
        watch.read()
    with pytest.raises(LostError, match="cannot be drained: Bad file descriptor"):
        watch.drain()


@pytest.mark.kernel
@pytest.mark.usefixtures("netns")
def test_watch_hears_nothing_after_an_overrun_until_it_is_drained() -> None:
    make_ports(1)
    with Watch(buffer_bytes=1) as watch:
        storm(1, 50)
        overrun(watch)
        before = watch.drops()

        setlink((0, 3000))()

        assert watch.drops() == before + 1


@pytest.mark.kernel
@pytest.mark.usefixtures("netns")
def test_message_that_does_not_fit_is_a_loss_told_after_what_came_before() -> None:
    set_up()
    with Watch(read_bytes=SHORT_BYTES) as watch:
        setlink((0, 10))()
        run("ip", "link", "set", "d0", "txqueuelen", "77")
        setlink((0, 11))()

        before = watch.read()
        with pytest.raises(LostError, match=r"a message of \d+ bytes was cut"):
            watch.read()
        after = watch.read()

        d0 = IfIndex(index("d0"))
        assert [before, after] == [
            [VlanMessage(ifindex=d0, gone=False, ranges=(ranged(vid),))] for vid in (10, 11)
        ]


@pytest.mark.kernel
@pytest.mark.usefixtures("netns")
def test_what_another_process_sends_is_not_heard() -> None:
    set_up()
    with Watch() as watch:
        with socket.socket(fileno=os.dup(watch.fileno())) as same:
            port_id = same.getsockname()[0]
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as liar:
            liar.sendto(vlan_message(index("d0"), 33), (port_id, 0))

        assert (watch.read(), watch.drain()) == ([], 0)


@pytest.mark.kernel
@pytest.mark.usefixtures("netns")
def test_storm_of_single_changes_is_heard_whole() -> None:
    make_ports(200)
    with listening() as ear:
        wanted = storm(200, 200)

        expected = [(ear.on(name), fact) for name, fact in wanted]
        assert (ear.hear() == expected, len(expected), ear.unheard()) == (True, 40_000, [])
