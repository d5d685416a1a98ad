"""What a call leaves behind, with and without a daemon, and when nothing can be left."""

import os
import resource
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.hook import peers
from tests.hook.tree import UUID, XML, Tree

START = ("VM1", "start", "begin", "-")
BLANKED = XML.replace(b"s3cret", b"")


def test_call_is_recorded_with_all_that_libvirt_gave(tree: Tree) -> None:
    before_ns = time.time_ns()
    process = tree.start("qemu", "VM1", "release", "end", "from snapshot")
    process.communicate(XML)
    (record,) = tree.records()
    assert before_ns <= int(record.pop("at_ns")) <= time.time_ns()
    assert {len(record.pop(key)) for key in ("event_id", "correlation_id")} == {16}
    assert record.pop("pid").isdigit()
    assert record == {
        "verb": b"record",
        "kind": b"invoked",
        "boot_id": Path("/proc/sys/kernel/random/boot_id").read_bytes().strip(),
        "uid": b"0",
        "loginuid": Path("/proc/self/loginuid").read_bytes().strip(),
        "parent": Path("/proc/self/comm").read_bytes().strip(),
        "driver": b"qemu",
        "hook": b"qemu_release_end",
        "object": b"VM1",
        "operation": b"release",
        "sub_operation": b"end",
        "extra": b"from snapshot",
        "arguments": b"VM1\0release\0end\0from snapshot",
        "guest_name": b"VM1",
        "guest_uuid": UUID.encode(),
        "xml": BLANKED,
    }


def test_end_of_a_script_is_recorded_under_the_same_correlation_id(tree: Tree) -> None:
    tree.add("qemu_start_begin.d/a.sh", "echo said; exit 3")
    tree.call("qemu", *START)
    invoked, finished = tree.records()
    assert finished["correlation_id"] == invoked["correlation_id"]
    assert int(finished["duration_ns"]) > 0
    keys = ("kind", "hook", "script", "exit_status", "timed_out", "log_tail", "guest_uuid")
    assert tuple(finished[key] for key in keys) == (
        b"finished",
        b"qemu_start_begin",
        b"a.sh",
        b"3",
        b"0",
        b"said\n",
        UUID.encode(),
    )


def test_call_of_a_daemon_hook_is_recorded_without_a_guest(tree: Tree) -> None:
    tree.call("daemon", "-", "reload", "begin", "SIGHUP", xml=b"")
    keys = ("driver", "hook", "object", "operation", "sub_operation", "extra", "xml", "guest_name")
    assert tree.told(*keys) == [
        (b"daemon", b"daemon_reload", b"-", b"reload", b"begin", b"SIGHUP", b"", b"")
    ]


def test_call_is_in_the_spool_before_a_script_runs(tree: Tree) -> None:
    tree.add("qemu_start_begin.d/a.sh", f"ls {tree.spool}")
    tree.call("qemu", *START)
    (name,) = (tree.logs / "qemu_start_begin_VM1_a.log").read_text().split()
    assert name == min(path.name for path in tree.spool.iterdir())


def test_spool_is_closed_to_others(tree: Tree) -> None:
    tree.call("qemu", *START)
    (file,) = tree.spool.iterdir()
    assert [path.stat().st_mode & 0o777 for path in (tree.spool, file)] == [0o700, 0o600]


def test_log_tail_is_bounded_by_lines_and_bytes_and_has_no_passwords(tree: Tree) -> None:
    tree.add("qemu_start_begin.d/lines.sh", "seq 1000")
    tree.add("qemu_start_begin.d/long.sh", "printf %09999d 7")
    tree.add("qemu_start_begin.d/xml.sh", "cat")
    tree.call("qemu", *START)
    tails = [record["log_tail"] for record in tree.records()[1:]]
    assert tails == [
        "".join(f"{n}\n" for n in range(981, 1001)).encode(),
        b"0" * 4095 + b"7",
        BLANKED,
    ]


def test_daemon_that_answers_gets_the_records_and_the_spool_none(tree: Tree) -> None:
    tree.add("qemu_start_begin.d/a.sh", "exit 0")
    answering = peers.Answering(status=b"ok")
    with peers.daemon(tree.socket, answering):
        assert tree.call("qemu", *START) == (0, b"", b"")
    told = [(asked["verb"], asked["kind"]) for asked in answering.requests]
    assert told == [(b"record", b"invoked"), (b"record", b"finished")]
    assert not tree.spool.exists()


@pytest.mark.parametrize(
    "behaviour",
    [
        peers.closes_early,
        peers.closes_in_mid_reply,
        peers.answers_garbage,
        peers.answers_in_another_version,
        peers.answers_by_drops,
        peers.refuses,
    ],
)
def test_whatever_a_daemon_does_the_records_are_in_the_spool(
    tree: Tree, behaviour: peers.Behaviour
) -> None:
    tree.add("qemu_start_begin.d/a.sh", "exit 0")
    with peers.daemon(tree.socket, behaviour):
        assert tree.call("qemu", *START) == (0, b"", b"")
    assert tree.told("kind") == [(b"invoked",), (b"finished",)]


def test_daemon_that_failed_is_not_asked_again_by_the_same_call(tree: Tree) -> None:
    tree.add("qemu_start_begin.d/a.sh", "exit 0")
    failing = peers.Answering(status=b"error")
    with peers.daemon(tree.socket, failing):
        tree.call("qemu", *START)
    assert [asked["kind"] for asked in failing.requests] == [b"invoked"]


@pytest.mark.parametrize("backlog", [0, 10])
def test_stuck_daemon_keeps_no_hook_waiting_for_good(tree: Tree, backlog: int) -> None:
    with peers.stuck_daemon(tree.socket, backlog=backlog):
        assert tree.call("qemu", *START) == (0, b"", b"")
    assert tree.told("kind") == [(b"invoked",)]


def test_spool_that_cannot_be_made_changes_no_verdict(tree: Tree) -> None:
    tree.spool.touch()
    tree.add("qemu_start_begin.d/a.sh", "exit 0")
    assert tree.call("qemu", *START) == (0, b"", b"")
    said = (tree.logs / "qemu_start_begin_VM1_dispatcher.log").read_text()
    assert said == f"not recorded: {tree.spool}: Not a directory\n"


def test_refusal_tells_of_a_spool_that_cannot_be_made(tree: Tree) -> None:
    tree.spool.touch()
    tree.add("qemu_start_begin.d/a.sh", "exit 1")
    status, _, err = tree.call("qemu", *START)
    assert (status, f"; not recorded: {tree.spool}: Not a directory]" in err.decode()) == (1, True)


def test_full_spool_changes_no_verdict_and_leaves_no_half_a_file(tree: Tree) -> None:
    tree.add("qemu_start_begin.d/a.sh", "exit 0")
    xml = XML + b"<!--" + b"x" * 3000 + b"-->"
    tree.call("qemu", *START, xml=xml)
    whole = sorted(tree.spool.iterdir())
    process = subprocess.run(
        [tree.hooks / "qemu", *START],
        input=xml,
        env=tree.environment(),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (len(xml), len(xml))),
        capture_output=True,
        check=False,
    )
    assert (process.returncode, process.stdout, process.stderr) == (0, b"", b"")
    said = (tree.logs / "qemu_start_begin_VM1_dispatcher.log").read_text()
    assert said == f"not recorded: {tree.spool}: File too large\n"
    left = [path.name for path in sorted(tree.spool.iterdir()) if path not in whole]
    assert [name for name in left if not name.endswith(".hook")] == []


def test_hook_killed_in_mid_script_has_its_call_recorded(tree: Tree) -> None:
    tree.add("qemu_start_begin.d/a.sh", f"touch {tree.beside}/running; exec sleep 5")
    process = tree.start("qemu", *START)
    assert process.stdin is not None
    process.stdin.write(XML)
    process.stdin.close()
    while not (tree.beside / "running").exists():
        time.sleep(0.01)
    ((pid,),) = tree.told("pid")
    os.kill(int(pid), signal.SIGKILL)
    assert process.wait() == 128 + signal.SIGKILL
    assert tree.told("kind", "xml") == [(b"invoked", BLANKED)]


def test_many_hooks_at_once_lose_nothing(tree: Tree) -> None:
    tree.add("qemu_reconnect_begin.d/a.sh", "cat >/dev/null; echo $1")
    guests = [f"VM{number}" for number in range(200)]
    running = [tree.start("qemu", guest, "reconnect", "begin", "-") for guest in guests]
    ends = [(process.communicate(XML), process.returncode) for process in running]
    assert ends == [((b"", b""), 0)] * len(guests)
    told = sorted(tree.told("guest_name", "kind", "log_tail"))
    assert told == sorted(
        record
        for guest in map(str.encode, guests)
        for record in ((guest, b"invoked", b""), (guest, b"finished", guest + b"\n"))
    )
