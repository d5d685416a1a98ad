"""What ends a script, a hook, and a wait for stdin that never ends."""

import os
from pathlib import Path

import pytest

from tests.hook.tree import XML, Tree

START = ("VM1", "start", "begin", "-")


def test_script_past_its_deadline_is_ended_and_refuses_the_start(tree: Tree) -> None:
    tree.add("qemu_start_begin.d/a.sh", "echo waiting; exec sleep 600")
    status, _, err = tree.call("qemu", *START, extra={"VLANLOG_SCRIPT_DEADLINE_S": "1"})
    assert (status, b"a.sh ran out of time: waiting" in err) == (1, True)
    assert tree.told("exit_status", "timed_out", "log_tail")[1:] == [(b"143", b"1", b"waiting\n")]


def test_script_past_its_deadline_kills_no_running_guest(tree: Tree) -> None:
    tree.add("qemu_reconnect_begin.d/a.sh", "exec sleep 600")
    variables = {"VLANLOG_SCRIPT_DEADLINE_S": "1"}
    assert tree.call("qemu", "VM1", "reconnect", "begin", "-", extra=variables) == (0, b"", b"")


def _runs(pid: str) -> bool:
    """Tells whether the process is there and no zombie; not every machine has ps(1)."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def test_whole_process_group_of_a_late_script_is_killed(tree: Tree) -> None:
    text = "trap '' TERM; sh -c 'trap \"\" TERM; echo $$; sleep 600' & echo $!; wait"
    tree.add("qemu_start_begin.d/a.sh", text)
    tree.call("qemu", *START, extra={"VLANLOG_SCRIPT_DEADLINE_S": "1"})
    pids = (tree.logs / "qemu_start_begin_VM1_a.log").read_text().split()
    assert [pid for pid in pids if _runs(pid)] == []
    assert tree.told("exit_status", "timed_out")[1:] == [(b"137", b"1")]


def test_scripts_left_when_the_hooks_time_is_up_are_not_run(tree: Tree) -> None:
    for name in "abc":
        tree.add(f"qemu_start_begin.d/{name}.sh", "exec sleep 600")
    tree.call("qemu", *START, extra={"VLANLOG_HOOK_DEADLINE_S": "2"})
    assert tree.told("script", "exit_status", "timed_out", "log_tail")[1:] == [
        (b"a.sh", b"143", b"1", b""),
        (b"b.sh", b"", b"1", b"not run: the hook's time was up"),
        (b"c.sh", b"", b"1", b"not run: the hook's time was up"),
    ]


def test_background_child_that_keeps_its_output_open_blocks_nobody(tree: Tree) -> None:
    tree.add("qemu_start_begin.d/a.sh", "sleep 600 & echo $!")
    assert tree.call("qemu", *START) == (0, b"", b"")
    os.kill(int((tree.logs / "qemu_start_begin_VM1_a.log").read_text()), 9)


@pytest.mark.parametrize("given", [b"", XML[:100]])
def test_stdin_without_an_end_blocks_nobody(tree: Tree, given: bytes) -> None:
    tree.add("qemu_start_begin.d/a.sh", "cat")
    process = tree.start("qemu", *START, extra={"VLANLOG_HOOK_DEADLINE_S": "2"})
    assert process.stdin is not None
    process.stdin.write(given)
    process.stdin.flush()
    assert process.wait() == 0
    process.stdin.close()
    assert tree.told("xml", "log_tail") == [(given, b""), (b"", given)]


def test_daemon_hook_does_not_wait_for_stdin(tree: Tree) -> None:
    process = tree.start(
        "daemon", "-", "start", "-", "start", extra={"VLANLOG_HOOK_DEADLINE_S": "600"}
    )
    assert process.wait(timeout=60) == 0
