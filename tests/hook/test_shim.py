"""The shims: how they find what they run, and what they answer when they do not find it."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hook.tree import HOOK_PY, HOOKS, XML, Tree

START = ("VM1", "start", "begin", "-")
ALL_OTHER = [
    ("qemu", "VM1", *rest)
    for rest in (
        ("prepare", "begin", "-"),
        ("started", "begin", "-"),
        ("stopped", "end", "-"),
        ("release", "end", "from snapshot"),
        ("migrate", "begin", "-"),
        ("restore", "begin", "-"),
        ("reconnect", "begin", "-"),
        ("attach", "begin", "-"),
        ("unheard-of", "begin", "-"),
    )
] + [("daemon", "-", operation, "-", "-") for operation in ("start", "reload", "shutdown")]


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that any user can reach; pytest's own ones are closed to all but the caller."""
    folder = Path(tempfile.mkdtemp(prefix="vlanlog-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_shims_differ_in_the_driver_alone() -> None:
    qemu, daemon = (HOOKS / name for name in ("qemu", "daemon"))
    assert qemu.read_text().replace("DRIVER=qemu\n", "DRIVER=daemon\n") == daemon.read_text()


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_shim_runs_in_any_posix_shell(tree: Tree, shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    text = (tree.hooks / "qemu").read_text().replace("#!/bin/sh", f"#!/usr/bin/env {shell}")
    (tree.hooks / "qemu").write_text(text)
    tree.add("qemu_start_begin.d/a.sh", "exit 1")
    status, out, err = tree.call("qemu", *START)
    assert (status, out, b"a.sh ended with status 1" in err) == (1, b"", True)


@pytest.mark.parametrize("missing", [{"VLANLOG_PYTHON": "/no/python3"}, {"VLANLOG_HOOK": "/no"}])
def test_start_is_refused_when_nothing_can_set_the_vlans(
    tree: Tree, missing: dict[str, str]
) -> None:
    (tree.hooks / "qemu_start_begin.d").mkdir()
    status, out, err = tree.call("qemu", *START, extra=missing)
    (named,) = missing.values()
    assert (status, out, err.count(b"\n"), named.encode() in err) == (1, b"", 1, True)
    assert err.startswith(b"vlanlog: error: VM1: start refused, its VLANs cannot be set without ")


def test_start_is_allowed_without_an_interpreter_when_no_script_is_to_run(tree: Tree) -> None:
    assert tree.call("qemu", *START, extra={"VLANLOG_PYTHON": "/no/python3"}) == (0, b"", b"")


@pytest.mark.parametrize("missing", [{"VLANLOG_PYTHON": "/no/python3"}, {"VLANLOG_HOOK": "/no"}])
@pytest.mark.parametrize("argv", ALL_OTHER, ids=" ".join)
def test_everything_else_goes_on_without_an_interpreter(
    tree: Tree, argv: tuple[str, ...], missing: dict[str, str]
) -> None:
    (tree.hooks / "qemu_start_begin.d").mkdir()
    assert tree.call(*argv, extra=missing) == (0, b"", b"")


@pytest.mark.parametrize("program", ["raise SystemExit(3)", "import os; os.kill(os.getpid(), 9)"])
@pytest.mark.parametrize("operation", ["started", "reconnect"])
def test_no_end_of_the_interpreter_kills_a_running_guest(
    tree: Tree, operation: str, program: str
) -> None:
    broken = tree.beside / "broken.py"
    broken.write_text(f"print('<domain/>')\n{program}\n")
    status, out, _ = tree.call(
        "qemu", "VM1", operation, "begin", "-", extra={"VLANLOG_HOOK": str(broken)}
    )
    assert (status, out) == (0, b"")


def test_broken_hook_refuses_the_start(tree: Tree) -> None:
    broken = tree.beside / "broken.py"
    broken.write_text("this is no Python\n")
    status, out, err = tree.call("qemu", *START, extra={"VLANLOG_HOOK": str(broken)})
    assert (status, out, b"SyntaxError" in err) == (1, b"", True)


def test_lines_of_an_installer_win_over_the_environment(tree: Tree) -> None:
    shim = tree.hooks / "qemu"
    text = shim.read_text()
    text = text.replace("\nPYTHON=\n", f"\nPYTHON={sys.executable}\n")
    shim.write_text(text.replace("\nHOOK=\n", f"\nHOOK={HOOK_PY}\n"))
    environment = {"VLANLOG_PYTHON": "/no/python3", "VLANLOG_HOOK": "/no/hook.py"}
    assert tree.call("qemu", *START, extra=environment) == (0, b"", b"")
    assert tree.told("kind") == [(b"invoked",)]


def test_hook_is_found_beside_the_real_shim_of_a_source_tree(tree: Tree) -> None:
    for driver in ("qemu", "daemon"):
        (tree.hooks / driver).unlink()
        (tree.hooks / driver).symlink_to(HOOKS / driver)
    tree.add("qemu_start_begin.d/a.sh", "echo ours")
    # An interpreter that has no vlanlog: only the file's place can tell.
    assert tree.call("qemu", *START, extra={"VLANLOG_HOOK": "", "VLANLOG_PYTHON": "python3"}) == (
        0,
        b"",
        b"",
    )
    assert (tree.logs / "qemu_start_begin_VM1_a.log").read_text() == "ours\n"


def test_hook_is_found_in_the_package_of_the_interpreter(tree: Tree) -> None:
    assert tree.call("qemu", *START, extra={"VLANLOG_HOOK": ""}) == (0, b"", b"")
    assert tree.told("kind") == [(b"invoked",)]


def test_hook_is_found_beside_the_shim_of_a_package(tree: Tree) -> None:
    package = tree.beside / "lib/vlanlog"
    shutil.copytree(HOOK_PY.parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(tree.hooks, package / "_hooks")
    (tree.hooks / "qemu").unlink()
    (tree.hooks / "qemu").symlink_to(package / "_hooks/qemu")
    bare = {"VLANLOG_HOOK": "", "VLANLOG_PYTHON": "python3"}
    assert tree.call("qemu", *START, extra=bare) == (0, b"", b"")
    assert tree.told("kind") == [(b"invoked",)]


def test_scripts_of_a_source_tree_are_links_to_two_files() -> None:
    scripts = sorted(HOOKS.glob("*.d/*"))
    links = {
        str(path.relative_to(HOOKS)): str(path.readlink()) for path in scripts if path.is_symlink()
    }
    files = [str(path.relative_to(HOOKS)) for path in scripts if not path.is_symlink()]
    assert files == ["daemon_start.d/bridge_init.py", "qemu_start_begin.d/vlan_filtering.py"]
    assert links == {
        "daemon_reload.d/bridge_init.py": "../daemon_start.d/bridge_init.py",
        "qemu_reconnect_begin.d/vlan_filtering.py": "../qemu_start_begin.d/vlan_filtering.py",
        "qemu_started_begin.d/vlan_filtering.py": "../qemu_start_begin.d/vlan_filtering.py",
    }
    assert all(os.access(path, os.X_OK) for path in (*scripts, HOOKS / "qemu", HOOKS / "daemon"))


def _add_failing_script(hooks: Path) -> None:
    (hooks / "qemu_start_begin.d").mkdir()
    script = hooks / "qemu_start_begin.d/a.sh"
    script.write_text("#!/bin/sh\nexit 1\n")
    script.chmod(0o755)


def _python_for_all() -> str:
    """Returns an interpreter that any user may run; a venv's may lie in a closed home."""
    return shutil.which("python3", path="/usr/bin") or sys.executable


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize("hook", [str(HOOK_PY), "/no/hook.py", "hooks/broken.py"])
def test_session_daemon_of_a_user_is_left_alone(tree: Tree, open_folder: Path, hook: str) -> None:
    shutil.copytree(tree.hooks, open_folder / "hooks")
    _add_failing_script(open_folder / "hooks")
    (open_folder / "hooks/broken.py").write_text("raise SystemExit(1)\n")
    run = subprocess.run(
        ["setpriv", "--reuid=65534", "--clear-groups", open_folder / "hooks/qemu", *START],
        input=XML,
        capture_output=True,
        cwd=open_folder,
        env=tree.environment(
            {
                "VLANLOG_HOOK": hook,
                "VLANLOG_PYTHON": _python_for_all(),
                "VLANLOG_SPOOL_DIR": str(open_folder / "spool"),
            }
        ),
        check=False,
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, b"", b"")
    assert not (open_folder / "spool").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_dispatcher_itself_serves_root_alone(tree: Tree, open_folder: Path) -> None:
    _add_failing_script(open_folder)
    copy = open_folder / "vlanlog"
    shutil.copytree(HOOK_PY.parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    program = (
        "import os, sys; os.setgroups([]); os.setuid(65534); "
        f"os.execv(sys.executable, [sys.executable, '-I', '-S', '{copy}/hook.py', 'qemu', "
        f"'{open_folder}', '1', 'VM1', 'start', 'begin', '-'])"
    )
    environment = tree.environment({"VLANLOG_SPOOL_DIR": str(open_folder / "spool")})
    run = subprocess.run(
        [_python_for_all(), "-c", program], env=environment, capture_output=True, check=False
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, b"", b"")
    assert not (open_folder / "spool").exists()
