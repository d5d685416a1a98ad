"""Which lines of a story the options choose, and what is said where there are none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.fleet import hosts, stored
from tests.cli.golden import transcript
from tests.core.making import MAC1, MAC2, VM1
from vlanlog.core.state import tap_mac
from vlanlog.store import open_log

ENDED = "--- exit status 0"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Is where the database with the logs of kvm-a and kvm-b lies."""
    folder = tmp_path_factory.mktemp("history")
    stored(f"sqlite:///{folder}/log.db", *hosts())
    return folder


def history(folder: Path, *words: str) -> list[str]:
    """Returns the lines that the command writes, and how it ends."""
    return transcript(folder, ["history", *words, "--utc"]).splitlines()[1:]


def chosen(folder: Path, *words: str) -> list[str]:
    """Returns the hosts and the seqs of the lines that the words choose."""
    *lines, end = history(folder, *words, "--oneline")
    assert end == ENDED, lines
    fields = [line.split("\t") for line in lines if "\t" in line]
    return [f"{host[-1]}{seq}" for seq, _, host, *_ in fields]


A_START, A_GAP, A_END = ["a5", "a6", "a9"], ["a14", "a15", "a16"], ["a17", "a18"]
B_VM2, B_VM1 = ["b5", "b6", "b9"], ["b13", "b14", "b17"]
B_END, B_WEB1 = ["b21", "b22"], ["b23", "b24", "b27"]
WEB1 = [*A_START, "a13", *A_GAP, *B_VM1, *A_END, *B_END, *B_WEB1]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["web1"], WEB1),
        (["--guest", "web1"], WEB1),
        (["--guest", VM1.upper()], WEB1),
        (["web1", "--guest", VM1], WEB1),
        # Names of one kind add to each other …
        (["--guest", "VM1", "--guest", "VM2", "--kind", "hook.invoked"],
         ["b5", "a5", "b13", "a17", "b21", "b23"]),
        (["VM1", "--guest", "VM2", "--vlan", "666"], ["a13"]),
        (["--port", "vnet7", "--port", "vnet8", "--kind", "port.attached"], ["b14", "b24"]),
        (["--kind", "port.detached", "--kind", "vlan.added", "--port", "vnet7"],
         ["b14", "b17", "b22"]),
        # … those of two kinds must both apply.
        (["VM1", "--port", "vnet3", "--kind", "port.attached"], ["a6"]),
        (["VM1", "--port", "vnet3", "--host", "kvm-b", "--kind", "port.attached"], []),
        (["vnet3", "--guest", "VM2", "--kind", "port.attached"], ["b6"]),
        (["--mac", MAC1, "--port", "vnet8", "--kind", "port.attached"], ["b24"]),
        (["--bridge", "br0", "--guest", "web1", "--kind", "port.detached"], ["a18", "b22"]),
        (["br0", "--port", "vnet3", "--kind", "port.detached"], ["a18"]),
        # A NIC's story has what was recorded of its tap before anyone knew whose it was.
        (["--mac", MAC1, "--kind", "port.attached"], ["a6", "b14", "b24"]),
        (["--mac", MAC2.upper(), "--kind", "port.attached"], ["b6"]),
        ([tap_mac(MAC2), "--kind", "port.attached"], ["b6"]),
        (["--vlan", "666"], ["a13"]),
        (["--vlan", "500-700"], ["a13"]),
        (["--vlan", "667-700", "--vlan", "665"], []),
        (["--vlan", "100", "--host", "kvm-a"], ["a9"]),
        (["--vlan", "200 666", "--port", "vnet3", "--host", "kvm-a"], ["a9", "a13"]),
        (["web1", "--by", "libvirtd", "--kind", "hook.invoked"],
         ["a5", "b13", "a17", "b21", "b23"]),
        (["--by", "daemon", "--by", "libvirtd", "--guest", "VM2"], ["b5", "b9"]),
        (["--by", "unknown", "--vlan", "600-700"], ["a13"]),
        (["--by", "unknown", "--by", "root", "--kind", "host.booted"], ["b1", "a1"]),
        (["web1", "-S", "2026-11-03 11:00"], [*B_END, *B_WEB1]),
        (["web1", "-U", "2026-11-03 08:30"], A_START),
        (["web1", "-S", "2026-11-03 08:30", "-U", "2026-11-03 09:30"], ["a13"]),
        (["web1", "-S", "2026-11-03 11:00", "-n", "2"], ["b24", "b27"]),
        (["web1", "-S", "2026-11-03 11:00", "-n", "2", "-r"], ["b27", "b24"]),
    ],
)  # fmt: skip
def test_options_choose_lines(folder: Path, words: list[str], found: list[str]) -> None:
    assert chosen(folder, *words) == found


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--guest", "web2"], ["guest 'web2' is not in the log", "did you mean web1?"]),
        (["--guest", f"{VM1[:-1]}0"], [f"guest '{VM1[:-1]}0' is not in the log",
                                       "the log knows VM1, VM2, web1"]),
        (["--port", "vnet4"], ["no port is called 'vnet4'", "did you mean vnet8, vnet3?"]),
        (["--bridge", "br1"], ["no bridge is called 'br1'", "did you mean br0?"]),
        (["--mac", MAC1[:-1] + "5"], [f"no NIC has the MAC {MAC1[:-1]}5",
                                      f"did you mean {MAC2}, {MAC1}?"]),
        ([MAC1[:-1] + "5"], [f"nothing in the log is called '{MAC1[:-1]}5'",
                             f"did you mean {MAC2}, {MAC1}?"]),
        (["--mac", "vnet3"], ["'vnet3' is not a MAC", "e.g. --mac 52:54:00:12:34:56"]),
        (["wep1"], ["nothing in the log is called 'wep1'", "did you mean web1?"]),
        (["--vlan", "4095"], ["--vlan: vid 4095 is out of range, expected 1-4094",
                              "e.g. --vlan 100, or --vlan 200,300-310"]),
        (["--vlan", " "], ["--vlan names no vid", "e.g. --vlan 100, or --vlan 200,300-310"]),
        (["-S", "2026-11-04", "-U", "2026-11-03"],
         ["--since 2026-11-04 00:00:00 lies behind --until 2026-11-03 00:00:00",
          "exchange the two times"]),
        (["--oneline", "-o", "jsonl"], ["--oneline is a form of its own",
                                        "leave out --oneline, or -o"]),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused(folder: Path, words: list[str], told: list[str]) -> None:
    assert history(folder, *words) == [
        "--- stderr", f"vlanlog: error: {told[0]}", f"hint: {told[1]}", "--- exit status 2",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "words",
    [
        ["VM2", "-S", "2027-01-01"],
        ["VM2", "-U", "2026-01-01"],
        ["VM2", "--vlan", "4000"],
        ["VM2", "--by", "nobody", "-n", "3"],
    ],
)
@pytest.mark.parametrize(
    ("form", "out"),
    [([], []), (["-o", "json"], ["[]"]), (["-o", "jsonl"], []), (["--oneline"], [])],
)
def test_empty_answer_is_never_silent(
    folder: Path, words: list[str], form: list[str], out: list[str]
) -> None:
    assert history(folder, *words, *form, "--host", "kvm-b") == [
        *out,
        "--- stderr",
        "vlanlog: nothing matched: the log covers 2026-11-03 07:00:00 to 2026-11-03 11:05:00 UTC",
        ENDED,
    ]


def test_empty_log_is_said(tmp_path: Path) -> None:
    open_log(f"sqlite:///{tmp_path}/log.db", host="host")

    assert history(tmp_path) == [
        "--- stderr", "vlanlog: nothing matched: the log is empty", ENDED,
    ]  # fmt: skip


def test_database_that_is_not_there_is_no_empty_log(tmp_path: Path) -> None:
    file = tmp_path / "log.db"

    assert history(tmp_path) == [
        "--- stderr",
        "vlanlog: error: there is no database FOLDER/log.db",
        "hint: nothing is recorded here yet, or it is another: --database sqlite:////PATH",
        "--- exit status 3",
    ]
    assert not file.exists()


def test_gaps_stand_in_json_lines_in_their_place(folder: Path) -> None:
    *lines, _ = history(folder, "web1", "-o", "jsonl", "--host", "kvm-a")

    events = [json.loads(line) for line in lines]
    assert [(e["seq"], e["payload"]) for e in events if e["kind"].startswith("watch.")] == [
        (15, {"reason": "the daemon stops", "since_ns": None}),
        (16, {"reason": "a re-read found 0 changes"}),
    ]


def test_story_of_one_guest_with_one_name_needs_no_column_for_it(folder: Path) -> None:
    heads = [
        history(folder, *words)[0].split()
        for words in (["VM2"], ["VM2", "--port", "vnet3"], ["--guest", "VM2", "--guest", "VM1"],
                      ["web1", "--host", "kvm-b"], ["--port", "vnet8"], ["--mac", MAC2])
    ]  # fmt: skip

    plain, guests = ["WHEN", "WHAT", "BY", "WHY"], ["WHEN", "GUEST", "WHAT", "BY", "WHY"]
    both = ["WHEN", "HOST", "GUEST", "WHAT", "BY", "WHY"]
    assert heads == [plain, plain, both, guests, guests, guests]
