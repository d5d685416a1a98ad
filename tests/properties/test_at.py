"""State, diff and blame of any time and any event: what a naive model of the host says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from tests.core.making import on_bridge, on_port
from tests.postgres.server import Server
from tests.properties.naive_host import NaiveHost, differing, last_of
from vlanlog.blame import Blamed, blame, removed
from vlanlog.cli.layers import Layer, layer_table
from vlanlog.cli.options import moment_or_event
from vlanlog.config import load_settings
from vlanlog.core import event as e
from vlanlog.core.compared import port_differences
from vlanlog.core.state import HostState, Seq
from vlanlog.errors import UsageError
from vlanlog.host.host import Host
from vlanlog.identity import SystemClock
from vlanlog.journal import Envelope, Journal
from vlanlog.kernel.read import NetlinkReader
from vlanlog.ports import EventLog
from vlanlog.render import json
from vlanlog.store.engine import open_engine
from vlanlog.store.log import SqlEventLog
from vlanlog.store.upgrade import ensure_schema

BEGIN_NS = 1_700_000_000_000_000_000
NAMES = ("eth0", "lan0", "vnet0", "vnet1")
BRIDGES = ("br0", "br1")
TICKS = (0, 0, 1, 1, 1, 3, 10, -1, -5, -30)
EVERY = 4
"""Is after how many events a snapshot is kept."""

Told = dict[tuple[str, int], tuple[int, tuple[bool, bool]]]
Asked = Callable[[EventLog, HostState, e.Subject], tuple[Blamed, ...]]

_numbers = count(1)
few_vids = st.tuples(st.integers(1, 5), st.integers(1, 5)).map(sorted)


@dataclass
class Story:
    """Is a log being made up, and what the naive host is after each of its events.

    Shape: hosts[n] is after n events, stamps[n - 1] is the time of the n-th.
    """

    name: str
    boots: int = 0
    clock_ns: int = BEGIN_NS
    events: list[e.Event] = field(default_factory=list)
    hosts: list[NaiveHost] = field(default_factory=lambda: [NaiveHost()])

    @property
    def stamps(self) -> list[int]:
        return [event.at_ns for event in self.events]

    def tell(self, subject: e.Subject, fact: e.Fact, *, boot: int | None = None) -> None:
        number = len(self.events) + 1
        event = e.Event(
            event_id=UUID(int=(7 << 76) + (8 << 60) + next(_numbers)),
            at_ns=self.clock_ns,
            host=self.name,
            boot_id=f"boot-{self.boots if boot is None else boot}",
            actor=e.UNKNOWN_WRITER,
            correlation_id=UUID(int=1),
            fact=fact,
            subject=subject,
        )
        self.events.append(event)
        self.hosts.append(self.hosts[-1].after(number, event))


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """Returns a log as a host would write it: VLANs of ports that are there, names used once."""
    story = Story(name=f"host-{next(_numbers)}")
    story.tell(e.NO_SUBJECT, e.HostBooted())
    for _ in range(draw(st.integers(1, 60))):
        story.clock_ns += draw(st.sampled_from(TICKS))
        _go_on(draw, story)
    return story


def _go_on(draw: st.DrawFn, story: Story) -> None:
    ports = story.hosts[-1].ports
    what = draw(st.sampled_from(("vlan",) * 16 + ("port",) * 3 + ("rest",) * 2))
    if what == "rest":
        _interrupt(draw, story)
    elif what == "port" or not ports:
        _plug(draw, story)
    else:
        index = draw(st.sampled_from(sorted(ports)))
        subject = on_port(ports[index].name, index, ports[index].bridge)
        story.tell(subject, draw(_changes()))


def _plug(draw: st.DrawFn, story: Story) -> None:
    ports = story.hosts[-1].ports
    index, bridge = draw(st.sampled_from((5, 6, 7))), draw(st.sampled_from(BRIDGES))
    if index in ports and draw(st.booleans()):
        story.tell(on_port(ports[index].name, index, ports[index].bridge), e.PortDetached())
        return
    taken = {port.name for other, port in ports.items() if other != index}
    name = draw(st.sampled_from([name for name in NAMES if name not in taken]))
    story.tell(on_port(name, index, bridge), e.PortAttached())


@st.composite
def _changes(draw: st.DrawFn) -> e.Fact:
    first, last = draw(few_vids)
    untagged = draw(st.booleans())
    kinds: tuple[Callable[[], e.Fact], ...] = (
        partial(e.VlanAdded, first=first, last=last, untagged=untagged),
        partial(e.VlanAdded, first=first, last=first, pvid=True, untagged=untagged),
        partial(e.VlanRemoved, first=first, last=last),
        partial(e.ProgramIntended, because="told only"),
    )
    return draw(st.sampled_from(kinds))()


def _interrupt(draw: st.DrawFn, story: Story) -> None:
    match draw(st.sampled_from(("boot", "gap", "watch", "late", "bridge"))):
        case "boot":
            story.boots += 1
            story.tell(e.NO_SUBJECT, e.HostBooted())
        case "gap":
            story.tell(e.NO_SUBJECT, e.GapOpened(reason="r"))
        case "watch":
            story.tell(e.NO_SUBJECT, e.GapClosed(reason="r"))
        case "late" if story.boots:
            fact = e.VlanAdded(first=1, last=4094)
            story.tell(on_port("eth0", 5), fact, boot=story.boots - 1)
        case _:
            bridge = draw(st.sampled_from(BRIDGES))
            story.tell(on_bridge(bridge, 1), e.BridgeChanged(gone=True))


def kept(engine: Engine, story: Story, sizes: list[int]) -> SqlEventLog:
    """Writes the story down in batches of these sizes; returns a log that remembers none of it."""
    log = SqlEventLog(engine, host=story.name, snapshot_every=EVERY)
    rest = story.events
    for size in [*sizes, len(rest)]:
        log.append(rest[:size])
        rest = rest[size:]
    return SqlEventLog(engine, host=story.name, snapshot_every=EVERY)


class NoKernel:
    """Is the kernel of a host that only the past is asked of."""

    @property
    def reader(self) -> NetlinkReader:
        raise AssertionError("the past was asked of the kernel")

    writer = eye = reader


def host_of(log: SqlEventLog) -> Host:
    envelope = Envelope(
        host=log.host, boot_id="now", actor=e.UNKNOWN_ACTOR, correlation_id=UUID(int=0)
    )
    return Host(
        settings=load_settings({}, Path("/nonexistent")),
        log=log,
        journal=Journal(log=log, clock=SystemClock(), envelope=envelope),
        kernel=NoKernel(),  # type: ignore[arg-type]
    )


@dataclass
class Moment:
    """Is what an operator would write, and the number of the event that is the last by then."""

    text: str
    last: int


@st.composite
def moments(draw: st.DrawFn, story: Story) -> Moment:
    """Returns a time that the log covers, or an event by its number or its id."""
    number = draw(st.integers(1, len(story.events)))
    match draw(st.sampled_from(("time", "time", "number", "id"))):
        case "number":
            return Moment(f"#{number}", number)
        case "id":
            return Moment(str(story.events[number - 1].event_id), number)
        case _:
            at_ns = story.stamps[number - 1] + draw(st.sampled_from((0, 0, 1, 2, 15)))
            text = f"@{at_ns // 1_000_000_000}.{at_ns % 1_000_000_000:09d}"
            return Moment(text, last_of(story.stamps, at_ns))


def named(items: list[dict[str, Any]], *keys: str) -> list[dict[str, Any]]:
    return [{key: item[key] for key in keys} for item in items]


def state_told(host: Host, text: str) -> list[dict[str, Any]]:
    found = layer_table(host, Layer.OBSERVED, host.place_of(moment_or_event(text)))
    ports = [port for _, port in sorted(found.table.ports.items())]
    told = list(json.ports(ports, found.state.owners(), compressed=False))
    return named(told, "ifname", "bridge", "vlans")


def diff_told(host: Host, one: str, two: str) -> list[dict[str, Any]]:
    a, b = (
        layer_table(host, Layer.OBSERVED, host.place_of(moment_or_event(text)))
        for text in (one, two)
    )
    items = [
        json.difference(item, "", compressed=False) for item in port_differences(a.side, b.side)
    ]
    told = named(items, "ifname", "bridge", "ifname_before", "before", "after")
    for short, item in zip(told, items, strict=True):
        short["differ"] = [vid["vlan"] for vid in item["vlans"]]
    return sorted(told, key=repr)


def blame_told(host: Host, text: str, asked: Asked) -> Told:
    then = host.state_at(host.place_of(moment_or_event(text)))
    told = [
        ((item.port.name, vid), (origin.source.seq, (origin.range.pvid, origin.range.untagged)))
        for item in asked(host.log, then, e.NO_SUBJECT)
        for origin in item.origins
        for vid in range(origin.range.first, origin.range.last + 1)
    ]
    assert len(dict(told)) == len(told), "a vid is told twice"
    return dict(told)


def held_against_the_model(engine: Engine, story: Story, data: st.DataObject) -> None:
    sizes = data.draw(st.lists(st.integers(1, 9), max_size=12), label="batches")
    host = host_of(kept(engine, story, sizes))
    for _ in range(4):
        one, two = data.draw(moments(story)), data.draw(moments(story))
        then = story.hosts[one.last]

        assert state_told(host, one.text) == then.shown()
        assert blame_told(host, one.text, blame) == then.blamed()
        assert blame_told(host, one.text, removed) == then.lost()
        assert diff_told(host, one.text, two.text) == differing(then, story.hosts[two.last])


@pytest.fixture(scope="module")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    yield from opened(f"sqlite:///{tmp_path_factory.mktemp('at')}/log.db")


@pytest.fixture(scope="module")
def postgresql(postgres: Server) -> Iterator[Engine]:
    yield from opened(postgres.new_database())


def opened(url: str) -> Iterator[Engine]:
    engine = open_engine(url)
    ensure_schema(engine)
    yield engine
    engine.dispose()


@given(stories(), st.data())
@settings(max_examples=50)
def test_any_moment_is_told_as_the_model_says(
    sqlite: Engine, story: Story, data: st.DataObject
) -> None:
    held_against_the_model(sqlite, story, data)


@given(stories(), st.data())
@settings(max_examples=20)
def test_any_moment_is_told_by_postgresql_as_the_model_says(
    postgresql: Engine, story: Story, data: st.DataObject
) -> None:
    held_against_the_model(postgresql, story, data)


@given(stories())
@settings(max_examples=20)
def test_every_event_is_told_as_the_model_says(sqlite: Engine, story: Story) -> None:
    host = host_of(kept(sqlite, story, [3, 1, 7]))

    told = [state_told(host, f"#{number}") for number in range(len(story.events), 0, -1)]

    assert told == [then.shown() for then in story.hosts[:0:-1]]


@given(stories())
@settings(max_examples=20)
def test_time_before_the_first_stamp_is_refused(sqlite: Engine, story: Story) -> None:
    host = host_of(kept(sqlite, story, []))
    before_ns = min(story.stamps) - 1

    with pytest.raises(UsageError, match="the log does not reach back to"):
        host.place_of(moment_or_event(f"@{before_ns // 10**9}.{before_ns % 10**9:09d}"))


@given(stories(), st.data())
@settings(max_examples=30)
def test_remark_is_made_where_nobody_watched_and_nowhere_else(
    sqlite: Engine, story: Story, data: st.DataObject
) -> None:
    host = host_of(kept(sqlite, story, []))
    moment = data.draw(moments(story))

    host.state_at(host.place_of(moment_or_event(moment.text)))

    assert bool(host.notes) == (not story.hosts[moment.last].watched)


def test_events_of_a_story_are_in_the_log_with_their_numbers(sqlite: Engine) -> None:
    story = Story(name="numbered")
    for _ in range(9):
        story.tell(e.NO_SUBJECT, e.HostBooted())

    log = kept(sqlite, story, [2, 3])

    assert [(item.seq, item.event) for item in log.read()] == [
        (Seq(number), event) for number, event in enumerate(story.events, 1)
    ]
