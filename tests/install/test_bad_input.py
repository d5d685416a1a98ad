"""What stands in the way of an install: one clear error, before anything is touched."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.install.hosts import HOOKS, entries, laid, plain_host, put, put_link, taken
from vlanlog.install.manifest import PATH
from vlanlog.install.tree import InstallError, Tree


def refused(root: Path) -> str:
    """Returns the error of an install, which has touched nothing."""
    before = entries(root)
    with pytest.raises(InstallError) as told:
        laid(root)
    assert entries(root) == before
    return told.value.message


def test_folders_where_files_should_be_are_all_named(tmp_path: Path) -> None:
    plain_host(tmp_path)
    for name in ("qemu", "conf/vlanlog.conf"):
        (tmp_path / HOOKS.lstrip("/") / name).mkdir(parents=True)
    assert refused(tmp_path) == (
        f"{tmp_path}{HOOKS}/conf/vlanlog.conf is a folder, no file\n"
        f"{tmp_path}{HOOKS}/qemu is a folder, no file"
    )


def test_file_where_a_folder_should_be_is_named(tmp_path: Path) -> None:
    plain_host(tmp_path)
    for name in ("logs", "qemu_start_begin.d"):
        put(tmp_path, f"{HOOKS}/{name}", "")
    assert refused(tmp_path) == (
        f"{tmp_path}{HOOKS}/logs is no folder\n{tmp_path}{HOOKS}/qemu_start_begin.d is no folder"
    )


def test_link_to_a_folder_serves_as_a_folder(tmp_path: Path) -> None:
    plain_host(tmp_path)
    (tmp_path / "srv/logs").mkdir(parents=True)
    put_link(tmp_path, f"{HOOKS}/logs", "/srv/logs")
    before = entries(tmp_path)
    laid(tmp_path)
    taken(tmp_path)
    assert entries(tmp_path) == before


def test_socket_where_a_file_should_be_is_named(tmp_path: Path) -> None:
    plain_host(tmp_path)
    with socket.socket(socket.AF_UNIX) as sock:
        # Its path would be too long for a socket's.
        fd = os.open(tmp_path / HOOKS.lstrip("/"), os.O_RDONLY)
        sock.bind(f"/proc/self/fd/{fd}/qemu")
        os.close(fd)
    assert refused(tmp_path) == f"{tmp_path}{HOOKS}/qemu is a device or a socket, no file"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
def test_read_only_file_system_is_named(tmp_path: Path) -> None:
    plain_host(tmp_path)
    before = entries(tmp_path)
    told = _in_namespace(tmp_path, f"mount --bind {tmp_path}/etc {tmp_path}/etc", "ro")
    assert told[0] == f"vlanlog: error: {tmp_path}{HOOKS} cannot be written to"
    assert len([line for line in told if line.startswith("vlanlog: error")]) == 2
    assert entries(tmp_path) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
def test_full_disk_is_an_error_and_the_next_install_ends_what_was_begun(tmp_path: Path) -> None:
    plain_host(tmp_path)
    before = entries(tmp_path)
    (tmp_path / "keep").mkdir()
    small = f"cp -a {tmp_path}/etc {tmp_path}/keep && mount -t tmpfs -o size=12k t {tmp_path}/etc"
    told = _in_namespace(tmp_path, f"{small} && cp -a {tmp_path}/keep/etc/. {tmp_path}/etc", "rw")
    assert told[0].endswith("No space left on device")
    laid(tmp_path)
    taken(tmp_path)
    (tmp_path / "keep/etc").rename(tmp_path / "gone")
    found = {path: entry for path, entry in entries(tmp_path).items() if "/gone" not in path}
    assert {path: entry for path, entry in found.items() if path != "/keep"} == before


def _in_namespace(root: Path, mount: str, mode: str) -> list[str]:
    """Installs with a mount of its own; returns what is said on stderr, the exit status is 3."""
    again = f"mount -o remount,bind,{mode} {root}/etc" if mode == "ro" else "true"
    script = f"{mount} && {again} && exec {sys.executable} -m vlanlog install --root {root}"
    done = subprocess.run(
        ("unshare", "--mount", "sh", "-c", script), capture_output=True, text=True, check=False
    )
    assert done.returncode == 3, done.stdout + done.stderr
    return done.stderr.splitlines()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 1}', '{"version": "one"}'])
def test_manifest_that_cannot_be_read_stops_both(tmp_path: Path, text: str) -> None:
    put(plain_host(tmp_path), PATH, text)
    assert refused(tmp_path).startswith(f"{tmp_path}{PATH} cannot be read: ")
    with pytest.raises(InstallError, match="cannot be read"):
        taken(tmp_path)


def test_manifest_of_a_newer_vlanlog_stops_both(tmp_path: Path) -> None:
    put(plain_host(tmp_path), PATH, json.dumps({"version": 2, "hooks": HOOKS, "items": []}))
    assert refused(tmp_path) == f"{tmp_path}{PATH} is of a newer vlanlog"


def test_two_installs_do_not_work_at_once(tmp_path: Path) -> None:
    plain_host(tmp_path)
    with Tree(tmp_path).locked():
        assert refused(tmp_path) == "another install or uninstall is at work"
    laid(tmp_path)
