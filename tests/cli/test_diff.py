"""``vlanlog diff`` as a command: between times and events, as a table and as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.golden import transcript
from tests.core.making import on_bridge, on_port
from tests.report import sample
from tests.report.scribe import HOOK
from vlanlog.core import event as e
from vlanlog.store import open_log


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Is a host's folder with the sample as its log, and a reboot behind it."""
    scribe = sample.log()
    eth0 = on_port("eth0", 2)
    scribe.at(sample.ns("03T21:00")).wrote(
        (on_bridge("br0", 1), e.BridgeChanged(vlan_filtering=True)),
        (eth0, e.PortAttached()),
        (eth0, e.VlanAdded(first=100, last=200)),
    )
    scribe.at(sample.ns("03T22:00")).booted("kvm-a-3")
    sample.started(scribe, 20)
    eth0 = on_port("eth0", 3)
    scribe.wrote(
        (on_bridge("br0", 1), e.BridgeChanged(vlan_filtering=True, default_pvid=0)),
        (eth0, e.PortAttached()),
        (eth0, e.VlanAdded(first=100, last=200)),
        by=HOOK,
    )
    log = open_log(f"sqlite:///{tmp_path}/log.db", host="kvm-a")
    log.append([item.event for item in scribe.log.read()])
    log.engine.dispose()
    return tmp_path


def run(folder: Path, *words: str) -> str:
    return transcript(folder, ["diff", *words], VLANLOG_HOST="kvm-a").partition("\n")[2]


def items(folder: Path, *words: str) -> list[dict[str, Any]]:
    told = run(folder, *words, "-o", "json").partition("---")[0]
    found: list[dict[str, Any]] = json.loads(told)
    return found


FOREIGN = ("--at", "2026-11-02 13:39", "--at", "2026-11-02 13:41")
RESTART = ("--at", "2026-11-03 08:00", "--at", "2026-11-03 10:00")
REBOOT = ("--at", "2026-11-03 21:30", "--at", "2026-11-03 22:30")


def test_difference_of_two_times_is_a_change_for_each_port(folder: Path) -> None:
    assert run(folder, *FOREIGN) == (
        "PORT   GUEST  CHANGE\nvnet0  web01  +666\n--- exit status 1\n"
    )


def test_times_can_be_given_the_other_way_round(folder: Path) -> None:
    assert run(folder, *FOREIGN[2:], *FOREIGN[:2]) == (
        "PORT   GUEST  CHANGE\nvnet0  web01  -666\n--- exit status 1\n"
    )


def test_moment_and_itself_do_not_differ(folder: Path) -> None:
    assert run(folder, "--at", "#20", "--at", "#20") == "--- exit status 0\n"
    assert run(folder, "--at", "#20", "--at", "#20", "-o", "json") == "[]\n--- exit status 0\n"


def test_time_and_event_can_be_mixed(folder: Path) -> None:
    log = open_log(f"sqlite:///{folder}/log.db", host="kvm-a")
    last = log.seq_at(sample.ns("02T13:41"))
    [known] = log.read(after=log.seq_at(sample.ns("02T13:39")), until=last)
    log.engine.dispose()

    expected = run(folder, *FOREIGN)
    assert run(folder, *FOREIGN[:2], "--at", f"#{last}") == expected
    assert run(folder, *FOREIGN[:2], "--at", str(known.event.event_id)) == expected
    assert run(folder, "--at", f"#{last - 1}", *FOREIGN[2:]) == expected


def test_nic_is_itself_after_a_restart(folder: Path) -> None:
    assert run(folder, *RESTART) == (
        "PORT         GUEST  CHANGE\n"
        "vnet0→vnet4  web01  +320 -100 pvid 100→101\n"
        "--- exit status 1\n"
    )


def test_host_is_compared_with_itself_after_a_reboot(folder: Path) -> None:
    assert run(folder, *REBOOT) == (
        "PORT          GUEST  CHANGE\n"
        "br0                  vlan_default_pvid 1→0\n"
        "vnet4→vnet20  web01  -101,200,300-310,320,999 pvid 101→1\n"
        "vnet5→vnet21  web01  -50,500-531 pvid 50→1\n"
        "--- exit status 1\n"
    )


def test_json_is_the_vids_that_differ_in_the_shape_of_bridge(folder: Path) -> None:
    [found] = items(folder, *RESTART, "--compressvlans")

    tagged = [{"vlan": 200}, {"vlan": 300, "vlanEnd": 310, "flags": []}]
    untagged = ["PVID", "Egress Untagged"]
    assert found == {
        "ifname": "vnet4",
        "bridge": "br0",
        "guest": "web01",
        "guest_uuid": sample.WEB,
        "mac": sample.LAN,
        "ifname_before": "vnet0",
        "bridge_before": "br0",
        "vlans": [
            {"vlan": 100, "flags": untagged, "change": "removed"},
            {"vlan": 101, "flags": untagged, "change": "added"},
            {"vlan": 320, "change": "added"},
        ],
        "change": "+320 -100 pvid 100→101",
        "before": [{"vlan": 100, "flags": untagged}, *tagged],
        "after": [{"vlan": 101, "flags": untagged}, *tagged, {"vlan": 320}],
    }


def test_json_has_each_vid_by_itself(folder: Path) -> None:
    [_, lan, _] = items(folder, *REBOOT)

    assert [vid["vlan"] for vid in lan["vlans"]] == [1, 101, 200, *range(300, 311), 320, 999]
    assert not [vid for vid in lan["vlans"] if "vlanEnd" in vid]


def test_json_of_a_bridge_has_no_vids(folder: Path) -> None:
    [bridge, *_] = items(folder, *REBOOT)

    assert bridge == {
        "ifname": "br0", "bridge": "br0", "vlans": [], "change": "vlan_default_pvid 1→0"
    }  # fmt: skip


def test_lines_of_json_are_a_port_each(folder: Path) -> None:
    lines = run(folder, *REBOOT, "-o", "jsonl").partition("---")[0].splitlines()

    assert [json.loads(line) for line in lines] == items(folder, *REBOOT)


def test_remark_is_made_for_each_time_that_nobody_watched(folder: Path) -> None:
    told = run(folder, "--at", "2026-11-03 02:00", "--at", "2026-11-03 20:30", "-o", "jsonl")

    assert told.partition("--- stderr\n")[2] == (
        "vlanlog: nobody watched between 2026-11-03 01:10:00 and 2026-11-03 02:34:00 (the daemon "
        "ended without a word): of 2026-11-03 02:00:00 this is what was last known\n"
        "vlanlog: nobody watched between 2026-11-03 20:00:00 and 2026-11-03 20:52:00 (the daemon "
        "was stopped): of 2026-11-03 20:30:00 this is what was last known\n"
        "--- exit status 1\n"
    )
