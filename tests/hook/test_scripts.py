"""vlan_filtering.py and bridge_init.py: who does the work, and what they say when nobody can."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import vlanlog
from tests.hook import peers
from tests.hook.tree import HOOKS, XML, Tree

SCRIPTS = [
    ("qemu_start_begin.d/vlan_filtering.py", "apply-guest", "guest"),
    ("daemon_start.d/bridge_init.py", "apply-bridges", "phase"),
]
START = ("VM1", "start", "begin", "-")
STAND_IN = """
import sys

def vlan_filtering(argv):
    print("here:", *argv, len(sys.stdin.buffer.read()), file=sys.stderr)
    return 7

bridge_init = vlan_filtering
"""


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An interpreter whose vlanlog is the real one but for what would touch the kernel."""
    folder = tmp_path_factory.mktemp("interpreter")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    package = next((folder / "venv/lib").glob("python3*/site-packages")) / "vlanlog"
    (package / "cli").mkdir(parents=True)
    (package / "__init__.py").write_text(f"__path__.append({vlanlog.__path__[0]!r})\n")
    (package / "cli/__init__.py").touch()
    (package / "cli/scripts.py").write_text(STAND_IN)
    return str(folder / "venv/bin/python")


def _add(tree: Tree, script: str) -> Path:
    (tree.hooks / script).parent.mkdir()
    return Path(shutil.copy2(HOOKS / script, tree.hooks / script))


def _by_hand(tree: Tree, script: Path, *argv: str, python: str) -> tuple[int, str, str]:
    run = subprocess.run(
        [script, *argv],
        input="",
        env=tree.environment({"VLANLOG_PYTHON": python}),
        capture_output=True,
        text=True,
        check=False,
    )
    return run.returncode, run.stdout, run.stderr


@pytest.mark.parametrize(("script", "verb", "target"), SCRIPTS)
def test_help_is_given_by_hand(tree: Tree, script: str, verb: str, target: str) -> None:
    status, out, err = _by_hand(tree, _add(tree, script), "--help", python=sys.executable)
    assert (status, err, verb in out) == (0, "", False)
    assert out.startswith(f"usage: {Path(script).name} [-h] ")
    assert target in out


def test_daemon_that_answers_does_a_guests_vlans(tree: Tree, stand_in: str) -> None:
    _add(tree, "qemu_start_begin.d/vlan_filtering.py")
    answering = peers.Answering(status=b"ok", exit_status=b"0", output=b"vnet0: pvid 100\n")
    with peers.daemon(tree.socket, answering):
        assert tree.call("qemu", *START, extra={"VLANLOG_PYTHON": stand_in}) == (0, b"", b"")
    invoked, asked, finished = answering.requests
    assert asked == {
        "verb": b"apply-guest",
        "guest": b"VM1",
        "conf": f"{tree.hooks}/conf/vlan_filtering.conf".encode(),
        "correlation_id": invoked["correlation_id"],
        "hook": b"qemu_start_begin",
        "parent": invoked["parent"],
        "xml": XML.replace(b"s3cret", b""),
    }
    assert (finished["exit_status"], finished["log_tail"]) == (b"0", b"vnet0: pvid 100\n")


def test_daemon_that_answers_does_the_bridges(tree: Tree, stand_in: str) -> None:
    _add(tree, "daemon_start.d/bridge_init.py")
    answering = peers.Answering(status=b"ok", exit_status=b"0")
    with peers.daemon(tree.socket, answering):
        tree.call("daemon", "-", "start", "-", "start", extra={"VLANLOG_PYTHON": stand_in})
    invoked, asked, _ = answering.requests
    assert asked == {
        "verb": b"apply-bridges",
        "phase": b"start",
        "conf": f"{tree.hooks}/conf/bridge_init.conf".encode(),
        "correlation_id": invoked["correlation_id"],
        "hook": b"daemon_start",
        "parent": invoked["parent"],
    }


def test_verdict_of_the_daemon_is_the_hooks(tree: Tree, stand_in: str) -> None:
    _add(tree, "qemu_start_begin.d/vlan_filtering.py")
    with peers.daemon(tree.socket, peers.Answering(status=b"ok", exit_status=b"3", output=b"no\n")):
        status, _, err = tree.call("qemu", *START, extra={"VLANLOG_PYTHON": stand_in})
    assert (status, b"vlan_filtering.py ended with status 3: no [" in err) == (1, True)


def _daemons_that_do_nothing() -> list[peers.Behaviour]:
    return [
        peers.refuses,
        peers.closes_early,
        peers.answers_garbage,
        peers.answers_in_another_version,
        peers.Answering(status=b"error", error_code=b"unknown-verb"),
        peers.Answering(status=b"error", exit_status=b"0"),
        peers.Answering(status=b"ok"),
        peers.Answering(status=b"ok", exit_status=b"-1"),
        peers.Answering(status=b"ok", exit_status=b"256"),
    ]


@pytest.mark.parametrize("behaviour", _daemons_that_do_nothing())
def test_script_does_itself_what_the_daemon_did_not(
    tree: Tree, stand_in: str, behaviour: peers.Behaviour
) -> None:
    _add(tree, "qemu_start_begin.d/vlan_filtering.py")
    recording = peers.Answering(status=b"ok")
    with peers.daemon(tree.socket, peers.in_turn(recording, behaviour)):
        status, _, _ = tree.call("qemu", *START, extra={"VLANLOG_PYTHON": stand_in})
    log = (tree.logs / "qemu_start_begin_VM1_vlan_filtering.log").read_text()
    said = f"here: VM1 {tree.hooks}/conf/vlan_filtering.conf {len(XML)}\n"
    assert (status, log) == (1, said)


def test_script_does_itself_what_a_stuck_daemon_leaves_undone(tree: Tree, stand_in: str) -> None:
    _add(tree, "qemu_start_begin.d/vlan_filtering.py")
    variables = {"VLANLOG_PYTHON": stand_in, "VLANLOG_SCRIPT_DEADLINE_S": "6"}
    stuck = peers.in_turn(peers.Answering(status=b"ok"), peers.never_answers)
    with peers.daemon(tree.socket, stuck):
        tree.call("qemu", *START, extra=variables)
    assert tree.told("exit_status", "timed_out") == [(b"7", b"0")]


def test_script_does_not_wait_for_a_daemon_that_did_not_answer_the_record(
    tree: Tree, stand_in: str
) -> None:
    _add(tree, "qemu_start_begin.d/vlan_filtering.py")
    answering = peers.Answering(status=b"ok", exit_status=b"0")
    with peers.daemon(tree.socket, peers.in_turn(peers.closes_early, answering)):
        tree.call("qemu", *START, extra={"VLANLOG_PYTHON": stand_in})
    assert (answering.requests, tree.told("exit_status")[1:]) == ([], [(b"7",)])


def test_script_asks_a_daemon_that_answered_though_it_could_not_record(
    tree: Tree, stand_in: str
) -> None:
    _add(tree, "qemu_start_begin.d/vlan_filtering.py")
    answering = peers.Answering(status=b"ok", exit_status=b"0")
    with peers.daemon(tree.socket, peers.in_turn(peers.refuses, answering)):
        tree.call("qemu", *START, extra={"VLANLOG_PYTHON": stand_in})
    assert [asked["verb"] for asked in answering.requests] == [b"apply-guest"]
    assert tree.told("exit_status")[1:] == [(b"0",)]


def test_script_without_a_daemon_does_its_work_itself(tree: Tree, stand_in: str) -> None:
    _add(tree, "daemon_start.d/bridge_init.py")
    tree.call("daemon", "-", "start", "-", "start", extra={"VLANLOG_PYTHON": stand_in})
    conf = f"{tree.hooks}/conf/bridge_init.conf"
    assert tree.told("exit_status", "log_tail")[1:] == [(b"7", f"here: start {conf} 0\n".encode())]


def test_guest_named_like_an_option_is_a_guest_under_the_dispatcher(
    tree: Tree, stand_in: str
) -> None:
    _add(tree, "qemu_start_begin.d/vlan_filtering.py")
    answering = peers.Answering(status=b"ok", exit_status=b"0")
    with peers.daemon(tree.socket, answering):
        tree.call("qemu", "--help", "start", "begin", "-", extra={"VLANLOG_PYTHON": stand_in})
    assert [asked.get("guest") for asked in answering.requests] == [None, b"--help", None]


@pytest.mark.parametrize("argv", [("VM1",), ("VM1", "/x/vlan.conf")])
def test_daemon_is_asked_by_hand_as_well(tree: Tree, stand_in: str, argv: tuple[str, ...]) -> None:
    script = _add(tree, "qemu_start_begin.d/vlan_filtering.py")
    answering = peers.Answering(status=b"ok", exit_status=b"1", output=b"no\n")
    with peers.daemon(tree.socket, answering):
        assert _by_hand(tree, script, *argv, python=stand_in) == (1, "", "no\n")
    fields = zip(("verb", "guest", "conf"), ("apply-guest", *argv), strict=False)
    assert answering.requests == [{key: value.encode() for key, value in fields}]


@pytest.mark.parametrize("argv", [(), ("--help",), ("VM1", "--dry-run")])
def test_options_and_missing_arguments_are_not_the_daemons_business(
    tree: Tree, stand_in: str, argv: tuple[str, ...]
) -> None:
    script = _add(tree, "qemu_start_begin.d/vlan_filtering.py")
    answering = peers.Answering(status=b"ok", exit_status=b"0")
    with peers.daemon(tree.socket, answering):
        status, _, err = _by_hand(tree, script, *argv, python=stand_in)
    assert (status, err, answering.requests) == (7, " ".join(("here:", *argv, "0\n")), [])


@pytest.mark.parametrize(("script", "verb", "target"), SCRIPTS)
def test_interpreter_without_vlanlog_is_told_in_one_line(
    tree: Tree, tmp_path: Path, script: str, verb: str, target: str
) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    python = f"{tmp_path}/bare/bin/python"
    status, out, err = _by_hand(tree, _add(tree, script), target, python=python)
    assert (status, out, err.count("\n"), verb in err) == (1, "", 1, False)
    assert err.startswith(f"vlanlog: error: {python} cannot import vlanlog (No module named ")


def test_line_of_an_installer_names_the_interpreter(tree: Tree, stand_in: str) -> None:
    script = _add(tree, "qemu_start_begin.d/vlan_filtering.py")
    script.write_text(script.read_text().replace('PYTHON=""', f'PYTHON="{stand_in}"'))
    assert _by_hand(tree, script, "VM1", python="/no/python")[0] == 7
