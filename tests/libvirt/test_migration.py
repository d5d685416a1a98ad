"""A running guest moves from one host to another: its VLANs are there before it is."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from tests.lab.domain import domain_xml
from tests.lab.errors import LabError
from tests.libvirt.host import REFERENCE, Host, Vlans, words_of_hook
from tests.libvirt.site import SITES, Site, site
from tests.libvirt.story import Event, lines
from tests.libvirt.vm1 import NAMED, NICS, born, died, refused, running

pytestmark = pytest.mark.libvirt

FLEET = f"sqlite:///{SITES}/fleet.db"
UUID = "6c7f4c1e-8a0b-4d0f-9a53-0d1c6f0a5a12"


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Is what both hosts carry after a move, and what each log tells of the guest since before."""

    carried: tuple[Vlans, Vlans]
    told: tuple[list[str], list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moves:
    """Is all that was seen; refusal is what virsh said of the move that a hook refused.

    Shape: fleet is the guest's story, with the host of each event, in a database of both logs.
    """

    found: dict[str, Move]
    refusal: str
    states_after_refusal: tuple[str, str]
    fleet: list[tuple[str, str]]


class Pair:
    """Is two hosts, and how much of each log was seen."""

    def __init__(self, east: Site, west: Site) -> None:
        self._sites = (east, west)
        self._seen = [0, 0]

    def seen(self) -> Move:
        told = [_history(host) for host in self._sites]
        fresh = tuple(lines(events[seen:]) for events, seen in zip(told, self._seen, strict=True))
        self._seen = [len(events) for events in told]
        east, west = self._sites
        return Move(carried=(east.carried(), west.carried()), told=(fresh[0], fresh[1]))


def _history(host: Site) -> list[Event]:
    """Returns what the log tells of the guest, nothing while it does not know it."""
    return [event for event in host.history() if event["guest"] == "VM1"]


@pytest.fixture(scope="module")
def moves(one_host: Host) -> Iterator[Moves]:
    one_host.close()
    subprocess.run(("mount", "-t", "tmpfs", "sites", SITES), check=True)
    with ExitStack() as stack:
        east, west = (stack.enter_context(site(name)) for name in ("east", "west"))
        for host in (east, west):
            _write_ports(host, NAMED)
        yield _moves(east, west)
    subprocess.run(("umount", SITES), check=True)


def _moves(east: Site, west: Site) -> Moves:
    pair, found = Pair(east, west), {}
    east.define(domain_xml("VM1", NICS, uuid=UUID))
    east.virsh("start", "VM1")
    found["start"] = pair.seen()
    east.migrate("VM1", west)
    found["there"] = pair.seen()
    _write_ports(east, NAMED.replace("200-202", "4095"))
    refusal = _refusal(west, east)
    states = (_state(east), _state(west))
    found["refused"] = pair.seen()
    _write_ports(east, NAMED)
    west.migrate("VM1", east)
    found["and back"] = pair.seen()
    return Moves(
        found=found, refusal=refusal, states_after_refusal=states, fleet=_fleet(east, west)
    )


def _fleet(*hosts: Site) -> list[tuple[str, str]]:
    for host in hosts:
        file = f"{SITES}/{host.name}.jsonl"
        host.vlanlog("export", "--output", file)
        hosts[0].vlanlog("import", "--database", FLEET, file)
    told = [e for e in hosts[0].history("--database", FLEET) if e["guest"] == "VM1"]
    return [(event["host"], line) for event, line in zip(told, lines(told), strict=True)]


def _write_ports(host: Site, text: str) -> None:
    (host.conf / "vlan_filtering.conf").write_text(text)


def _state(host: Site) -> str:
    known = host.virsh("list", "--all", "--name").split()
    return host.virsh("domstate", "VM1").strip() if known else "unknown"


def _refusal(source: Site, target: Site) -> str:
    try:
        source.migrate("VM1", target)
    except LabError as error:
        return str(error)
    return ""


def _expected() -> dict[str, Move]:
    return {
        "start": Move(carried=(running("vnet0"), REFERENCE), told=(born("vnet0"), [])),
        "there": Move(
            carried=(REFERENCE, running("vnet0")),
            told=(died("migrated"), born("vnet0", by="migrate")),
        ),
        "refused": Move(
            carried=(REFERENCE, running("vnet0")),
            told=(refused("vnet1", before="vnet0", by="migrate"), []),
        ),
        "and back": Move(
            carried=(running("vnet2"), REFERENCE),
            told=(born("vnet2", before="vnet1", by="migrate"), died("migrated")),
        ),
    }


@pytest.mark.parametrize("name", ["start", "there", "refused", "and back"])
def test_move_leaves_the_right_vlans_on_both_hosts_and_whole_stories(
    moves: Moves, name: str
) -> None:
    assert moves.found[name] == _expected()[name]


def test_host_that_refuses_says_why_to_the_one_who_moves(moves: Moves) -> None:
    assert "VM1: start refused" in words_of_hook(moves.refusal)
    assert "[VM1/52:54:00:00:00:04] tagged: vid 4095 is out of range" in moves.refusal


def test_guest_that_was_refused_runs_on_where_it_was(moves: Moves) -> None:
    assert moves.states_after_refusal == ("unknown", "running")


def test_guest_that_moved_is_one_story_in_a_database_of_both_hosts(moves: Moves) -> None:
    expected = _expected()
    order = (
        ("start", "east"),
        *(("there", "west"), ("there", "east")),
        ("refused", "east"),
        *(("and back", "east"), ("and back", "west")),
    )
    assert moves.fleet == [
        (host, line)
        for name, host in order
        for line in expected[name].told[("east", "west").index(host)]
    ]
