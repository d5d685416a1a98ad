"""A wheel, installed where there is no source tree: all that the program needs is in it."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

from vlanlog.store.schema import HEAD

ROOT = Path(__file__).parents[2]

# Each line that it prints is held against what is expected; nothing of it is imported here.
USE = """
import sys
from uuid import UUID
from sqlalchemy import inspect
import vlanlog
from vlanlog.core import event as e
from vlanlog.store import open_log
from vlanlog.store.engine import open_engine
from vlanlog.store.log import SqlEventLog
from vlanlog.store.upgrade import migrate, migrations_folder

url, way = sys.argv[1:]
if way == "migrate":
    engine = open_engine(url)
    with engine.connect() as connection:
        migrate(connection)
        connection.commit()
log = open_log(url, host="host")
event = e.Event(
    event_id=UUID(int=1), at_ns=1, host="host", boot_id="boot", actor=e.UNKNOWN_ACTOR,
    correlation_id=UUID(int=2), fact=e.DaemonStarted(),
)
print(vlanlog.__file__)
print(migrations_folder())
print(log.append([event]), [item.event for item in log.read()] == [event], log.verify())
print(sorted(inspect(log.engine).get_table_names()))
"""


@dataclass(frozen=True, kw_only=True)
class Installed:
    """Is a venv with vlanlog in it, and a folder that is nobody's source tree."""

    bin: Path
    package: Path
    elsewhere: Path

    def run(self, *command: str | Path) -> list[str]:
        done = subprocess.run(
            [self.bin / command[0], *command[1:]],
            cwd=self.elsewhere,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout.splitlines()

    def use(self, url: str, way: str) -> list[str]:
        return self.run("python", "-I", "-c", USE, url, way)

    @property
    def used(self) -> list[str]:
        """What ``use`` says when all is well."""
        return [
            str(self.package / "__init__.py"),
            str(self.package / "_migrations"),
            "[1] True None",
            "['alembic_version', 'archives', 'events', 'snapshots', 'subjects']",
        ]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("wheel")
    venv.create(folder / "venv", with_pip=False, symlinks=True)
    python = folder / "venv" / "bin" / "python"
    pip: list[str | Path] = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    build: list[str | Path] = [
        "wheel",
        "--no-build-isolation",
        "--no-deps",
        "--no-index",
        "--wheel-dir",
        folder,
    ]
    _run([*pip, *build, ROOT])
    (wheel,) = folder.glob("vlanlog-*.whl")
    _run([*pip, "--python", python, "install", "--no-deps", "--no-index", wheel])
    (site,) = (folder / "venv" / "lib").glob("python*/site-packages")
    # The packages that vlanlog needs. A .pth file in there, such as that of an editable vlanlog,
    # is not read: it is not a folder of this venv's.
    (site / "packages.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    return Installed(bin=python.parent, package=site / "vlanlog", elsewhere=elsewhere)


def _run(command: list[str | Path]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def files(folder: Path) -> dict[str, tuple[bytes, bool]]:
    """Returns each file's content and whether it is a program, by its path."""
    return {
        str(path.relative_to(folder)): (path.read_bytes(), os.access(path, os.X_OK))
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.mark.parametrize("folder", ["hooks", "conf", "migrations"])
def test_wheel_has_what_the_source_tree_has(installed: Installed, folder: str) -> None:
    found = files(installed.package / f"_{folder}")

    assert found == files(ROOT / folder)
    assert found


def test_hooks_of_the_wheel_are_programs(installed: Installed) -> None:
    programs = {name for name, (_, runs) in files(installed.package / "_hooks").items() if runs}

    assert programs == {
        "daemon",
        "qemu",
        "daemon_reload.d/bridge_init.py",
        "daemon_start.d/bridge_init.py",
        "qemu_reconnect_begin.d/vlan_filtering.py",
        "qemu_start_begin.d/vlan_filtering.py",
        "qemu_started_begin.d/vlan_filtering.py",
    }


def test_wheel_has_pages_and_completions(installed: Installed) -> None:
    share = installed.bin.parent / "share"
    pages = [path.name for path in ROOT.glob("docs/man/man?/*")]

    assert set(files(share)) == {
        *(f"man/man{page[-1]}/{page}" for page in pages),
        "bash-completion/completions/vlanlog",
        "zsh/site-functions/_vlanlog",
        "fish/vendor_completions.d/vlanlog.fish",
    }


def test_command_of_the_wheel_creates_the_database(installed: Installed, tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path}/vlanlog.db"

    said = installed.run("vlanlog", "db", "upgrade", "--database", database)

    assert said == [f"schema {HEAD}"]
    assert installed.use(database, "ensure") == installed.used


@pytest.mark.parametrize("way", ["ensure", "migrate"])
def test_wheel_keeps_a_log_in_sqlite(installed: Installed, tmp_path: Path, way: str) -> None:
    assert installed.use(f"sqlite:///{tmp_path}/vlanlog.db", way) == installed.used


def test_wheel_keeps_a_log_in_postgresql(installed: Installed, postgresql: str) -> None:
    assert installed.use(postgresql, "ensure") == installed.used
