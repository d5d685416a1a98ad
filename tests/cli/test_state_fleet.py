"""``vlanlog state`` and ``diff`` where the database holds the logs of several hosts."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from tests.cli.golden import transcript
from tests.cli.test_blame_fleet import LAN, arrived, left
from vlanlog.spool import Spool
from vlanlog.store import open_log

NOTE = "vlanlog: the database has no log of host, but of kvm-a, kvm-b: name one with --host"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Is a database of two hosts, this one not among them: web01 moved from kvm-a to kvm-b."""
    for scribe in (left(), arrived()):
        log = open_log(f"sqlite:///{tmp_path}/log.db", host=scribe.host)
        log.append([item.event for item in scribe.log.read()])
        log.engine.dispose()
    return tmp_path


def told(folder: Path, *words: str) -> list[str]:
    """Returns what a command answers, less the line that is its own."""
    return transcript(folder, list(words)).splitlines()[1:]


def carried(folder: Path, *words: str) -> dict[str, list[int]]:
    text = "".join(line for line in told(folder, "state", "-o", "json", *words)[:-1])
    ports = json.loads(text.partition("--- stderr")[0])
    return {f"{p['ifname']} {p.get('mac')}": [vlan["vlan"] for vlan in p["vlans"]] for p in ports}


def test_state_of_another_host_is_that_of_its_log(folder: Path) -> None:
    assert carried(folder, "--host", "kvm-b") == {f"vnet7 {LAN}": [100, 200, 300]}
    assert carried(folder, "--host", "kvm-a", "--at", "2026-11-03 10:00") == {
        f"vnet0 {LAN}": [100, 200],
        "vnet7 fe:54:00:00:00:77": [1],
    }


def test_other_hosts_state_has_nothing_of_what_waits_in_this_ones_spool(folder: Path) -> None:
    before = carried(folder, "--host", "kvm-b")
    [event] = [item.event for item in arrived().log.read()][-1:]
    spool = folder / "spool"
    Spool(spool, host="host").write_events([replace(event, event_id=uuid4(), host="host")])

    assert carried(folder, "--host", "kvm-b") == before


def test_diff_of_another_host_is_between_times_of_its_log(folder: Path) -> None:
    times = ("--at", "2026-11-03 10:00", "--at", "2026-11-03 13:00")

    assert told(folder, "diff", *times, "--host", "kvm-a")[-1] == "--- exit status 1"
    assert [line for line in told(folder, "diff", *times, "--host", "kvm-a") if "vnet0" in line]


@pytest.mark.parametrize(
    "words", [("state", "--layer", "kernel"), ("diff",), ("diff", "observed", "kernel")]
)
def test_kernel_of_another_host_is_not_here(folder: Path, words: tuple[str, ...]) -> None:
    answer = told(folder, *words, "--host", "kvm-b")

    assert (answer[1], answer[-1]) == (
        "vlanlog: error: the kernel of kvm-b is not here",
        "--- exit status 2",
    )


def test_host_without_a_log_is_refused_with_near_names(folder: Path) -> None:
    for verb in (("state",), ("diff", "observed", "desired")):
        assert told(folder, *verb, "--host", "kvm-c") == [
            "--- stderr",
            "vlanlog: error: there is no log of kvm-c",
            "hint: did you mean kvm-b, kvm-a?",
            "--- exit status 2",
        ]


def test_host_that_has_no_log_itself_hears_whose_there_are(folder: Path) -> None:
    for words in (("state", "--at", "-1h"), ("diff", "--at", "-2h", "--at", "-1h")):
        assert NOTE in told(folder, *words)
