"""Changes of VLANs and of bridges' settings, and what is to be recorded of each.

Must not listen.
"""

from __future__ import annotations

from tests.core.making import ranged
from tests.kernel.doings import (
    Case,
    Said,
    added,
    by_bridge,
    by_ip,
    by_pyroute2,
    by_sysfs,
    by_vlandb,
    dellink,
    in_turn,
    native,
    removed,
    setlink,
    switched,
)
from tests.kernel.requests import BEGIN, END, MASTER_INFO, PVID, SELF, UNTAGGED
from vlanlog.core.vlan import VlanFlags
from vlanlog.kernel.wire import RTM_DELVLAN, RTM_NEWVLAN

DEFAULT_5: Said = (
    ("br0/br0", removed(1)),
    ("br0/br0", native(5)),
    ("br0/d0", removed(1)),
    ("br0/d0", native(5)),
)

VLAN_CHANGES = (
    Case("a vid", setlink((0, 10)), [("br0/d0", added(10))]),
    Case(
        "singles and a range",
        setlink((0, 10), (BEGIN, 20), (END, 30), (UNTAGGED, 40)),
        [
            ("br0/d0", added(10)),
            ("br0/d0", added(20, 30)),
            ("br0/d0", added(40, flags=VlanFlags.UNTAGGED)),
        ],
    ),
    Case(
        "a range over what was there",
        setlink((BEGIN, 30), (END, 40)),
        [("br0/d0", added(30, 32)), ("br0/d0", added(34, 40))],
    ),
    Case(
        "a request that fails half way",
        setlink((0, 10), (BEGIN, 200), (END, 100)),
        [("br0/d0", added(10))],
    ),
    Case(
        "a range deleted",
        dellink((BEGIN, 2), (END, 40)),
        [("br0/d0", removed(2, 3)), ("br0/d0", removed(33))],
    ),
    Case(
        "a range added by bridge(8)",
        by_bridge("vlan add dev d0 vid 100-200"),
        [("br0/d0", added(100, 200))],
    ),
    Case("pyroute2", by_pyroute2, [("br0/d0", added(77)), ("br0/d0", removed(33))]),
    Case(
        "a newer request to add",
        by_vlandb(RTM_NEWVLAN, ranged(60), ranged(70, 80, VlanFlags.UNTAGGED)),
        [("br0/d0", added(60)), ("br0/d0", added(70, 80, VlanFlags.UNTAGGED))],
        unsaid_before_5_6=[("br0/d0", added(60)), ("br0/d0", added(70, 80, VlanFlags.UNTAGGED))],
    ),
    Case(
        "a newer request to delete",
        by_vlandb(RTM_DELVLAN, ranged(2), ranged(33)),
        [("br0/d0", removed(2)), ("br0/d0", removed(33))],
        unsaid_before_5_6=[("br0/d0", removed(2)), ("br0/d0", removed(33))],
    ),
    Case("a PVID that moves", setlink((PVID | UNTAGGED, 20)), [("br0/d0", native(20))]),
    Case("a PVID that goes", dellink((0, 1)), [("br0/d0", removed(1))]),
    Case("a PVID that is one no more", setlink((0, 1)), [("br0/d0", added(1))]),
    Case(
        "the bridge's own",
        in_turn(setlink((0, 60), of="br0", flags=SELF), dellink((0, 1), of="br0", flags=SELF)),
        [("br0/br0", added(60)), ("br0/br0", removed(1))],
    ),
    Case(
        "a vid of port and bridge",
        setlink((MASTER_INFO, 300)),
        [("br0/br0", added(300)), ("br0/d0", added(300))],
        unsaid_before_5_6=[("br0/br0", added(300))],
    ),
    Case("what is said again", setlink((0, 400), (0, 2)), [("br0/d0", added(400))]),
    Case(
        "what is deleted in vain",
        dellink((0, 2), (0, 3000)),
        [("br0/d0", removed(2))],
    ),
    Case("nothing", setlink((0, 2), (PVID | UNTAGGED, 1))),
    Case(
        "a vid's state",
        by_bridge("vlan set vid 2 dev d0 state blocking"),
    ),
    Case("a port's cost", by_bridge("link set dev d0 cost 7")),
    Case(
        "default_pvid",
        by_ip("link set br0 type bridge vlan_default_pvid 5"),
        [*DEFAULT_5, ("br0", switched(False, 5))],
        unsaid_before_5_6=DEFAULT_5,
    ),
    Case(
        "default_pvid by sysfs",
        by_sysfs("br0/bridge/default_pvid", "5"),
        [*DEFAULT_5, ("br0", switched(False, 5))],
        unsaid_before_5_6=DEFAULT_5,
    ),
    Case(
        "no default_pvid",
        by_ip("link set br0 type bridge vlan_default_pvid 0"),
        [("br0/br0", removed(1)), ("br0/d0", removed(1)), ("br0", switched(False, 0))],
        unsaid_before_5_6=[("br0/br0", removed(1)), ("br0/d0", removed(1))],
    ),
    Case(
        "filtering on and off",
        by_ip(*(f"link set br0 type bridge vlan_filtering {on}" for on in (1, 0))),
        [("br0", switched(True, 1)), ("br0", switched(False, 1))],
    ),
    Case(
        "filtering by sysfs",
        by_sysfs("br0/bridge/vlan_filtering", "1"),
        [("br0", switched(True, 1))],
    ),
)

SILENT = (
    Case(
        "a vid of port and bridge deleted",
        in_turn(setlink((MASTER_INFO, 300)), dellink((MASTER_INFO, 300))),
        [("br0/br0", added(300)), ("br0/d0", added(300)), ("br0/d0", removed(300))],
        [("br0/br0", removed(300))],
    ),
    Case(
        "filtering of a bridge that is down",
        by_ip("link set br0 down", "link set br0 type bridge vlan_filtering 1"),
        [],
        [("br0", switched(True, 1))],
    ),
    Case(
        "default_pvid of a bridge that is down",
        by_ip("link set br0 down", "link set br0 type bridge vlan_default_pvid 5"),
        DEFAULT_5,
        [("br0", switched(False, 5))],
    ),
)
