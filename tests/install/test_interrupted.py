"""An install or uninstall that is killed at any of its file operations, then run again."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.install.hosts import entries, kvmvlan_host, laid, taken, without_times
from vlanlog.install.tree import NEW_NAME

CHANGES = frozenset(
    ("os.mkdir", "os.rename", "os.symlink", "os.chmod", "os.chown", "os.remove", "os.rmdir")
)
SHIFTS = 3


def killed_at(step: int, act: Callable[[], object]) -> bool:
    """Acts in a process that is killed right before so many changes; tells whether it was."""
    child = os.fork()
    if child == 0:
        left = [step]

        def count(name: str, arguments: tuple[object, ...]) -> None:
            writes = name == "open" and isinstance(arguments[1], str) and "x" in arguments[1]
            if name in CHANGES or writes:
                left[0] -= 1
                if left[0] < 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        status = 1
        try:
            act()
            status = 0
        finally:
            os._exit(status)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, -signal.SIGKILL)
    return code != 0


def _every_death(
    tmp_path: Path, start: Callable[[Path], object], act: Callable[[Path], object], shift: int
) -> list[Path]:
    """Returns a host for each operation (of a share) at which the act was killed on it."""
    hosts: list[Path] = []
    step = shift
    while True:
        root = tmp_path / str(step)
        root.mkdir()
        start(root)
        if not killed_at(step, partial(act, root)):
            shutil.rmtree(root)
            return hosts
        hosts.append(root)
        step += SHIFTS


def _installed(root: Path) -> None:
    laid(kvmvlan_host(root))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    root = tmp_path_factory.mktemp("whole")
    _installed(root)
    return dict(without_times(entries(root)))


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    return dict(entries(kvmvlan_host(tmp_path_factory.mktemp("untouched"))))


@pytest.mark.parametrize("shift", range(SHIFTS))
def test_killed_install_is_finished_by_the_next(
    tmp_path: Path, shift: int, whole: dict[str, object], untouched: dict[str, object]
) -> None:
    hosts = _every_death(tmp_path, kvmvlan_host, laid, shift)
    assert len(hosts) > 20
    for root in hosts:
        # libvirt would run it, if it may be run.
        assert not list(root.rglob(f"*.d/{NEW_NAME}"))
        laid(root)
        assert without_times(entries(root)) == whole
        taken(root)
        assert entries(root) == untouched


@pytest.mark.parametrize("shift", range(SHIFTS))
def test_killed_install_is_undone_by_an_uninstall(
    tmp_path: Path, shift: int, untouched: dict[str, object]
) -> None:
    for root in _every_death(tmp_path, kvmvlan_host, laid, shift):
        is_remembered = (root / "var/lib/vlanlog/install.json").exists()
        taken(root)
        found = entries(root)
        if not is_remembered:
            for path in ("/var/lib/vlanlog", f"/var/lib/vlanlog/{NEW_NAME}"):
                found.pop(path, None)
        assert found == untouched


@pytest.mark.parametrize("shift", range(SHIFTS))
def test_killed_uninstall_is_finished_by_the_next(
    tmp_path: Path, shift: int, untouched: dict[str, object]
) -> None:
    hosts = _every_death(tmp_path, _installed, taken, shift)
    assert len(hosts) > 15
    for root in hosts:
        taken(root)
        assert entries(root) == untouched


@pytest.mark.parametrize("shift", range(SHIFTS))
def test_killed_uninstall_is_turned_back_by_an_install(
    tmp_path: Path, shift: int, untouched: dict[str, object]
) -> None:
    for root in _every_death(tmp_path, _installed, taken, shift):
        laid(root)
        taken(root)
        assert entries(root) == untouched
