"""The interpreter of a host: found, tried, and told of where others can change it."""

from __future__ import annotations

import os
import sys
import venv
from pathlib import Path

import pytest

import vlanlog
from vlanlog.install.interpreter import interpreter
from vlanlog.install.tree import InstallError, Tree

HOST = Tree()
OWN = Path(vlanlog.__path__[0])


def test_this_interpreter_is_taken_by_its_own_path_not_by_what_it_leads_to() -> None:
    found = interpreter(HOST, None)
    assert (found.python, found.program, found.hook_py) == (
        sys.executable,
        os.path.realpath(sys.executable),
        f"{OWN}/hook.py",
    )


@pytest.fixture
def empty_venv(tmp_path: Path) -> str:
    venv.create(tmp_path / "venv", with_pip=False, symlinks=True)
    return str(tmp_path / "venv/bin/python")


def test_interpreter_without_vlanlog_is_refused(empty_venv: str) -> None:
    with pytest.raises(InstallError) as told:
        interpreter(HOST, empty_venv)
    assert told.value.message == (
        f"{empty_venv} cannot import vlanlog: ModuleNotFoundError: No module named 'vlanlog'"
    )


def test_interpreter_that_has_vlanlog_only_for_its_user_is_refused(
    empty_venv: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(OWN.parent))
    with pytest.raises(InstallError, match="cannot import vlanlog"):
        interpreter(HOST, empty_venv)


def test_venv_with_vlanlog_is_taken_by_its_own_place(empty_venv: str) -> None:
    (site,) = Path(empty_venv).parents[1].glob("lib/python3*/site-packages")
    own = Path(sys.executable).parents[1]
    (packages,) = own.glob("lib/python3*/site-packages")
    (site / "packages.pth").write_text(f"{packages}\n{OWN.parent}\n")
    found = interpreter(HOST, empty_venv)
    assert (found.python, found.hook_py) == (empty_venv, f"{OWN}/hook.py")


@pytest.mark.parametrize("given", ["/no/python3", "/etc/passwd", "/tmp"])
def test_what_cannot_be_run_is_refused(given: str) -> None:
    with pytest.raises(InstallError, match="cannot be run"):
        interpreter(HOST, given)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
def test_package_that_others_can_change_is_told_of(empty_venv: str) -> None:
    (site,) = Path(empty_venv).parents[1].glob("lib/python3*/site-packages")
    for name in ("__init__.py", "hook.py", "cli/__init__.py", "cli/scripts.py"):
        place = site / "vlanlog" / name
        place.parent.mkdir(exist_ok=True)
        place.touch(0o644)
    remark = (
        f"{site} can be changed by others than root, and root runs {site}/vlanlog/hook.py "
        "whenever a guest starts"
    )
    assert _of_package(empty_venv) == []
    site.chmod(0o777)
    assert _of_package(empty_venv) == [remark]
    site.chmod(0o755)
    os.chown(site, 65534, -1)
    assert _of_package(empty_venv) == [remark]


def _of_package(python: str) -> list[str]:
    """Returns the remarks that are not about the interpreter itself, which is this machine's."""
    return [line for line in interpreter(HOST, python).remarks if "hook.py" in line]
