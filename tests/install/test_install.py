"""What an install lays down, where nothing is and where an install was before."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import vlanlog
from tests.install.hosts import (
    HOOKS,
    entries,
    kvmvlan_host,
    laid,
    plain_host,
    put,
    put_link,
    told,
    without_times,
)
from vlanlog.dispatch.own import verb_of
from vlanlog.install.carry import carry_out
from vlanlog.install.layout import UNIT_FILE, Item, Role, Wanted, layout, shipped
from vlanlog.install.manifest import read_manifest
from vlanlog.install.plan import install_plan
from vlanlog.install.tree import InstallError, Tree

WANTED = Wanted(hooks=HOOKS, python=sys.executable, hook_py="/opt/vlanlog/hook.py")


@pytest.mark.parametrize("make", [plain_host, kvmvlan_host])
def test_dry_run_lists_exactly_what_the_real_run_changes(
    tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    make(tmp_path)
    before = entries(tmp_path)
    planned = laid(tmp_path, dry_run=True)
    assert entries(tmp_path) == before
    done = laid(tmp_path)
    after = entries(tmp_path)
    changed = {path for path in after if after[path] != before.get(path)}
    listed = {step.path for step in planned.steps if step.changes}
    backups = {step.backup for step in planned.steps if step.backup}
    folders = {path for path in changed - listed if any(b.startswith(path) for b in backups)}
    assert changed == listed | backups | folders
    assert (done.steps, done.aftermath) == (planned.steps, planned.aftermath)


@pytest.mark.parametrize("make", [plain_host, kvmvlan_host])
def test_second_install_changes_nothing(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    make(tmp_path)
    laid(tmp_path)
    once = entries(tmp_path)
    again = laid(tmp_path)
    assert entries(tmp_path) == once
    assert [step for step in again.steps if step.changes] == []


def test_install_lays_down_programs_that_can_be_run_and_conf_that_cannot(tmp_path: Path) -> None:
    laid(plain_host(tmp_path))
    modes = {path: entry[1] for path, entry in entries(tmp_path).items() if entry[0] == "-"}
    modes.pop("/usr/lib/x86_64-linux-gnu/libvirt.so.0.9000.0")
    assert modes == {
        f"{HOOKS}/conf/bridge_init.conf": 0o644,
        f"{HOOKS}/conf/vlan_filtering.conf": 0o644,
        f"{HOOKS}/conf/vlanlog.conf": 0o644,
        f"{HOOKS}/daemon": 0o755,
        f"{HOOKS}/daemon_start.d/bridge_init.py": 0o755,
        f"{HOOKS}/qemu": 0o755,
        f"{HOOKS}/qemu_start_begin.d/vlan_filtering.py": 0o755,
        "/etc/systemd/system/vlanlog.service": 0o644,
        "/var/lib/vlanlog/install.json": 0o600,
    }


def test_folders_of_the_data_are_closed_to_others(tmp_path: Path) -> None:
    laid(plain_host(tmp_path))
    found = entries(tmp_path)
    assert [found[f"/var/lib/vlanlog{name}"][1] for name in ("", "/spool")] == [0o750, 0o700]


def test_dispatcher_comes_after_all_that_it_runs() -> None:
    roles = [item.role for item in layout(WANTED)]
    assert roles[-2:] == [Role.DISPATCHER, Role.DISPATCHER]
    assert roles.count(Role.DISPATCHER) == 2


@pytest.mark.parametrize("python", ["/opt/my python/bin/python3", "/opt/v@1,2/bin/python3.12"])
def test_interpreter_is_named_for_shells_and_for_python(python: str) -> None:
    items = {item.path: item.content for item in layout(replace(WANTED, python=python))}
    shim = items[f"{HOOKS}/qemu"].decode().partition("is_root()")[0]
    said = subprocess.run(
        ["sh", "-c", f'{shim}\nprintf "%s|" "$PYTHON" "$HOOK" "$FOLDER"'],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert said.stdout == f"{python}|/opt/vlanlog/hook.py||"
    script = items[f"{HOOKS}/qemu_start_begin.d/vlan_filtering.py"]
    assert f'\nPYTHON="{python}"\n'.encode() in script
    ast.parse(script)


def test_script_with_its_interpreter_is_still_known_as_vlanlogs(tmp_path: Path) -> None:
    laid(plain_host(tmp_path))
    scripts = ("daemon_reload.d/bridge_init.py", "qemu_started_begin.d/vlan_filtering.py")
    places = [str(tmp_path / HOOKS.lstrip("/") / name).encode() for name in scripts]
    assert list(map(verb_of, places)) == ["apply-bridges", "apply-guest"]


@pytest.mark.parametrize("python", ['/opt/"x"/python3', "/opt/$HOME/python3", "python3", "/a\nb"])
def test_interpreter_that_a_script_cannot_name_is_refused(python: str) -> None:
    with pytest.raises(InstallError, match="cannot be named in a script"):
        layout(replace(WANTED, python=python))


@pytest.mark.parametrize("hooks", ["/srv/a\nExecStart=/bin/b", "/srv/\x1b[0m", "/srv/\udcff"])
def test_folder_that_a_unit_cannot_name_is_refused(hooks: str) -> None:
    with pytest.raises(InstallError, match="cannot be named in a unit"):
        layout(replace(WANTED, hooks=hooks))


def test_unit_runs_the_interpreter_for_these_hooks() -> None:
    wanted = replace(WANTED, unit=True, python="/opt/a b/50%/python3", hooks="/srv/$hooks")
    (text,) = [item.content for item in layout(wanted) if item.role is Role.UNIT]
    assert [line for line in text.decode().splitlines() if line.startswith("ExecStart")] == [
        'ExecStart="/opt/a b/50%%/python3" -I -m vlanlog daemon --hooks-dir /srv/$$hooks'
    ]


def test_conf_of_an_operator_is_kept_and_remembered_by_nobody(tmp_path: Path) -> None:
    put(plain_host(tmp_path), f"{HOOKS}/conf/vlan_filtering.conf", "[*]\npvid = 7\n")
    before = entries(tmp_path)
    done = laid(tmp_path)
    path = f"{HOOKS}/conf/vlan_filtering.conf"
    manifest = read_manifest(Tree(tmp_path))
    assert manifest is not None
    assert (told(done.steps)[path], manifest.of(path)) == ("kept", None)
    assert entries(tmp_path)[path] == before[path]


@pytest.mark.parametrize("role", [Role.CONF, Role.UNIT])
def test_newer_conf_takes_the_place_of_one_that_nobody_changed(tmp_path: Path, role: Role) -> None:
    _upgraded(tmp_path, role, b"old\n")
    assert _upgraded(tmp_path, role, b"new\n") == {"/c": "upgraded"}
    assert _texts(tmp_path) == {"/c": b"new\n"}


def test_newer_conf_lies_beside_one_that_was_changed(tmp_path: Path) -> None:
    _upgraded(tmp_path, Role.CONF, b"old\n")
    put(tmp_path, "/c", "mine\n")
    assert _upgraded(tmp_path, Role.CONF, b"new\n") == {"/c": "kept", "/c.new": "new"}
    assert _upgraded(tmp_path, Role.CONF, b"new\n") == {"/c": "kept", "/c.new": "same"}
    assert _texts(tmp_path) == {"/c": b"mine\n", "/c.new": b"new\n"}


def test_newer_conf_that_was_deleted_does_not_come_again(tmp_path: Path) -> None:
    test_newer_conf_lies_beside_one_that_was_changed(tmp_path)
    (tmp_path / "c.new").unlink()
    assert _upgraded(tmp_path, Role.CONF, b"new\n") == {"/c": "kept"}


def test_file_of_that_name_that_is_someone_elses_is_left_alone(tmp_path: Path) -> None:
    _upgraded(tmp_path, Role.CONF, b"old\n")
    put(tmp_path, "/c", "mine\n")
    put(tmp_path, "/c.new", "theirs\n")
    assert _upgraded(tmp_path, Role.CONF, b"old\n") == {"/c": "kept"}
    assert _texts(tmp_path) == {"/c": b"mine\n", "/c.new": b"theirs\n"}


def _upgraded(root: Path, role: Role, content: bytes) -> dict[str, str]:
    """Installs one file with the content; returns what was done to it and beside it."""
    tree = Tree(root)
    (root / "var/lib").mkdir(parents=True, exist_ok=True)
    items = [
        Item(path="/var/lib/vlanlog", role=Role.FOLDER, mode=0o750),
        Item(path="/c", role=role, content=content),
    ]
    plan = install_plan(tree, HOOKS, items, read_manifest(tree), force=False)
    carry_out(tree, plan.steps)
    return {path: word for path, word in told(plan.steps).items() if path.startswith("/c")}


def _texts(root: Path) -> dict[str, bytes]:
    return {f"/{place.name}": place.read_bytes() for place in root.glob("c*")}


def test_hooks_of_an_older_install_are_upgraded(tmp_path: Path) -> None:
    laid(plain_host(tmp_path))
    once = entries(tmp_path)
    tree = Tree(tmp_path)
    older = [
        replace(item, content=b"# older\n" + item.content)
        if item.role in (Role.SCRIPT, Role.DISPATCHER)
        else item
        for item in layout(_as_laid(tmp_path))
    ]
    carry_out(tree, install_plan(tree, HOOKS, older, read_manifest(tree), force=False).steps)
    done = laid(tmp_path)
    upgraded = {path for path, word in told(done.steps).items() if word == "upgraded"}
    assert upgraded == {
        "/var/lib/vlanlog/install.json",
        f"{HOOKS}/daemon",
        f"{HOOKS}/qemu",
        f"{HOOKS}/daemon_start.d/bridge_init.py",
        f"{HOOKS}/qemu_start_begin.d/vlan_filtering.py",
    }
    assert without_times(entries(tmp_path)) == without_times(once)


def _as_laid(root: Path) -> Wanted:
    assert not (root / sys.executable.lstrip("/")).exists()
    own = str(Path(vlanlog.__path__[0]) / "hook.py")
    return Wanted(hooks=HOOKS, python=sys.executable, hook_py=own, unit=True)


def test_hook_that_cannot_be_run_can_be_afterwards(tmp_path: Path) -> None:
    laid(plain_host(tmp_path))
    place = tmp_path / HOOKS.lstrip("/") / "qemu"
    place.chmod(0o644)
    assert told(laid(tmp_path).steps)[f"{HOOKS}/qemu"] == "upgraded"
    assert place.stat().st_mode & 0o777 == 0o755


def test_script_that_someone_changed_is_kept_until_it_is_forced(tmp_path: Path) -> None:
    laid(plain_host(tmp_path))
    path = f"{HOOKS}/qemu_start_begin.d/vlan_filtering.py"
    place = tmp_path / path.lstrip("/")
    own = place.read_text()
    place.write_text(f"{own}# mine\n")
    assert told(laid(tmp_path).steps)[path] == "kept"
    assert place.read_text() == f"{own}# mine\n"
    (step,) = [step for step in laid(tmp_path, force=True).steps if step.path == path]
    assert (str(step.action), place.read_text()) == ("replaced", own)
    assert (tmp_path / step.backup.lstrip("/")).read_text() == f"{own}# mine\n"


def test_script_of_someone_else_is_refused_until_it_is_forced(tmp_path: Path) -> None:
    put(plain_host(tmp_path), f"{HOOKS}/qemu_start_begin.d/vlan_filtering.py", "#!/bin/sh\n")
    before = entries(tmp_path)
    with pytest.raises(InstallError, match=r"vlan_filtering\.py is someone else's"):
        laid(tmp_path)
    assert entries(tmp_path) == before
    laid(tmp_path, force=True)


def test_hooks_laid_down_by_hand_become_the_installs(tmp_path: Path) -> None:
    plain_host(tmp_path)
    source = Path(__file__).parents[2] / "hooks"
    for place in sorted(source.rglob("*")):
        path = f"{HOOKS}/{place.relative_to(source)}"
        if place.is_symlink():
            put_link(tmp_path, path, str(place.readlink()))
        elif place.is_file() and "__pycache__" not in place.parts:
            put(tmp_path, path, place.read_bytes(), mode=0o755)
    done = laid(tmp_path)
    manifest = read_manifest(Tree(tmp_path))
    assert manifest is not None
    assert {step.backup for step in done.steps} == {""}
    links = [item.path for item in manifest.items if item.kind == "link"]
    assert [item.was for item in manifest.items] == ["absent"] * len(manifest.items)
    assert len(links) == 3


@pytest.mark.parametrize(("more", "word"), [("", "upgraded"), ("Environment=A=1\n", "kept")])
def test_unit_laid_down_by_hand_becomes_the_installs_unless_changed(
    tmp_path: Path, more: str, word: str
) -> None:
    text = shipped("conf", "vlanlog.service").decode()
    by_hand = "ExecStart=/usr/local/bin/vlanlog daemon\n"
    put(plain_host(tmp_path), UNIT_FILE, text.replace("ExecStart=vlanlog daemon\n", by_hand + more))
    assert told(laid(tmp_path).steps)[UNIT_FILE] == word
    manifest = read_manifest(Tree(tmp_path))
    assert manifest is not None
    assert (manifest.of(UNIT_FILE) is None) is (word == "kept")


def test_hooks_that_move_leave_nothing_behind(tmp_path: Path) -> None:
    laid(plain_host(tmp_path), hooks="/srv/hooks")
    done = laid(tmp_path)
    assert told(done.steps)["/srv/hooks/qemu"] == "removed"
    assert [path for path in entries(tmp_path) if path.startswith("/srv")] == []
