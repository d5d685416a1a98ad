"""A watch, what it makes of what it hears, and the state that follows from it.

Must not know what is expected.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.core.making import BOOT, Finding, numbered
from vlanlog.core import event as e
from vlanlog.core.fold import advance
from vlanlog.core.heard import Hearing
from vlanlog.core.notice import LinkMessage, Notice
from vlanlog.core.observe import differences
from vlanlog.core.state import HostState, PortTable
from vlanlog.kernel.read import NetlinkReader
from vlanlog.kernel.watch import Watch


class Ear:
    """Begins with what a dump shows and then only listens; knows every device by its name."""

    def __init__(self, watch: Watch, reader: NetlinkReader) -> None:
        self.watch = watch
        self.reader = reader
        self.hearing = Hearing()
        self.state = HostState(boot_id=BOOT, table=reader.read())
        self._subjects: dict[str, tuple[int, str | None]] = {
            port.name: (port.ifindex, port.mac) for port in self.state.table.ports.values()
        }

    def notices(self) -> list[Notice]:
        """Returns all that is queued."""
        found: list[Notice] = []
        while heard := self.watch.read():
            found += heard
        for item in found:
            if isinstance(item, LinkMessage):
                mac = None if item.kind == "bridge" else item.mac
                self._subjects[item.name] = (item.ifindex, mac)
        return found

    def hear(self) -> list[Finding]:
        """Returns what is new in what is queued, with what was held back."""
        found = self.take(self.notices())
        while self.hearing.waits:
            self.reader.settle()
            notices = self.notices()
            found += self.take(notices) if notices else self.release()
        return found

    def take(self, notices: list[Notice]) -> list[Finding]:
        return self._folded(self.hearing.take(self.state, notices))

    def release(self) -> list[Finding]:
        return self._folded(self.hearing.release(self.state))

    def _folded(self, findings: list[Finding]) -> list[Finding]:
        self.state = advance(numbered(findings), self.state)
        return findings

    def unheard(self) -> list[Finding]:
        """Returns how the kernel differs from what was heard."""
        return differences(self.state, self.reader.read())

    def on(self, port: str, bridge: str = "br0") -> e.Subject:
        """Returns the subject of facts about a port that was met, now or before."""
        ifindex, mac = self._subjects[port]
        return e.Subject(bridge=bridge, port=port, ifindex=ifindex, mac=mac)

    def of(self, bridge: str) -> e.Subject:
        """Returns the subject of facts about a bridge that was met."""
        return e.Subject(bridge=bridge, ifindex=self._subjects[bridge][0])

    @property
    def table(self) -> PortTable:
        return self.state.table


@contextmanager
def listening(*, vlan_notices: bool | None = None) -> Iterator[Ear]:
    """Listens to the network namespace as it is from here on."""
    with Watch(vlan_notices=vlan_notices) as watch, NetlinkReader() as reader:
        yield Ear(watch, reader)
