"""A story read back from its end: the same lines as the end of the whole one."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.making import MAC1, VM1, VM2, hooked, nic, port
from tests.report.scribe import Scribe
from vlanlog.core import event as e
from vlanlog.core.query import EventFilter
from vlanlog.core.state import HostState
from vlanlog.core.vlan import span
from vlanlog.history import Line, lines
from vlanlog.lookback import COVERAGE, is_wanted, last_told, told, wants_coverage, whole

SECOND_NS = 1_000_000_000
INDEXES = (5, 6)
OF_VM1 = EventFilter(subjects=(e.Subject(guest_uuid=VM1),))


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Is one thing that happens on a host; what cannot happen is passed over."""

    what: str
    index: int
    whose: str | None
    vid: int
    goes_on: bool
    later_ns: int


WHAT = (
    "join", "leave", "add", "add", "add", "remove", "native", "default", "default", "intend",
    "carry out", "carry out", "finish", "fail", "hook", "gap", "gap end", "daemon", "boot",
)  # fmt: skip


def happening(seed: int) -> list[Step]:
    """Returns what happens on a host: calls of several changes, pauses, now and then a boot."""
    chance = random.Random(seed)
    calls = chance.choice((0.3, 0.8))
    return [
        Step(
            what=chance.choice(WHAT if chance.random() < 0.7 else WHAT[:6]),
            index=chance.choice(INDEXES),
            whose=chance.choice((VM1, VM1, VM1, VM2, None)),
            vid=chance.randint(1, 4),
            goes_on=chance.random() < calls,
            later_ns=chance.choice((0, SECOND_NS // 4, 2 * SECOND_NS, 90 * SECOND_NS)),
        )
        for _ in range(chance.choice((20, 60)))
    ]


class Writing:
    """Writes what happens as a host would."""

    def __init__(self) -> None:
        self.scribe = Scribe().at(1_700_000_000 * SECOND_NS)
        self._present: set[int] = set()
        self._intent: dict[int, list[UUID]] = {}
        self._boots = 1
        self.scribe.booted("boot-1")

    def take(self, step: Step) -> None:
        scribe = self.scribe
        scribe.at(scribe.at_ns + step.later_ns)
        if step.what == "boot":
            self._boots += 1
            self._present.clear()
            self._intent.clear()
            scribe.booted(f"boot-{self._boots}")
            return
        fact = self._fact(step)
        if fact is None:
            return
        if step.goes_on and scribe.log.head() is not None:
            scribe.goes_on()
        ids = scribe.wrote((self._subject(step, fact), fact))
        if isinstance(fact, e.ProgramIntended):
            self._intent.setdefault(step.index, []).append(ids[0])

    def _subject(self, step: Step, fact: e.Fact) -> e.Subject:
        whose = e.Subject(guest_uuid=step.whose, guest_name="VM") if step.whose else e.NO_SUBJECT
        match fact:
            case e.HookInvoked():
                return e.Subject(guest_uuid=step.whose or VM1, guest_name="VM")
            case e.GapOpened() | e.GapClosed() | e.DaemonStarted():
                return e.NO_SUBJECT
            case _:
                name = f"vnet{step.index}"
                return replace(whose, bridge="br0", port=name, ifindex=step.index)

    def _fact(self, step: Step) -> e.Fact | None:
        facts: dict[str, e.Fact] = {
            "gap": e.GapOpened(reason=f"gap {step.vid}"),
            "gap end": e.GapClosed(reason="read"),
            "daemon": e.DaemonStarted(),
            "hook": hooked(VM1, "VM", "reconnect", nic(MAC1))[1],
        }
        if step.what in facts:
            return facts[step.what]
        if step.index in self._present:
            return self._on_port(step)
        if step.what != "join":
            return None
        self._present.add(step.index)
        return e.PortAttached()

    def _on_port(self, step: Step) -> e.Fact | None:
        vid, known = step.vid, self._intent.get(step.index, [])
        facts: dict[str, e.Fact] = {
            "leave": e.PortDetached(),
            "add": e.VlanAdded(first=vid, last=vid + 1),
            "remove": e.VlanRemoved(first=vid, last=vid + 1),
            "native": e.VlanAdded(first=vid, last=vid, pvid=True, untagged=True),
            "default": e.VlanAdded(first=1, last=1, pvid=True, untagged=True),
            "intend": e.ProgramIntended(after=port(str(vid)), because=f"reason {vid}"),
        }
        if known:
            facts |= {
                "carry out": e.VlanAdded(first=vid, last=vid, cause=known[-1]),
                "finish": e.ProgramFinished(intent=known[-1], outcome=e.Outcome.DONE),
                "fail": e.ProgramFinished(intent=known[-1], outcome=e.Outcome.FAILED),
            }
        if step.what == "leave":
            self._present.discard(step.index)
        return facts.get(step.what)


def written(steps: Sequence[Step]) -> Scribe:
    writing = Writing()
    for step in steps:
        writing.take(step)
    return writing.scribe


def spec(scribe: Scribe, wanted: EventFilter) -> list[Line]:
    """Returns the lines about wanted events, of the story told from its first event."""
    log = scribe.log
    own = list(log.select(replace(whole(wanted), newest_first=False)))
    if not own:
        return []
    first, last = own[0].seq, own[-1].seq
    events = list(log.read())
    if wants_coverage(wanted):
        covers = replace(wanted, subjects=(), kinds=COVERAGE, newest_first=False)
        own += [item for item in log.select(covers) if first < item.seq < last]
        own.sort(key=lambda item: item.seq)
    gaps = []
    for item in events[: first - 1]:
        if isinstance(item.event.fact, e.GapOpened):
            gaps.append(item)
        elif isinstance(item.event.fact, e.GapClosed):
            gaps = []
    told_as = {item.seq for item in own}
    others = [item for item in events if item.seq not in told_as and item.event.subject.port]
    found = lines([*gaps, *own], HostState(), others, log.state())
    return [line for line in found if line.seq >= first and is_wanted(line, wanted)]


FILTERS = {
    "all": EventFilter(),
    "guest": OF_VM1,
    "port": EventFilter(subjects=(e.Subject(port="vnet5"),)),
    "bridge": EventFilter(subjects=(e.Subject(bridge="br0"),)),
    "a guest's vid": replace(OF_VM1, vids=span(2, 2)),
    "vid": EventFilter(vids=span(3, 3)),
    "a guest's arrivals": replace(OF_VM1, kinds=frozenset({"port.attached"})),
    "removals": EventFilter(kinds=frozenset({"vlan.removed"})),
    "gaps": EventFilter(kinds=frozenset({"watch.gap_closed"})),
    "a guest for a while": replace(
        OF_VM1,
        since_ns=(1_700_000_000 + 100) * SECOND_NS,
        until_ns=(1_700_000_000 + 900) * SECOND_NS,
    ),
}


@pytest.mark.parametrize("wanted", FILTERS.values(), ids=FILTERS.keys())
@given(seed=st.integers(0, 2**32), number=st.integers(1, 12), chunk=st.integers(1, 12))
@settings(deadline=None, max_examples=150)
def test_last_lines_are_the_end_of_the_whole_story(
    wanted: EventFilter, seed: int, number: int, chunk: int
) -> None:
    scribe = written(happening(seed))
    everything = spec(scribe, wanted)

    assert told(scribe.log, wanted) == everything
    assert last_told(scribe.log, wanted, number, chunk=chunk) == everything[-number:]
