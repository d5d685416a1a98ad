"""Frames, and the client's side of a request."""

import time
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.hook import peers
from vlanlog.hook import (
    HEAD_BYTES,
    FrameError,
    VersionError,
    body_length,
    decode_frame,
    encode_frame,
    request,
    uuid7_bytes,
)

KEYS = st.text(st.characters(codec="ascii"), max_size=20)
FRAME = encode_frame({"verb": b"record", "empty": b"", "bytes": b"\0\xff\n"})


@given(st.dictionaries(KEYS, st.binary(max_size=100)))
def test_decode_after_encode_is_identity(fields: dict[str, bytes]) -> None:
    assert decode_frame(encode_frame(fields)) == fields


def test_frame_is_as_the_protocol_page_has_it() -> None:
    expected = b"VLANLOG/1\n\x00\x00\x00\x0f\x00\x04verb\x00\x00\x00\x05hello"
    assert encode_frame({"verb": b"hello"}) == expected


@pytest.mark.parametrize("length", range(len(FRAME)))
def test_frame_cut_short_anywhere_is_no_frame(length: int) -> None:
    with pytest.raises(FrameError):
        decode_frame(FRAME[:length])


@pytest.mark.parametrize(
    "frame",
    [
        FRAME + b"\0",
        b"VLANLOG/1\n" + (3).to_bytes(4, "big") + b"\x00\x09k",
        b"VLANLOG/1\n" + (9).to_bytes(4, "big") + b"\x00\x01k\x00\x00\x00\x09xx",
        b"VLANLOG/1\n" + (14).to_bytes(4, "big") + 2 * b"\x00\x01k\x00\x00\x00\x00",
        b"VLANLOG/1\n" + (7).to_bytes(4, "big") + b"\x00\x01\xff\x00\x00\x00\x00",
        b"VLANLOG/1\n\xff\xff\xff\xff",
        b"{}",
        b"",
    ],
)
def test_bytes_that_are_no_frame_are_refused(frame: bytes) -> None:
    with pytest.raises(FrameError):
        decode_frame(frame)


@given(st.binary(max_size=60))
def test_any_bytes_after_a_head_are_fields_or_no_frame(body: bytes) -> None:
    frame = b"VLANLOG/1\n" + len(body).to_bytes(4, "big") + body
    try:
        fields = decode_frame(frame)
    except FrameError:
        return
    assert encode_frame(fields) == frame


@pytest.mark.parametrize("head", [b"VLANLOG/2\n\0\0\0\0", b"VLANLOG/10\n\0\0\0"])
def test_another_version_is_told_from_garbage(head: bytes) -> None:
    with pytest.raises(VersionError):
        body_length(head[:HEAD_BYTES])


def test_uuids_are_of_version_7_and_sort_by_time() -> None:
    made = []
    for _ in range(50):
        made.append(uuid7_bytes())
        time.sleep(0.00001)
    assert {(UUID(bytes=one).version, UUID(bytes=one).variant) for one in made} == {
        (7, "specified in RFC 4122")
    }
    assert made == sorted(made)


def test_uuid_holds_the_time_in_ms() -> None:
    before_ms = time.time_ns() // 1_000_000
    ms = int.from_bytes(uuid7_bytes()[:6], "big")
    assert before_ms <= ms <= time.time_ns() // 1_000_000


def test_request_returns_what_the_daemon_replied(tmp_path: Path) -> None:
    answering = peers.Answering(status=b"ok", output=b"done\n")
    with peers.daemon(tmp_path / "s", answering):
        reply = request(tmp_path / "s", "apply-guest", {"guest": b"VM1", "xml": b"x" * 500_000}, 10)
    assert reply == {"status": b"ok", "output": b"done\n"}
    assert answering.requests == [{"verb": b"apply-guest", "guest": b"VM1", "xml": b"x" * 500_000}]


@pytest.mark.parametrize(
    "behaviour",
    [
        peers.closes_early,
        peers.closes_in_mid_reply,
        peers.answers_garbage,
        peers.answers_in_another_version,
        peers.promises_too_much,
        peers.answers_by_drops,
    ],
)
def test_request_without_a_good_reply_in_time_returns_none(
    tmp_path: Path, behaviour: peers.Behaviour
) -> None:
    with peers.daemon(tmp_path / "s", behaviour):
        assert request(tmp_path / "s", "record", {}, 0.3) is None


@pytest.mark.parametrize("backlog", [0, 10])
def test_request_to_a_stuck_daemon_returns_none(tmp_path: Path, backlog: int) -> None:
    with peers.stuck_daemon(tmp_path / "s", backlog=backlog):
        asked = [request(tmp_path / "s", "record", {"xml": bytes(10**6)}, 0.1) for _ in range(3)]
    assert asked == [None, None, None]


def test_request_tells_the_daemon_when_its_wait_ends(tmp_path: Path) -> None:
    answering = peers.Answering(status=b"ok")
    before_ns = time.monotonic_ns()
    with peers.daemon(tmp_path / "s", answering):
        request(tmp_path / "s", "record", {}, 30)
    (ends_ns,) = answering.ends_monotonic_ns
    assert before_ns <= ends_ns - 30_000_000_000 <= time.monotonic_ns()


def test_request_waits_its_turn_at_a_busy_daemon(tmp_path: Path) -> None:
    answering = peers.Answering(status=b"ok")
    with peers.busy_daemon(tmp_path / "s", answering):
        assert request(tmp_path / "s", "record", {}, 30) == {"status": b"ok"}


@pytest.mark.parametrize("path", ["nowhere", "x" * 200, "file"])
def test_request_without_a_daemon_returns_none(tmp_path: Path, path: str) -> None:
    (tmp_path / "file").touch()
    assert request(tmp_path / path, "record", {}, 10) is None


def test_request_without_time_is_not_sent(tmp_path: Path) -> None:
    answering = peers.Answering(status=b"ok")
    with peers.daemon(tmp_path / "s", answering):
        assert request(tmp_path / "s", "record", {}, 0) is None
    assert answering.requests == []
