from __future__ import annotations

import errno
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vlanlog.kernel.frame import (
    NLM_F_ACK_TLVS,
    NLM_F_CAPPED,
    NLMSG_DONE,
    NLMSG_ERROR,
    Ack,
    Message,
    WireError,
    ack,
    attribute,
    attributes,
    message,
    messages,
    text,
)

ECHO = struct.pack("=IHHII", 24, 19, 5, 7, 0)
EXPLAINED = attribute(1, b"unknown ifindex\0")

attribute_lists = st.lists(st.tuples(st.integers(0, 0x3FFF), st.binary(max_size=40)), max_size=6)


@given(
    st.lists(
        st.builds(
            Message,
            kind=st.integers(0, 0xFFFF),
            flags=st.integers(0, 0xFFFF),
            seq=st.integers(0, 0xFFFFFFFF),
            body=st.binary(max_size=64).map(lambda body: body + bytes(-len(body) & 3)),
        )
    )
)
def test_messages_survive_the_wire(sent: list[Message]) -> None:
    datagram = b"".join(message(m.kind, m.flags, m.seq, m.body) for m in sent)

    assert list(messages(datagram)) == sent


def test_message_of_odd_length_is_followed_by_padding() -> None:
    datagram = message(16, 0, 1, b"abcde") + bytes(3) + message(17, 0, 2, b"f") + bytes(3)

    assert list(messages(datagram)) == [Message(16, 0, 1, b"abcde"), Message(17, 0, 2, b"f")]


@given(attribute_lists)
def test_attributes_survive_the_wire(sent: list[tuple[int, bytes]]) -> None:
    body = b"".join(attribute(kind, payload) for kind, payload in sent)

    assert list(attributes(body)) == sent


def test_attribute_type_is_read_without_its_nested_flag() -> None:
    assert list(attributes(attribute(0x8001, b"abcd"))) == [(1, b"abcd")]


def test_attribute_longer_than_16_bits_is_refused() -> None:
    with pytest.raises(WireError, match="65536 bytes"):
        attribute(26, bytes(65532))


@pytest.mark.parametrize(
    "datagram",
    [
        pytest.param(bytes(15), id="short header"),
        pytest.param(struct.pack("=IHHII", 0, 2, 0, 0, 0), id="no length"),
        pytest.param(struct.pack("=IHHII", 15, 2, 0, 0, 0), id="length less than header"),
        pytest.param(struct.pack("=IHHII", 20, 2, 0, 0, 0), id="length beyond the end"),
    ],
)
def test_malformed_message_is_refused(datagram: bytes) -> None:
    with pytest.raises(WireError):
        list(messages(datagram))


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"abc", id="short header"),
        pytest.param(struct.pack("=HH", 0, 1), id="no length"),
        pytest.param(struct.pack("=HH", 8, 1), id="length beyond the end"),
    ],
)
def test_malformed_attribute_is_refused(body: bytes) -> None:
    with pytest.raises(WireError):
        list(attributes(body))


def test_text_that_is_no_utf8_is_shown_as_escapes() -> None:
    assert text(b"vnet\xff\0rest") == "vnet\\xff"


@pytest.mark.parametrize(
    ("flags", "body", "expected"),
    [
        pytest.param(0, struct.pack("=i", 0) + ECHO, Ack(0), id="done"),
        pytest.param(
            NLM_F_CAPPED | NLM_F_ACK_TLVS,
            struct.pack("=i", -errno.ENODEV) + ECHO + EXPLAINED,
            Ack(errno.ENODEV, "unknown ifindex"),
            id="capped",
        ),
        pytest.param(
            NLM_F_ACK_TLVS,
            struct.pack("=i", -errno.EINVAL) + ECHO + bytes(8) + EXPLAINED,
            Ack(errno.EINVAL, "unknown ifindex"),
            id="request echoed whole",
        ),
        pytest.param(
            NLM_F_CAPPED, struct.pack("=i", -errno.EPERM) + ECHO, Ack(errno.EPERM), id="no reason"
        ),
    ],
)
def test_error_message_is_an_ack(flags: int, body: bytes, expected: Ack) -> None:
    assert ack(Message(NLMSG_ERROR, flags, 7, body)) == expected


@pytest.mark.parametrize("code", [1, -4096, -(2**31)])
def test_answer_that_is_no_error_number_is_refused(code: int) -> None:
    with pytest.raises(WireError, match="no error number"):
        ack(Message(NLMSG_ERROR, 0, 7, struct.pack("=i", code) + ECHO))


def test_done_carries_the_error_of_a_dump() -> None:
    body = struct.pack("=i", -errno.EOPNOTSUPP) + attribute(1, b"why\0")

    answers = (
        ack(Message(NLMSG_DONE, NLM_F_ACK_TLVS, 7, body)),
        ack(Message(NLMSG_DONE, 0, 7, bytes(4))),
        ack(Message(NLMSG_DONE, 0, 7, b"")),
    )

    assert answers == (Ack(errno.EOPNOTSUPP, "why"), Ack(0), Ack(0))


def test_ack_reads_as_the_error_and_the_kernels_words() -> None:
    texts = (str(Ack(0)), str(Ack(errno.ENODEV)), str(Ack(errno.ENODEV, "unknown ifindex")))

    assert texts == ("", "No such device", "No such device (unknown ifindex)")


@given(st.binary(max_size=80), st.integers(0, 0xFFFF), st.sampled_from((NLMSG_ERROR, NLMSG_DONE)))
def test_garbage_is_an_ack_or_refused(body: bytes, flags: int, kind: int) -> None:
    try:
        answer = ack(Message(kind, flags, 1, body))
    except WireError:
        return
    assert isinstance(str(answer), str)


@given(st.binary(max_size=200))
def test_garbage_is_messages_or_refused(datagram: bytes) -> None:
    try:
        found = list(messages(datagram))
    except WireError:
        return
    assert sum(16 + len(part.body) for part in found) <= len(datagram)
