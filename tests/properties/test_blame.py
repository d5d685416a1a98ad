"""Whatever happened to the ports: each vid is due to the last event that set it."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.report.scribe import Scribe
from vlanlog.blame import blame
from vlanlog.core import event as e
from vlanlog.core.fold import advance
from vlanlog.core.state import HostState, IfIndex, Seq
from vlanlog.core.vlan import VlanFlags

BRIDGES = ("br0", "br1")
NAMES = ("vnet0", "vnet1")
Setters = dict[tuple[IfIndex, int], Seq]
Told = dict[tuple[IfIndex, int], tuple[Seq, bool, bool]]

indexes = st.sampled_from((5, 6, 7))
few_vids = st.tuples(st.integers(1, 8), st.integers(1, 8)).map(sorted)


@st.composite
def facts(draw: st.DrawFn) -> tuple[int, str, str, e.Fact]:
    """Returns a fact about a port: its ifindex, and the name and bridge that it may get."""
    first, last = draw(few_vids)
    chosen: tuple[e.Fact, ...] = (
        e.PortAttached(),
        e.PortDetached(),
        e.BridgeChanged(gone=True),
        e.HostBooted(),
        e.VlanAdded(first=first, last=last, untagged=draw(st.booleans())),
        e.VlanAdded(first=first, last=last),
        e.VlanAdded(first=first, last=first, pvid=True, untagged=draw(st.booleans())),
        e.VlanRemoved(first=first, last=last),
    )
    fact = draw(st.sampled_from(chosen))
    return draw(indexes), draw(st.sampled_from(NAMES)), draw(st.sampled_from(BRIDGES)), fact


def written(scribe: Scribe, steps: list[tuple[int, str, str, e.Fact]]) -> None:
    """Writes the facts as a host would: a port's events have the name that it has by then."""
    for number, (index, name, bridge, fact) in enumerate(steps):
        match fact:
            case e.HostBooted():
                scribe.booted(f"boot-{number}")
                continue
            case e.BridgeChanged():
                subject = e.Subject(bridge=bridge, ifindex=1)
            case e.PortAttached():
                subject = e.Subject(port=name, ifindex=index, bridge=bridge)
            case _:
                known = scribe.log.state().table.ports.get(IfIndex(index))
                if known is None:
                    continue
                subject = e.Subject(port=known.name, ifindex=index, bridge=known.bridge)
        scribe.wrote((subject, fact))


def naive(scribe: Scribe, until: Seq) -> Told:
    """Returns the last event that set each vid, by a fold that remembers it, and its flags."""
    state, last = HostState(), Setters()
    for item in scribe.log.read(until=until):
        state = advance([(item.seq, item.event)], state)
        fact, index = item.event.fact, IfIndex(item.event.subject.ifindex or 0)
        if isinstance(fact, e.VlanAdded) and item.event.boot_id == state.boot_id:
            last |= {(index, vid): item.seq for vid in range(fact.first, fact.last + 1)}
    return {
        (index, vid): (last[index, vid], flags & VlanFlags.PVID > 0, flags & VlanFlags.UNTAGGED > 0)
        for index, port in state.table.ports.items()
        for vid in range(1, 9)
        if (flags := port.vlans.flags(vid)) is not None
    }


def told(scribe: Scribe, until: Seq) -> Told:
    """Returns what blame says, vid by vid."""
    return {
        (item.port.ifindex, vid): (origin.source.seq, origin.range.pvid, origin.range.untagged)
        for item in blame(scribe.log, scribe.log.state(at_seq=until), e.NO_SUBJECT)
        for origin in item.origins
        for vid in range(origin.range.first, origin.range.last + 1)
    }


@given(st.lists(facts(), max_size=40), st.data())
@settings(max_examples=300, deadline=None)
def test_blame_is_a_fold_that_remembers(
    steps: list[tuple[int, str, str, e.Fact]], data: st.DataObject
) -> None:
    scribe = Scribe()
    scribe.booted("boot")
    written(scribe, steps)
    until = Seq(data.draw(st.integers(1, scribe.head().seq), label="until"))

    assert told(scribe, until) == naive(scribe, until)


@given(st.lists(facts(), max_size=20), st.lists(facts(), max_size=10))
@settings(max_examples=100, deadline=None)
def test_late_events_of_another_boot_are_to_blame_for_nothing(
    steps: list[tuple[int, str, str, e.Fact]], late: list[tuple[int, str, str, e.Fact]]
) -> None:
    scribe = Scribe()
    scribe.booted("boot")
    written(scribe, steps)
    last = scribe.head().seq
    before = told(scribe, last)
    scribe.boot = "an older boot"
    of_ports = e.VlanAdded | e.VlanRemoved | e.PortAttached | e.PortDetached
    for index, name, bridge, fact in late:
        if isinstance(fact, of_ports):
            about = replace(e.NO_SUBJECT, port=name, ifindex=index, bridge=bridge)
            scribe.wrote((about, fact))

    assert told(scribe, scribe.head().seq) == before
