"""vlanlog's own scripts, done by the daemon without a process; all others are run as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hook.peers import (
    Answering,
    Behaviour,
    answers_garbage,
    closes_early,
    daemon,
    in_turn,
    refuses,
)
from tests.hook.tree import HOOKS, XML, Tree
from vlanlog.dispatch.own import TEXTS, verb_of

SHIPPED = {
    "qemu_start_begin.d/vlan_filtering.py": "apply-guest",
    "daemon_start.d/bridge_init.py": "apply-bridges",
}
START = ("VM1", "start", "begin", "-")
RAN = '#!/bin/sh\necho ran > "$0.ran"\n'


def lay_down(tree: Tree, script: str) -> Path:
    """Lays it down as an installer does, with an interpreter that leaves a mark where it ran."""
    interpreter = tree.add(
        "interpreter", f'#!/bin/sh\nprintf %s "$VLANLOG_DAEMON" > "{tree.beside}/ran"\n'
    )
    path = tree.hooks / script
    path.parent.mkdir()
    text = (HOOKS / script).read_text()
    path.write_text(text.replace('PYTHON=""', f'PYTHON="{interpreter}"'))
    path.chmod(0o755)
    return tree.beside / "ran"


def test_texts_are_those_of_the_shipped_scripts() -> None:
    assert {(HOOKS / script).read_bytes(): verb for script, verb in SHIPPED.items()} == TEXTS


@pytest.mark.parametrize(("script", "verb"), SHIPPED.items())
def test_shipped_script_is_known_whoever_runs_it(tmp_path: Path, script: str, verb: str) -> None:
    text = (HOOKS / script).read_text()
    installed = tmp_path / "script.py"
    installed.write_text(text.replace('PYTHON=""', 'PYTHON="/opt/vlanlog/bin/python3"'))

    assert verb_of(bytes(installed)) == verb


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text + "\n",
        lambda text: text.replace("import sys\n", "import sys\nprint(1)\n"),
        lambda text: text.replace('PYTHON=""', ""),
        lambda text: text[:0],
        lambda text: text + "#" * 5000,
    ],
)
def test_script_that_was_changed_is_run(tmp_path: Path, change: object) -> None:
    assert callable(change)
    changed = tmp_path / "script.py"
    changed.write_text(change((HOOKS / next(iter(SHIPPED))).read_text()))

    assert verb_of(bytes(changed)) == ""


def test_script_that_is_gone_is_run(tmp_path: Path) -> None:
    assert verb_of(bytes(tmp_path / "none")) == ""


def test_daemon_does_what_the_script_would_ask_for(tree: Tree) -> None:
    ran = lay_down(tree, "qemu_start_begin.d/vlan_filtering.py")
    answering = Answering(status=b"ok", exit_status=b"0", output=b"one\ntwo\n")
    with daemon(tree.socket, answering):
        done = tree.call("qemu", *START)

    assert (done, ran.exists()) == ((0, b"", b""), False)
    invoked, asked, finished = answering.requests
    correlation_id = invoked["correlation_id"]
    assert asked == {
        "verb": b"apply-guest",
        "guest": b"VM1",
        "conf": bytes(tree.hooks / "conf" / "vlan_filtering.conf"),
        "correlation_id": correlation_id,
        "hook": b"qemu_start_begin",
        "parent": invoked["parent"],
        "xml": XML.replace(b"s3cret", b""),
    }
    assert (finished["script"], finished["exit_status"], finished["log_tail"]) == (
        b"vlan_filtering.py",
        b"0",
        b"one\ntwo\n",
    )
    assert {path.name: path.read_text() for path in tree.logs.iterdir()} == {
        "qemu_start_begin_VM1_vlan_filtering.log": "one\ntwo\n"
    }


def test_verdict_of_the_daemon_refuses_the_start(tree: Tree) -> None:
    lay_down(tree, "qemu_start_begin.d/vlan_filtering.py")
    answering = Answering(status=b"ok", exit_status=b"1", output=b"VM1: VLANs not set\n")
    with daemon(tree.socket, answering):
        status, _, err = tree.call("qemu", *START)

    assert status == 1
    assert b"vlan_filtering.py ended with status 1: VM1: VLANs not set" in err


def test_bridges_are_asked_for_by_phase(tree: Tree) -> None:
    lay_down(tree, "daemon_start.d/bridge_init.py")
    answering = Answering(status=b"ok", exit_status=b"0", output=b"")
    with daemon(tree.socket, answering):
        tree.call("daemon", "-", "start", "-", "start")

    asked = answering.requests[1]
    assert (asked["verb"], asked["phase"], "xml" in asked) == (b"apply-bridges", b"start", False)


@pytest.mark.parametrize("behaviour", [refuses, closes_early, answers_garbage])
def test_script_is_run_where_the_daemon_does_not_do_it(tree: Tree, behaviour: Behaviour) -> None:
    ran = lay_down(tree, "qemu_start_begin.d/vlan_filtering.py")
    answering = Answering(status=b"ok")
    with daemon(tree.socket, in_turn(answering, behaviour, answering)):
        done = tree.call("qemu", *START)

    # It is not to ask what was asked in its stead already.
    assert (done, ran.read_text()) == ((0, b"", b""), "absent")
    assert [asked["kind"] for asked in answering.requests] == [b"invoked", b"finished"]


def test_others_scripts_are_run_beside_it(tree: Tree) -> None:
    lay_down(tree, "qemu_start_begin.d/vlan_filtering.py")
    mine = tree.add("qemu_start_begin.d/zz-mine", RAN)
    with daemon(tree.socket, Answering(status=b"ok", exit_status=b"0", output=b"")):
        tree.call("qemu", *START)

    assert mine.with_name("zz-mine.ran").exists()
