"""A pytest plugin: ``--shard=kernel:2/4`` runs the second of four shares of the test files.

A share is balanced by what the files took when that was last recorded, and the same each time.
Must not split a file, whose tests share what is dear to set up.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

RECORD = Path(__file__).with_name("durations.txt")
"""Is the record: a line is a part of the suite, seconds, and a file below ``tests``."""

# Of a file that the record does not have.
_UNKNOWN_S = 10.0
_FOLDER = RECORD.parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """Is one share of several.

    Shape: number counts from 1.
    """

    part: str
    number: int
    of: int


def parse_shard(text: str) -> Shard:
    """Returns what ``kernel:2/4`` names.

    Raises: ValueError.
    """
    part, _, share = text.partition(":")
    number, _, of = share.partition("/")
    shard = Shard(part=part, number=int(number), of=int(of))
    if not 1 <= shard.number <= shard.of:
        raise ValueError(text)
    return shard


def files_of_tests(folder: Path = _FOLDER) -> tuple[str, ...]:
    """Returns all files of tests, relative to the folder."""
    return tuple(sorted(str(path.relative_to(folder)) for path in folder.rglob("test_*.py")))


def files_of_part(part: str, folder: Path = _FOLDER) -> tuple[str, ...]:
    """Returns those that name the mark of the part: the others cost a lab seconds to import."""
    mark = f"pytest.mark.{part}"
    return tuple(file for file in files_of_tests(folder) if mark in (folder / file).read_text())


def shares(
    files: Iterable[str], seconds: Mapping[str, float], of: int
) -> tuple[frozenset[str], ...]:
    """Returns the files in as many shares: the longest first, each to the share with the least."""
    filled: list[tuple[float, set[str]]] = [(0.0, set()) for _ in range(of)]
    for file in sorted(files, key=lambda file: (-seconds.get(file, _UNKNOWN_S), file)):
        least = min(range(of), key=lambda index: filled[index][0])
        taken, held = filled[least]
        filled[least] = (taken + seconds.get(file, _UNKNOWN_S), held | {file})
    return tuple(frozenset(held) for _, held in filled)


def recorded(part: str, record: Path = RECORD) -> dict[str, float]:
    """Returns the seconds that each file took in a part."""
    rows = [line.split() for line in record.read_text().splitlines() if not line.startswith("#")]
    return {file: float(seconds) for of_part, seconds, file in rows if of_part == part}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--shard", type=parse_shard, metavar="PART:N/OF", help="run one share of the test files"
    )


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leaves out the files of other shares before they are imported."""
    shard: Shard | None = config.getoption("--shard")
    if shard is None or not collection_path.match("test_*.py"):
        return None
    return None if str(collection_path.relative_to(_FOLDER)) in _files_of(shard) else True


@cache
def _files_of(shard: Shard) -> frozenset[str]:
    files = files_of_part(shard.part)
    return shares(files, recorded(shard.part), shard.of)[shard.number - 1]


def measured(reports: Sequence[Path]) -> str:
    """Returns the record that JUnit reports make, named ``tests-PART-….xml`` as .ci does."""
    taken: dict[tuple[str, str], float] = {}
    for report in reports:
        part = report.stem.split("-")[1]
        for case in ET.parse(report).iter("testcase"):
            file = str(Path(case.attrib["file"]).relative_to(_FOLDER.name))
            taken[part, file] = taken.get((part, file), 0.0) + float(case.attrib["time"])
    lines = (f"{part} {seconds:.1f} {file}" for (part, file), seconds in sorted(taken.items()))
    return "# Written by: python tests/shards.py .cache/parts/tests-*.xml\n" + "".join(
        f"{line}\n" for line in lines
    )


if __name__ == "__main__":
    RECORD.write_text(measured([Path(name) for name in sys.argv[1:]]))
