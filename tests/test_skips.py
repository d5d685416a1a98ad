"""The suite's own rule: nothing is left out in silence."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
OUTCOME = re.compile(r"^(PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS)\b.*?test_(\w+)\.py", re.MULTILINE)

MODULES = {
    "passes": "def test(): pass",
    "skips": "def test(): pytest.skip('no time')",
    "marked": "@pytest.mark.skip\ndef test(): pass",
    "marked_if": "@pytest.mark.skipif(True, reason='no')\ndef test(): pass",
    "fixture": "@pytest.fixture\ndef f(): pytest.skip('no')\ndef test(f): pass",
    "xfails": "@pytest.mark.xfail\ndef test(): assert False",
    "xpasses": "@pytest.mark.xfail\ndef test(): pass",
    "lacks": "pytest.importorskip('no_such_module')",
    "leaves": "pytest.skip('no', allow_module_level=True)",
    "may": "def test(): pytest.skip('one lab in another is enough')",
}


def test_what_is_not_run_fails_the_run_but_for_what_is_listed(tmp_path: Path) -> None:
    for name, text in MODULES.items():
        (tmp_path / f"test_{name}.py").write_text(f"import pytest\n{text}\n")
    options = ["-rA", "-p", "tests.skips", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--continue-on-collection-errors", *options, "."],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "VLANLOG_LAB": "native"},
        capture_output=True,
        text=True,
        check=False,
    )
    outcomes = {name: outcome for outcome, name in OUTCOME.findall(done.stdout)}
    assert outcomes == {
        "passes": "PASSED",
        "skips": "FAILED",
        "marked": "ERROR",
        "marked_if": "ERROR",
        "fixture": "ERROR",
        "xfails": "FAILED",
        "xpasses": "FAILED",
        "lacks": "ERROR",
        "leaves": "ERROR",
        "may": "SKIPPED",
    }
    assert done.returncode == 1
