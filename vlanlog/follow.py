"""Follows a story: its newest lines or events first, then each new one as soon as it is committed.

Must not write to the log, and must not know how long a pause is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice, takewhile
from typing import Protocol

from vlanlog.core import event as e
from vlanlog.core.query import EventFilter, Head, matches
from vlanlog.core.state import HostState, Seq
from vlanlog.errors import StoreError, StoreNewerError
from vlanlog.history import Line, Teller
from vlanlog.lookback import COVERAGE, beside, is_wanted, wants_coverage, whole
from vlanlog.ports import START, EventLog

_ROUND = 1000
"""The most events of one look: what is behind by more is caught up without holding all of it."""

_PATIENCE = 5
"""So many pauses a change that goes on growing is waited for; then it is told as it stands."""

_OUTAGE = 5
"""So many pauses lie between two looks at a log that does not answer."""

_FEWEST = 64

_DEEPEST = 50_000
"""So many events are looked back over for an intent; one that lies behind them is let go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Is what is followed: which events, and how much of the past comes first.

    Shape: ``name`` is what the subject was asked for by, empty for all; ``wanted`` without a
    subject then waits for it. ``number`` counts lines or events, None is all that is wanted.
    """

    wanted: EventFilter
    name: str = ""
    number: int | None = 10

    @property
    def is_awaited(self) -> bool:
        """Tells whether the log does not know the name yet."""
        return bool(self.name) and not self.wanted.subjects


class Look(Protocol):
    """Opens the log, or returns the one that is open."""

    def __call__(self, *, anew: bool) -> EventLog:
        """Returns the log as it is now; ``anew`` says that the last one did not answer.

        Raises: StoreError.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Is how a log is looked at; ``say`` is for remarks."""

    look: Look
    pause: Callable[[], None]
    say: Callable[[str], None]


class Lines:
    """Follows a story as lines: each VLAN change is held back until it is whole.

    That is when a look at the log brought nothing more of it, or after five pauses.
    """

    def __init__(self, story: Story, log: EventLog, head: Head | None) -> None:
        """Looks back from the head as far as the story's number wants it; what follows is new.

        Shape: head is that of the log before the story's names were looked up: one that appears
        meanwhile is new.
        Raises: StoreError.
        """
        self._whose = _Whose(story)
        self._waited = 0
        self._begin = head
        if story.number is None and not story.is_awaited:
            self._begin = _end_before(log, whole(story.wanted), self._begin)
        state = log.state(at_seq=_seq(self._begin))
        self._teller = Teller(state)
        self.past: list[Line] = []
        if story.number and not story.is_awaited:
            self.past = self._look_back(log, story.number, state)
            # Of the ports it knows what the story told; here goes on what all events say.
            self._teller.know(state)

    def new(self, watch: Watch) -> Iterator[list[Line]]:
        """Yields the lines that each look at the log brought, without end.

        Raises: StoreNewerError; StoreError where it is not the same log any more.
        """
        if self._teller.held:
            watch.pause()
        for found in _rounds(watch, self._begin):
            held = self._teller.held
            told = list(self._told(found, watch.say))
            if len(found) < _ROUND and self._is_due(held):
                told += self._teller.flush()
            yield [line for line in told if is_wanted(line, self._whose.wanted)]

    def _told(self, found: Sequence[e.Recorded], say: Callable[[str], None]) -> Iterator[Line]:
        for item in found:
            if self._whose.has(item.event, say):
                yield from self._teller.take(item)
            else:
                self._teller.pass_by(item)

    def _is_due(self, before: tuple[Line, ...]) -> bool:
        """Tells whether what is held back has been waited for long enough."""
        held = self._teller.held
        if not before or not held or held[0].seq != before[0].seq:
            self._waited = 0
            return False
        self._waited += 1
        return held == before or self._waited >= _PATIENCE

    def _look_back(self, log: EventLog, number: int, latest: HostState) -> list[Line]:
        wanted, size = self._whose.wanted, max(_FEWEST, 4 * number)
        while True:
            own, is_all = _newest(log, whole(wanted), size, self._begin)
            if wants_coverage(wanted):
                own = _with_coverage(log, wanted, own, self._begin)
            before = log.state(at_seq=Seq(own[0].seq - 1)) if own else HostState()
            self._teller = Teller(before, latest)
            told = list(self._teller.tell(own, beside(log, own)))
            held = self._teller.held
            # What the story began with earlier may lack in its first line.
            known = [*told, *held][0 if is_all else 1 :]
            shown = [line for line in known if is_wanted(line, wanted)][-number:]
            is_explained = size >= _DEEPEST or not any(map(_lacks_reason, shown))
            if is_all or (len(shown) == number and is_explained):
                return [line for line in shown if line not in held]
            size *= 4


class Events:
    """Follows a story as the events that are wanted, none of them held back."""

    def __init__(self, story: Story, log: EventLog, head: Head | None) -> None:
        """Looks back from the head, as ``Lines`` does.

        Raises: StoreError.
        """
        self._whose = _Whose(story)
        self._begin = head
        self.past: list[e.Recorded] = []
        if story.is_awaited:
            return
        wanted = story.wanted
        if story.number is None:
            self._begin = _end_before(log, wanted, self._begin)
        elif story.number:
            own, _ = _newest(log, wanted, story.number, self._begin)
            if wants_coverage(wanted):
                own = _with_coverage(log, wanted, own, self._begin)
            self.past = own[-story.number :]

    def new(self, watch: Watch) -> Iterator[list[e.Recorded]]:
        """Yields the events that each look at the log brought, without end.

        Raises: StoreNewerError; StoreError where it is not the same log any more.
        """
        for found in _rounds(watch, self._begin):
            own = [item for item in found if self._whose.has(item.event, watch.say)]
            about_all = replace(self._whose.wanted, subjects=())
            yield [item for item in own if matches(about_all, item.event)]


class _Whose:
    """Tells whose story an event is of; a name that is awaited is found by its first event."""

    def __init__(self, story: Story) -> None:
        self.wanted = story.wanted
        self._name = story.name
        self._is_awaited = story.is_awaited
        self._others: set[str] = set()

    def has(self, event: e.Event, say: Callable[[str], None]) -> bool:
        """Tells whether the story has the event, and says where its name is now another's."""
        if self._is_awaited:
            subject = _named(self._name, event.subject)
            if subject is None:
                return False
            self.wanted = replace(self.wanted, subjects=(subject,))
            self._is_awaited = False
        if matches(whole(self.wanted), event):
            return True
        self._meet(event.subject, say)
        return wants_coverage(self.wanted) and matches(_coverage(self.wanted), event)

    def _meet(self, subject: e.Subject, say: Callable[[str], None]) -> None:
        own = {item.guest_uuid for item in self.wanted.subjects} - {None}
        other = subject.guest_uuid
        if own and other and self._name == subject.guest_name and other not in own | self._others:
            self._others.add(other)
            say(f"another guest is called {self._name} now: {other}; it is not followed")


def _named(text: str, subject: e.Subject) -> e.Subject | None:
    """Returns what the text names of an event's subject: a guest before a port or a bridge."""
    lower = text.lower()
    if text == subject.guest_name or lower == subject.guest_uuid:
        uuid = subject.guest_uuid
        return e.Subject(guest_uuid=uuid) if uuid else e.Subject(guest_name=text)
    if lower == subject.mac:
        return e.Subject(mac=lower)
    if text == subject.port:
        return e.Subject(port=text)
    return e.Subject(bridge=text) if text == subject.bridge else None


def _rounds(watch: Watch, known: Head | None) -> Iterator[list[e.Recorded]]:
    """Yields what is new at each look, without end; a log that does not answer is waited for."""
    is_away = False
    while True:
        try:
            found = _found(watch.look(anew=is_away), known)
        except StoreNewerError:
            raise
        except StoreError as error:
            if not is_away:
                watch.say(f"{error.message}; waiting for it")
                is_away = True
            for _ in range(_OUTAGE):
                watch.pause()
            continue
        if is_away:
            watch.say("the log answers again")
            is_away = False
        if found is None:
            raise StoreError(
                f"this is not the log that was followed: its event {_seq(known)} is gone",
                hint="was a backup brought back? see 'vlanlog verify', then begin again",
            )
        yield found
        known = _head_of(found[-1]) if found else known
        if len(found) < _ROUND:
            watch.pause()


def _found(log: EventLog, known: Head | None) -> list[e.Recorded] | None:
    """Returns what follows an event that is known, None where the log does not hold that one."""
    if log.head() == known:
        return []
    found = list(islice(log.read(after=_seq(known)), _ROUND))
    if known is not None and (not found or found[0].prev_hash != known.hash):
        return None
    return found


def _seq(known: Head | None) -> Seq:
    return known.seq if known else START


def _head_of(item: e.Recorded) -> Head:
    return Head(seq=item.seq, hash=item.hash, at_ns=item.event.at_ns)


def _end_before(log: EventLog, wanted: EventFilter, head: Head | None) -> Head | None:
    """Returns the end of what lies before the first event that is wanted, the log's for none."""
    first = next(iter(log.select(replace(wanted, newest_first=False, limit=1))), None)
    if first is None:
        return head
    before = log.read(after=Seq(first.seq - 2), until=Seq(first.seq - 1)) if first.seq > 1 else ()
    return next((_head_of(item) for item in before), None)


def _newest(
    log: EventLog, wanted: EventFilter, size: int, head: Head | None
) -> tuple[list[e.Recorded], bool]:
    """Returns the newest events up to a head, the oldest first, and whether they are all."""
    found = list(log.select(replace(wanted, newest_first=True, limit=size)))
    return [item for item in reversed(found) if item.seq <= _seq(head)], len(found) < size


def _with_coverage(
    log: EventLog, wanted: EventFilter, own: list[e.Recorded], head: Head | None
) -> list[e.Recorded]:
    """Returns the events with what the record covers from the first of them on."""
    if not own:
        return []
    newest = log.select(replace(_coverage(wanted), newest_first=True))
    since = takewhile(lambda item: item.seq > own[0].seq, newest)
    return sorted(
        [*own, *(item for item in since if item.seq <= _seq(head))], key=lambda item: item.seq
    )


def _coverage(wanted: EventFilter) -> EventFilter:
    return replace(wanted, subjects=(), kinds=COVERAGE)


def _lacks_reason(line: Line) -> bool:
    fact = line.event.fact
    return isinstance(fact, e.VlanAdded | e.VlanRemoved) and bool(fact.cause) and not line.why
