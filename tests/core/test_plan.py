"""The ranges to add to one port and to delete from it."""

from __future__ import annotations

import pytest

from tests.core.making import NATIVE, port, ranged, raw
from vlanlog.core.plan import additions, deletions
from vlanlog.core.vlan import NO_VLANS, PortVlans, VlanFlags, VlanRange

UNTAGGED = VlanFlags.UNTAGGED
Ranges = tuple[VlanRange, ...]


@pytest.mark.parametrize(
    ("now", "wanted", "adds", "deletes"),
    [
        (NO_VLANS, NO_VLANS, (), ()),
        (port("5", pvid=1), port("5", pvid=1), (), ()),
        (NO_VLANS, port("1-4094"), (ranged(1, 4094),), ()),
        (port("1-4094"), NO_VLANS, (), (ranged(1, 4094),)),
        (port(pvid=1), port("200,300-310", pvid=100),
         (ranged(100, flags=NATIVE), ranged(200), ranged(300, 310)), (ranged(1),)),
        # The PVID that is kept is not touched.
        (port("5", pvid=1), port("6", pvid=1), (ranged(6),), (ranged(5),)),
        # The displaced PVID is wanted tagged: said after the new one is in.
        (port(pvid=1), port("1", pvid=100), (ranged(100, flags=NATIVE), ranged(1)), ()),
        # The PVID goes and its vid stays: adding it plain clears the PVID.
        (port(pvid=1), port("1"), (ranged(1),), ()),
        (port(pvid=1), raw("1", untagged="1"), (ranged(1, flags=UNTAGGED),), ()),
        (port(pvid=1), raw("1", pvid=1), (ranged(1, flags=VlanFlags.PVID),), ()),
        # A tagged vid becomes the PVID, in one step.
        (port("100", pvid=1), port(pvid=100), (ranged(100, flags=NATIVE),), (ranged(1),)),
        (port("2-4"), raw("2-4", untagged="3"), (ranged(3, flags=UNTAGGED),), ()),
        (port("1-9"), port("1,9"), (), (ranged(2, 8),)),
    ],
)  # fmt: skip
def test_fewest_ranges_from_one_to_the_other(
    now: PortVlans, wanted: PortVlans, adds: Ranges, deletes: Ranges
) -> None:
    assert (additions(now, wanted), deletions(now, wanted)) == (adds, deletes)
