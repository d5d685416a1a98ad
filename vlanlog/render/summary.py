"""A report in a few sentences: how many NICs, changes and gaps, and whether the log can be trusted.

Must not make markup.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from vlanlog.core import event as e
from vlanlog.render.words import count, lasting, when, who
from vlanlog.report.values import GuestStory, HostCover, Report, Row, Stretch, Unseen

_SECOND_NS = 1_000_000_000


def of_guest(guest: GuestStory) -> tuple[str, ...]:
    """Returns the sentences on one guest."""
    nics = f"{guest.name} had {count(len(guest.nics), 'NIC')} in this period"
    changed = list(changes(guest.rows))
    foreign = sum(1 for row in guest.rows if row.foreign)
    sentences = [f"{nics}."]
    if len(guest.names) > 1:
        sentences.append(f"It was called {', then '.join(guest.names)}.")
    if not changed:
        sentences.append("The record shows no change of their VLANs.")
    else:
        sentences.append(f"Their VLANs changed {count(len(changed), 'time')}: {_by(changed)}.")
    if foreign:
        they = "it was not made" if foreign == 1 else "they were not made"
        sentences.append(
            f"{count(foreign, 'change')} ▲ {'is' if foreign == 1 else 'are'} foreign: "
            f"{they} through vlanlog, and the kernel does not tell who made "
            f"{'it' if foreign == 1 else 'them'}."
        )
    sentences.append(unseen(guest.unseen))
    return tuple(sentences)


def changes(rows: Iterable[Row]) -> Iterable[Row]:
    """Yields the rows that tell of changed VLANs."""
    return (
        row
        for row in rows
        if isinstance(row.line.event.fact, e.VlanAdded | e.VlanRemoved | e.PortAttached)
        and row.line.before != row.line.after
    )


def _by(rows: Iterable[Row]) -> str:
    counted: Counter[str] = Counter()
    for row in rows:
        fact = row.line.event.fact
        if row.foreign:
            counted["foreign"] += 1
        elif isinstance(fact, e.PortAttached):
            counted["as the port joined its bridge"] += 1
        else:
            counted[f"by {who(row.line.event.actor)}"] += 1
    return ", ".join(f"{number} {words}" for words, number in counted.most_common())


def unseen(stretches: Sequence[Stretch]) -> str:
    """Returns the sentence on what was not watched, but for what took less than a second."""
    stretches = [item for item in stretches if item.to_ns - item.from_ns >= _SECOND_NS]
    if not stretches:
        return "The whole period was watched."
    gaps = [item for item in stretches if item.why is Unseen.GAP]
    others = [item for item in stretches if item.why is not Unseen.GAP]
    parts = []
    if gaps:
        together = " of together" if len(gaps) > 1 else " of"
        parts.append(f"{count(len(gaps), 'gap')}{together} {lasting(_length_ns(gaps))}")
    for why in Unseen:
        if some := [item for item in others if item.why is why]:
            parts.append(f"{lasting(_length_ns(some))} {why.value}")
    return f"Not watched: {', '.join(parts)}. What was changed and changed back then is not told."


def _length_ns(stretches: Iterable[Stretch]) -> int:
    return sum(item.to_ns - item.from_ns for item in stretches)


def watched(hosts: Sequence[HostCover]) -> str:
    """Returns the share of the period that was watched, in percent, rounded down."""
    watched_ns = sum(host.watched_ns for host in hosts)
    whole_ns = watched_ns + sum(host.unseen_ns for host in hosts)
    thousandths = watched_ns * 1000 // whole_ns if whole_ns else 0
    return "100 %" if thousandths == 1000 else f"{thousandths / 10:.1f} %"


def trust(host: HostCover) -> str:
    """Returns what the walk along a host's chain has found."""
    if host.head is None:
        return f"The log of {host.host} is empty."
    if host.flaw is not None:
        return (
            f"The hash chain of {host.host} is broken at event {host.flaw.seq}: {host.flaw.why}. "
            "What this report says from there on is not what was recorded, or not all of it."
        )
    before = host.archived.last if host.archived else 0
    walked = (
        f"The hash chain of {host.host} was walked from event {before + 1} to event "
        f"{host.head.seq} and holds: {count(host.head.seq - before, 'event')}, none edited, "
        "deleted, inserted or moved."
    )
    if not before:
        return walked
    return (
        f"{walked} What is archived before them was not: vlanlog verify --archive FILE does that."
    )


def title(report: Report) -> str:
    """Returns whom the report is on."""
    names = [guest.name for guest in report.guests]
    return (
        ", ".join(names)
        if len(names) <= 3
        else f"{', '.join(names[:2])} and {len(names) - 2} more guests"
    )


def period(report: Report, *, utc: bool) -> str:
    """Returns the period in words."""
    since, until = report.period.since_ns, report.period.until_ns
    return f"{when(since, utc=utc)} to {when(until, utc=utc)} ({lasting(until - since)})"
