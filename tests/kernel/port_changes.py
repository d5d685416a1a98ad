"""Ports and bridges that come, go, move and take other names, and what is to be recorded.

Must not listen.
"""

from __future__ import annotations

from tests.core.making import ranged
from tests.kernel.doings import (
    BRADDBR,
    BRADDIF,
    BRDELBR,
    BRDELIF,
    GONE,
    LEFT,
    MAC_D0,
    MAC_D1,
    MAC_NEW,
    Case,
    added,
    by_ioctl,
    by_ip,
    by_vlandb,
    in_turn,
    native,
    removed,
    stack,
    switched,
    tap_dies,
    to_another_namespace,
)
from vlanlog.core import event as e
from vlanlog.kernel.wire import RTM_DELVLAN

PORT_CHANGES = (
    Case(
        "a port that joins",
        by_ip("link set d1 master br0"),
        [("br0/d1", e.PortAttached(mac=MAC_D1)), ("br0/d1", native(1))],
    ),
    Case(
        "a port that joins by ioctl",
        by_ioctl(BRADDIF, "br0", "d1"),
        [("br0/d1", e.PortAttached(mac=MAC_D1)), ("br0/d1", native(1))],
    ),
    Case(
        "a port that joins where there is no default",
        by_ip("link set d1 master br1"),
        [("br1/d1", e.PortAttached(mac=MAC_D1))],
    ),
    Case(
        "a device made in a bridge",
        by_ip(f"link add d9 address {MAC_NEW} master br0 type dummy"),
        [("br0/d9", e.PortAttached(mac=MAC_NEW)), ("br0/d9", native(1))],
    ),
    Case("a port that leaves", by_ip("link set d0 nomaster"), [("br0/d0", LEFT)]),
    Case("a port that leaves by ioctl", by_ioctl(BRDELIF, "br0", "d0"), [("br0/d0", LEFT)]),
    Case("a port that is deleted", by_ip("link del d0"), [("br0/d0", LEFT)]),
    Case(
        "a port that is up and deleted", by_ip("link set d0 up", "link del d0"), [("br0/d0", LEFT)]
    ),
    Case("a port that goes to another namespace", to_another_namespace, [("br0/d0", LEFT)]),
    Case(
        "a tap whose process dies",
        tap_dies,
        [
            ("br0/tap0", e.PortAttached(mac=MAC_NEW)),
            ("br0/tap0", native(1)),
            ("br0/tap0", added(2)),
            ("br0/tap0", added(33)),
            ("br0/tap0", LEFT),
        ],
    ),
    Case(
        "a port that leaves after a vid was taken by the newer request",
        in_turn(by_vlandb(RTM_DELVLAN, ranged(2)), by_ip("link set d0 nomaster")),
        [("br0/d0", removed(2)), ("br0/d0", LEFT)],
    ),
    Case(
        "a port that moves",
        by_ip("link set d2 master br0"),
        [
            ("br1/d2", LEFT),
            ("br0/d2", e.PortAttached(mac="52:54:00:00:00:04")),
            ("br0/d2", native(1)),
        ],
    ),
    Case(
        "a port under a port that are deleted together",
        stack,
        [
            ("br1/d0.7", e.PortAttached(mac=MAC_NEW)),
            ("br1/d0.7", LEFT),
            ("br0/d0", LEFT),
        ],
    ),
    Case(
        "a port that is renamed",
        by_ip("link set d0 name e0"),
        [("br0/e0", e.PortAttached(mac=MAC_D0))],
    ),
    Case(
        "a port's MAC",
        by_ip(f"link set d0 address {MAC_NEW}"),
        [("br0/d0", e.PortAttached(mac=MAC_NEW))],
    ),
    Case("a bridge's MAC", by_ip(f"link set br0 address {MAC_NEW}")),
    Case(
        "a bond that has a slave, and joins and leaves",
        by_ip(
            f"link add bond9 address {MAC_NEW} type bond",
            "link set d1 master bond9",
            "link set bond9 master br0",
            "link set bond9 nomaster",
        ),
        [
            ("br0/bond9", e.PortAttached(mac=MAC_NEW)),
            ("br0/bond9", native(1)),
            ("br0/bond9", LEFT),
        ],
    ),
    Case(
        "a port that goes to a bond",
        by_ip("link add bond9 type bond", "link set d0 master bond9"),
        [("br0/d0", LEFT)],
    ),
    Case(
        "a bridge",
        by_ip("link add br9 type bridge vlan_filtering 1 vlan_default_pvid 9"),
        [("br9", switched(True, 9)), ("br9/br9", e.PortAttached()), ("br9/br9", native(9))],
        unsaid_before_5_6=[("br9/br9", native(9))],
    ),
    Case(
        "a bridge by ioctl that goes again",
        in_turn(by_ioctl(BRADDBR, "br9"), by_ioctl(BRDELBR, "br9")),
        [
            ("br9", switched(False, 1)),
            ("br9/br9", e.PortAttached()),
            ("br9/br9", native(1)),
            ("br9", GONE),
            ("br9/br9", LEFT),
        ],
    ),
    Case(
        "a bridge that is deleted with its ports",
        by_ip("link del br0"),
        [("br0/d0", LEFT), ("br0", GONE), ("br0/br0", LEFT)],
    ),
    Case(
        "a bridge that is down and deleted",
        by_ip("link set br0 down", "link del br0"),
        [("br0/d0", LEFT), ("br0", GONE), ("br0/br0", LEFT)],
    ),
    Case(
        "bridges and ports that are deleted at once",
        by_ip(
            "link set d0 group 7", "link set br0 group 7", "link set d2 group 7", "link del group 7"
        ),
        [("br0/d0", LEFT), ("br0", GONE), ("br0/br0", LEFT), ("br1/d2", LEFT)],
    ),
    Case(
        "a bridge that is renamed",
        by_ip("link set br1 name lan0"),
        [
            ("br1", GONE),
            ("lan0", switched(False, 0)),
            ("br1/br1", LEFT),
            ("br1/d2", LEFT),
            ("lan0/lan0", e.PortAttached()),
            ("lan0/d2", e.PortAttached(mac="52:54:00:00:00:04")),
        ],
    ),
)
