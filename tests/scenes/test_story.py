"""A guest's story through restarts under other tap names."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.kernel.netns import entered
from tests.scenes.guests import VM1, Guest, GuestNic
from tests.scenes.stage import BRIDGES, Stage

pytestmark = pytest.mark.kernel

# VM1 of this story has a NIC without a fixed tap name; another guest gets the name that it had.
ROVER = Guest(name=VM1.name, uuid=VM1.uuid, nics=(GuestNic(mac=VM1.nics[0].mac),))
OTHER = Guest(
    name="VM1-clone",
    uuid="44444444-4444-4444-8444-444444444444",
    nics=(GuestNic(mac="52:54:00:00:04:00"),),
)
STORY_PORTS = """\
[VM1/net0]
pvid = 100
tagged = 200
[VM1-clone/*]
pvid = 300
"""
FIELDS = frozenset({
    "seq", "at", "at_ns", "kind", "version", "host", "boot_id", "guest", "guest_uuid", "mac",
    "bridge", "port", "ifindex", "actor", "event_id", "correlation_id", "payload", "hash",
})  # fmt: skip
STARTED = [
    "qemu start begin",
    "{tap} joined br0: pvid 1",
    "{tap} +200 -1 pvid 1→100",
    "script qemu_start_begin.d/vlan_filtering.py exit 0",
    "qemu started begin",
    "script qemu_started_begin.d/vlan_filtering.py exit 0",
]
TAPS = ("vnet0", "vnet3", "vnet7")
STOPPED = ["qemu stopped end", "qemu release end"]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Is a host on which VM1 has run as vnet0, vnet3 and vnet7, and a clone as vnet0 meanwhile."""
    with entered():
        stage = Stage(tmp_path_factory.mktemp("story"))
        stage.configure(BRIDGES, STORY_PORTS)
        stage.add_reference_host()
        stage.daemon_starts()
        mac, other = ROVER.nics[0].mac, OTHER.nics[0].mac
        stage.start(ROVER, {mac: "vnet0"})
        stage.stop(ROVER)
        stage.start(OTHER, {other: "vnet0"})
        stage.start(ROVER, {mac: "vnet3"})
        stage.stop(ROVER)
        stage.start(ROVER, {mac: "vnet7"})
        yield stage


def _events(stage: Stage, *argv: str) -> list[dict[str, Any]]:
    done = stage.vlanlog("history", *argv, "-o", "json")
    assert (done.status, done.err) == (0, "")
    found: list[dict[str, Any]] = json.loads(done.out)
    return found


def _what(table: str) -> list[str]:
    """Returns the column WHAT of a history's table."""
    head, *lines = table.splitlines()
    start, end = head.index("WHAT"), head.index("BY")
    return [line[start:end].rstrip() for line in lines]


def test_history_of_a_guest_has_all_its_events_and_no_others(told: Stage) -> None:
    everything = _events(told)
    assert _events(told, "VM1") == [
        event
        for event in everything
        # By what the log says of a guest, and by what only its NIC and taps can be.
        if event["guest_uuid"] == VM1.uuid
        or event["mac"] in (ROVER.nics[0].mac, ROVER.nics[0].host_mac)
        or event["port"] in ("vnet3", "vnet7")
    ]


def test_history_tells_a_guest_apart_from_one_that_takes_its_tap_name(told: Stage) -> None:
    lives = [told.vlanlog("history", name) for name in ("VM1", "VM1-clone")]
    assert [(done.status, done.err) for done in lives] == [(0, ""), (0, "")]
    first, second, third = ([line.format(tap=tap) for line in STARTED] for tap in TAPS)
    assert _what(lives[0].out) == [
        "qemu prepare begin",
        *first,
        *STOPPED,
        # The re-read at the clone's start is the first to miss it.
        "vnet0 left br0",
        "qemu prepare begin",
        *second,
        *STOPPED,
        "qemu prepare begin",
        third[0],
        "vnet3 left br0",
        *third[1:],
    ]
    clone = [line.format(tap="vnet0") for line in STARTED]
    clone[2] = "vnet0 -1 pvid 1→300"
    assert _what(lives[1].out) == ["qemu prepare begin", *clone]


def test_history_in_json_has_the_documented_fields_in_every_event(told: Stage) -> None:
    assert {frozenset(event) for event in _events(told)} == {FIELDS}


def test_history_in_json_lines_has_the_same_events(told: Stage) -> None:
    done = told.vlanlog("history", "VM1", "-o", "jsonl")
    assert [json.loads(line) for line in done.out.splitlines()] == _events(told, "VM1")
