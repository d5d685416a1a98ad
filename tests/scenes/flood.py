"""VLAN changes of one port, as fast as the kernel takes them.

Must not compare anything.
"""

from __future__ import annotations

from types import TracebackType
from typing import Self

from vlanlog.core.plan import PortChange
from vlanlog.core.state import IfIndex
from vlanlog.core.vlan import Vid, VlanRange
from vlanlog.kernel.write import NetlinkWriter

# No range joins every second vid, so that each is a change, a notice entry and an event of its own.
RANGES = tuple(VlanRange(first=Vid(vid), last=Vid(vid)) for vid in range(2, 2002, 2))


class Flood:
    """Is a port of the network namespace in which it was made."""

    def __init__(self, port: int) -> None:
        self._change = PortChange(ifindex=IfIndex(port), is_self=False, ranges=RANGES)
        self._writer = NetlinkWriter()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._writer.__exit__(kind, error, trace)

    def turn(self) -> int:
        """Adds all vids and deletes them; returns how many changes that was."""
        for send in (self._writer.add, self._writer.delete):
            errors = [error for error in send([self._change]) if error]
            assert not errors, errors
        return 2 * len(RANGES)
