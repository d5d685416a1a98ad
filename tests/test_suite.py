"""The gate itself: it runs every part, sums up, and is red when any part is."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TOOLS = ("ruff", "mypy", "lint-imports", "python")


def suite(folder: Path, name: str, **scripts: str) -> tuple[int, list[str]]:
    """Runs .ci/suite with tools that do as told; returns its status and what it sums up."""
    shutil.copytree(ROOT / ".ci", folder / ".ci")
    tools = folder / ".venv" / "bin"
    tools.mkdir(parents=True)
    for tool in TOOLS:
        (tools / tool).write_text(f"#!/bin/sh\n{scripts.get(tool, 'exit 0')}\n")
        (tools / tool).chmod(0o755)
    done = subprocess.run(
        [folder / ".ci" / "suite", name],
        env={**os.environ, "VLANLOG_LAB_CACHE": str(folder / "cache")},
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
            ["ruff", "format", "mypy", "imports", "tests", "tests-kernel", "tests-libvirt"],
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
