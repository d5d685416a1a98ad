"""What the command writes, whole: stdout, stderr and exit status as committed text.

``VLANLOG_GOLDEN=write .venv/bin/pytest tests/cli/test_golden.py`` writes ``tests/data/cli`` anew;
read the difference before it is committed.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from tests.cli.golden import DATA, environment, transcript
from vlanlog.cli.app import command_line
from vlanlog.store import open_log

VERBS = sorted(
    " ".join(words)
    for name, command in get_command(command_line()).commands.items()  # type: ignore[attr-defined]
    for words in [(name,), *((name, sub) for sub in getattr(command, "commands", ()))]
)
HELP = {f"help-{verb}".replace(" ", "-"): [*verb.split(), "--help"] for verb in VERBS}

WORDS: dict[str, list[str]] = {
    "help": ["--help"],
    **HELP,
    "no-verb": [],
    "unknown-verb": ["rewind"],
    "unknown-option": ["state", "--colour"],
    "unknown-output": ["history", "-o", "xml"],
    "unknown-layer": ["state", "--layer", "wish"],
    "history-no-vid": ["history", "--vlan", "5000"],
    "history-no-time": ["history", "--since", "soon"],
    "history-no-kind": ["history", "--kind", "vlan.changed"],
    "history-no-lines": ["history", "-n", "0"],
    "history-follow-backwards": ["history", "-f", "-r"],
    "history-follow-to-an-end": ["history", "VM1", "-f", "--until", "yesterday"],
    "history-follow-as-one-text": ["history", "-f", "-o", "json"],
    "blame-nothing": ["blame"],
    "blame-no-vid": ["blame", "VM1", "--vlan", "0"],
    "watch-as-one-text": ["watch", "-o", "json"],
    "watch-no-lines": ["watch", "-n", "-1"],
    "report-no-guest": ["report", "-o", "r.html"],
    "report-no-file": ["report", "--all"],
    "state-kernel-has-no-past": ["state", "--layer", "kernel", "--at", "-1h"],
    "state-before-the-log": ["state", "--at", "@0"],
    "diff-one-time": ["diff", "--at", "-1h"],
    "replay-observed-when": ["replay", "--to", "observed"],
    "replay-two-scopes": ["replay", "--guest", "VM1", "--port", "veth0"],
    "replay-no-guest": ["replay", "--dry-run", "--guest", "VM9"],
    "set-nothing": ["set", "veth0", "-m", "r"],
    "set-no-reason": ["set", "veth0", "--tagged", "200"],
    "adopt-nothing-named": ["adopt", "-m", "r"],
    "adopt-named-twice": ["adopt", "veth0", "--all", "-m", "r"],
    "adopt-no-reason": ["adopt", "veth0"],
    "adopt-no-port": ["adopt", "--dry-run", "veth0"],
    "adopt-no-bridge": ["adopt", "--dry-run", "--bridge", "br9"],
    "adopt-nothing-differs": ["adopt", "--dry-run", "--all"],
}  # fmt: skip
EMPTY_LOG: dict[str, list[str]] = {
    "history-no-subject": ["history", "VM 9"],
    "history-hostile-subject": ["history", "VM\x1b[31m\u202e"],
    "blame-no-subject": ["blame", "VM9"],
    "report-empty-log": ["report", "--all", "-o", "r.html"],
}
ENVIRON: dict[str, tuple[list[str], dict[str, str]]] = {
    "database-no-folder": (
        ["db", "upgrade"],
        {"VLANLOG_DATABASE": "sqlite:////proc/nowhere/log.db"},
    ),
    "database-not-there": (["history", "VM1"], {}),
    "database-no-url": (["verify"], {"VLANLOG_DATABASE": "log.db"}),
    "rehearsal-without-a-log": (
        ["replay", "--dry-run"],
        {"VLANLOG_DATABASE": "sqlite:////proc/version"},
    ),
    "settings-errors": (["verify"], {"VLANLOG_LOCK_TIMEOUT_S": "soon"}),
}


def _held(name: str, found: str) -> None:
    path = DATA / f"{name}.txt"
    if os.environ.get("VLANLOG_GOLDEN") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_text(found, encoding="utf-8")
    assert found == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", WORDS)
def test_command_line_is_answered_as_committed(name: str, tmp_path: Path) -> None:
    _held(name, transcript(tmp_path, WORDS[name]))


@pytest.mark.parametrize("name", EMPTY_LOG)
def test_question_to_an_empty_log_is_answered_as_committed(name: str, tmp_path: Path) -> None:
    open_log(f"sqlite:///{tmp_path}/log.db", host="host")

    _held(name, transcript(tmp_path, EMPTY_LOG[name]))


@pytest.mark.parametrize("name", ENVIRON)
def test_environment_is_answered_as_committed(name: str, tmp_path: Path) -> None:
    words, environ = ENVIRON[name]
    _held(name, transcript(tmp_path, words, **environ))


def test_damaged_database_is_answered_as_committed(tmp_path: Path) -> None:
    (tmp_path / "log.db").write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)

    _held("database-damaged", transcript(tmp_path, ["verify"]))


def test_config_errors_are_all_answered_as_committed(tmp_path: Path) -> None:
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "vlan_filtering.conf").write_text(
        "[VM1/*]\npvid = 5000\ntagged = 1-x\n\n[veth\x1b0]\nguest = VM2\n"
    )

    _held("config-errors", transcript(tmp_path, ["replay", "--dry-run"]))


@pytest.mark.parametrize("name", ["help", "unknown-verb"])
def test_installed_command_is_this_program(name: str, tmp_path: Path) -> None:
    ended = subprocess.run(
        [Path(sys.executable).with_name("vlanlog"), *WORDS[name]],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    told = f"--- stderr\n{ended.stderr}" if ended.stderr else ""
    assert (DATA / f"{name}.txt").read_text(encoding="utf-8").partition("\n")[2] == (
        f"{ended.stdout}{told}--- exit status {ended.returncode}\n"
    )


def test_no_verb_is_cut_short_where_all_are_listed() -> None:
    _, _, verbs = (DATA / "help.txt").read_text(encoding="utf-8").partition("Commands:")

    assert "..." not in verbs


def test_every_golden_text_is_of_a_test() -> None:
    tested = {*WORDS, *EMPTY_LOG, *ENVIRON, "database-damaged", "config-errors"}

    assert {path.stem for path in DATA.glob("*.txt")} == tested
