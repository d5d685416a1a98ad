"""Which scripts run, in what order, with what, and where their words go."""

import os
import signal
import sys
from pathlib import Path

import pytest

from tests.hook import peers
from tests.hook.tree import XML, Tree


def test_qemu_script_gets_guest_and_conf_of_its_own_name(tree: Tree) -> None:
    tree.add("qemu_start_begin.d/vlan.filter.py", 'for word; do echo "<$word>"; done')
    assert tree.call("qemu", "VM1", "start", "begin", "-") == (0, b"", b"")
    log = tree.logs / "qemu_start_begin_VM1_vlan.filter.log"
    assert log.read_text() == f"<VM1>\n<{tree.hooks}/conf/vlan.filter.conf>\n"


def test_daemon_script_gets_phase_and_conf_of_its_own_name(tree: Tree) -> None:
    tree.add("daemon_reload.d/bridges", 'for word; do echo "<$word>"; done')
    assert tree.call("daemon", "-", "reload", "begin", "SIGHUP") == (0, b"", b"")
    log = tree.logs / "daemon_reload_bridges.log"
    assert log.read_text() == f"<reload>\n<{tree.hooks}/conf/bridges.conf>\n"


def test_scripts_run_in_byte_order(tree: Tree) -> None:
    names = ["B.sh", "a.sh", "10-x.sh", "9-x.sh", "Ä.sh", "_.sh"]
    for name in names:
        tree.add(f"qemu_start_begin.d/{name}", f"echo {name} >>{tree.beside}/order")
    tree.call("qemu", "VM1", "start", "begin", "-")
    assert (tree.beside / "order").read_text().split() == sorted(names, key=os.fsencode)


def test_only_executable_files_run_and_links_are_followed(tree: Tree) -> None:
    ran = f'echo "$0" >>{tree.beside}/ran'
    elsewhere = tree.beside / "elsewhere.sh"
    elsewhere.write_text(f"#!/bin/sh\n{ran}\n")
    elsewhere.chmod(0o755)
    tree.add("qemu_start_begin.d/plain.txt", ran, mode=0o644)
    tree.add("qemu_start_begin.d/.hidden.sh", ran)
    (tree.hooks / "qemu_start_begin.d/sub.d").mkdir()
    (tree.hooks / "qemu_start_begin.d/broken").symlink_to("nowhere")
    (tree.hooks / "qemu_start_begin.d/link.sh").symlink_to(elsewhere)
    assert tree.call("qemu", "VM1", "start", "begin", "-") == (0, b"", b"")
    assert (tree.beside / "ran").read_text() == "./link.sh\n"


def test_every_script_gets_the_whole_xml_as_libvirt_gave_it(tree: Tree) -> None:
    xml = XML + b"<!--" + b"x" * 300_000 + b"-->\xff\n"
    for name in ("a", "b"):
        tree.add(f"qemu_migrate_begin.d/{name}", f"cat >{tree.beside}/{name}.xml")
    tree.call("qemu", "VM1", "migrate", "begin", "-", xml=xml)
    assert [(tree.beside / f"{name}.xml").read_bytes() for name in ("a", "b")] == [xml, xml]


def test_script_that_reads_nothing_of_a_long_xml_does_not_fail_the_hook(tree: Tree) -> None:
    tree.add("qemu_start_begin.d/a.sh", "exit 0")
    assert tree.call("qemu", "VM1", "start", "begin", "-", xml=b"x" * 1_000_000) == (0, b"", b"")


def test_script_runs_in_its_folder_in_a_process_group_of_its_own(tree: Tree) -> None:
    tree.add("qemu_start_begin.d/a.sh", "pwd; cut -d' ' -f5 /proc/$$/stat; echo $$")
    tree.call("qemu", "VM1", "start", "begin", "-")
    folder, group, pid = (tree.logs / "qemu_start_begin_VM1_a.log").read_text().split()
    assert (folder, group) == (f"{tree.hooks}/qemu_start_begin.d", pid)


def test_script_knows_which_call_it_serves(tree: Tree) -> None:
    tree.add("qemu_release_end.d/a.sh", "env | grep ^VLANLOG_ | sort")
    tree.call("qemu", "VM 1", "release", "end", "from snapshot")
    lines = (tree.logs / "qemu_release_end_VM 1_a.log").read_text().splitlines()
    given = dict(line.split("=", 1) for line in lines)
    (correlation_id,) = {record["correlation_id"] for record in tree.records()}
    ends_ns = given.pop("VLANLOG_HOOK_ENDS_MONOTONIC_NS")
    assert ends_ns.isdigit()
    assert given == {
        "VLANLOG_CORRELATION_ID": correlation_id.hex(),
        "VLANLOG_DAEMON": "absent",
        "VLANLOG_HOOK": tree.environment()["VLANLOG_HOOK"],
        "VLANLOG_HOOKS_DIR": str(tree.hooks),
        "VLANLOG_HOOK_DRIVER": "qemu",
        "VLANLOG_HOOK_EXTRA": "from snapshot",
        "VLANLOG_HOOK_NAME": "qemu_release_end",
        "VLANLOG_HOOK_OBJECT": "VM 1",
        "VLANLOG_HOOK_OPERATION": "release",
        "VLANLOG_HOOK_PARENT": Path("/proc/self/comm").read_text().strip(),
        "VLANLOG_HOOK_SUB_OPERATION": "end",
        "VLANLOG_PYTHON": sys.executable,
        "VLANLOG_SOCKET": str(tree.socket),
        "VLANLOG_SPOOL_DIR": str(tree.spool),
    }


def test_script_knows_that_a_daemon_answered(tree: Tree) -> None:
    tree.add("qemu_release_end.d/a.sh", "echo $VLANLOG_DAEMON")
    with peers.daemon(tree.socket, peers.Answering(status=b"ok")):
        tree.call("qemu", "VM1", "release", "end", "-")
    assert (tree.logs / "qemu_release_end_VM1_a.log").read_text() == "present\n"


def test_script_finds_its_signals_neither_blocked_nor_ignored(tree: Tree) -> None:
    # A shell would mend the masks before they can be looked at.
    tree.add("qemu_stopped_end.d/a", "#!/usr/bin/env -S cat /proc/self/status\n")
    tree.call("qemu", "VM1", "stopped", "end", "-")
    status = (tree.logs / "qemu_stopped_end_VM1_a.log").read_text().splitlines()
    masks = {line[:6]: int(line[8:], 16) for line in status if line.startswith(("SigB", "SigI"))}
    ours = (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD, signal.SIGALRM, signal.SIGTERM)
    found = [number for number in ours for mask in masks.values() if mask >> (number - 1) & 1]
    assert (sorted(masks), found) == (["SigBlk", "SigIgn"], [])


def test_script_without_an_interpreter_line_runs_in_sh(tree: Tree) -> None:
    script = tree.add("qemu_start_begin.d/a", "#!")
    script.write_text("echo ran for $1\n")
    assert tree.call("qemu", "VM1", "start", "begin", "-") == (0, b"", b"")
    assert (tree.logs / "qemu_start_begin_VM1_a.log").read_text() == "ran for VM1\n"


def test_log_holds_both_outputs_of_the_last_run_alone(tree: Tree) -> None:
    tree.add("qemu_start_begin.d/a.sh", 'echo "out $RUN"; echo "err $RUN" >&2')
    for run in ("one is longer", "two"):
        tree.call("qemu", "VM1", "start", "begin", "-", extra={"RUN": run})
    log = tree.logs / "qemu_start_begin_VM1_a.log"
    assert log.read_text() == "out two\nerr two\n"
    assert log.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("kind", ["symlink", "hard link", "fifo", "folder"])
def test_log_is_written_only_to_a_file_of_its_own(tree: Tree, kind: str) -> None:
    tree.add("qemu_start_begin.d/a.sh", "echo said")
    tree.logs.mkdir()
    log, other = tree.logs / "qemu_start_begin_VM1_a.log", tree.beside / "other"
    other.write_text("kept")
    match kind:
        case "symlink":
            log.symlink_to(other)
        case "hard link":
            log.hardlink_to(other)
        case "fifo":
            os.mkfifo(log)
        case _:
            log.mkdir()
    assert tree.call("qemu", "VM1", "start", "begin", "-") == (0, b"", b"")
    assert other.read_text() == "kept"
    assert tree.told("kind", "log_tail") == [(b"invoked", b""), (b"finished", b"said\n")]


def test_no_folder_for_the_operation_is_recorded_and_no_more(tree: Tree) -> None:
    assert tree.call("qemu", "VM1", "attach", "begin", "-") == (0, b"", b"")
    assert tree.told("kind", "operation") == [(b"invoked", b"attach")]
    assert not tree.logs.exists()


def test_settings_come_from_the_file_of_the_hooks_folder(tree: Tree) -> None:
    (tree.hooks / "conf").mkdir()
    lines = ("# ours", "[vlanlog]", f"spool = {tree.beside}/queue", f"logs={tree.beside}/words", "")
    (tree.hooks / "conf/vlanlog.conf").write_text("\n".join(lines))
    tree.add("qemu_start_begin.d/a.sh", "echo said")
    tree.call("qemu", "VM1", "start", "begin", "-", extra={"VLANLOG_SPOOL_DIR": ""})
    assert (tree.beside / "words/qemu_start_begin_VM1_a.log").read_text() == "said\n"
    assert len(list((tree.beside / "queue").glob("*.hook"))) == 2
