"""Whatever becomes of it, guests start and nothing is lost."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.kernel.netns import bridge, run
from tests.scenes.guests import VM1, VM2
from tests.scenes.resident import Resident, watched
from tests.scenes.stage import VETH0, VETH1, VETH2, Stage
from vlanlog.core.event import HookInvoked
from vlanlog.core.state import Coverage

pytestmark = pytest.mark.kernel

IMPATIENT = {"VLANLOG_RECONCILE_INTERVAL_S": "600", "VLANLOG_LOCK_TIMEOUT_S": "1"}
Calls = Counter[tuple[str | None, str]]
OPERATIONS = ("prepare", "start", "started")
ONCE: Calls = Counter({("VM1", operation): 1 for operation in OPERATIONS})
BOTH: Calls = Counter(
    {(guest, operation): 1 for guest in ("VM1", "VM2") for operation in OPERATIONS}
)


@pytest.fixture
def resident(reference: Stage) -> Iterator[Resident]:
    with watched(reference, IMPATIENT) as resident:
        yield resident


@contextmanager
def small_disk(stage: Stage) -> Iterator[Path]:
    """Moves the database to a disk of 2 MB, and yields its folder."""
    folder = stage.folder / "disk"
    folder.mkdir()
    run("mount", "-t", "tmpfs", "-o", "size=2m", "none", str(folder))
    try:
        moved = folder / stage.database.name
        shutil.copy(stage.database, moved)
        settings = stage.conf / "vlanlog.conf"
        settings.write_text(settings.read_text().replace(str(stage.database), str(moved)))
        # For the test, which looks for it where it was.
        stage.database.unlink()
        stage.database.symlink_to(moved)
        yield folder
    finally:
        run("umount", "--lazy", str(folder))


def calls(resident: Resident) -> Calls:
    return Counter(
        (event.subject.guest_name, event.fact.operation)
        for event in resident.events()
        if isinstance(event.fact, HookInvoked) and event.fact.driver == "qemu"
    )


def comes(resident: Resident, wanted: Callable[[], bool]) -> None:
    """Waits until it is so."""
    ends = time.monotonic() + 60
    while not wanted():
        assert time.monotonic() < ends, resident.said.read_text()
        time.sleep(0.1)


def all_is_well(resident: Resident, known: Calls) -> None:
    comes(resident, lambda: calls(resident).total() >= known.total())
    resident.settled()
    assert calls(resident) == known
    assert list(resident.stage.spool.iterdir()) == []
    assert resident.stage.vlanlog("verify").status == 0


def test_a_locked_database_keeps_nobody_waiting(resident: Resident) -> None:
    with closing(sqlite3.connect(resident.stage.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        resident.stage.start(VM1)
        bridge("vlan", "add", "dev", "eth0", "vid", "4000")
        resident.stage.start(VM2)
        carried = resident.stage.carried()
        assert [carried[port] for port in ("veth0", "veth1", "veth2")] == [VETH0, VETH1, VETH2]
        assert "is locked by another process" in resident.said.read_text()
        other.execute("ROLLBACK")
    all_is_well(resident, BOTH)


def test_a_full_disk_keeps_no_guest_from_its_vlans(reference: Stage) -> None:
    with small_disk(reference) as folder, watched(reference, IMPATIENT) as resident:
        fill(folder / "filler")
        reference.start(VM1)
        assert reference.carried()["veth0"] == VETH0
        bridge("vlan", "add", "dev", "eth0", "vid", "4000")
        reference.start(VM2)
        assert "the disk is full" in resident.said.read_text()
        (folder / "filler").unlink()
        all_is_well(resident, BOTH)
        resident.stop()


def test_a_database_that_can_only_be_read_is_waited_for(reference: Stage) -> None:
    with small_disk(reference) as folder, watched(reference, IMPATIENT) as resident:
        copy = reference.folder / "copy"
        shutil.copytree(folder, copy)
        run("mount", "--bind", str(copy), str(folder))
        run("mount", "-o", "remount,bind,ro", str(folder))
        reference.start(VM1)
        assert reference.carried()["veth0"] == VETH0
        assert len(list(reference.spool.iterdir())) > 1
        run("umount", str(folder))
        all_is_well(resident, ONCE)
        resident.stop()


def test_a_backup_that_is_put_in_place_is_gone_on_with(resident: Resident) -> None:
    backup = resident.stage.folder / "backup.db"
    with closing(sqlite3.connect(resident.stage.database)) as live:
        live.execute("VACUUM INTO ?", (str(backup),))
    resident.stage.start(VM1)
    remove_database(resident)
    backup.rename(resident.stage.database)
    resident.stage.start(VM2)
    comes(resident, lambda: calls(resident).total() >= 3)
    state = resident.settled()
    assert (calls(resident), state.coverage) == (BOTH - ONCE, Coverage.WATCHED)
    assert resident.stage.vlanlog("verify").status == 0


def remove_database(resident: Resident) -> None:
    for path in resident.stage.folder.glob("vlanlog.db*"):
        path.unlink()


def fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return


def test_a_deleted_database_is_made_anew(resident: Resident) -> None:
    resident.stage.start(VM1)
    remove_database(resident)
    resident.stage.start(VM2)
    assert "was removed or replaced" in resident.said.read_text()
    comes(resident, lambda: calls(resident).total() >= 3)
    state = resident.settled()
    assert (calls(resident), state.coverage) == (BOTH - ONCE, Coverage.WATCHED)
    assert len(state.config.loaded) == 2
    assert resident.stage.vlanlog("verify").status == 0
