"""The suite's own rule: nothing is left out in silence."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def outcome(folder: Path, text: str) -> tuple[int, str]:
    """Returns pytest's exit status and closing line for a module of tests, without its time."""
    (folder / "test_it.py").write_text(f"import pytest\n{text}\n")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "tests.skips",
            "-p",
            "no:cacheprovider",
            str(folder),
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "VLANLOG_LAB": "native"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout.strip().split("\n")[-1].strip("= ").partition(" in ")[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("def test_a(): pytest.skip('no time')", (1, "1 failed")),
        ("@pytest.mark.skip\ndef test_a(): pass", (1, "1 error")),
        ("@pytest.mark.skipif(True, reason='no')\ndef test_a(): pass", (1, "1 error")),
        ("@pytest.fixture\ndef f(): pytest.skip('no')\ndef test_a(f): pass", (1, "1 error")),
        ("@pytest.mark.xfail\ndef test_a(): assert False", (1, "1 failed")),
        ("@pytest.mark.xfail\ndef test_a(): pass", (1, "1 failed")),
        ("pytest.importorskip('no_such_module')", (2, "1 error")),
        ("pytest.skip('no', allow_module_level=True)", (2, "1 error")),
        ("", (5, "no tests ran")),
        ("def test_a(): pass", (0, "1 passed")),
        ("def test_a(): pytest.skip('one lab in another is enough')", (0, "1 skipped")),
    ],
)
def test_what_is_not_run_fails_the_run(
    tmp_path: Path, text: str, expected: tuple[int, str]
) -> None:
    assert outcome(tmp_path, text) == expected
