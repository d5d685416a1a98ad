"""Frames on VLAN 100 flow without a loss while replay changes everything around them."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.kernel.netns import bridge, entered, ip
from tests.scenes.flow import End, Flow
from tests.scenes.stage import BRIDGES, SELF, TRUNK, Stage

pytestmark = pytest.mark.kernel

# Ports whose many vids take the kernel long: whatever is taken from p1 and p2 before it is given
# back stays away while frames are sent.
NEIGHBOURS = tuple(f"n{number}" for number in range(12))
# What is behind p1 sends and gets VLAN 100 untagged, what is behind p2 with tags.
BEFORE = """\
[DEFAULT]
guest = a-guest-that-is-not-running
[p1]
pvid = 100
tagged = 10-19, 500
[p2]
pvid = 7
tagged = 100, 600-699
[p3]
pvid = 100
""" + "".join(f"[{name}]\ntagged = 1000-2999\n" for name in NEIGHBOURS)
AFTER = """\
[DEFAULT]
guest = a-guest-that-is-not-running
[p1]
pvid = 100
tagged = 15-29, 501
[p2]
pvid = 8
tagged = 7, 100, 700-799
[p3]
pvid = 300
tagged = 100
""" + "".join(f"[{name}]\ntagged = 2000-3999\n" for name in NEIGHBOURS)
CARRIED_BEFORE = {
    "br0": SELF,
    "eth0": TRUNK,
    "p1": "10-19, 100 PVID Egress Untagged, 500",
    "p2": "7 PVID Egress Untagged, 100, 600-699",
    "p3": "100 PVID Egress Untagged",
    **dict.fromkeys(NEIGHBOURS, "1 PVID Egress Untagged, 1000-2999"),
}
CARRIED_AFTER = {
    "br0": SELF,
    "eth0": TRUNK,
    "p1": "15-29, 100 PVID Egress Untagged, 501",
    "p2": "7, 8 PVID Egress Untagged, 100, 700-799",
    "p3": "100, 300 PVID Egress Untagged",
    **dict.fromkeys(NEIGHBOURS, "1 PVID Egress Untagged, 2000-3999"),
}


@pytest.fixture
def ends(reference: Stage) -> Iterator[tuple[End, End]]:
    """Is what is behind p1 and p2, each in a namespace of its own; others are ports beside them."""
    found = _behind("p1"), _behind("p2", vid=100)
    for port in ("p3", *NEIGHBOURS):
        reference.add_device(port)
    for port in ("p1", "p2", "p3", *NEIGHBOURS):
        ip("link", "set", port, "master", "br0", "up")
    reference.configure(BRIDGES, BEFORE)
    assert reference.vlanlog("replay").status == 0
    assert reference.carried() == CARRIED_BEFORE
    yield found
    for end in found:
        end.socket.close()


def _behind(port: str, *, vid: int | None = None) -> End:
    """Returns the far end of a new port; its namespace lasts as long as its socket."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        with entered():
            peer = ("peer", "name", port, "netns", f"/proc/{os.getpid()}/fd/{home}")
            ip("link", "add", "end", "up", "type", "veth", *peer)
            if vid is None:
                return End("end")
            ip(*f"link add link end name tagged up type vlan id {vid}".split())
            return End("tagged")
    finally:
        os.close(home)


def test_no_frame_is_lost_while_replay_changes_all_other_vlans(
    reference: Stage, ends: tuple[End, End]
) -> None:
    with Flow(*ends) as flow:
        for ports, carried in ((AFTER, CARRIED_AFTER), (BEFORE, CARRIED_BEFORE)):
            reference.configure(BRIDGES, ports)
            assert reference.vlanlog("replay").status == 0
            assert reference.carried() == carried
    there, back = flow.counts()
    assert (there.lost, back.lost) == ((), ())
    assert there.sent == back.sent > 1000


@pytest.mark.usefixtures("reference")
def test_a_break_of_vlan_100_costs_frames_both_ways(ends: tuple[End, End]) -> None:
    with Flow(*ends) as flow:
        bridge("vlan", "del", "vid", "100", "dev", "p1")
        bridge("vlan", "add", "vid", "100", "dev", "p1", "pvid", "untagged")
    there, back = flow.counts()
    assert there.lost
    assert back.lost
    assert len(there.lost) < there.sent
    assert len(back.lost) < back.sent
