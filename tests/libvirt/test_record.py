"""A guest's start while the log cannot be written: VLANs first, and nothing is lost."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.lab.domain import Nic
from tests.libvirt.host import (
    CONF,
    DATA,
    DATABASE,
    LOGS,
    REFERENCE,
    SPOOL,
    Host,
    kernel_vlans,
    write_conf,
)
from tests.libvirt.story import operations, script_ends

pytestmark = pytest.mark.libvirt

VLANS = ["100 pvid untagged", "200"]


@contextmanager
def _missing() -> Iterator[None]:
    shutil.rmtree(DATA)
    yield


@contextmanager
def _garbage() -> Iterator[None]:
    aside = DATA.with_name("aside")
    shutil.copytree(DATA, aside, ignore=shutil.ignore_patterns("spool"))
    for file in DATA.glob("vlanlog.db*"):
        file.unlink()
    DATABASE.write_bytes(b"\x7fthis is no database" * 500)
    try:
        yield
    finally:
        for file in DATA.glob("vlanlog.db*"):
            file.unlink()
        shutil.copytree(aside, DATA, dirs_exist_ok=True)
        shutil.rmtree(aside)


@contextmanager
def _held_by_another_program() -> Iterator[None]:
    holder = sqlite3.connect(DATABASE, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        holder.close()


@contextmanager
def _held_by_another_vlanlog() -> Iterator[None]:
    lock = Path(f"{DATABASE}.lock")
    holder = subprocess.Popen(
        ("flock", lock, "-c", "echo held; read end"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    try:
        yield
    finally:
        holder.communicate("end\n")


@contextmanager
def _read_only() -> Iterator[None]:
    with _mounted_read_only(DATA, but=SPOOL):
        yield


@contextmanager
def _mounted_read_only(folder: Path, *, but: Path | None = None) -> Iterator[None]:
    mounts = [folder, *([but] if but else [])]
    for path in mounts:
        subprocess.run(("mount", "--bind", path, path), check=True)
    subprocess.run(("mount", "-o", "remount,ro,bind", folder), check=True)
    try:
        yield
    finally:
        for path in reversed(mounts):
            subprocess.run(("umount", path), check=True)


Trouble = Callable[[], AbstractContextManager[None]]


@pytest.fixture(scope="module")
def impatient(host: Host) -> Host:
    """Is the host with a log that has begun, and hooks that wait a second for its lock."""
    (CONF / "vlanlog.conf").write_text("[vlanlog]\nlock-timeout = 1\n")
    write_conf(ports="[*]\npvid = 100\ntagged = 200\n")
    host.history()
    return host


@pytest.fixture
def ready(impatient: Host) -> Iterator[Host]:
    yield impatient
    impatient.stop_all()


@pytest.mark.parametrize(
    ("name", "trouble"),
    [
        ("GARBAGE", _garbage),
        ("FOREIGN-LOCK", _held_by_another_program),
        ("LOCK", _held_by_another_vlanlog),
        ("READONLY", _read_only),
    ],
)
def test_start_is_spooled_while_the_log_cannot_be_written(
    ready: Host, name: str, trouble: Trouble
) -> None:
    guest = ready.define(name, Nic(bridge="br0", target="tap1"))
    with trouble():
        ready.start(guest)
        assert kernel_vlans() == {**REFERENCE, "tap1": VLANS}
        assert ready.state(guest) == "running"
        assert any(SPOOL.iterdir())
    told = ready.history(name)
    assert operations(told) == ["prepare", "start", "started"]
    assert script_ends(told) == [
        (name, "qemu_start_begin", "vlan_filtering.py", 0),
        (name, "qemu_started_begin", "vlan_filtering.py", 0),
    ]
    assert _programmed(told) == [{"members": "100,200", "untagged": "100", "pvid": 100}]
    assert not [path for path in SPOOL.iterdir() if path.is_file()]
    assert ready.vlanlog("verify").returncode == 0


def test_start_without_a_log_begins_a_new_one(ready: Host) -> None:
    guest = ready.define("MISSING", Nic(bridge="br0", target="tap1"))
    with _missing():
        ready.start(guest)
    assert kernel_vlans() == {**REFERENCE, "tap1": VLANS}
    told = ready.history("MISSING")
    assert operations(told) == ["prepare", "start", "started"]
    assert _programmed(told) == [{"members": "100,200", "untagged": "100", "pvid": 100}]


def test_start_goes_on_where_not_even_the_spool_can_be_written(ready: Host) -> None:
    guest = ready.define("NOWHERE", Nic(bridge="br0", target="tap1"))
    with _mounted_read_only(DATA):
        ready.start(guest)
    assert ready.state(guest) == "running"
    assert kernel_vlans() == {**REFERENCE, "tap1": VLANS}
    log = LOGS / "qemu_start_begin_NOWHERE_dispatcher.log"
    assert log.read_text() == f"not recorded: {SPOOL}: Read-only file system\n"


def _programmed(told: list[dict[str, object]]) -> list[object]:
    """Returns what a re-read found after each programming that was done."""
    found = []
    for event in told:
        payload = event["payload"]
        if event["kind"] == "program.finished" and isinstance(payload, dict):
            found.append(payload["found"] if payload["outcome"] == "done" else payload)
    return found
