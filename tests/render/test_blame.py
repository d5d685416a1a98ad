"""The words of blame: why a port has a vid, and what JSON leaves out."""

from __future__ import annotations

import pytest

from tests.core.making import device, event, on_port, ranged
from vlanlog.blame import Blamed, Origin
from vlanlog.core import event as e
from vlanlog.core.state import Port, Seq
from vlanlog.render import blame

TAP, SELF = device("vnet0", 5), device("br0", 1)
ADDED = e.VlanAdded(first=5, last=5)


def origin(actor: e.Actor, *, because: str = "", joined: bool = False) -> Origin:
    source = e.Recorded(
        seq=Seq(7), event=event(ADDED, on_port("vnet0", 5), actor=actor), prev_hash=b"", hash=b""
    )
    return Origin(range=ranged(5), source=source, because=because, joined=joined)


WHY = {
    "an intent": (TAP, origin(e.UNKNOWN_WRITER, because="CHG-1"), "CHG-1"),
    "a stranger": (TAP, origin(e.UNKNOWN_WRITER), "foreign"),
    "a re-read": (TAP, origin(e.UNKNOWN_ACTOR), "found by a re-read"),
    "joining": (TAP, origin(e.UNKNOWN_WRITER, joined=True), "joined br0"),
    "joining unseen": (
        TAP, origin(e.UNKNOWN_ACTOR, joined=True), "joined br0, found by a re-read"
    ),
    "a bridge's own port": (SELF, origin(e.UNKNOWN_WRITER, joined=True), "bridge br0 appeared"),
}  # fmt: skip


@pytest.mark.parametrize("what", WHY)
def test_reason_is_told_in_a_few_words(what: str) -> None:
    port, of, told = WHY[what]

    assert blame.why(of, port) == told


def blamed(port: Port, *origins: Origin) -> Blamed:
    return Blamed(port=port, guest=None, nic=None, origins=origins)


def test_port_without_vlans_is_left_out_of_json() -> None:
    found = [("kvm-a", blamed(SELF)), ("kvm-a", blamed(TAP, origin(e.UNKNOWN_WRITER)))]

    assert [port["ifname"] for port in blame.ports(found)] == ["vnet0"]


def test_table_fits_the_terminal() -> None:
    found = [("kvm-a", blamed(TAP, origin(e.UNKNOWN_WRITER, because="a very long reason " * 4)))]

    told = blame.table(found, width=80, utc=True)

    assert told.splitlines() == [
        "PORT   VLAN  EVENT  WHEN                 BY",
        "         WHY",
        "vnet0  5     7      1970-01-01 00:00:01  unknown",
        "         a very long reason a very long reason a very long reason a very long",
        "         reason",
    ]


def test_hosts_are_told_apart_where_there_are_several() -> None:
    one = blamed(TAP, origin(e.UNKNOWN_WRITER))

    told = blame.table([("kvm-a", one), ("kvm-b", one)], width=None, utc=True)

    assert [line.split()[:2] for line in told.splitlines()] == [
        ["HOST", "PORT"],
        ["kvm-a", "vnet0"],
        ["kvm-b", "vnet0"],
    ]
