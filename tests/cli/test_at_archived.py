"""What is told of a log whose beginning is in a file: no answer is wrong, and the file is named."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from tests.cli.golden import transcript
from tests.report import sample
from vlanlog.core.event import Recorded
from vlanlog.store import open_log

LAST = 58
"""Is the last event that is archived; the guest has lost VLAN 700 and got 999 since."""

AT = ("--at", "2026-11-03 17:00")
FILE = f"FOLDER/archive/kvm-a-000000000001-{LAST:012d}.jsonl.xz"
TOLD = (
    f"vlanlog: what is older than 2026-11-03 09:45:00 is archived: the events 1-{LAST} are in "
    f"{FILE}; to ask there: vlanlog import\n--- exit status 0\n"
)
REFUSED = (
    f"is archived: the events 1-{LAST} of kvm-a are in {FILE}\n"
    f"hint: take it into a database of its own, and ask there: vlanlog import {FILE} "
    "--database sqlite:////PATH\n--- exit status 3\n"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Is a host's folder with the sample as its log, of which all before noon is archived."""
    folder = tmp_path_factory.mktemp("archived")
    log = open_log(f"sqlite:///{folder}/log.db", host="kvm-a")
    log.append([item.event for item in sample.log().log.read()])
    log.engine.dispose()
    told = run(folder, "archive", "--before", "2026-11-03 12:00", "-o", f"{folder}/archive")
    assert told.endswith("exit status 0\n"), told
    return folder


def run(folder: Path, *words: str) -> str:
    return transcript(folder, words, VLANLOG_HOST="kvm-a").partition("\n")[2]


STATE = (
    "BRIDGE  PORT   GUEST  MAC                PVID  TAGGED\n"
    "br0     vnet4  web01  52:54:00:6b:3c:58  101   200,300-310,320{}\n"
    "br1     vnet5  web01  52:54:00:1e:90:07  50    500-531{}\n"
    "--- exit status 0\n"
)


def test_state_behind_the_archive_is_known(folder: Path) -> None:
    assert run(folder, "state", "--at", f"#{LAST}") == STATE.format("", ",700")
    assert run(folder, "state", *AT) == STATE.format(",999", "")


def test_moments_on_both_sides_of_the_end_are_compared(folder: Path) -> None:
    assert run(folder, "diff", "--at", f"#{LAST}", *AT) == (
        "PORT   GUEST  CHANGE\nvnet4  web01  +999\nvnet5  web01  -700\n--- exit status 1\n"
    )


def test_vid_whose_event_is_archived_is_said_to_be(folder: Path) -> None:
    assert run(folder, "blame", "web01", *AT) == (
        "PORT   VLAN  EVENT  WHEN                 BY       WHY\n"
        "vnet4  999   60     2026-11-03 16:31:00  unknown  foreign\n"
        "--- stderr\n"
        "vlanlog: vnet4: what set pvid 101, tagged 200,300-310,320 is archived\n"
        f"vlanlog: vnet5: what set pvid 50, tagged 500-531 is archived\n{TOLD}"
    )


def test_vid_that_was_there_before_and_taken_since_is_told(folder: Path) -> None:
    assert run(folder, "blame", "web01", "--removed", *AT) == (
        "PORT   VLAN  EVENT  WHEN                 BY       WHY\n"
        f"vnet5  700   59     2026-11-03 16:30:00  unknown  foreign\n--- stderr\n{TOLD}"
    )


HISTORY = (
    "WHEN                 WHAT        BY       WHY\n"
    "2026-11-03 16:30:00  vnet5 -700  unknown  foreign\n"
    "2026-11-03 16:31:00  vnet4 +999  unknown  foreign\n"
)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), f"--- stderr\n{TOLD}"),
        (("--since", "2026-11-02"), f"--- stderr\n{TOLD}"),
        (("-n", "3"), f"--- stderr\n{TOLD}"),
        (("-n", "2"), "--- exit status 0\n"),
        (("--since", "2026-11-03 12:00"), "--- exit status 0\n"),
    ],
)
def test_history_that_reaches_back_says_what_is_archived(
    folder: Path, words: tuple[str, ...], told: str
) -> None:
    assert run(folder, "history", "web01", *words) == HISTORY + told


def test_history_of_what_is_all_archived_is_no_silence(folder: Path) -> None:
    told = run(folder, "history", "web01", "--vlan", "666", "-o", "jsonl").splitlines()

    assert told[0] == "--- stderr"
    assert told[1].startswith("vlanlog: nothing matched: the log covers 2026-11-03 16:30:00 to ")
    assert "\n".join([*told[2:], ""]) == TOLD


def test_host_whose_beginning_is_archived_is_named_among_several(
    tmp_path: Path, folder: Path
) -> None:
    shutil.copy(folder / "log.db", tmp_path)
    other = open_log(f"sqlite:///{tmp_path}/log.db", host="kvm-b")
    other.append([replace(item.event, host="kvm-b") for item in renumbered()])
    other.engine.dispose()

    told = run(tmp_path, "history", "web01")

    assert told.count(" is archived: ") == 1
    assert "\nvlanlog: kvm-a: what is older than 2026-11-03 09:45:00 is archived: " in told


def renumbered() -> list[Recorded]:
    """Returns the sample's events with ids of their own."""
    return [
        replace(item, event=replace(item.event, event_id=UUID(int=number)))
        for number, item in enumerate(sample.log().log.read(), start=1)
    ]


def test_report_begins_where_the_log_does_and_says_what_is_archived(folder: Path) -> None:
    page = folder / "report.html"

    told = run(folder, "report", "--guest", "web01", "--until", "2026-11-03 19:00",
               "-o", str(page), "--force")  # fmt: skip

    assert told == (
        f"--- stderr\n{TOLD.partition('---')[0]}FOLDER/report.html: 1 guest, "
        "2026-11-03 09:45:00 to 2026-11-03 19:00:00\n--- exit status 0\n"
    )
    text = page.read_text()
    file = FILE.replace("FOLDER", str(folder))
    assert (
        "</b>: watched for 9 h 14 min, not watched for 0 s. What is older than "
        f"2026-11-03 09:45:00 is archived: the events 1-{LAST} are in {file}."
    ) in text
    assert f"The hash chain of kvm-a was walked from event {LAST + 1} to event " in text
    assert "none edited, deleted, inserted or moved. What is archived before them was not: " in text
    # What the guest carried at the archive's end it carried on.
    assert "500-531" in text
    assert "before the period" in text


def test_report_on_what_is_archived_is_refused_with_the_file_to_ask(folder: Path) -> None:
    told = run(folder, "report", "--guest", "web01", "--since", "2026-11-02 10:00", "-o", "-")

    assert told == f"--- stderr\nvlanlog: error: that time {REFUSED}"


@pytest.mark.parametrize("verb", ["state", "blame vnet4", "diff --at #60", "replay --dry-run"])
@pytest.mark.parametrize(
    ("at", "what"), [(f"#{LAST - 1}", f"event {LAST - 1}"), ("2026-11-02 10:00", "that time")]
)
def test_what_is_archived_is_refused_with_the_file_to_ask(
    folder: Path, verb: str, at: str, what: str
) -> None:
    assert run(folder, *verb.split(), "--at", at) == (
        f"--- stderr\nvlanlog: error: {what} {REFUSED}"
    )
