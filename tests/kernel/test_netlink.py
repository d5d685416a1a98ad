"""The socket and the writer on whatever kernel runs the tests: nothing here needs VLANs."""

from __future__ import annotations

import errno
import os
import resource
import socket
import struct
from collections.abc import Callable

import pytest

from vlanlog.core.plan import PortChange
from vlanlog.core.state import IfIndex
from vlanlog.core.vlan import Vid, VlanRange
from vlanlog.errors import KernelError
from vlanlog.kernel.frame import NLM_F_DUMP_INTR, NLMSG_DONE, NLMSG_ERROR, Message, message
from vlanlog.kernel.links import link_message
from vlanlog.kernel.netlink import LostError, NetlinkError, NetlinkSocket, gather
from vlanlog.kernel.wire import LINK_HEADER, RTM_GETLINK
from vlanlog.kernel.write import NetlinkWriter

NOWHERE = IfIndex(2**31 - 1)
LINKS = LINK_HEADER.pack(0, 0, 0, 0, 0)


def doomed(count: int) -> list[PortChange]:
    ranges = (VlanRange(Vid(20), Vid(30)),)
    return [PortChange(ifindex=NOWHERE, is_self=False, ranges=ranges)] * count


def names(dump: list[Message]) -> list[str]:
    return [link_message(part).name for part in dump]


def in_child(answer: Callable[[], str]) -> str:
    """Returns what the function answers in a process of the user nobody."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setuid(65534)
            os.write(write_end, answer().encode())
        finally:
            os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end) as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    return text


def test_dump_grows_a_buffer_that_is_too_small() -> None:
    with NetlinkSocket() as roomy, NetlinkSocket(buffer_bytes=64) as tight:
        expected = names(roomy.dump(RTM_GETLINK, LINKS))

        assert names(tight.dump(RTM_GETLINK, LINKS)) == expected
        assert "lo" in expected


def test_dump_is_gathered_until_it_is_done() -> None:
    old, part = Message(16, 2, 6, b"old"), Message(16, 2, 7, b"part")
    found: list[Message] = []

    complete = (
        gather(found, [old, part], 7),
        gather(found, [part, Message(NLMSG_DONE, 2, 6, bytes(4))], 7),
        gather(found, [Message(NLMSG_DONE, 2, 7, bytes(4)), part], 7),
    )

    assert (complete, found) == ((False, False, True), [part, part])


def test_dump_that_was_interrupted_is_lost() -> None:
    with pytest.raises(LostError):
        gather([], [Message(16, 2, 7, b""), Message(16, 2 | NLM_F_DUMP_INTR, 7, b"")], 7)


def test_messages_of_other_processes_are_passed_over() -> None:
    refusal = struct.pack("=i", -errno.EIO) + bytes(16)
    stranger = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
    with stranger, NetlinkSocket() as kernel:
        stranger.sendto(message(NLMSG_ERROR, 0, 1, refusal), (kernel._socket.getsockname()[0], 0))

        assert "lo" in names(kernel.dump(RTM_GETLINK, LINKS))


def test_dump_of_an_unknown_type_is_refused() -> None:
    with NetlinkSocket() as kernel, pytest.raises(NetlinkError) as refused:
        kernel.dump(998, LINKS)

    assert refused.value.errno == errno.EOPNOTSUPP


def test_changes_are_answered_in_their_order_over_several_sends() -> None:
    changes = doomed(150)
    changes[70] = PortChange(ifindex=NOWHERE, is_self=False, ranges=())

    with NetlinkWriter() as writer:
        errors = writer.add(changes)

    expected = [errors[0]] * 150
    expected[70] = ""
    assert (errors, writer.messages_sent, bool(errors[0])) == (expected, 149, True)


def test_only_answers_that_the_queue_could_not_hold_are_asked_for_again() -> None:
    with NetlinkWriter() as roomy, NetlinkWriter(queue_bytes=1) as tight:
        expected = roomy.add(doomed(64))

        assert tight.add(doomed(64)) == expected
        assert 64 < tight.messages_sent < 128


def test_user_without_rights_is_told_which_one_is_missing() -> None:
    def answer() -> str:
        with NetlinkWriter() as writer:
            return writer.add(doomed(1))[0]

    assert in_child(answer) == "Operation not permitted (needs CAP_NET_ADMIN)"


def test_request_larger_than_a_send_gets_an_error_and_the_next_goes_on() -> None:
    every_other = tuple(VlanRange(Vid(vid), Vid(vid)) for vid in range(2, 4095, 2))
    large = PortChange(ifindex=NOWHERE, is_self=False, ranges=every_other * 3)

    with NetlinkWriter() as writer:
        errors = writer.delete([large, *doomed(5), large])

    assert errors == [errors[0]] * 7
    assert errors[0]


def test_closed_socket_says_so_as_an_error_per_change() -> None:
    writer = NetlinkWriter()
    writer.close()

    assert writer.add(doomed(2)) == ["Bad file descriptor"] * 2


def test_socket_that_cannot_be_opened_is_a_kernel_error() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        with pytest.raises(KernelError, match="Too many open files"):
            NetlinkSocket()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
