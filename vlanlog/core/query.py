"""What can be asked of the log: which events, where it ends, where its chain is broken.

Must not know how a log finds them; ``matches`` is the meaning that every log must keep.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from operator import attrgetter
from uuid import UUID

from vlanlog.core import codec
from vlanlog.core import event as e
from vlanlog.core.state import Seq
from vlanlog.core.vlan import PortVlans, span


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter:
    """Names the events that are wanted: those to which every field that is set applies.

    Units: since_ns and until_ns are ns since the epoch, UTC, both included.
    Shape: an event is about one of the subjects if it has all that this subject names; bit n of
    ``vids`` stands for vid n, one of them is enough; each of ``by`` is a user, a user id, a
    source, or a part of a command; after < seq <= until.
    """

    subjects: tuple[e.Subject, ...] = ()
    kinds: frozenset[str] = frozenset()
    vids: int = 0
    by: tuple[str, ...] = ()
    since_ns: int | None = None
    until_ns: int | None = None
    event_id: UUID | None = None
    after: Seq | None = None
    until: Seq | None = None
    newest_first: bool = True
    limit: int | None = None


EVERYTHING = EventFilter()


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Is one end of a host's log: its last event, or its first.

    Units: at_ns is ns since the epoch, UTC.
    """

    seq: Seq
    hash: bytes
    at_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainFlaw:
    """Says where the chain is first broken, and how that shows."""

    seq: Seq
    why: str


def matches(wanted: EventFilter, event: e.Event) -> bool:
    """Tells whether the event is among those wanted; place, order and limit are the log's."""
    return (
        (not wanted.kinds or codec.kind_of(event.fact) in wanted.kinds)
        and (wanted.since_ns is None or event.at_ns >= wanted.since_ns)
        and (wanted.until_ns is None or event.at_ns <= wanted.until_ns)
        and (wanted.event_id is None or event.event_id == wanted.event_id)
        and (not wanted.subjects or any(_names(s, event.subject) for s in wanted.subjects))
        and (not wanted.by or any(done_by(event.actor, who) for who in wanted.by))
        and (not wanted.vids or concerns(event.fact, wanted.vids))
    )


_SUBJECT_VALUES = attrgetter(*(field.name for field in fields(e.Subject)))


def _names(wanted: e.Subject, subject: e.Subject) -> bool:
    pairs = zip(_SUBJECT_VALUES(wanted), _SUBJECT_VALUES(subject), strict=True)
    return all(want is None or want == have for want, have in pairs)


def done_by(actor: e.Actor, who: str) -> bool:
    """Tells whether the actor is that user, user id or source, or ran a command like it."""
    ids = [str(number) for number in (actor.uid, actor.login_uid) if number is not None]
    if who in (actor.user, actor.source, *ids):
        return True
    return who in (actor.command or "") or who in (actor.parent or "")


def concerns(fact: e.Fact, vids: int) -> bool:
    """Tells whether the fact says something of one of the vids (bits) on a port.

    An intent does if it changes it, for a trunk carries thousands that it leaves alone.
    """
    match fact:
        case e.VlanAdded() | e.VlanRemoved():
            return bool(span(fact.first, fact.last) & vids)
        case e.ProgramIntended():
            return bool(_changed(fact.before, fact.after) & vids)
        case e.ProgramFinished():
            return fact.found is not None and bool(fact.found.members & vids)
        case e.AssignmentSet():
            return bool(fact.vlans.members & vids)
        case _:
            return False


def _changed(before: PortVlans, after: PortVlans) -> int:
    natives = 0
    if before.pvid != after.pvid:
        natives = sum(1 << pvid for pvid in (before.pvid, after.pvid) if pvid is not None)
    return (before.members ^ after.members) | (before.untagged ^ after.untagged) | natives
