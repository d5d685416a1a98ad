"""The gate itself: it runs every part, sums up, and is red when any part is."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TOOLS = ("ruff", "mypy", "lint-imports", "python")


def lay_down(folder: Path, **scripts: str) -> Path:
    """Puts .ci/suite beside tools that do as told; returns it."""
    shutil.copytree(ROOT / ".ci", folder / ".ci")
    tools = folder / ".venv" / "bin"
    tools.mkdir(parents=True)
    for tool in TOOLS:
        (tools / tool).write_text(f"#!/bin/sh\n{scripts.get(tool, 'exit 0')}\n")
        (tools / tool).chmod(0o755)
    return folder / ".ci" / "suite"


def environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "VLANLOG_LAB_CACHE": str(folder / "cache")}


def suite(folder: Path, name: str, **scripts: str) -> tuple[int, list[str]]:
    """Runs .ci/suite with tools that do as told; returns its status and what it sums up."""
    done = subprocess.run(
        [lay_down(folder, **scripts), name],
        env=environment(folder),
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stdout.split("\n")
    lines = lines[lines.index(f"=== make {name}") + 1 :] if f"=== make {name}" in lines else []
    return done.returncode, [" ".join(line.split(" s ")[0].split()) for line in lines if line]


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("check", ["ruff", "format", "mypy", "imports", "tests"]),
        (
            "test",
            [
                *("ruff", "format", "mypy", "imports", "tests-native"),
                *(
                    f"tests-libvirt-{share}"
                    for share in ("1", "2", "backports-1", "backports-2", "modular")
                ),
                *(f"tests-kernel-{number}" for number in range(1, 5)),
            ],
        ),
    ],
)
def test_suite_is_green_when_all_parts_are(tmp_path: Path, name: str, parts: list[str]) -> None:
    status, told = suite(tmp_path, name)
    assert (status, [line.rsplit(" ", 1)[0] for line in told[:-1]], told[-1]) == (
        0,
        [f"{part} ok" for part in parts],
        f"all {len(parts)} parts passed",
    )


def test_suite_is_red_and_goes_on_when_a_part_fails(tmp_path: Path) -> None:
    status, told = suite(tmp_path, "check", mypy="exit 7")
    assert (status, [line.rsplit(" ", 1)[0] for line in told[:-1]], told[-1]) == (
        1,
        ["ruff ok", "format ok", "mypy FAILED (7)", "imports ok", "tests ok"],
        "1 of 5 parts failed",
    )


def test_suite_refuses_a_name_that_is_none(tmp_path: Path) -> None:
    assert suite(tmp_path, "tset") == (2, [])


def test_suite_shows_the_output_of_each_part_whole(tmp_path: Path) -> None:
    slowly = "for n in 1 2 3; do echo $0 $n; sleep 0.1; done"
    done = subprocess.run(
        [lay_down(tmp_path, **dict.fromkeys(TOOLS, slowly)), "check"],
        env=environment(tmp_path) | {"JOBS": "5"},
        capture_output=True,
        text=True,
        check=False,
    )
    said = [line.split("/")[-1] for line in done.stdout.splitlines() if line.startswith(".venv")]
    assert len(said) == 15
    assert said == [f"{said[first][:-2]} {n}" for first in range(0, 15, 3) for n in (1, 2, 3)]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_suite_that_is_interrupted_ends_what_it_started(
    tmp_path: Path, number: signal.Signals
) -> None:
    pid = tmp_path / "pid"
    # Says so only when it was asked to end, and not killed.
    script = (
        f"trap 'echo asked >> {pid}; exit 130' INT; echo $$ >> {pid}; while :; do sleep 0.1; done"
    )
    command = ("env", "--default-signal=INT", str(lay_down(tmp_path, ruff=script)), "check")
    with subprocess.Popen(
        command, env=environment(tmp_path), stdout=subprocess.PIPE, text=True
    ) as process:
        _wait_for(lambda: pid.exists() and len(pid.read_text().splitlines()) > 0)
        process.send_signal(number)
        process.communicate(timeout=60)
    shell, *rest = pid.read_text().splitlines()
    assert (process.returncode, rest[-1:], Path(f"/proc/{shell}").exists()) == (
        130,
        ["asked"],
        False,
    )


def _wait_for(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)
