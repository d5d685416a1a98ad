"""``vlanlog install`` and ``uninstall`` as commands: what they print, ask and end with."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.cli.golden import transcript
from tests.install.hosts import HOOKS, entries, kvmvlan_host, laid, plain_host, put, taken


def said(folder: Path, *words: str) -> str:
    """Returns what a command says, without VLANLOG_HOOKS_DIR; the folder is written as FOLDER."""
    return transcript(folder, words, VLANLOG_HOOKS_DIR="", COLUMNS="200")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root").mkdir()
    return tmp_path / "root"


def test_dry_run_and_install_print_the_same_table(root: Path) -> None:
    kvmvlan_host(root)
    before = entries(root)
    planned = said(root.parent, "install", "--root", str(root), "--dry-run")
    assert entries(root) == before
    done = said(root.parent, "install", "--root", str(root))
    assert planned.replace(" --dry-run", "", 1).replace("Plan:", "Done:") == done
    assert "\nDone: 7 new, 1 same, 4 kept, 4 replaced.\n" in done


def test_second_install_says_that_there_is_nothing_to_do(root: Path) -> None:
    laid(plain_host(root))
    text = said(root.parent, "install", "--root", str(root))
    assert "\nNothing to do.\n" in text
    assert text.endswith("--- exit status 0\n")


def test_row_says_what_becomes_of_a_path_and_why(root: Path) -> None:
    kvmvlan_host(root)
    rows = said(root.parent, "install", "--root", str(root)).splitlines()
    table = [re.split(r"  +", row) for row in rows]
    backup = "/var/lib/vlanlog/backup/1"
    assert ["new", "/var/lib/vlanlog/spool/"] in table
    assert ["kept", f"{HOOKS}/conf/bridge_init.conf", "it was there"] in table
    assert ["replaced", f"{HOOKS}/qemu", f"kvmvlan's, with changes; kept below {backup}"] in table


def test_uninstall_says_from_where_it_brings_back(root: Path) -> None:
    laid(kvmvlan_host(root))
    rows = said(root.parent, "uninstall", "--root", str(root)).splitlines()
    assert ["restored", f"{HOOKS}/qemu", "from /var/lib/vlanlog/backup/1"] in [
        re.split(r"  +", r) for r in rows
    ]


def test_commands_that_are_for_an_image_are_not_offered_to_this_host(root: Path) -> None:
    plain_host(root)
    for verb in ("install", "uninstall"):
        text = said(root.parent, verb, "--root", str(root))
        assert "\nvlanlog: what is left to run, when the image has started:\n    systemctl" in text


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_steps_are_told_as_json(root: Path, form: str) -> None:
    kvmvlan_host(root)
    text = said(root.parent, "install", "--root", str(root), "-o", form)
    out = text.partition("\n")[2].partition("--- stderr")[0]
    steps = json.loads(out) if form == "json" else [json.loads(row) for row in out.splitlines()]
    (qemu,) = [step for step in steps if step["path"] == f"{HOOKS}/qemu"]
    assert qemu == {
        "action": "replaced",
        "path": f"{HOOKS}/qemu",
        "form": "file",
        "note": "kvmvlan's, with changes",
        "backup": f"/var/lib/vlanlog/backup/1{HOOKS}/qemu",
    }


@pytest.mark.parametrize("words", [["install", "--enable"], ["uninstall", "--purge"]])
def test_what_cannot_be_is_a_usage_error(root: Path, words: list[str]) -> None:
    laid(plain_host(root))
    before = entries(root)
    text = said(root.parent, *words, "--root", str(root))
    assert text.endswith("--- exit status 2\n")
    assert entries(root) == before


@pytest.mark.parametrize(
    "words", [["install", "--root"], ["uninstall", "--root"], ["capture", "-o"]]
)
def test_folder_without_a_name_is_not_the_one_that_the_caller_is_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    place = tmp_path / "here"
    place.mkdir()
    monkeypatch.chdir(place)
    assert said(tmp_path, *words, "").split("\n", 1)[1] == (
        "--- stderr\nvlanlog: error: an empty name is no folder\n"
        "hint: name it; '.' is the one you are in\n--- exit status 2\n"
    )
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("verb", ["install", "uninstall"])
def test_root_that_is_not_there_is_a_usage_error(tmp_path: Path, verb: str) -> None:
    assert said(tmp_path, verb, "--root", "/no/image").partition("\n")[2] == (
        "--- stderr\n"
        "vlanlog: error: /no/image is no folder\n"
        "hint: make it first, or mount the image there\n"
        "--- exit status 2\n"
    )


@pytest.mark.parametrize(("answer", "purged"), [(b"y\n", True), (b"n\n", False)])
def test_purge_asks_on_a_terminal(root: Path, answer: bytes, purged: bool) -> None:
    laid(plain_host(root))
    put(root, "/var/lib/vlanlog/vlanlog.db", "events")
    before = entries(root)
    command = (sys.executable, "-m", "vlanlog", "uninstall", "--purge", "--root", str(root))
    child, terminal = pty.fork()
    if child == 0:
        os.execv(command[0], command)
    asked = b""
    while b"[y/N]" not in asked:
        asked += os.read(terminal, 4096)
    ended = 0
    while not ended:
        # What is typed before the question is really waited for may be passed over.
        with suppress(OSError):
            os.write(terminal, answer)
        time.sleep(0.1)
        ended, raw = os.waitpid(child, os.WNOHANG)
    status = os.waitstatus_to_exitcode(raw)
    os.close(terminal)
    assert b"Delete /etc/libvirt/hooks/logs and /var/lib/vlanlog with all in it?" in asked
    assert (status, (root / "var/lib/vlanlog").exists()) == (0 if purged else 130, not purged)
    assert purged or entries(root) == before


def test_purge_is_done_unasked_where_it_is_said(root: Path) -> None:
    before = entries(plain_host(root))
    laid(root)
    put(root, "/var/lib/vlanlog/vlanlog.db", "events")
    said(root.parent, "uninstall", "--purge", "--yes", "--root", str(root))
    assert entries(root) == before


def test_modes_do_not_hang_on_the_callers_umask(root: Path) -> None:
    plain_host(root)
    mask = os.umask(0o077)
    try:
        said(root.parent, "install", "--root", str(root))
    finally:
        os.umask(mask)
    by_command = {path: entry[1] for path, entry in entries(root).items()}
    taken(root)
    laid(root)
    assert by_command == {path: entry[1] for path, entry in entries(root).items()}


@pytest.mark.parametrize("verb", ["install", "uninstall"])
def test_host_itself_is_roots_alone(verb: str) -> None:
    # In a user namespace that maps nobody, its files can be read and root is someone else.
    command = ("unshare", "--user", sys.executable, "-m", "vlanlog", verb)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (
        3,
        "",
        "vlanlog: error: only root may do this\n"
        "hint: run it as root; --dry-run shows what it would do\n",
    )


def test_path_is_never_broken_and_why_gets_a_line_where_it_is_narrow(root: Path) -> None:
    kvmvlan_host(root)
    child, terminal = pty.fork()
    if child == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        os.environ["COLUMNS"] = "80"
        command = (sys.executable, "-m", "vlanlog", "install", "--dry-run", "--root", str(root))
        os.execv(command[0], command)
    told = b""
    with suppress(OSError):
        while chunk := os.read(terminal, 4096):
            told += chunk
    os.waitpid(child, 0)
    os.close(terminal)
    lines = told.decode().splitlines()
    at = lines.index(f"replaced  {HOOKS}/qemu_started_begin.d/vlan_filtering.py")
    assert lines[at + 1] == (
        "          kvmvlan's, with changes; kept below /var/lib/vlanlog/backup/1"
    )
    assert f"kept      {HOOKS}/conf/vlan_filtering.conf  it was there" in lines
