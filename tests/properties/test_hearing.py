"""What is heard of a host's life, in whatever portions, folds to what the kernel shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import cycle

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.core.making import BOOT, Finding, numbered
from tests.fakes.talking import TalkingKernel
from tests.kernel.ear import listening
from tests.kernel.hosts import FakeHost, RealHost
from tests.kernel.netns import entered, index, ip
from tests.kernel.requests import vlandb
from tests.properties.walks import Doing, Step, carry_out, steps
from vlanlog.core import event as e
from vlanlog.core.fold import advance
from vlanlog.core.heard import Hearing
from vlanlog.core.notice import Notice, VlanMessage
from vlanlog.core.state import HostState, IfIndex
from vlanlog.core.vlan import Vid, VlanRange
from vlanlog.kernel.wire import RTM_DELVLAN

walks = st.lists(steps, max_size=40)
portions = st.lists(st.integers(1, 4), min_size=1, max_size=5)


class TalkingHost(FakeHost):
    def __init__(self) -> None:
        kernel = TalkingKernel()
        super().__init__(kernel)
        self.said = kernel.said
        self.delete_by_newer_request = kernel.delete_by_newer_request


class UpHost(RealHost):
    """Has its bridges up: one that is down does not say how it is switched."""

    def add_bridge(
        self, name: str, *, vlan_filtering: bool = False, default_pvid: int = 1
    ) -> IfIndex:
        number = super().add_bridge(name, vlan_filtering=vlan_filtering, default_pvid=default_pvid)
        ip("link", "set", name, "up")
        return number

    def delete_by_newer_request(self, name: str, vid: int) -> None:
        vlandb(RTM_DELVLAN, index(name), VlanRange(Vid(vid), Vid(vid)))


class Log:
    """Is a hearing and the state that follows from it."""

    def __init__(self) -> None:
        self.hearing = Hearing()
        self.state = HostState(boot_id=BOOT)

    def take(self, notices: Sequence[Notice]) -> list[Finding]:
        return self._folded(self.hearing.take(self.state, notices))

    def release(self) -> list[Finding]:
        return self._folded(self.hearing.release(self.state))

    def _folded(self, findings: list[Finding]) -> list[Finding]:
        self.state = advance(numbered(findings), self.state)
        return findings


def cut(notices: Sequence[Notice], sizes: Sequence[int]) -> Iterator[Sequence[Notice]]:
    start = 0
    for size in cycle(sizes):
        if start >= len(notices):
            return
        yield notices[start : start + size]
        start += size


def said_of(walk: Sequence[Step]) -> list[Notice]:
    host = TalkingHost()
    for step in walk:
        carry_out(host, step)
    return host.said()


@given(walks, portions)
def test_what_is_heard_is_what_the_kernel_shows(walk: list[Step], sizes: list[int]) -> None:
    host, log = TalkingHost(), Log()
    for step in walk:
        carry_out(host, step)
        for portion in cut(host.said(), sizes):
            log.take(portion)
        log.release()

        assert log.state.table == host.reader.read()


@given(walks, portions)
def test_portions_make_no_difference(walk: list[Step], sizes: list[int]) -> None:
    notices = said_of(walk)
    at_once, bit_by_bit = Log(), Log()

    found = [*at_once.take(notices), *at_once.release()]
    parts = [finding for part in cut(notices, sizes) for finding in bit_by_bit.take(part)]

    assert [*parts, *bit_by_bit.release()] == found


@given(walks)
def test_what_is_heard_twice_leads_to_the_same(walk: list[Step]) -> None:
    notices, log = said_of(walk), Log()
    log.take(notices)
    log.release()
    once = log.state.table

    log.take(notices)
    log.release()

    assert log.state.table == once


@given(walks)
def test_what_was_known_is_not_told_again(walk: list[Step]) -> None:
    host, log = TalkingHost(), Log()
    for step in walk:
        carry_out(host, step)
    log.take(host.said())
    log.release()
    now = [
        VlanMessage(ifindex=port.ifindex, gone=False, ranges=port.vlans.ranges())
        for port in log.state.table.ports.values()
    ]

    assert (log.take(now), log.hearing.waits) == ([], False)


@given(walks, portions)
def test_devices_that_go_take_no_vlans_away(walk: list[Step], sizes: list[int]) -> None:
    host, log = TalkingHost(), Log()
    for step in walk:
        carry_out(host, step)
        found = [finding for part in cut(host.said(), sizes) for finding in log.take(part)]
        found += log.release()

        if step.doing in (Doing.LEAVE, Doing.REMOVE):
            assert {type(fact) for _, fact in found} <= {e.PortDetached, e.BridgeChanged}


def nameless(findings: Sequence[Finding]) -> Counter[tuple[e.Subject, e.Fact]]:
    """Returns the findings without the numbers of devices, which no two hosts share."""
    return Counter((replace(subject, ifindex=None), fact) for subject, fact in findings)


@pytest.mark.kernel
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(steps, min_size=10, max_size=30))
def test_what_is_heard_of_a_real_kernel_is_what_it_shows_and_what_the_fake_says(
    walk: list[Step],
) -> None:
    fake, log = TalkingHost(), Log()
    with entered(), closing(UpHost()) as host, listening() as ear:
        for step in walk:
            carry_out(host, step)
            carry_out(fake, step)

            found = ear.hear()

            assert ear.unheard() == []
            assert nameless(found) == nameless([*log.take(fake.said()), *log.release()])
