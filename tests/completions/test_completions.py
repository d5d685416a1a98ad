"""Completion in real shells: verbs, options and what may stand behind them, names from the log."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from docs.completions.build import FOLDER, completions
from tests.fetched import tree_with
from tests.lab.tree import within
from tests.store.histories import happening
from vlanlog.core import event as e
from vlanlog.store import open_log

HERE = Path(__file__).parent
SHELLS = ["bash", pytest.param("zsh", marks=pytest.mark.slow), "fish"]
HOSTILE = "VM3; touch PWNED"
OUTPUTS = ["json", "jsonl", "table"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Is a folder with a log that knows guests, ports and a bridge."""
    log = open_log(f"sqlite:///{tmp_path}/log.db", host="kvm1")
    for name in ("VM1", "VM10", "VM 2 ä", HOSTILE, "other", "VM4\nVM5"):
        subject = e.Subject(
            guest_uuid="4dea22b3-1d52-d8f3-2516-782e98ab3fa0", guest_name=name,
            mac="52:54:00:00:00:01", bridge="br0", port="vnet0", ifindex=7,
        )  # fmt: skip
        event = happening(e.PortDetached(), host="kvm1")
        log.append([replace(event, subject=subject)])
    log.engine.dispose()
    return tmp_path


def offered(shell: str, lines: Iterable[str], folder: Path, **more: str) -> dict[str, list[str]]:
    """Returns what a shell offers at the end of each line, sorted."""
    environ = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(folder),
        "LC_ALL": "C.UTF-8",
        "TERM": "vt100",
        "VLANLOG_HOOKS_DIR": str(folder),
        "VLANLOG_DATABASE": f"sqlite:///{folder}/log.db",
        **more,
    }
    options = {"bash": ["--norc"], "zsh": ["-f"], "fish": ["--no-config"]}
    command = [shell, *options[shell], str(HERE / f"capture.{shell}"), str(FOLDER), *lines]
    ended = subprocess.run(
        [*within(tree_with("zsh", "fish")), *command],
        env=environ, cwd=folder, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert (ended.stderr, ended.returncode) == ("", 0)
    found: dict[str, list[str]] = {}
    for line in filter(None, ended.stdout.splitlines()):
        if line.startswith("="):
            found[line[1:]] = words = []
        else:
            words.append(line[1:])
    return {line: sorted(words) for line, words in found.items()}


LINES = {
    "vlanlog i": ["import", "install"],
    "vlanlog db ": ["status", "upgrade"],
    "vlanlog history --re": ["--reverse"],
    "vlanlog history -o ": ["json", "jsonl", "table"],
    "vlanlog history --utc --output j": ["json", "jsonl"],
    "vlanlog history --kind watch.": ["watch.gap_closed", "watch.gap_opened"],
    "vlanlog diff kernel d": ["desired"],
    "vlanlog db status --data": ["--database"],
    "vlanlog history other -n ": [],
    "vlanlog history VM1": ["VM1", "VM10"],
    "vlanlog report --guest VM1": ["VM1", "VM10"],
    "vlanlog blame v": ["vnet0"],
    "vlanlog replay --bridge ": ["br0"],
    "vlanlog verify --host ": ["kvm1"],
    "vlanlog adopt vnet0 ot": ["other"],
    "vlanlog import l": ["log.db"],
}


@pytest.mark.parametrize("shell", SHELLS)
def test_shell_offers_what_may_follow(shell: str, folder: Path) -> None:
    assert offered(shell, LINES, folder) == LINES


@pytest.mark.parametrize("shell", SHELLS)
def test_names_are_offered_as_one_word_each(shell: str, folder: Path) -> None:
    found = offered(shell, ["vlanlog history VM"], folder)

    # fish quotes what it inserts itself.
    two, three = ("VM 2 ä", HOSTILE) if shell == "fish" else (r"VM\ 2\ ä", r"VM3\;\ touch\ PWNED")
    assert found == {"vlanlog history VM": sorted(["VM1", "VM10", two, three])}
    assert not (folder / "PWNED").exists()


def test_bash_completes_behind_colons_and_equals_signs(folder: Path) -> None:
    # There readline has begun a word of its own.
    lines = {
        "vlanlog history 52": ["52:54:00:00:00:01"],
        "vlanlog history 52:54:0": ["00:00:00:01"],
        "vlanlog history --output=js": ["json", "jsonl"],
    }

    assert offered("bash", lines, folder) == lines


BROKEN = [
    "sqlite:////nonexistent/log.db",
    "sqlite:////etc/passwd",
    "postgresql://127.0.0.1:1/vlanlog",
    "nonsense",
]


@pytest.mark.parametrize(
    ("shell", "database"),
    [
        *(("bash", url) for url in BROKEN),
        pytest.param("zsh", BROKEN[0], marks=pytest.mark.slow),
        ("fish", BROKEN[1]),
    ],
)
def test_no_error_reaches_the_terminal(shell: str, database: str, folder: Path) -> None:
    found = offered(shell, ["vlanlog history "], folder, VLANLOG_DATABASE=database)

    assert found == {"vlanlog history ": []}


def test_names_leave_no_trace_beside_a_database(folder: Path) -> None:
    before = sorted((path.name, path.stat().st_mtime_ns) for path in folder.iterdir())

    found = offered("bash", ["vlanlog history VM1"], folder)

    assert found == {"vlanlog history VM1": ["VM1", "VM10"]}
    assert sorted((path.name, path.stat().st_mtime_ns) for path in folder.iterdir()) == before


def test_names_of_a_log_in_use_are_up_to_date(folder: Path) -> None:
    log = open_log(f"sqlite:///{folder}/log.db", host="kvm2")
    subject = e.Subject(guest_name="new", guest_uuid="c7df0e96-9d0e-4b84-8d4a-3f9d7b4f4a51")
    log.append([replace(happening(e.PortDetached(), host="kvm2"), subject=subject)])

    assert (folder / "log.db-wal").exists()
    assert offered("bash", ["vlanlog history n"], folder) == {"vlanlog history n": ["new"]}


@pytest.mark.parametrize("name", ["vlanlog.bash", "_vlanlog", "vlanlog.fish"])
def test_completion_is_of_the_command_line_as_it_is(name: str) -> None:
    text = completions()[name]
    if os.environ.get("VLANLOG_GOLDEN") == "write":
        (FOLDER / name).write_text(text, encoding="utf-8")

    assert (FOLDER / name).read_text(encoding="utf-8") == text
