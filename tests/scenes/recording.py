"""What a daemon has recorded up to a moment, told by a mark that it hears in its turn.

Must not compare anything.
"""

from __future__ import annotations

import time

from tests.core.making import ranged
from tests.kernel.netns import index, ip
from tests.scenes.resident import Resident
from vlanlog.core import event as e
from vlanlog.core.fold import fold
from vlanlog.core.plan import PortChange
from vlanlog.core.state import HostState, IfIndex, PortTable, Seq
from vlanlog.kernel.read import NetlinkReader
from vlanlog.kernel.write import NetlinkWriter

MARK = "mark"
_DEADLINE_S = 60.0
_PAUSE_S = 0.02


class Recording:
    """Follows the log of a daemon; belongs to the network namespace in which it was made.

    Its own bridge serves as the mark: the kernel tells of all changes in their order, so what
    was done before the mark was set is in the log before the mark is.
    """

    def __init__(self, resident: Resident) -> None:
        self.resident = resident
        self.reader = NetlinkReader()
        self._writer = NetlinkWriter()
        ip("link", "add", MARK, "address", "52:54:00:ee:00:01", "up", "type", "bridge")
        self._index = IfIndex(index(MARK))
        self._vid = 1
        self._seq = Seq(0)

    def close(self) -> None:
        self.reader.close()
        self._writer.close()

    def told(self) -> list[e.Event]:
        """Returns what was recorded since the last call, all that has happened by now among it."""
        vid = self._set_mark()
        found: list[e.Event] = []
        ends = time.monotonic() + _DEADLINE_S
        while True:
            for item in self.resident.log.read(after=self._seq):
                self._seq = item.seq
                event = item.event
                if event.subject.ifindex != self._index:
                    found.append(event)
                elif event.fact == e.VlanAdded(first=vid, last=vid):
                    return found
            assert time.monotonic() < ends, self.resident.said.read_text()
            time.sleep(_PAUSE_S)

    def _set_mark(self) -> int:
        self._vid += 1
        change = PortChange(ifindex=self._index, is_self=True, ranges=(ranged(self._vid),))
        assert self._writer.add([change]) == [""]
        return self._vid

    def folded(self) -> HostState:
        """Returns the fold of the whole log from its first event."""
        return fold(self.resident.log.read())

    def kernel(self) -> PortTable:
        return self.reader.read()
