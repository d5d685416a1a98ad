"""Ways to change VLANs, ports and bridges of a host, and what is to be recorded of each.

Must not listen.
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pyroute2 import IPRoute

from tests.core.making import ranged
from tests.kernel.netns import bridge, index, ip_batch, run, sysfs
from tests.kernel.requests import UNTAGGED, Info, programmed, vlandb
from vlanlog.core import event as e
from vlanlog.core.vlan import VlanFlags, VlanRange
from vlanlog.kernel.wire import RTM_DELLINK, RTM_SETLINK

Said = Sequence[tuple[str, e.Fact]]
Doing = Callable[[], None]

_TUNSETIFF, _TAP_WITHOUT_HEADER = 0x400454CA, 0x1002
BRADDBR, BRDELBR, BRADDIF, BRDELIF = 0x89A0, 0x89A1, 0x89A2, 0x89A3

MAC_D0, MAC_D1, MAC_NEW = "52:54:00:00:00:02", "52:54:00:00:00:03", "52:54:00:00:00:09"


@dataclass(frozen=True)
class Case:
    """Is a change; what is said and unsaid is written ``br0/d0`` for a port, ``br0`` for a bridge.

    ``unsaid_before_5_6`` is what a kernel does not say that has no messages for VLANs.
    """

    title: str
    do: Doing
    said: Said = ()
    unsaid: Said = ()
    unsaid_before_5_6: Said = ()


def set_up() -> None:
    """Makes br0 with the port d0 that carries 1-3 and 33, br1 with d2 and no VLANs, d1 in none."""
    ip_batch(
        (
            "link add br0 address 52:54:00:00:00:01 type bridge",
            "link set br0 up",
            "link add br1 address 52:54:00:00:00:05 type bridge vlan_default_pvid 0",
            "link set br1 up",
            f"link add d0 address {MAC_D0} type dummy",
            "link set d0 master br0",
            f"link add d1 address {MAC_D1} type dummy",
            "link add d2 address 52:54:00:00:00:04 type dummy",
            "link set d2 master br1",
        )
    )
    programmed(RTM_SETLINK, index("d0"), (0, 2), (UNTAGGED, 3), (0, 33))


def setlink(*infos: Info, of: str = "d0", flags: int | None = None) -> Doing:
    """Returns what adds VLANs; a refusal is no error."""
    return lambda: void(programmed(RTM_SETLINK, index(of), *infos, flags=flags))


def dellink(*infos: Info, of: str = "d0", flags: int | None = None) -> Doing:
    return lambda: void(programmed(RTM_DELLINK, index(of), *infos, flags=flags))


def by_vlandb(kind: int, *ranges: VlanRange) -> Doing:
    """Returns what asks by the messages that Linux 5.6 brought; the program sends none."""
    return lambda: void(vlandb(kind, index("d0"), *ranges))


def by_ip(*commands: str) -> Doing:
    return lambda: ip_batch(commands)


def by_bridge(command: str) -> Doing:
    return lambda: bridge(*command.split())


def by_sysfs(path: str, value: str) -> Doing:
    return lambda: void(sysfs(path, value))


def by_ioctl(request: int, name: str, port: str = "lo") -> Doing:
    """Returns what asks as brctl and libvirt do."""

    def ask() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            fcntl.ioctl(asking, request, struct.pack("16si20x", name.encode(), index(port)))

    return ask


def in_turn(*doings: Doing) -> Doing:
    def do() -> None:
        for doing in doings:
            doing()

    return do


def void(_: object) -> None:
    """Says that the value is of no interest."""


def tap_dies() -> None:
    tap = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tap, _TUNSETIFF, struct.pack("16sH14x", b"tap0", _TAP_WITHOUT_HEADER))
    ip_batch((f"link set tap0 address {MAC_NEW}", "link set tap0 master br0 up"))
    setlink((0, 2), (0, 33), of="tap0")()
    os.close(tap)


def by_pyroute2() -> None:
    with IPRoute() as ipr:
        ipr.vlan_filter("add", index=index("d0"), vlan_info={"vid": 77})
        ipr.vlan_filter("del", index=index("d0"), vlan_info={"vid": 33})


def to_another_namespace() -> None:
    run("sh", "-c", "ip netns add away; ip link set d0 netns away; ip netns del away")


def stack() -> None:
    """Deletes a port whose VLAN device is a port too."""
    ip_batch(
        (
            f"link add link d0 name d0.7 address {MAC_NEW} type vlan id 7",
            "link set d0.7 master br1",
            "link del d0",
        )
    )


def added(first: int, last: int | None = None, flags: VlanFlags = VlanFlags.TAGGED) -> e.VlanAdded:
    item = ranged(first, last, flags)
    return e.VlanAdded(first=item.first, last=item.last, pvid=item.pvid, untagged=item.untagged)


def native(vid: int) -> e.VlanAdded:
    return e.VlanAdded(first=vid, last=vid, pvid=True, untagged=True)


def removed(first: int, last: int | None = None) -> e.VlanRemoved:
    return e.VlanRemoved(first=first, last=last or first)


def switched(filtering: bool, default_pvid: int) -> e.BridgeChanged:
    return e.BridgeChanged(vlan_filtering=filtering, default_pvid=default_pvid)


GONE = e.BridgeChanged(gone=True)
LEFT = e.PortDetached()
