"""The end of a long story, read from its end: the same lines as the end of the whole one."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks.crowded_log import HOST, build
from tests.cli.golden import environment

VLANLOG = Path(sys.executable).with_name("vlanlog")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Is where the log of a host with three guests lies: some thousand events of each."""
    folder = tmp_path_factory.mktemp("crowded")
    build(folder / "log.db", 12_000, guests=3)
    return folder


def history(folder: Path, *words: str) -> str:
    done = subprocess.run(
        [VLANLOG, "history", *words],
        env=environment(folder, VLANLOG_HOST=HOST),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def rows(text: str) -> list[list[str]]:
    return [re.split(r"  +", line) for line in text.splitlines()[1:]]


@pytest.mark.parametrize(
    "words",
    [
        ("VM1",),
        ("VM2", "--kind", "vlan.removed"),
        ("VM1", "--by", "root"),
        ("VM3", "--vlan", "1"),
        (),
    ],
)
def test_last_lines_are_those_of_the_whole_story(folder: Path, words: tuple[str, ...]) -> None:
    whole = rows(history(folder, *words))

    assert len(whole) > 1
    for number in (1, 7, 120, len(whole) - 1, len(whole) + 5):
        assert rows(history(folder, *words, "-n", str(number))) == whole[-number:]


def test_last_events_are_those_of_the_whole_story(folder: Path) -> None:
    whole = json.loads(history(folder, "VM1", "-o", "json"))

    assert len(whole) > 1000
    for number in (1, 300):
        last = json.loads(history(folder, "VM1", "-o", "json", "-n", str(number)))
        assert last == whole[-number:]


def test_newest_line_comes_first_in_reverse(folder: Path) -> None:
    ends = rows(history(folder, "VM1", "-n", "9"))

    assert rows(history(folder, "VM1", "-n", "9", "-r")) == ends[::-1]
