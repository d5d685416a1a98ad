"""Commands that follow an install: run one after the other, and told of where they fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from vlanlog.install.aftermath import Command, after_uninstall, before_uninstall, failures
from vlanlog.install.layout import SELINUX_MODULE, UNIT_FILE
from vlanlog.install.step import Action, Step
from vlanlog.install.tree import Tree

GONE = [Step(action=Action.REMOVED, path=path) for path in (UNIT_FILE, SELINUX_MODULE)]


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of programs that note how they are called; the path has no other."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    for name, end in (("good", 0), ("bad", 5), ("silent", 5)):
        words = "echo no such thing >&2" if name == "bad" else "true"
        text = f"#!/bin/sh\necho {name} $* >>{tmp_path}/log\n{words}\nexit {end}\n"
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    return tmp_path / "log"


def _command(*words: str) -> Command:
    return Command(words=words, why="for a test")


def test_commands_run_in_order_and_go_on_after_a_failure(tools: Path) -> None:
    told = failures([_command("bad", "1"), _command("silent"), _command("good", "a b")])
    assert told == ["'bad 1' failed: no such thing", "'silent' failed: it said nothing"]
    assert tools.read_text() == "bad 1\nsilent\ngood a b\n"


def test_command_whose_program_is_not_there_is_passed_over(tools: Path) -> None:
    assert failures([_command("vlanlog-no-such-program"), _command("good")]) == []
    assert tools.read_text() == "good\n"


def test_systemd_that_does_not_run_is_asked_nothing(tools: Path) -> None:
    place = tools.parent / "bin/systemctl"
    place.write_text((place.parent / "good").read_text())
    place.chmod(0o755)
    failures([_command("systemctl", "daemon-reload"), _command("good")])
    has_systemd = Path("/run/systemd/system").exists()
    assert tools.read_text() == "good daemon-reload\n" * has_systemd + "good\n"


def test_daemon_is_ended_before_its_unit_goes() -> None:
    assert [str(command) for command in before_uninstall(Tree(), GONE)] == [
        "systemctl disable --now vlanlog.service"
    ]
    assert [str(command) for command in after_uninstall(Tree(), GONE).at_once] == [
        "semodule --remove vlanlog_hooks",
        "systemctl daemon-reload",
    ]


def test_nothing_is_run_for_an_image(tmp_path: Path) -> None:
    image = Tree(tmp_path)
    assert before_uninstall(image, GONE) == ()
    assert after_uninstall(image, GONE).at_once == ()


def test_daemon_whose_unit_stays_goes_on() -> None:
    kept = [Step(action=Action.KEPT, path=UNIT_FILE)]
    assert before_uninstall(Tree(), kept) == ()
