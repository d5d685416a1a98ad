"""``vlanlog blame`` as a command: whose VLANs, as what, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.golden import transcript
from tests.report import sample
from vlanlog.store import open_log

GAP = ("--at", "2026-11-03 06:00", "--utc")
"""Is a time behind the gap in which someone made VLAN 1 of vnet0 untagged."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Is a host's folder with the sample as its log."""
    log = open_log(f"sqlite:///{tmp_path}/log.db", host="kvm-a")
    log.append([item.event for item in sample.log().log.read()])
    log.engine.dispose()
    return tmp_path


def run(folder: Path, *words: str, zone: str = "UTC") -> str:
    told = transcript(folder, ["blame", *words], VLANLOG_HOST="kvm-a", TZ=zone)
    return told.partition("\n")[2]


def test_guest_is_told_port_by_port(folder: Path) -> None:
    assert run(folder, "web01", *GAP) == (
        "PORT   VLAN               EVENT  WHEN                 BY                     WHY\n"
        "vnet0  1 untagged         32     2026-11-03 02:34:00  unknown                "
        "found by a re-read\n"
        "vnet0  100 pvid untagged  11     2026-11-02 09:12:00  hook (libvirtd)        "
        "vlan_filtering.conf [web01/*]\n"
        "vnet0  200                12     2026-11-02 09:12:00  hook (libvirtd)        "
        "vlan_filtering.conf [web01/*]\n"
        "vnet0  305-310            13     2026-11-02 09:12:00  hook (libvirtd)        "
        "vlan_filtering.conf [web01/*]\n"
        "vnet1  50 pvid untagged   17     2026-11-02 09:12:00  hook (libvirtd)        "
        "vlan_filtering.conf [web01/*]\n"
        "vnet1  500-531            18     2026-11-02 09:12:00  hook (libvirtd)        "
        "vlan_filtering.conf [web01/*]\n"
        "vnet1  700                27     2026-11-02 17:05:00  root (login uid 1000)  "
        "CHG-1042: move storage\n"
        "--- exit status 0\n"
    )


FOREIGN = (
    "PORT   VLAN  EVENT  WHEN                 BY       WHY\n"
    "vnet4  999   60     2026-11-03 16:31:00  unknown  foreign\n"
    "--- exit status 0\n"
)


@pytest.mark.parametrize(
    "named", ["vnet4", "web01", f"web01/{sample.LAN.upper()}", "web01/net0", sample.LAN]
)
def test_vid_is_found_by_every_name_of_its_port(folder: Path, named: str) -> None:
    assert run(folder, named, "--vlan", "999") == FOREIGN


def test_nic_is_told_without_the_others(folder: Path) -> None:
    told = run(folder, "web01/net1", "-o", "jsonl").partition("---")[0]

    assert [json.loads(line)["ifname"] for line in told.splitlines()] == ["vnet5"]


def test_json_is_shaped_like_that_of_bridge(folder: Path) -> None:
    told = run(folder, "vnet0", "--vlan", "1", "-o", "json", *GAP)

    assert json.loads(told.partition("---")[0]) == [
        {
            "ifname": "vnet0",
            "bridge": "br0",
            "guest": "web01",
            "guest_uuid": sample.WEB,
            "mac": sample.LAN,
            "host": "kvm-a",
            "vlans": [
                {
                    "vlan": 1,
                    "flags": ["Egress Untagged"],
                    "seq": 32,
                    "at": "2026-11-03T02:34:00.003000000Z",
                    "at_ns": 1793673240003000000,
                    "by": "unknown",
                    "why": "found by a re-read",
                    "actor": {
                        "source": "unknown", "uid": None, "user": None, "login_uid": None,
                        "pid": None, "command": None, "parent": None,
                    },
                    "event_id": "00000000-0000-0000-3c04-1d5300000020",
                    "correlation_id": "00000000-0000-0000-0000-00000000000e",
                }
            ],
        }
    ]  # fmt: skip


def test_lines_of_json_are_a_port_each(folder: Path) -> None:
    told = run(folder, "web01", "-o", "jsonl").partition("---")[0]

    ports = [json.loads(line) for line in told.splitlines()]
    assert [(port["ifname"], [vlan["vlan"] for vlan in port["vlans"]]) for port in ports] == [
        ("vnet4", [101, 200, 300, 320, 999]),
        ("vnet5", [50, 500]),
    ]


def test_times_are_local_or_in_utc(folder: Path) -> None:
    words = ("vnet4", "--vlan", "999", "--at")

    assert run(folder, *words, "2026-11-03 16:32", "--utc", zone="JST-9") == FOREIGN
    assert run(folder, *words, "2026-11-04 01:32", zone="JST-9") == FOREIGN.replace(
        "2026-11-03 16:31:00", "2026-11-04 01:31:00"
    )


NOTHING = {
    "no such vid": (["web01", "--vlan", "77"], "web01 carries no vid 77 at that time"),
    "not yet": (
        ["vnet4", *GAP], "vnet4 is on no bridge at that time; see 'vlanlog history'"
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", NOTHING)
def test_nothing_to_blame_is_said(folder: Path, what: str) -> None:
    words, note = NOTHING[what]

    assert run(folder, *words) == f"--- stderr\nvlanlog: {note}\n--- exit status 0\n"


def test_nothing_to_blame_is_an_empty_list_of_json(folder: Path) -> None:
    assert run(folder, "web01", "--vlan", "77", "-o", "json").startswith("[]\n")


REFUSED = {
    "a guest": ("web011", "nothing in the log is called 'web011'", "did you mean web01?"),
    "a port": ("vnett5", "nothing in the log is called 'vnett5'", "did you mean vnet5, vnet4?"),
    "a NIC": (
        "web01/52:54:00:6b:3c:59",
        "web01 has no NIC '52:54:00:6b:3c:59'",
        "did you mean 52:54:00:6b:3c:58, 52:54:00:1e:90:07?",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_unknown_name_is_answered_with_near_ones(folder: Path, what: str) -> None:
    named, error, hint = REFUSED[what]

    assert run(folder, named) == (
        f"--- stderr\nvlanlog: error: {error}\nhint: {hint}\n--- exit status 2\n"
    )
