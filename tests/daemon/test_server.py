"""What a client of the socket gets, whatever it sends, and however it goes away."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.daemon.serving import ROOT, Served, connected, frame, reply_to, served
from vlanlog.daemon.connection import Peer
from vlanlog.hook import encode_frame, request

US = Peer(pid=os.getpid(), uid=os.getuid(), gid=os.getgid())
ONE = frame(xml=b"<domain/>")
BAD = (b"error", b"bad-request")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s"


def told(client: socket.socket) -> tuple[bytes, bytes]:
    reply = reply_to(client)
    return reply["status"], reply["error_code"]


def test_request_is_handed_out_with_its_fields_and_its_peer(path: Path) -> None:
    with served(path) as one:
        before_ns = time.monotonic_ns()
        with connected(path, frame(guest=b"VM1", xml=b"\0\xff")):
            (found,) = one.round()
        assert (found.verb, found.fields, found.peer, found.ends_monotonic_ns) == (
            "record",
            {"guest": b"VM1", "xml": b"\0\xff"},
            US,
            None,
        )
        assert before_ns <= found.received_ns <= time.monotonic_ns()


def test_reply_reaches_the_client_and_ends_the_connection(path: Path) -> None:
    with served(path) as one:
        client = connected(path, ONE)
        (found,) = one.round()
        found.reply({"status": b"ok", "output": b"x" * 1000})
        assert reply_to(client) == {"status": b"ok", "output": b"x" * 1000}


def test_frame_that_comes_byte_by_byte_is_one_request(path: Path) -> None:
    with served(path) as one, connected(path) as client:
        found = []
        for byte in ONE:
            found.append(len(one.round()))
            client.sendall(bytes((byte,)))
        assert (sum(found), [asked.fields for asked in one.round()]) == (
            0,
            [{"xml": b"<domain/>"}],
        )


def test_client_of_the_hooks_gets_a_long_answer_to_a_long_request(path: Path) -> None:
    with served(path) as one, ThreadPoolExecutor() as pool:
        asked = pool.submit(request, path, "apply-guest", {"xml": b"x" * 5_000_000}, 60)
        found: list[bytes] = []
        while not asked.done():
            for item in one.round(wait_s=0.01):
                found.append(item.fields["xml"])
                item.reply({"status": b"ok", "output": b"y" * 3_000_000})
        assert (found, asked.result()) == (
            [b"x" * 5_000_000],
            {"status": b"ok", "output": b"y" * 3_000_000},
        )


def test_hundreds_of_clients_at_once_are_each_answered_once(path: Path) -> None:
    with served(path) as one, ThreadPoolExecutor(200) as pool:
        numbers = [b"%d" % number for number in range(400)]
        asked = [pool.submit(request, path, "record", {"n": number}, 60) for number in numbers]
        found = one.turn_until(400)
        replies = [future.result() for future in asked]
    order = [item.fields["n"] for item in found]
    assert sorted(order) == sorted(numbers)
    assert replies == [
        {"status": b"ok", "number": b"%d" % order.index(number)} for number in numbers
    ]


def test_what_follows_a_frame_is_passed_over(path: Path) -> None:
    with served(path) as one:
        client = connected(path, ONE + frame("command") + b"garbage")
        (found,) = one.round()
        found.reply({"status": b"ok"})
        assert (found.verb, reply_to(client)) == ("record", {"status": b"ok"})


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\0" * 1000,
        b"VLANLOG/1\n" + (65 << 20).to_bytes(4, "big"),
        b"VLANLOG/1\n" + (3).to_bytes(4, "big") + b"\x00\x09k",
        encode_frame({"a": b"", "b": b""}).replace(b"b", b"a"),
    ],
    ids=["another protocol", "zeros", "65 MiB", "cut field", "key twice"],
)
def test_bytes_that_are_no_frame_are_a_bad_request(path: Path, sent: bytes) -> None:
    with served(path) as one:
        client = connected(path, sent)
        assert (one.round(), told(client)) == ([], BAD)


@pytest.mark.parametrize("sent", [b"", ONE[:5], ONE[:-1]])
def test_client_that_ends_sending_in_mid_frame_is_told(path: Path, sent: bytes) -> None:
    with served(path) as one:
        client = connected(path, sent)
        client.shutdown(socket.SHUT_WR)
        assert (one.round(), told(client)) == ([], BAD)


@pytest.mark.parametrize("version", [b"0", b"2", b"10"])
def test_client_of_another_version_is_told_in_version_1_what_is_spoken(
    path: Path, version: bytes
) -> None:
    with served(path) as one:
        client = connected(path, ONE.replace(b"/1\n", b"/%s\n" % version))
        assert (one.round(), reply_to(client)) == (
            [],
            {
                "status": b"error",
                "error_code": b"unknown-version",
                "error": b"frame version %s is not 1" % version,
                "versions": b"1",
            },
        )


@pytest.mark.parametrize(
    ("sent", "named"),
    [
        (frame("reboot"), b"'reboot'"),
        (frame(""), b"''"),
        (encode_frame({"xml": b"x"}), b"''"),
        (encode_frame({"verb": b"\xff" * 1000}), repr(r"\xff" * 10).encode()),
    ],
)
def test_verb_that_is_not_known_is_told(path: Path, sent: bytes, named: bytes) -> None:
    with served(path) as one:
        client = connected(path, sent)
        assert (one.round(), reply_to(client)) == (
            [],
            {
                "status": b"error",
                "error_code": b"unknown-verb",
                "error": b"no verb %s is known" % named,
            },
        )


def test_half_a_frame_is_waited_for_until_its_time_is_over(path: Path) -> None:
    with served(path, patience_ns=10**12) as one, connected(path, ONE[:-1]) as client:
        before_ns = time.monotonic_ns()
        assert one.server.next_deadline_ns() is None
        assert one.round() == []
        ends_ns = one.server.next_deadline_ns()
        assert ends_ns is not None
        assert before_ns <= ends_ns - 10**12 <= time.monotonic_ns()
        client.sendall(ONE[-1:])
        assert len(one.round()) == 1


@pytest.mark.parametrize("sent", [b"", ONE[:5], ONE[:-1]])
def test_client_too_slow_to_send_is_told_and_dropped(path: Path, sent: bytes) -> None:
    with served(path, patience_ns=0) as one:
        client = connected(path, sent)
        assert (one.round(), told(client)) == ([], BAD)
        assert one.server.next_deadline_ns() is None


def test_client_that_sent_all_in_time_is_served_though_the_daemon_is_late(path: Path) -> None:
    with served(path, patience_ns=0) as one, connected(path, ONE):
        assert [found.verb for found in one.round()] == ["record"]


def test_client_that_never_reads_its_reply_holds_up_nobody(path: Path) -> None:
    with served(path, patience_ns=10**12) as one, connected(path, ONE):
        (deaf,) = one.round()
        deaf.reply({"output": bytes(10_000_000)})
        other = connected(path, ONE)
        (found,) = one.round()
        found.reply({"status": b"ok"})
        assert reply_to(other) == {"status": b"ok"}
        assert one.server.next_deadline_ns() is not None


def test_client_that_never_reads_its_reply_is_dropped(path: Path) -> None:
    with served(path, patience_ns=0) as one, connected(path, ONE):
        (deaf,) = one.round()
        deaf.reply({"output": bytes(10_000_000)})
        assert one.round() == []
        assert one.server.next_deadline_ns() is None


@pytest.mark.parametrize("sent", [b"", ONE[:5], ONE])
def test_client_that_hangs_up_leaves_nothing_behind(path: Path, sent: bytes) -> None:
    with served(path) as one:
        connected(path, sent).close()
        for found in one.round():
            found.reply({"status": b"ok", "output": bytes(10_000_000)})
        connected(path, ONE[:5]).close()
        one.round()
        assert one.round() == []
        assert (one.server.next_deadline_ns(), len(one.selector.get_map())) == (None, 1)


def test_client_that_waits_is_seen_waiting_though_it_has_ended_sending(path: Path) -> None:
    with served(path) as one, connected(path, ONE) as client:
        (found,) = one.round()
        assert found.is_waiting()
        client.shutdown(socket.SHUT_WR)
        assert found.is_waiting()


def test_client_that_hung_up_is_not_waiting(path: Path) -> None:
    with served(path) as one:
        client = connected(path, ONE)
        (found,) = one.round()
        client.close()
        assert not found.is_waiting()


def test_client_that_was_answered_is_not_waiting(path: Path) -> None:
    with served(path) as one, connected(path, ONE):
        (found,) = one.round()
        found.reply({"status": b"ok"})
        assert not found.is_waiting()


@pytest.mark.parametrize(
    ("left_s", "waits"), [(-1, False), (1000, True)], ids=["its time is over", "it has time"]
)
def test_client_waits_no_longer_than_it_said(path: Path, left_s: int, waits: bool) -> None:
    ends_ns = time.monotonic_ns() + left_s * 10**9
    with served(path) as one, connected(path, frame(ends_monotonic_ns=b"%d" % ends_ns)):
        (found,) = one.round()
        assert (found.ends_monotonic_ns, found.is_waiting()) == (ends_ns, waits)
        assert found.fields == {}


@pytest.mark.parametrize("ends", [b"", b"soon", b"-5", b"9" * 5000])
def test_client_that_says_no_time_waits_until_it_hangs_up(path: Path, ends: bytes) -> None:
    with served(path) as one, connected(path, frame(ends_monotonic_ns=ends)):
        (found,) = one.round()
        assert (found.ends_monotonic_ns, found.is_waiting()) == (None, True)


def test_request_is_answered_once(path: Path) -> None:
    with served(path) as one:
        client = connected(path, ONE)
        (found,) = one.round()
        found.refuse("database", "locked")
        with pytest.raises(ValueError, match="answered already"):
            found.reply({"status": b"ok"})
        assert reply_to(client) == {
            "status": b"error",
            "error_code": b"database",
            "error": b"locked",
        }


def test_request_that_a_round_left_without_an_answer_is_refused_by_the_next(path: Path) -> None:
    with served(path) as one:
        client = connected(path, ONE)
        (found,) = one.round()
        assert one.server.next_deadline_ns() == found.received_ns
        assert one.round() == []
        assert (told(client), one.server.next_deadline_ns()) == ((b"error", b"internal"), None)


def test_request_that_is_queued_is_not_refused(path: Path) -> None:
    with served(path) as one, connected(path, ONE):
        queue = one.round()
        assert one.server.ready([], queued=queue) == []
        assert one.server.ready([], queued=queue) == []
        assert queue[0].is_waiting()


def test_client_whose_request_is_carried_out_wakes_nobody(path: Path) -> None:
    with served(path) as one:
        client = connected(path, ONE[:5])
        assert one.round() == []
        client.sendall(ONE[5:])
        queue = one.round()
        client.close()
        assert (len(queue), one.selector.select(0)) == (1, [])


def test_client_has_all_the_time_for_its_reply_whenever_that_comes(path: Path) -> None:
    with served(path, patience_ns=10**12) as one, connected(path, ONE):
        (found,) = one.round()
        before_ns = time.monotonic_ns()
        found.reply({"output": bytes(10_000_000)})
        ends_ns = one.server.next_deadline_ns()
        assert ends_ns is not None
        assert before_ns <= ends_ns - 10**12 <= time.monotonic_ns()


def test_clients_beyond_the_limit_are_served_as_others_leave(path: Path) -> None:
    with served(path, clients_max=2) as one:
        clients = [connected(path, frame(n=b"%d" % number)) for number in range(5)]
        rounds = []
        while requests := one.round():
            rounds.append([found.fields["n"] for found in requests])
            for found in requests:
                found.reply({"status": b"ok"})
        assert rounds == [[b"0", b"1"], [b"2", b"3"], [b"4"]]
        assert [reply_to(client) for client in clients] == [{"status": b"ok"}] * 5


def test_peer_is_the_process_that_connected(path: Path) -> None:
    program = "import sys; from vlanlog.hook import request; request(sys.argv[1], 'record', {}, 60)"
    with served(path) as one:
        client = subprocess.Popen([sys.executable, "-c", program, path], cwd=ROOT)
        (found,) = one.turn_until(1)
        assert client.wait() == 0
    assert found.peer == Peer(pid=client.pid, uid=os.getuid(), gid=os.getgid())


def _connected_as(one: Served, uid: int) -> socket.socket:
    one.path.chmod(0o666)
    os.seteuid(uid)
    try:
        return connected(one.path, ONE)
    finally:
        os.seteuid(0)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_another_user_is_refused_though_the_file_lets_it_in(open_folder: Path) -> None:
    with served(open_folder / "s") as one:
        client = _connected_as(one, 65534)
        assert (one.round(), told(client)) == ([], (b"error", b"not-allowed"))
