"""The examples of docs/examples work: the playbook heeds exit statuses, the units are units."""

from __future__ import annotations

import configparser
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fetched import tree_with
from tests.lab.tree import within
from vlanlog.install.step import Action

EXAMPLES = Path(__file__).parents[1] / "docs" / "examples"
PLAYBOOK = EXAMPLES / "ansible" / "vlanlog.yml"

# Nothing is fetched, nothing is installed.
LOCAL = ("-e", "ansible_python_interpreter=/usr/bin/python3", "--skip-tags", "program")

# Ends as it is told in a file of the name of the call's first words, and says that it was called.
PROGRAM = """#!/bin/sh
cd "$(dirname "$0")"
echo "$*" >>calls
case "$*" in
install*) cat plan ;;
"replay --dry-run") exit "$(cat status-plan)" ;;
doctor*) exit "$(cat status-doctor)" ;;
esac
"""


@dataclass(frozen=True, kw_only=True)
class Played:
    """Is how a run of the playbook ended, and what it called."""

    status: int
    counts: dict[str, int]
    calls: list[str]


def ansible(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environ = {
        **os.environ,
        "HOME": str(folder),
        "LC_ALL": "C.UTF-8",
        "ANSIBLE_LOCAL_TEMP": str(folder / "local"),
        "ANSIBLE_NOCOLOR": "1",
    }
    # Debian's program has Debian's interpreter, whose folder of packages lies below /usr.
    command = [
        "/usr/bin/python3",
        "/usr/bin/ansible-playbook",
        "-i",
        "kvm1,",
        *words,
        str(PLAYBOOK),
    ]
    return subprocess.run(
        [*within(tree_with("ansible-core")), *command],
        cwd=folder, env=environ, capture_output=True, text=True, check=False,
    )  # fmt: skip


def played(folder: Path, *words: str, plan: int, doctor: int = 0, action: str = "same") -> Played:
    program = folder / "vlanlog"
    program.write_text(PROGRAM)
    program.chmod(0o755)
    (folder / "calls").write_text("")
    (folder / "conf").mkdir(exist_ok=True)
    (folder / "plan").write_text(f'[{{"action": "{action}"}}]')
    (folder / "status-plan").write_text(str(plan))
    (folder / "status-doctor").write_text(str(doctor))
    inventory = folder / "inventory"
    inventory.write_text("[kvm]\nkvm1 ansible_connection=local\n")
    given = f"vlanlog_command={program} vlanlog_conf={folder}/conf"
    done = ansible(folder, "-i", str(inventory), "-e", given, *LOCAL, *words)
    recap = re.findall(r"(\w+)=(\d+)", done.stdout.rpartition("PLAY RECAP")[2])
    return Played(
        status=done.returncode,
        counts={name: int(number) for name, number in recap if name in ("changed", "failed")},
        calls=(folder / "calls").read_text().splitlines(),
    )


ASKED = ["install --dry-run --output json", "replay --dry-run"]
DOCTOR = "doctor --output json"


@pytest.mark.slow
def test_playbook_is_one(tmp_path: Path) -> None:
    done = ansible(tmp_path, "--syntax-check")

    assert (done.returncode, done.stderr.count("ERROR")) == (0, 0)


@pytest.mark.slow
def test_playbook_replays_what_differs_and_then_changes_nothing(tmp_path: Path) -> None:
    first = played(tmp_path, plan=1, doctor=1, action="new")
    then = played(tmp_path, plan=0)

    assert first == Played(
        status=0,
        # The installation planned and done, the files, the replay planned and done.
        counts={"changed": 5, "failed": 0},
        calls=["install --dry-run --output json", "install --enable", "replay --dry-run", "replay",
               DOCTOR],
    )  # fmt: skip
    assert then == Played(status=0, counts={"changed": 0, "failed": 0}, calls=[*ASKED, DOCTOR])


@pytest.mark.slow
def test_playbook_in_check_mode_only_asks(tmp_path: Path) -> None:
    done = played(tmp_path, "--check", plan=1, action="new")

    assert done.status == 0
    assert done.calls == [*ASKED, DOCTOR]
    assert list((tmp_path / "conf").iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("plan", "doctor", "calls"), [(3, 0, ASKED), (2, 0, ASKED), (0, 3, [*ASKED, DOCTOR])]
)
def test_playbook_fails_on_errors(tmp_path: Path, plan: int, doctor: int, calls: list[str]) -> None:
    done = played(tmp_path, plan=plan, doctor=doctor)

    assert (done.status, done.counts["failed"], done.calls) == (2, 1, calls)


def test_playbook_knows_what_an_installation_calls_unchanged() -> None:
    [told] = re.findall(r"'action', 'in', \[(.*?)\]", PLAYBOOK.read_text())

    assert set(re.findall(r"'(\w+)'", told)) == {Action.SAME, Action.KEPT}


def test_service_of_the_figures_is_started_by_its_timer() -> None:
    service, timer = (configparser.ConfigParser(strict=False) for _ in range(2))
    service.read(EXAMPLES / "vlanlog-metrics.service")
    timer.read(EXAMPLES / "vlanlog-metrics.timer")

    assert re.fullmatch(r"/\S+/vlanlog metrics -o /\S+\.prom", service["Service"]["ExecStart"])
    assert service["Service"]["SuccessExitStatus"] == "1"
    assert timer["Timer"]["OnUnitActiveSec"] == "1min"
