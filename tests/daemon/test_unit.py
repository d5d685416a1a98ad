"""The unit file that is shipped: systemd itself finds nothing to say against it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "conf" / "vlanlog.service"


@pytest.fixture(scope="module")
def systemd_analyze() -> tuple[str, dict[str, str]]:
    """Is systemd's checker, of this machine or unpacked, and the environment that it wants."""
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    if found := shutil.which("systemd-analyze"):
        return found, environment
    command = [sys.executable, str(ROOT / "tests" / "lab" / "packages.py"), "systemd"]
    tree = Path(
        subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    )
    libraries = [*tree.glob("usr/lib/*-linux-gnu*"), *tree.glob("usr/lib/*-linux-gnu*/systemd")]
    return str(tree / "usr/bin/systemd-analyze"), {
        **environment,
        "LD_LIBRARY_PATH": ":".join(str(folder) for folder in libraries),
        "SYSTEMD_UNIT_PATH": f"{tree}/usr/lib/systemd/system:{tree}/lib/systemd/system",
    }


def verified(checker: tuple[str, dict[str, str]], unit: Path) -> tuple[int, str]:
    done = subprocess.run(
        [checker[0], "verify", str(unit)],
        env=checker[1],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_unit_is_what_systemd_understands(
    tmp_path: Path, systemd_analyze: tuple[str, dict[str, str]]
) -> None:
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("ExecStart=vlanlog", f"ExecStart={sys.executable}"))
    assert verified(systemd_analyze, unit) == (0, "")


def test_unit_with_a_misspelt_line_would_be_found(
    tmp_path: Path, systemd_analyze: tuple[str, dict[str, str]]
) -> None:
    unit = tmp_path / UNIT.name
    text = UNIT.read_text().replace("ExecStart=vlanlog", f"ExecStart={sys.executable}")
    unit.write_text(text.replace("WatchdogSec=", "WatchdogSecs="))
    assert "WatchdogSecs" in verified(systemd_analyze, unit)[1]
