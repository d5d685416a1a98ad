"""A story that is followed: where it begins, how it goes on, and what becomes of its log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, islice

import pytest

from tests.core.making import MAC1, MAC2, VM1, VM2, hooked, nic, on_port, port, port_entry
from tests.fakes.log import MemoryEventLog
from tests.fakes.site import Site, WatchedKernel
from vlanlog.core import event as e
from vlanlog.core.query import EventFilter
from vlanlog.core.state import Seq
from vlanlog.core.vlan import NO_VLANS
from vlanlog.errors import StoreError, StoreNewerError
from vlanlog.follow import Events, Lines, Story, Watch
from vlanlog.history import Line, lines
from vlanlog.ports import EventLog

ALL = EventFilter(newest_first=False)
OF_VM1 = EventFilter(subjects=(e.Subject(guest_uuid=VM1),), newest_first=False)


class Glances:
    """Looks at logs in turn, the last one for good; an error among them is raised."""

    def __init__(self, *logs: EventLog | StoreError) -> None:
        self._logs = list(logs)
        self.anew: list[bool] = []
        self.said: list[str] = []
        self.pauses = 0

    def look(self, *, anew: bool) -> EventLog:
        self.anew.append(anew)
        log = self._logs.pop(0) if len(self._logs) > 1 else self._logs[0]
        if isinstance(log, StoreError):
            raise log
        return log

    def pause(self) -> None:
        self.pauses += 1

    @property
    def watch(self) -> Watch:
        return Watch(look=self.look, pause=self.pause, say=self.said.append)


class CountedCommits(MemoryEventLog):
    """Is a log that knows after which events a commit ended."""

    def __init__(self) -> None:
        super().__init__()
        self.ends: list[int] = []

    def append(self, events: Sequence[e.Event]) -> list[Seq]:
        """Keeps the events."""
        seqs = super().append(events)
        self.ends += seqs[-1:]
        return seqs


def busy() -> CountedCommits:
    """Returns the log of a host whose config was changed for two guests 40 times."""
    site, log = Site(), CountedCommits()
    site.log, site.kernel = log, WatchedKernel(log)
    site.opened()
    site.kernel.add_bridge("br0", vlan_filtering=True)
    site.kernel.add_port("vnet0", "br0")
    site.kernel.add_port("vnet1", "br0")
    site.told(hooked(VM1, "VM1", "start", nic(MAC1, tap="vnet0")))
    site.told(hooked(VM2, "VM2", "start", nic(MAC2, tap="vnet1")))
    for number in range(40):
        vids = f"{100 + number},{200 + 2 * number},{300 + 3 * number}"
        site.opened()
        site.config(
            port_entry("VM1/*", port(vids, pvid=10 + number)), port_entry("VM2/*", port(vids))
        )
        site.replayed()
        if number % 7 == 0:
            site.kernel.set_vlans("vnet0", port("4000"))
            site.look()
    return log


@pytest.fixture(scope="module")
def many() -> CountedCommits:
    """Is the log of a busy host: some 900 events."""
    return busy()


def copied(items: Sequence[e.Recorded]) -> MemoryEventLog:
    log = MemoryEventLog()
    log.append([item.event for item in items])
    return log


def whole_story(log: EventLog, wanted: EventFilter = ALL) -> list[Line]:
    return list(lines(log.select(wanted), log.state(at_seq=Seq(0))))


def told(follower: Lines | Events, glances: Glances, looks: int) -> list[Line | e.Recorded]:
    """Returns what was there, and what so many looks bring."""
    new: Iterator[Sequence[Line | e.Recorded]] = islice(follower.new(glances.watch), looks)
    return [*follower.past, *chain.from_iterable(new)]


@pytest.mark.parametrize("wanted", [ALL, OF_VM1], ids=["all", "of-a-guest"])
@pytest.mark.parametrize("number", [1, 2, 9, 33, 120, 5000])
def test_follower_begins_with_the_last_lines_of_the_history(
    many: MemoryEventLog, wanted: EventFilter, number: int
) -> None:
    follower = Lines(Story(wanted=wanted, number=number), many, many.head())

    assert told(follower, Glances(many), 1) == whole_story(many, wanted)[-number:]


def test_follower_of_a_kind_begins_with_the_last_lines_that_have_it(many: MemoryEventLog) -> None:
    wanted = EventFilter(kinds=frozenset({"port.attached"}), newest_first=False)

    follower = Lines(Story(wanted=wanted, number=2), many, many.head())

    attached = [line for line in whole_story(many) if isinstance(line.event.fact, e.PortAttached)]
    assert told(follower, Glances(many), 1) == attached[-2:]


@pytest.mark.parametrize("at_once", [1, 2, 7, 10_000])
@pytest.mark.parametrize("known", [2, 20, 57])
@pytest.mark.parametrize("wanted", [ALL, OF_VM1], ids=["all", "of-a-guest"])
def test_story_that_comes_commit_by_commit_is_the_history(
    many: CountedCommits, wanted: EventFilter, known: int, at_once: int
) -> None:
    items, ends = list(many.read()), many.ends
    log = copied(items[: ends[known - 1]])
    follower = Lines(Story(wanted=wanted, number=5000), log, log.head())
    new = follower.new(Glances(log).watch)

    found = list(follower.past)
    for at in range(known, len(ends), at_once):
        end = ends[min(at + at_once, len(ends)) - 1]
        log.append([item.event for item in items[ends[at - 1] : end]])
        found += next(new)
    found += next(new)

    assert found == whole_story(many, wanted)


def added(*vids: int) -> list[tuple[e.Subject, e.Fact]]:
    return [(on_port("vnet0", 7), e.VlanAdded(first=vid, last=vid)) for vid in vids]


def changes(found: Sequence[Line]) -> list[str]:
    return [f"{line.before or '-'} → {line.after or '-'}" for line in found]


def test_change_is_held_back_until_a_look_brings_no_more_of_it() -> None:
    site = Site()
    new = Lines(Story(wanted=ALL), site.log, site.log.head()).new(Glances(site.log).watch)
    looks = [next(new)]

    for vid in (5, 6):
        site.told(*added(vid))
        looks.append(next(new))
    looks.append(next(new))

    assert [changes(look) for look in looks] == [[], [], [], ["- → tagged 5-6"]]


def test_change_that_goes_on_growing_is_told_as_it_stands() -> None:
    site = Site()
    new = Lines(Story(wanted=ALL), site.log, site.log.head()).new(Glances(site.log).watch)
    looks = []

    for vid in range(1, 9):
        site.told(*added(vid))
        looks.append(changes(next(new)))

    assert looks[:6] == [[], [], [], [], [], ["- → tagged 1-6"]]
    assert [changes(next(new)), changes(next(new))] == [["tagged 1-6 → tagged 1-8"], []]


def test_change_that_was_begun_is_waited_for_before_the_first_look() -> None:
    site = Site()
    site.told(*added(5))
    follower = Lines(Story(wanted=ALL), site.log, site.log.head())
    glances = Glances(site.log)

    next(follower.new(glances.watch))

    assert glances.pauses == 1


@pytest.mark.parametrize("number", [0, 10])
@pytest.mark.parametrize("earlier", [True, False])
def test_port_of_another_is_known_when_it_becomes_the_guests(number: int, earlier: bool) -> None:
    site = Site()
    site.told(hooked(VM1, "VM1", "prepare", nic(MAC1)))
    joins = [(on_port("vnet0", 7), e.PortAttached()), *added(1)]
    subject = e.Subject(guest_uuid=VM1, bridge="br0", port="vnet0", ifindex=7)
    if earlier:
        site.told(*joins)
    new = Lines(Story(wanted=OF_VM1, number=number), site.log, site.log.head()).new(
        Glances(site.log).watch
    )

    site.told(*([] if earlier else joins), (subject, e.VlanAdded(first=5, last=5)))

    assert changes([*next(new), *next(new)]) == ["tagged 1 → tagged 1,5"]


def test_port_of_another_is_known_to_the_lines_of_the_past() -> None:
    site = Site()
    site.told(hooked(VM1, "VM1", "prepare", nic(MAC1)))
    site.told((on_port("vnet0", 7), e.PortAttached()), *added(1))
    subject = e.Subject(guest_uuid=VM1, bridge="br0", port="vnet0", ifindex=7)
    site.told((subject, e.VlanAdded(first=5, last=5)), hooked(VM1, "VM1", "started", nic(MAC1)))

    past = Lines(Story(wanted=OF_VM1), site.log, site.log.head()).past

    assert changes(past)[1] == "tagged 1 → tagged 1,5"


def test_line_of_many_events_is_shown_whole() -> None:
    site = Site()
    site.told(*added(*range(2, 200, 2)))

    found = told(
        Lines(Story(wanted=ALL, number=1), site.log, site.log.head()), Glances(site.log), 1
    )

    assert found == whole_story(site.log)[-1:]


def test_reason_of_a_line_is_found_far_behind() -> None:
    site = Site()
    subject = on_port("vnet0", 7)
    [intent] = site.journal.write([(subject, e.ProgramIntended(because="r"))])
    site.told(*[(e.NO_SUBJECT, e.GapClosed(reason="r"))] * 100)
    site.told((subject, e.VlanAdded(first=5, last=5, cause=intent.event_id)))

    found = told(
        Lines(Story(wanted=ALL, number=1), site.log, site.log.head()), Glances(site.log), 1
    )

    assert [line.why for line in found if isinstance(line, Line)] == ["r"]


def test_intent_is_no_line_and_gives_its_reason() -> None:
    site = Site()
    site.kernel.add_bridge("br0", vlan_filtering=True)
    site.kernel.add_port("vnet0", "br0")
    site.told(hooked(VM1, "VM1", "start", nic(MAC1, tap="vnet0")))
    site.look()
    new = Lines(Story(wanted=OF_VM1, number=0), site.log, site.log.head()).new(
        Glances(site.log).watch
    )
    site.config(port_entry("VM1/*", port("200", pvid=100)))

    site.replayed()

    assert [line.why for line in (*next(new), *next(new))] == ["vlan_filtering.conf [VM1/*]"]


def test_gap_stands_in_the_story_of_a_guest() -> None:
    site = Site()
    site.told(hooked(VM1, "VM1", "prepare", nic(MAC1)))
    follower = Lines(Story(wanted=OF_VM1), site.log, site.log.head())
    site.told((e.NO_SUBJECT, e.GapOpened(reason="r")), (e.NO_SUBJECT, e.GapClosed(reason="r")))

    facts = [type(line.event.fact) for line in next(follower.new(Glances(site.log).watch))]

    assert facts == [e.GapOpened, e.GapClosed]


@pytest.mark.parametrize("form", [Lines, Events])
def test_gap_is_no_event_of_a_guest_whose_kinds_are_chosen(form: type[Lines | Events]) -> None:
    site = Site()
    site.told(hooked(VM1, "VM1", "prepare", nic(MAC1)), (e.NO_SUBJECT, e.GapOpened(reason="r")))
    wanted = EventFilter(
        subjects=OF_VM1.subjects,
        kinds=frozenset({"hook.invoked", "watch.gap_opened", "watch.gap_closed"}),
        newest_first=False,
    )
    follower = form(Story(wanted=wanted), site.log, site.log.head())
    site.told((e.NO_SUBJECT, e.GapClosed(reason="r")))

    found = told(follower, Glances(site.log), 2)

    assert [type(item.event.fact) for item in found] == [e.HookInvoked]


def test_line_of_a_kind_tells_all_of_its_change() -> None:
    site = Site()
    site.kernel.add_bridge("br0", vlan_filtering=True)
    site.kernel.add_port("vnet0", "br0")
    site.told(hooked(VM1, "VM1", "start", nic(MAC1, tap="vnet0")))
    site.look()
    wanted = EventFilter(kinds=frozenset({"vlan.removed"}), newest_first=False)
    new = Lines(Story(wanted=wanted, number=0), site.log, site.log.head()).new(
        Glances(site.log).watch
    )
    site.config(port_entry("VM1/*", port("200", pvid=100)))

    site.replayed()

    assert [(line.before, line.after, line.why) for line in (*next(new), *next(new))] == [
        (port(pvid=1), port("200", pvid=100), "vlan_filtering.conf [VM1/*]")
    ]


class BusyLog(MemoryEventLog):
    """Is a log that others append to while it is asked."""

    late: Sequence[e.Event] = ()

    def select(self, wanted: EventFilter) -> Iterator[e.Recorded]:
        """Yields what the filter names, of what was late too."""
        self.append(self.late)
        return super().select(wanted)


@pytest.mark.parametrize("form", [Lines, Events])
def test_event_that_comes_while_it_looks_back_is_told_once(form: type[Lines | Events]) -> None:
    site = Site()
    site.told((e.NO_SUBJECT, e.GapOpened(reason="r")), (e.NO_SUBJECT, e.GapClosed(reason="r")))
    items = [item.event for item in site.log.read()]
    log = BusyLog()
    log.append(items[:-1])
    log.late = items[-1:]

    found = told(form(Story(wanted=ALL), log, log.head()), Glances(log), 2)

    assert [item.event for item in found] == items


@pytest.mark.parametrize("form", [Lines, Events])
def test_story_since_a_time_begins_there(form: type[Lines | Events]) -> None:
    site = Site()
    for operation in ("prepare", "start", "started"):
        site.told(hooked(VM1, "VM1", operation, nic(MAC1)))
    since = list(site.log.read())[-2].event.at_ns
    wanted = EventFilter(subjects=OF_VM1.subjects, since_ns=since, newest_first=False)
    follower = form(Story(wanted=wanted, number=None), site.log, site.log.head())
    site.told(hooked(VM1, "VM1", "stopped", nic(MAC1)))

    found = told(follower, Glances(site.log), 1)

    assert [item.event for item in found] == [
        item.event for item in site.log.read() if item.event.at_ns >= since
    ]


def test_story_since_a_time_to_come_has_no_past() -> None:
    site = Site()
    wanted = EventFilter(since_ns=2**62, newest_first=False)

    assert (
        told(
            Lines(Story(wanted=wanted, number=None), site.log, site.log.head()),
            Glances(site.log),
            2,
        )
        == []
    )


def test_events_begin_with_the_newest_and_go_on_one_by_one(many: MemoryEventLog) -> None:
    items = list(many.read())
    log = copied(items[:-4])
    follower = Events(Story(wanted=ALL, number=3), log, log.head())
    log.append([item.event for item in items[-4:]])

    assert told(follower, Glances(log), 1) == items[-7:]


def test_events_of_a_vid_leave_out_the_rest(many: MemoryEventLog) -> None:
    wanted = EventFilter(vids=1 << 4000, newest_first=False)

    found = told(Events(Story(wanted=wanted, number=3), many, many.head()), Glances(many), 1)

    assert found == list(many.select(wanted))[-3:]


@pytest.mark.parametrize(
    ("name", "subject"),
    [
        ("VM2", e.Subject(guest_uuid=VM2)),
        (VM2.upper(), e.Subject(guest_uuid=VM2)),
        (MAC2.upper(), e.Subject(mac=MAC2)),
        ("vnet1", e.Subject(port="vnet1")),
        ("br1", e.Subject(bridge="br1")),
    ],
)
def test_name_that_is_not_known_yet_is_waited_for(name: str, subject: e.Subject) -> None:
    site = Site()
    site.told(hooked(VM1, "VM1", "start", nic(MAC1, tap="vnet0")))
    follower = Events(Story(wanted=ALL, name=name), site.log, site.log.head())
    new = follower.new(Glances(site.log).watch)
    nothing = [*follower.past, *next(new)]
    whose = e.Subject(
        guest_uuid=VM2, guest_name="VM2", mac=MAC2, bridge="br1", port="vnet1", ifindex=9
    )
    site.told((whose, e.PortAttached()), *added(5))
    site.told((whose, e.PortDetached()))

    found = next(new)

    wanted = EventFilter(subjects=(subject,), newest_first=False)
    assert (nothing, found) == ([], list(site.log.select(wanted)))
    assert len(found) == 2


@pytest.mark.parametrize("follower", [Lines, Events])
def test_guest_that_appears_while_its_name_is_looked_up_is_new(
    follower: type[Lines | Events],
) -> None:
    site = Site()
    site.told(hooked(VM1, "VM1", "start", nic(MAC1, tap="vnet0")))
    before = site.log.head()
    site.told(hooked(VM2, "VM2", "start", nic(MAC2, tap="vnet1")))

    awaited = follower(Story(wanted=ALL, name="VM2"), site.log, before)
    found = told(awaited, Glances(site.log), 2)

    assert (awaited.past, [item.event.subject.guest_name for item in found]) == ([], ["VM2"])


def test_name_without_a_guest_is_never_taken_for_one() -> None:
    site = Site()
    new = Lines(Story(wanted=ALL, name="VM9"), site.log, site.log.head()).new(
        Glances(site.log).watch
    )

    site.told(*added(5), (e.NO_SUBJECT, e.GapOpened(reason="r")))

    assert [next(new), next(new)] == [[], []]


def test_another_guest_of_the_name_is_said_once() -> None:
    site = Site()
    site.told(hooked(VM1, "VM1", "start", nic(MAC1)))
    glances = Glances(site.log)
    new = Lines(Story(wanted=OF_VM1, name="VM1", number=0), site.log, site.log.head()).new(
        glances.watch
    )

    for operation in ("prepare", "start"):
        site.told(hooked(VM2, "VM1", operation, nic(MAC2)))

    assert (next(new), glances.said) == (
        [], [f"another guest is called VM1 now: {VM2}; it is not followed"],
    )  # fmt: skip


def test_log_that_does_not_answer_is_said_once_and_waited_for() -> None:
    site = Site()
    away = StoreError("database x is locked")
    glances = Glances(site.log, away, away, site.log)
    new = Events(Story(wanted=ALL, number=0), site.log, site.log.head()).new(glances.watch)
    next(new)
    site.told(*added(5))

    found = next(new)
    next(new)

    assert (found, glances.said) == (
        list(site.log.read())[-1:],
        ["database x is locked; waiting for it", "the log answers again"],
    )


def test_log_that_did_not_answer_is_opened_anew() -> None:
    site = Site()
    glances = Glances(site.log, StoreError("away"), site.log)

    list(islice(Events(Story(wanted=ALL), site.log, site.log.head()).new(glances.watch), 3))

    assert glances.anew == [False, False, True, False]


def test_log_of_a_newer_program_ends_the_story() -> None:
    site = Site()
    glances = Glances(StoreNewerError("schema 9999", hint="upgrade"))

    with pytest.raises(StoreNewerError):
        next(Events(Story(wanted=ALL), site.log, site.log.head()).new(glances.watch))


@pytest.mark.parametrize("length", [0, 1, 2, 3])
def test_another_log_in_its_place_ends_the_story(length: int) -> None:
    site = Site()
    site.told(*added(5))
    other = Site(boot="boot-2")
    other.told(*added(*range(1, 3)))
    follower = Lines(Story(wanted=ALL), site.log, site.log.head())

    with pytest.raises(StoreError, match="its event 2 is gone"):
        next(follower.new(Glances(copied(list(other.log.read())[:length])).watch))


def test_log_that_is_far_ahead_is_caught_up_without_a_pause() -> None:
    site = Site()
    follower = Events(Story(wanted=ALL, number=0), site.log, site.log.head())
    glances = Glances(site.log)
    for _ in range(5):
        site.told(*added(*range(1, 501)))

    looks = [len(found) for found in islice(follower.new(glances.watch), 4)]

    assert (looks, glances.pauses) == ([1000, 1000, 500, 0], 1)


def test_empty_log_is_followed_from_its_first_event() -> None:
    log = MemoryEventLog()
    new = Lines(Story(wanted=ALL), log, log.head()).new(Glances(log).watch)
    before = next(new)
    log.append([item.event for item in Site().log.read()])

    assert (before, [type(line.event.fact) for line in next(new)]) == ([], [e.HostBooted])


def test_line_without_vlans_has_none_before(many: MemoryEventLog) -> None:
    follower = Lines(Story(wanted=ALL, number=5000), many, many.head())

    attached = [line for line in follower.past if isinstance(line.event.fact, e.PortAttached)]

    assert {line.before for line in attached} == {NO_VLANS}
