"""``vlanlog state`` as a command: of a time or an event, as a table and as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.golden import transcript
from tests.core.making import bridge_entry, port, port_entry
from tests.report import sample
from tests.report.scribe import DAEMON
from vlanlog.core import event as e
from vlanlog.core.state import ConfigRole
from vlanlog.store import open_log


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Is a host's folder with the sample as its log, and a config of the first evening."""
    scribe = sample.log()
    scribe.at(sample.ns("03T21:00")).wrote(
        *(
            (e.NO_SUBJECT, fact)
            for fact in (
                e.ConfigLoaded(
                    role=ConfigRole.BRIDGES, file="b", digest="1",
                    bridges=(bridge_entry("br9", "eth0"),),
                ),
                e.ConfigLoaded(
                    role=ConfigRole.PORTS, file="p", digest="2",
                    ports=(port_entry("web01/*", port("200", pvid=100)),),
                ),
            )
        ),
        by=DAEMON,
    )  # fmt: skip
    log = open_log(f"sqlite:///{tmp_path}/log.db", host="kvm-a")
    log.append([item.event for item in scribe.log.read()])
    log.engine.dispose()
    return tmp_path


def run(folder: Path, *words: str) -> str:
    return transcript(folder, ["state", *words], VLANLOG_HOST="kvm-a").partition("\n")[2]


def items(folder: Path, *words: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run(folder, *words).partition("---")[0])
    return found


MORNING = ("--at", "2026-11-02 10:00")


def test_state_of_a_time_is_what_was_observed(folder: Path) -> None:
    assert run(folder, *MORNING) == (
        "BRIDGE  PORT   GUEST  MAC                PVID  TAGGED\n"
        "br0     vnet0  web01  52:54:00:6b:3c:58  100   200,300-310\n"
        "br1     vnet1  web01  52:54:00:1e:90:07  50    500-563\n"
        "--- exit status 0\n"
    )


def test_state_of_an_event_is_that_behind_it(folder: Path) -> None:
    told = [
        [(item["ifname"], item["vlans"]) for item in items(folder, "--at", at, "-o", "json")]
        for at in ("#5", "#6")
    ]

    native = {"vlan": 1, "flags": ["PVID", "Egress Untagged"]}
    assert told == [[], [("vnet0", [native])]]


def test_event_is_named_by_its_id_as_well(folder: Path) -> None:
    log = open_log(f"sqlite:///{folder}/log.db", host="kvm-a")
    known = list(log.read())[11]
    log.engine.dispose()

    by_id = items(folder, "--at", str(known.event.event_id), "-o", "json")

    assert by_id == items(folder, "--at", "#12", "-o", "json")


def test_json_has_each_vid_and_whose_the_port_is(folder: Path) -> None:
    [lan, _] = items(folder, *MORNING, "-o", "json")

    assert lan == {
        "ifname": "vnet0",
        "bridge": "br0",
        "guest": "web01",
        "guest_uuid": sample.WEB,
        "mac": sample.LAN,
        "vlans": [
            {"vlan": 100, "flags": ["PVID", "Egress Untagged"]},
            {"vlan": 200},
            *({"vlan": vid} for vid in range(300, 311)),
        ],
    }


def test_json_has_ranges_where_they_are_asked_for(folder: Path) -> None:
    [lan, _] = items(folder, *MORNING, "--compressvlans", "-o", "json")

    assert lan["vlans"][1:] == [{"vlan": 200}, {"vlan": 300, "vlanEnd": 310, "flags": []}]


def test_lines_of_json_are_a_port_each(folder: Path) -> None:
    lines = run(folder, *MORNING, "-o", "jsonl").partition("---")[0].splitlines()

    assert [json.loads(line) for line in lines] == items(folder, *MORNING, "-o", "json")


def test_desired_of_a_time_is_by_the_wishes_and_the_config_of_that_time(folder: Path) -> None:
    layer = ("--layer", "desired", "--compressvlans", "-o", "json")
    earlier, later = (
        {
            item["ifname"]: [vid["vlan"] for vid in item["vlans"]]
            for item in items(folder, *layer, "--at", f"2026-11-03 {clock}")
        }
        for clock in ("19:00", "22:00")
    )

    assert earlier == {"vnet5": [50, 500, 700]}
    assert later == {"vnet4": [100, 200], "vnet5": [100, 200]}


def test_time_in_a_gap_is_answered_with_a_remark(folder: Path) -> None:
    told = run(folder, "--at", "2026-11-03 02:00", "-o", "jsonl").partition("--- stderr\n")[2]

    assert told == (
        "vlanlog: nobody watched between 2026-11-03 01:10:00 and 2026-11-03 02:34:00 (the daemon "
        "ended without a word): of 2026-11-03 02:00:00 this is what was last known\n"
        "--- exit status 0\n"
    )


COVERED = "hint: the log covers 2026-11-02 08:00:00 to 2026-11-03 21:00:00"
REFUSED = {
    "2099-01-01": f"2099-01-01 00:00:00 lies in the future\n{COVERED}\n",
    "2026-11-01": f"the log does not reach back to 2026-11-01 00:00:00\n{COVERED}\n",
    "#999": f"event #999 is not in the log\n{COVERED}, with the events #1 to #64\n",
}


@pytest.mark.parametrize("verb", ["state", "blame", "diff", "replay"])
@pytest.mark.parametrize("at", REFUSED)
def test_what_the_log_does_not_cover_is_refused_by_every_verb(
    folder: Path, at: str, verb: str
) -> None:
    more = {"blame": ["web01"], "diff": ["--at", "#1"], "replay": ["--dry-run"]}.get(verb, [])
    words = [verb, *more, "--at", at]

    told = transcript(folder, words, VLANLOG_HOST="kvm-a").partition("\n")[2]

    assert told == f"--- stderr\nvlanlog: error: {REFUSED[at]}--- exit status 2\n"
