"""What an uninstall takes away and brings back, and what it leaves alone."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.install.hosts import (
    HOOKS,
    entries,
    kvmvlan_host,
    laid,
    plain_host,
    put,
    put_link,
    taken,
    told,
)
from vlanlog.install.tree import Form

DATABASE = "/var/lib/vlanlog/vlanlog.db"


@pytest.mark.parametrize("libvirt", ["9.0.0", ""])
def test_uninstall_leaves_a_plain_host_as_it_was(tmp_path: Path, libvirt: str) -> None:
    before = entries(plain_host(tmp_path, libvirt=libvirt))
    laid(tmp_path)
    taken(tmp_path)
    assert entries(tmp_path) == before


@pytest.mark.parametrize("make", [plain_host, kvmvlan_host])
def test_dry_run_lists_exactly_what_an_uninstall_changes(
    tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    make(tmp_path)
    laid(tmp_path)
    before = entries(tmp_path)
    planned = taken(tmp_path, dry_run=True)
    assert entries(tmp_path) == before
    done = taken(tmp_path)
    after = entries(tmp_path)
    changed = {path for path in before if before[path] != after.get(path)}
    assert changed == {step.path for step in planned.steps if step.changes}
    assert (done.steps, done.aftermath) == (planned.steps, planned.aftermath)


def test_second_uninstall_has_nothing_to_do(tmp_path: Path) -> None:
    laid(kvmvlan_host(tmp_path))
    taken(tmp_path)
    once = entries(tmp_path)
    assert taken(tmp_path).steps == ()
    assert entries(tmp_path) == once


@pytest.mark.parametrize("installs", [1, 2])
def test_install_after_an_uninstall_is_as_the_first(tmp_path: Path, installs: int) -> None:
    kvmvlan_host(tmp_path)
    for _ in range(installs):
        laid(tmp_path)
    once = {path: entry[:5] for path, entry in entries(tmp_path).items()}
    taken(tmp_path)
    laid(tmp_path)
    assert {path: entry[:5] for path, entry in entries(tmp_path).items()} == once


def test_data_stays_without_purge(tmp_path: Path) -> None:
    laid(plain_host(tmp_path))
    put(tmp_path, DATABASE, "events")
    put(tmp_path, f"{HOOKS}/logs/daemon_start_bridge_init.log", "done")
    steps = told(taken(tmp_path).steps)
    assert [steps["/var/lib/vlanlog"], steps[f"{HOOKS}/logs"]] == ["kept", "kept"]
    left = [path for path, entry in entries(tmp_path).items() if entry[0] == "-"]
    assert left == [
        f"{HOOKS}/logs/daemon_start_bridge_init.log",
        "/usr/lib/x86_64-linux-gnu/libvirt.so.0.9000.0",
        DATABASE,
    ]


def test_purge_takes_data_and_logs(tmp_path: Path) -> None:
    before = entries(plain_host(tmp_path))
    laid(tmp_path)
    put(tmp_path, DATABASE, "events")
    put(tmp_path, "/var/lib/vlanlog/spool/bad/x.hook", "?")
    put(tmp_path, f"{HOOKS}/logs/daemon_start_bridge_init.log", "done")
    taken(tmp_path, purge=True)
    assert entries(tmp_path) == before


def test_purge_after_an_uninstall_takes_the_data(tmp_path: Path) -> None:
    before = entries(plain_host(tmp_path))
    laid(tmp_path)
    put(tmp_path, DATABASE, "events")
    taken(tmp_path)
    taken(tmp_path, purge=True)
    assert entries(tmp_path) == before


def test_purge_brings_back_what_was_there_before_its_copy_goes(tmp_path: Path) -> None:
    before = entries(kvmvlan_host(tmp_path))
    laid(tmp_path)
    taken(tmp_path, purge=True)
    assert entries(tmp_path) == before


def test_logs_that_were_there_are_not_purged(tmp_path: Path) -> None:
    laid(kvmvlan_host(tmp_path))
    taken(tmp_path, purge=True)
    assert f"{HOOKS}/logs/daemon_start_bridge_init.log" in entries(tmp_path)


def test_what_was_changed_since_is_kept_and_its_copy_too(tmp_path: Path) -> None:
    before = entries(kvmvlan_host(tmp_path))
    laid(tmp_path)
    for name in ("qemu", "conf/vlanlog.conf"):
        put(tmp_path, f"{HOOKS}/{name}", "mine\n")
    done = taken(tmp_path)
    kept = {step.path: step.note for step in done.steps if step.note.startswith("changed")}
    backup = f"/var/lib/vlanlog/backup/1{HOOKS}/qemu"
    after = entries(tmp_path)
    assert kept == {
        f"{HOOKS}/qemu": f"changed since; what was there before is {backup}",
        f"{HOOKS}/conf/vlanlog.conf": "changed since",
    }
    assert after[backup] == before[f"{HOOKS}/qemu"]
    assert [path for path in after if path.startswith("/var/lib/vlanlog/backup/1/etc")][
        -1
    ] == backup


def test_what_was_deleted_since_is_brought_back(tmp_path: Path) -> None:
    before = entries(kvmvlan_host(tmp_path))
    laid(tmp_path)
    (tmp_path / HOOKS.lstrip("/") / "qemu").unlink()
    taken(tmp_path)
    assert entries(tmp_path) == before


def test_hook_stays_where_what_was_there_before_is_lost(tmp_path: Path) -> None:
    laid(kvmvlan_host(tmp_path))
    (tmp_path / f"var/lib/vlanlog/backup/1{HOOKS}/qemu").write_text("another")
    steps = {step.path: step for step in taken(tmp_path).steps}
    assert str(steps[f"{HOOKS}/qemu"].action) == "kept"
    assert "is not what was there" in steps[f"{HOOKS}/qemu"].note


def test_folder_with_files_of_others_stays(tmp_path: Path) -> None:
    laid(plain_host(tmp_path))
    mine = put(tmp_path, f"{HOOKS}/qemu_start_begin.d/mine.sh", "#!/bin/sh\n", mode=0o755)
    assert told(taken(tmp_path).steps)[f"{HOOKS}/qemu_start_begin.d"] == "kept"
    assert mine.exists()


def test_folders_go_by_depth_and_name_so_that_each_list_is_the_same(tmp_path: Path) -> None:
    laid(plain_host(tmp_path))
    steps = taken(tmp_path, dry_run=True).steps
    names = ["conf", "daemon_reload.d", "daemon_start.d", "logs", "qemu_reconnect_begin.d"]
    names += ["qemu_start_begin.d", "qemu_started_begin.d"]
    assert [step.path for step in steps if step.form is Form.FOLDER] == [
        *(f"{HOOKS}/{name}" for name in names),
        *("/var/lib/vlanlog/spool", "/var/lib/vlanlog"),
    ]


def test_dispatchers_go_before_what_they_run(tmp_path: Path) -> None:
    laid(plain_host(tmp_path))
    paths = [step.path for step in taken(tmp_path).steps]
    assert set(paths[:2]) == {f"{HOOKS}/qemu", f"{HOOKS}/daemon"}


def test_link_that_starts_the_unit_goes_with_it(tmp_path: Path) -> None:
    before = entries(plain_host(tmp_path))
    laid(tmp_path)
    wants = tmp_path / "etc/systemd/system/multi-user.target.wants"
    wants.mkdir()
    (wants / "vlanlog.service").symlink_to("/etc/systemd/system/vlanlog.service")
    taken(tmp_path)
    wants.rmdir()
    assert entries(tmp_path) == before


def test_link_of_that_name_to_a_unit_of_someone_else_stays(tmp_path: Path) -> None:
    laid(plain_host(tmp_path))
    path = "/etc/systemd/system/multi-user.target.wants/vlanlog.service"
    put_link(tmp_path, path, "/usr/lib/systemd/system/vlanlog.service")
    taken(tmp_path)
    assert path in entries(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
def test_owner_of_what_was_there_is_brought_back(tmp_path: Path) -> None:
    kvmvlan_host(tmp_path)
    place = tmp_path / HOOKS.lstrip("/") / "qemu"
    os.chown(place, 1234, 2345)
    before = entries(tmp_path)
    laid(tmp_path)
    taken(tmp_path)
    assert entries(tmp_path) == before
