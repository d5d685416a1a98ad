"""The tables of a report: which VLANs from when to when, every event, what was not watched.

Must not leave out a row: a timeline may be too small for something, a table never is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from vlanlog.core import codec
from vlanlog.core import event as e
from vlanlog.core.state import tap_mac
from vlanlog.core.vlan import format_vids
from vlanlog.render import story
from vlanlog.render.markup import Markup, breakable, element, lines_of
from vlanlog.render.timeline import RowLink
from vlanlog.render.words import iso, lasting, when, who
from vlanlog.report.values import GuestStory, NicStory, Period, Row, Span, Stretch

_UNSEEN_KINDS = frozenset({"watch.gap_opened", "daemon.stopped"})


def memberships(
    nic: NicStory, guest: GuestStory, period: Period, *, utc: bool, link: RowLink
) -> Markup:
    """Returns which VLANs the NIC carried from when to when, and the events behind that."""
    rows = []
    for vids, how, span in _held(nic):
        begun = guest.rows[span.begun] if span.begun is not None else None
        rows.append(
            [
                element("td", breakable(vids), class_="vids"),
                element("td", how, class_="how"),
                _time(span.from_ns, utc=utc, else_="" if begun else _before(span, period)),
                _time(span.to_ns, utc=utc, else_=_after(span, period)),
                element("td", *_author(begun), class_="text"),
                element("td", _reason(begun, utc=utc), class_="text"),
                element("td", *_links(span, guest, link), class_="seq"),
            ]
        )
    if not rows:
        return element("p", "This NIC carried no VLANs in this period.")
    head = ("VLANs", "as", "from", "to", "put there by", "why", "events")
    return _table(f"VLANs of {_called(nic)}", head, rows)


def _held(nic: NicStory) -> Iterator[tuple[str, str, Span]]:
    for item in nic.natives:
        yield str(item.pvid), "PVID, tagged" if item.tagged else "PVID", item.span
    for lane in nic.lanes:
        for time in lane.times:
            yield format_vids(lane.vids), "untagged" if time.untagged else "tagged", time.span


def _before(span: Span, period: Period) -> str:
    return "before the period" if span.from_ns <= period.since_ns else ""


def _after(span: Span, period: Period) -> str:
    if span.ended is None and span.to_ns >= period.until_ns:
        return "end of period"
    length_ns = span.to_ns - span.from_ns
    return f"{length_ns // 1_000_000} ms later" if length_ns < 1_000_000_000 else ""


def _author(row: Row | None) -> tuple[str | Markup, ...]:
    if row is None:
        return ("",)
    if row.line.after is None:
        # A guest that starts takes its port with what is on it.
        return ("on the port already",)
    if row.foreign:
        return (_mark(row.foreign), " ", who(row.line.event.actor))
    return (who(row.line.event.actor),)


def _reason(row: Row | None, *, utc: bool) -> str:
    if row is None:
        return ""
    return story.what(row.line, utc=utc) if row.line.after is None else story.why(row.line)


def _links(span: Span, guest: GuestStory, link: RowLink) -> Iterator[str | Markup]:
    numbers = [number for number in (span.begun, span.ended) if number is not None]
    for place, number in enumerate(numbers):
        if place:
            yield ", "
        yield element("a", str(guest.rows[number].line.seq), href=f"#{link(number)}")


def events(guest: GuestStory, *, utc: bool, link: RowLink, hosts: bool) -> Markup:
    """Returns the guest's story, one line a row; gaps stand in their place."""
    several = len(guest.nics) > 1
    names = {mac: nic.alias or nic.mac for nic in guest.nics for mac in (nic.mac, tap_mac(nic.mac))}
    head = ["event", "when", *(["host"] if hosts else []), *(["NIC"] if several else [])]
    head += ["what", "by", "why"]
    body = []
    for number, row in enumerate(guest.rows):
        event = row.line.event
        cells = [
            element("td", str(row.line.seq), class_="seq"),
            element("td", _stamp(event.at_ns, utc=utc), class_="time"),
        ]
        if hosts:
            cells.append(element("td", row.host, class_="name"))
        if several:
            cells.append(element("td", names.get(event.subject.mac or "", ""), class_="name"))
        mark = [_mark(row.foreign), " "] if row.foreign else []
        cells += [
            element("td", *mark, breakable(story.what(row.line, utc=utc))),
            element("td", who(event.actor), *_command(event.actor), class_="text"),
            element("td", story.why(row.line), class_="text"),
        ]
        unseen = codec.kind_of(event.fact) in _UNSEEN_KINDS
        body.append(element("tr", *cells, id=link(number), class_="unseen" if unseen else ""))
    if not body:
        return element("p", "The log has no event of this guest in this period.")
    return _framed(f"All events of {guest.name}", head, body)


def stretches(found: Sequence[Stretch], *, utc: bool, hosts: bool) -> Markup:
    """Returns what was not watched, and why."""
    rows = []
    for item in found:
        host = [element("td", item.host)] if hosts else []
        rows.append(
            [
                *host,
                element("td", _stamp(item.from_ns, utc=utc), class_="time"),
                element("td", _stamp(item.to_ns, utc=utc), class_="time"),
                element("td", lasting(item.to_ns - item.from_ns)),
                element("td", item.why.value),
                element("td", item.reason),
            ]
        )
    head = [*(["host"] if hosts else []), "from", "to", "for", "what", "why"]
    return _table("Not watched", head, rows)


def _command(actor: e.Actor) -> list[Markup]:
    return [element("small", actor.command)] if actor.command else []


def _mark(number: int) -> Markup:
    return element("span", f"▲{number}", class_="mark", title=f"foreign change {number}")


def _called(nic: NicStory) -> str:
    return f"{nic.alias} {nic.mac}" if nic.alias else nic.mac


def _stamp(at_ns: int, *, utc: bool) -> Markup:
    return element("time", when(at_ns, utc=utc), datetime=iso(at_ns), title=iso(at_ns))


def _time(at_ns: int, *, utc: bool, else_: str) -> Markup:
    return element("td", else_ or _stamp(at_ns, utc=utc), class_="time")


def _table(caption: str, head: Sequence[str], rows: Iterable[Sequence[Markup]]) -> Markup:
    return _framed(caption, head, [element("tr", *row) for row in rows])


def _framed(caption: str, head: Sequence[str], body: Iterable[Markup]) -> Markup:
    columns = [element("th", title, scope="col") for title in head]
    table = element(
        "table",
        element("caption", caption),
        element("thead", element("tr", *columns)),
        element("tbody", lines_of(body)),
    )
    return element("div", table, class_="wide")
