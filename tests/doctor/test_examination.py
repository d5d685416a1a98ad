"""A round of checks: its order, its names, what cannot be done, how it is shown."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.capture.hosts import host_of
from tests.doctor.examining import SOURCES, a_view, told
from vlanlog.cli.doctor import EXITS
from vlanlog.core.finding import Finding, Grade, failed, passed, unknown, warned, worst
from vlanlog.core.state import PortTable
from vlanlog.doctor.examination import CHECKS, examined, found
from vlanlog.doctor.kernel import version
from vlanlog.doctor.view import NotSeenError, View
from vlanlog.errors import KernelError, UsageError
from vlanlog.render.doctor import examination, table

FINDINGS = (
    passed("kernel", "Linux 6.1"),
    unknown("chain", "no log"),
    warned("default-pvid", "br0: VLAN 1 is on evil\x1b[31m", "vlanlog replay"),
    failed("drift", "not as desired", "vlanlog diff"),
    failed("drift", "br1 is missing", "make it"),
)


def test_every_check_has_a_paragraph_and_each_paragraph_a_check() -> None:
    text = (SOURCES / "docs" / "doctor.md").read_text()
    assert sorted(re.findall(r"^\*\*([a-z-]+)\.\*\* ", text, re.MULTILINE)) == sorted(CHECKS)


def test_every_check_finds_something_of_its_own_name(tmp_path: Path) -> None:
    view = a_view(tmp_path)
    with view.stack:
        names = [item.check for item in examined(view)]
    assert list(dict.fromkeys(names)) == list(CHECKS)


def test_only_the_checks_that_are_named_are_done(tmp_path: Path) -> None:
    view = a_view(tmp_path)
    with view.stack:
        assert [item.check for item in examined(view, ["disk", "rights"])] == ["rights", "disk"]


def test_name_of_no_check_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no check 'disc'"):
        list(examined(a_view(tmp_path), ["disk", "disc"]))


@pytest.mark.parametrize(
    "error", [NotSeenError("no", "as root"), KernelError("no", hint="as root")], ids=repr
)
def test_check_that_cannot_be_done_is_unknown_and_keeps_what_it_found(
    tmp_path: Path, error: Exception
) -> None:
    def check(_: View) -> Iterator[Finding]:
        yield warned("x", "first", "hint")
        raise error

    assert list(found("x", check, a_view(tmp_path))) == [
        warned("x", "first", "hint"),
        unknown("x", "no", "as root"),
    ]


def test_kernel_without_vlans_fails_and_the_bridges_are_unknown(tmp_path: Path) -> None:
    def table_of() -> PortTable:
        raise KernelError("bridge br0: the kernel's bridges know no VLANs", hint="boot another")

    view = a_view(tmp_path)
    view.table = table_of
    text = "bridge br0: the kernel's bridges know no VLANs"
    assert told(view, "kernel") == [(Grade.FAIL, text)]
    for check in ("filtering", "drift", "default-pvid", "trunk-vids", "sub-interfaces"):
        assert told(view, check) == [(Grade.UNKNOWN, text)]


def test_kernel_is_asked_by_its_bridges(tmp_path: Path) -> None:
    bridges, _ = host_of(("br0", 1, True), ports={})
    [(grade, text)] = told(a_view(tmp_path, bridges), "kernel")
    assert (grade, text.partition(", ")[2]) == (Grade.PASS, "1 bridge: VLANs can be filtered")
    [(grade, text)] = told(a_view(tmp_path), "kernel")
    assert (grade, text.partition(": ")[2]) == (Grade.UNKNOWN, "there is no bridge to be asked")


@pytest.mark.parametrize(
    ("release", "numbers"),
    [("5.5.19-amd64", (5, 5)), ("6.12.3+deb13", (6, 12)), ("next", (0, 0))],
)
def test_release_of_a_kernel_begins_with_two_numbers(
    release: str, numbers: tuple[int, int]
) -> None:
    assert version(release) == numbers


@pytest.mark.parametrize(
    ("grades", "grade"),
    [
        ((), Grade.PASS),
        ((Grade.PASS, Grade.UNKNOWN), Grade.UNKNOWN),
        ((Grade.WARN, Grade.UNKNOWN, Grade.PASS), Grade.WARN),
        ((Grade.FAIL, Grade.WARN), Grade.FAIL),
    ],
)
def test_worst_grade_decides(grades: tuple[Grade, ...], grade: Grade) -> None:
    assert worst(Finding(check="x", grade=item, text="") for item in grades) is grade


def test_exit_status_is_that_of_the_documentation() -> None:
    text = (SOURCES / "docs" / "doctor.md").read_text()
    rows = re.findall(r"^\| . \| `(\w+)` \| .* \| (\d) \|$", text, re.MULTILINE)
    assert {Grade(grade): int(status) for grade, status in rows} == EXITS


def test_findings_are_drawn_with_marks_words_and_hints_below() -> None:
    assert table(FINDINGS, width=None) == (
        "✓ pass     kernel        Linux 6.1\n"
        "? unknown  chain         no log\n"
        "! warn     default-pvid  br0: VLAN 1 is on evil\\x1b[31m\n"
        "                         → vlanlog replay\n"
        "✗ fail     drift         not as desired\n"
        "                         → vlanlog diff\n"
        "✗ fail     drift         br1 is missing\n"
        "                         → make it\n"
        "\n"
        "4 checks: 1 pass, 1 unknown, 1 warn, 2 fail"
    )


def test_long_finding_is_folded_within_its_column() -> None:
    drawn = table([warned("drift", "word " * 30, "vlanlog diff")], width=60)
    lines = drawn.splitlines()[:-2]
    assert max(map(len, lines)) <= 60
    assert all(line.startswith(" " * 15) for line in lines[1:])


def test_colours_are_only_drawn_where_they_are_asked_for() -> None:
    assert "\x1b[1;31m✗ fail" in table(FINDINGS, width=80, colour=True)
    assert "\x1b" not in table(FINDINGS, width=80)


def test_json_has_every_field_of_a_finding() -> None:
    assert examination(FINDINGS[2:3]) == {
        "worst": "warn",
        "findings": [
            {
                "check": "default-pvid",
                "grade": "warn",
                "text": "br0: VLAN 1 is on evil\x1b[31m",
                "hint": "vlanlog replay",
            }
        ],
    }


def vlanlog(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).with_name("vlanlog"), "doctor", *words],
        env={
            "PATH": os.environ["PATH"],
            "VLANLOG_HOOKS_DIR": str(folder / "hooks"),
            "VLANLOG_DATABASE": f"sqlite:///{folder}/db/log.db",
            "VLANLOG_SPOOL_DIR": str(folder / "spool"),
        },
        capture_output=True,
        text=True,
        check=False,
    )


def test_command_ends_as_its_worst_finding_says(tmp_path: Path) -> None:
    ends = [vlanlog(tmp_path, "--check", check) for check in ("disk", "database", "hooks")]
    assert [(end.returncode, end.stdout.split()[1]) for end in ends] == [
        (0, "pass"),
        (1, "warn"),
        (3, "fail"),
    ]


def test_command_gives_json_that_says_the_same(tmp_path: Path) -> None:
    words = ("--check", "hooks", "--check", "database")
    whole = json.loads(vlanlog(tmp_path, *words, "-o", "json").stdout)
    lines = vlanlog(tmp_path, *words, "-o", "jsonl").stdout.splitlines()
    assert whole == {"worst": "fail", "findings": [json.loads(line) for line in lines]}
    assert [item["check"] for item in whole["findings"]][-1] == "database"
    assert list(tmp_path.iterdir()) == []
