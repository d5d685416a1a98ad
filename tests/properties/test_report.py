"""What a report draws is what the fold of the whole log says, for every moment that was settled."""

from __future__ import annotations

from hypothesis import settings
from hypothesis.stateful import invariant

from tests.properties.test_host_life import GUESTS, HostLife
from tests.report.asking import MAKING, carried, source
from vlanlog.core.state import HostState, Seq
from vlanlog.core.vlan import NO_VLANS, PortVlans
from vlanlog.report.make import report_of
from vlanlog.report.values import Period


def owned(state: HostState, uuid: str, mac: str) -> PortVlans:
    """Returns what the fold says that a NIC carries, told naively."""
    owners = state.owners()
    vlans = NO_VLANS
    for port in state.table.ports.values():
        owner = owners.of(port)
        if owner is not None and (owner[0].uuid, owner[1].mac) == (uuid, mac):
            vlans = vlans.union(port.vlans)
    return vlans


class ReportedLife(HostLife):
    """Plays a host, and asks at its end what was when."""

    def __init__(self) -> None:
        super().__init__()
        self.settled: list[tuple[Seq, int]] = []

    @invariant()
    def what_is_settled_is_noted(self) -> None:
        head = self.site.log.head()
        if head is not None and self.site.state.table == self.site.kernel.read():
            self.settled.append((head.seq, head.at_ns))

    def teardown(self) -> None:
        if not self.settled:
            return
        middle = self.settled[len(self.settled) // 2][1]
        for since_ns in (0, middle):
            self._compare(Period(since_ns=since_ns, until_ns=self.site.clock.at_ns + 1))

    def _compare(self, period: Period) -> None:
        uuids = [uuid for uuid, _ in GUESTS.values()]
        report = report_of([source("host", self.site.log)], uuids, period, MAKING)
        for uuid, mac in GUESTS.values():
            [story] = [guest for guest in report.guests if guest.uuid == uuid]
            nics = {nic.mac: nic for nic in story.nics}
            for seq, at_ns in self.settled:
                if at_ns >= period.since_ns:
                    said = carried(nics[mac], at_ns) if mac in nics else NO_VLANS
                    assert said == owned(self.site.log.state(at_seq=seq), uuid, mac)


TestReportedLife = ReportedLife.TestCase
TestReportedLife.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
