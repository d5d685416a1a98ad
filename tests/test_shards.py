"""Shares of the suite: each test file is in one of them, and they take about as long."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.shards import Shard, files_of_part, measured, parse_shard, recorded, shares

ROOT = Path(__file__).parents[1]
_SECONDS = {"a": 9.0, "b": 5.0, "c": 4.0, "d": 3.0}


@pytest.mark.parametrize("of", range(1, 7))
@pytest.mark.parametrize("part", ["kernel", "libvirt"])
def test_shares_hold_each_file_of_a_part_once(part: str, of: int) -> None:
    held = [file for share in shares(files_of_part(part), recorded(part), of) for file in share]
    assert sorted(held) == sorted(files_of_part(part))


def test_shares_are_balanced_by_what_was_recorded() -> None:
    assert shares(("d", "new", "c", "b", "a"), _SECONDS, 2) == (
        frozenset({"new", "c", "d"}),
        frozenset({"a", "b"}),
    )


def test_shares_do_not_depend_on_the_order_of_files() -> None:
    files = ("y", "x", "a", "b", "c")
    assert shares(files, _SECONDS, 3) == shares(files[::-1], _SECONDS, 3)


@pytest.mark.parametrize("text", ["kernel:0/2", "kernel:3/2", "kernel:1", "kernel", "kernel:a/b"])
def test_share_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"invalid literal|^kernel"):
        parse_shard(text)


def test_share_is_named_by_part_number_and_count() -> None:
    assert parse_shard("kernel:2/4") == Shard(part="kernel", number=2, of=4)


def test_record_adds_up_what_the_tests_of_a_file_took(tmp_path: Path) -> None:
    case = '<testcase file="tests/{}" time="{}"/>'
    reports: dict[str, list[tuple[str, float]]] = {
        "tests-kernel-1": [("kernel/test_a.py", 1.25), ("kernel/test_a.py", 2)],
        "tests-kernel-2": [("test_b.py", 0.5)],
        "tests-libvirt-1": [("test_b.py", 7)],
    }
    for name, cases in reports.items():
        inner = "".join(case.format(*each) for each in cases)
        (tmp_path / f"{name}.xml").write_text(f"<testsuite>{inner}</testsuite>")
    record = tmp_path / "durations.txt"
    record.write_text(measured(sorted(tmp_path.glob("*.xml"))))
    assert (recorded("kernel", record), recorded("libvirt", record)) == (
        {"kernel/test_a.py": 3.2, "test_b.py": 0.5},
        {"test_b.py": 7.0},
    )


@pytest.mark.parametrize(
    ("part", "mark"), [("kernel", "kernel and not libvirt"), ("libvirt", "libvirt")]
)
def test_pytest_collects_in_its_shares_what_it_collects_whole(part: str, mark: str) -> None:
    collected = [_collected(mark, f"--shard={part}:{number}/2") for number in (1, 2)]
    assert not set(collected[0]) & set(collected[1])
    assert sorted([*collected[0], *collected[1]]) == sorted(_collected(mark))


def _collected(mark: str, *options: str) -> list[str]:
    pytest_alone = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider")
    done = subprocess.run(
        (*pytest_alone, "--collect-only", "-q", *options, "-m", mark),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    found = [line for line in done.stdout.splitlines() if "::" in line]
    assert found
    return found
