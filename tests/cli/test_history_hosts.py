"""A guest's story over all hosts of a database, on SQLite and PostgreSQL."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.fleet import hosts, ns, stored, tap
from tests.cli.following import following
from tests.cli.golden import transcript
from tests.core.making import MAC1, VM1, hooked, nic
from tests.report.scribe import HOOK, Scribe
from vlanlog.core import event as e
from vlanlog.store import open_log

STORY = """\
WHEN                 HOST   GUEST  WHAT                               BY               WHY
2026-11-03 08:10:00  kvm-a  VM1    qemu start begin                   hook (libvirtd)
2026-11-03 08:10:00  kvm-a  VM1    vnet3 joined br0: pvid 1           unknown
2026-11-03 08:10:00  kvm-a  VM1    vnet3 +200 -1 pvid 1→100           hook (libvirtd)  conf [VM1/*]
2026-11-03 09:00:00  kvm-a  VM1    vnet3 +666                         unknown          foreign
2026-11-03 09:30:00  kvm-a         daemon stopped                     daemon
2026-11-03 09:30:00  kvm-a         -- not recorded from here on --    daemon           the daemon stops
2026-11-03 09:33:20  kvm-a         -- not recorded for 3 min 19 s --  daemon           the daemon stops; a re-read found 0 changes
2026-11-03 10:00:00  kvm-b  VM1    qemu start begin                   hook (libvirtd)
2026-11-03 10:00:00  kvm-b  VM1    vnet7 joined br0: pvid 1           unknown
2026-11-03 10:00:00  kvm-b  VM1    vnet7 +200 -1 pvid 1→100           hook (libvirtd)  conf [VM1/*]
2026-11-03 10:00:06  kvm-a  VM1    qemu stopped begin                 hook (libvirtd)
2026-11-03 10:00:06  kvm-a  VM1    vnet3 left br0                     unknown
2026-11-03 11:00:00  kvm-b  VM1    qemu stopped begin                 hook (libvirtd)
2026-11-03 11:00:00  kvm-b  VM1    vnet7 left br0                     unknown
2026-11-03 11:05:00  kvm-b  web1   qemu start begin                   hook (libvirtd)
2026-11-03 11:05:00  kvm-b  web1   vnet8 joined br0: pvid 1           unknown
2026-11-03 11:05:00  kvm-b  web1   vnet8 +200 -1 pvid 1→100           hook (libvirtd)  conf [VM1/*]
"""  # noqa: E501


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Is a database of each kind that holds the logs of both hosts."""
    found = f"sqlite:///{tmp_path}/log.db"
    if request.param == "postgresql":
        found = request.getfixturevalue("postgres").new_database()
    stored(found, *hosts())
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Is where a SQLite database with the logs of both hosts lies."""
    stored(f"sqlite:///{tmp_path}/log.db", *hosts())
    return tmp_path


def history(folder: Path, *words: str, **more: str) -> str:
    """Returns what the command writes, and how it ends."""
    return transcript(folder, ["history", *words, "--utc"], **more).partition("\n")[2]


def told(text: str) -> list[str]:
    """Returns the lines of a story, without spaces."""
    return [" ".join(line.split()) for line in text.splitlines()]


ENDED = "--- exit status 0\n"


@pytest.mark.parametrize("name", ["VM1", "web1", VM1, f"{VM1[:-1]}{VM1[-1].upper()}"])
def test_guest_that_moved_and_was_renamed_is_one_story(url: str, name: str, tmp_path: Path) -> None:
    assert history(tmp_path, name, VLANLOG_DATABASE=url) == STORY + ENDED


def test_events_of_both_hosts_are_in_order_of_time(url: str, tmp_path: Path) -> None:
    text = history(tmp_path, "web1", "-o", "jsonl", VLANLOG_DATABASE=url)

    events = [json.loads(line) for line in text.splitlines()[:-1]]
    assert [event["at_ns"] for event in events] == sorted(event["at_ns"] for event in events)
    assert {(event["host"], event["guest"]) for event in events} == {
        ("kvm-a", "VM1"), ("kvm-a", None), ("kvm-b", "VM1"), ("kvm-b", "web1"),
    }  # fmt: skip
    assert [event["kind"] for event in events if event["kind"].startswith("watch.")] == [
        "watch.gap_opened",
        "watch.gap_closed",
    ]


@pytest.mark.parametrize("number", [1, 3, 7, 12, 17, 40])
def test_last_lines_are_those_of_the_whole_story(folder: Path, number: int) -> None:
    whole = [" ".join(line.split()) for line in STORY.splitlines()[1:]]

    found = history(folder, "web1", "-n", str(number), "--oneline").splitlines()[:-1]

    fields = [[field for field in line.split("\t")[1:] if field != "-"] for line in found]
    assert [" ".join(" ".join(line).split()) for line in fields] == whole[-number:]


def test_newest_line_comes_first_in_reverse_over_all_hosts(folder: Path) -> None:
    forward = history(folder, "web1").splitlines()[1:-1]

    assert history(folder, "web1", "-r").splitlines()[1:-1] == forward[::-1]


def test_host_that_is_named_alone_needs_no_column(folder: Path) -> None:
    text = history(folder, "web1", "--host", "kvm-a")

    assert told(text)[:2] + told(text)[-2:] == [
        "WHEN WHAT BY WHY",
        "2026-11-03 08:10:00 qemu start begin hook (libvirtd)",
        "2026-11-03 10:00:06 vnet3 left br0 unknown",
        ENDED.strip(),
    ]


def test_hosts_that_are_named_add_to_each_other(folder: Path) -> None:
    assert history(folder, "web1", "--host", "kvm-b", "--host", "kvm-a") == STORY + ENDED


def test_host_without_a_log_is_refused_with_near_names(folder: Path) -> None:
    assert history(folder, "web1", "--host", "kvm-aa") == (
        "--- stderr\n"
        "vlanlog: error: the database has no log of host 'kvm-aa'\n"
        "hint: did you mean kvm-a, kvm-b?\n"
        "--- exit status 2\n"
    )


def test_port_names_of_two_hosts_are_told_apart(folder: Path) -> None:
    rows = told(history(folder, "vnet3", "--kind", "port.attached"))

    assert rows[1:-1] == [
        "2026-11-03 07:10:00 kvm-b VM2 vnet3 joined br0: pvid 1 unknown",
        "2026-11-03 08:10:00 kvm-a VM1 vnet3 joined br0: pvid 1 unknown",
    ]


def test_guest_of_the_name_that_runs_is_meant_and_the_other_is_told(folder: Path) -> None:
    other = Scribe("kvm-c")
    other.at(ns("20:00:00")).booted("kvm-c-1")
    mac, uuid = "52:54:00:00:00:09", "99999999-9999-4999-8999-999999999999"
    other.wrote(hooked(uuid, "web1", "start", nic(mac, tap="vnet1")), by=HOOK)
    other.wrote(hooked(uuid, "web1", "stopped"), by=HOOK)
    stored(f"sqlite:///{folder}/log.db", other)

    text = history(folder, "web1")

    assert text == f"{STORY}--- stderr\nvlanlog: other guests were called web1 too: {uuid}; " \
        f"this is {VM1}\n{ENDED}"  # fmt: skip


def test_empty_answer_says_what_each_log_covers(folder: Path) -> None:
    assert history(folder, "web1", "-S", "2027-01-01") == (
        "--- stderr\n"
        "vlanlog: nothing matched\n"
        "vlanlog: kvm-a: the log covers 2026-11-03 08:00:00 to 2026-11-03 10:00:06 UTC\n"
        "vlanlog: kvm-b: the log covers 2026-11-03 07:00:00 to 2026-11-03 11:05:00 UTC\n"
        "--- exit status 0\n"
    )


def test_story_is_followed_on_all_hosts(url: str, tmp_path: Path) -> None:
    with following(tmp_path, "history", VM1, "-f", "-n", "2", "--oneline",
                   VLANLOG_DATABASE=url) as history:  # fmt: skip
        history.until("vnet8 +200 -1 pvid 1→100")
        for host, name in (("kvm-a", "vnet3"), ("kvm-b", "vnet8")):
            log, scribe = open_log(url, host=host), Scribe(host)
            scribe.boot, scribe._ids = f"{host}-1", scribe._ids + 1000
            subject = tap(name, 77, "web1", MAC1, VM1)
            scribe.at(ns("12:00:00")).wrote((subject, e.VlanAdded(first=7, last=7)))
            log.append([item.event for item in scribe.log.read()])
            history.until(f"{host}\tweb1\t{name} +7")
            log.engine.dispose()
        history.interrupted()

    assert [line.split("\t")[2:5] for line in history.stdout.splitlines()] == [
        ["kvm-b", "web1", "vnet8 joined br0: pvid 1"],
        ["kvm-b", "web1", "vnet8 +200 -1 pvid 1→100"],
        ["kvm-a", "web1", "vnet3 +7"],
        ["kvm-b", "web1", "vnet8 +7"],
    ]


def test_guest_of_another_host_alone_is_told_without_this_hosts_log(folder: Path) -> None:
    text = history(folder, "VM2", VLANLOG_HOST="kvm-z")

    assert told(text)[1] == "2026-11-03 07:10:00 qemu start begin hook (libvirtd)"
