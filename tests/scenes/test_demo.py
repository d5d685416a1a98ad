"""``make demo``, the first that a reader runs: it comes to its end, and holds what it promises."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.lab.inside import require_lab

pytestmark = pytest.mark.kernel

DEMO = Path(__file__).parents[2] / "docs" / "demo.sh"


def test_demo_comes_to_its_end_without_a_lost_frame_or_a_word_of_trouble() -> None:
    require_lab()
    # It gives itself another boot id, and makes namespaces by name.
    alone = ("unshare", "--net", "--mount", "--propagation", "private")
    done = subprocess.run((*alone, DEMO), capture_output=True, text=True, check=False)

    refusal = [line for line in done.stderr.splitlines() if "start refused" not in line]
    assert (done.returncode, [line for line in refusal if " recorded; " not in line]) == (0, [])
    [(sent, received)] = re.findall(r"^(\d+) sent, (\d+) received$", done.stdout, re.MULTILINE)
    assert int(sent) > 0
    assert sent == received
    assert "-- not recorded for " in done.stdout
    assert done.stdout.endswith("nothing of it is left on this machine.\n")
