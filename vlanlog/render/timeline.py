"""A NIC's timeline as SVG: where it was, its PVID, a bar for each time of each lane of vids.

Must not scale text: positions are shares of the width, sizes are pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from vlanlog.core.vlan import format_vids
from vlanlog.render.axis import Axis
from vlanlog.render.bars import CHAR, NARROWEST, STRIP, Bar, bars, percent
from vlanlog.render.markup import Markup, element, joined
from vlanlog.render.words import when
from vlanlog.report.values import GuestStory, Lane, Native, NicStory, Stay, Stretch, Unseen

_LINE, _AXIS = 14, 22
_HIGHEST = 620
"""No chart is higher in pixels than two thirds of a page of paper, so that none has to be cut."""
_LABEL_CHARS, _LABEL_LINES = 21, 3

RowLink = Callable[[int], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Strip:
    """Is one line of a chart: its label, and what is drawn beside it."""

    label: Markup
    body: Markup
    lines: int = 1
    marks: bool = False

    @property
    def height(self) -> int:
        return STRIP + (self.lines - 1) * _LINE


def timeline(
    nic: NicStory, guest: GuestStory, axis: Axis, *, name: str, link: RowLink, hosts: bool
) -> Markup:
    """Returns the charts of one NIC; ``name`` is the prefix of their ids.

    ``link`` returns where a row of the guest's table is; ``hosts`` says to name the hosts.
    """
    strips = [
        *_foreign(nic, guest, axis, link),
        _strip("plugged in at", [_stay(stay, axis, hosts=hosts) for stay in nic.stays], axis),
        _strip("PVID (native VLAN)", [_native(item, axis) for item in nic.natives], axis),
        *(_lane(lane, axis) for lane in nic.lanes),
    ]
    return joined(
        _chart(chart, nic, guest.unseen, axis, name=f"{name}c{number}")
        for number, chart in enumerate(_charts(strips))
    )


def _charts(strips: Iterable[_Strip]) -> Iterator[list[_Strip]]:
    chart: list[_Strip] = []
    for strip in strips:
        if sum(item.height for item in chart) + strip.height > _HIGHEST:
            yield chart
            chart = []
        chart.append(strip)
    yield chart


def _chart(
    strips: Sequence[_Strip],
    nic: NicStory,
    unseen: Iterable[Stretch],
    axis: Axis,
    *,
    name: str,
) -> Markup:
    height = _AXIS + sum(strip.height for strip in strips)
    title = f"VLANs of the NIC {nic.mac} over time"
    about = (
        f"From {when(axis.since_ns, utc=axis.utc)} to {when(axis.until_ns, utc=axis.utc)}. "
        "All that is drawn here is in the tables below."
    )
    body = [
        element("title", title, id=f"{name}t"),
        element("desc", about, id=f"{name}d"),
        *_grid(axis, height),
        *_placed(strips, marks=False),
        *(_unseen(item, axis, height) for item in unseen),
        # What is hatched must not hide who was at work.
        *_placed(strips, marks=True),
    ]
    drawn = element("svg", *body, width="100%", height=str(height), role="img",
                    attributes={"aria-labelledby": f"{name}t {name}d"})  # fmt: skip
    labels = [element("div", "", style=f"height:{_AXIS}px")]
    labels += [
        element("div", strip.label, style=f"height:{strip.height}px", class_="label")
        for strip in strips
    ]
    return element(
        "div", element("div", *labels, class_="labels"), element("div", drawn, class_="plot"),
        class_="chart",
    )  # fmt: skip


def _grid(axis: Axis, height: int) -> Iterator[Markup]:
    for tick in axis.ticks():
        x = percent(tick.at)
        yield element("line", x1=x, x2=x, y1=str(_AXIS - 5), y2=str(height), class_="tick")
        anchor = "start" if tick.at < 0.06 else "end" if tick.at > 0.94 else "middle"
        yield element("text", tick.label, x=x, y="12", text_anchor=anchor, class_="time")


def _placed(strips: Sequence[_Strip], *, marks: bool) -> Iterator[Markup]:
    y = _AXIS
    for strip in strips:
        if strip.marks != marks:
            y += strip.height
            continue
        yield element("line", x1="0", x2="100%", y1=str(y), y2=str(y), class_="edge")
        middle = y + (strip.height - STRIP) // 2
        yield element("g", strip.body, transform=f"translate(0,{middle})")
        y += strip.height


def _unseen(item: Stretch, axis: Axis, height: int) -> Markup:
    start, end = axis.share(item.from_ns), axis.share(item.to_ns)
    said = f"not watched ({item.why.value}{': ' if item.reason else ''}{item.reason}), " + _from_to(
        item.from_ns, item.to_ns, axis
    )
    kind = "gap" if item.why is Unseen.GAP else "gap lesser"
    return element(
        "rect", element("title", said), x=percent(start), y=str(_AXIS),
        width=percent(end - start), height=str(height - _AXIS), class_=kind,
    )  # fmt: skip


def _foreign(nic: NicStory, guest: GuestStory, axis: Axis, link: RowLink) -> Iterator[_Strip]:
    """Yields the strip with the marks; those that would lie on each other are one."""
    if not nic.foreign:
        return
    groups: list[list[int]] = []
    for row in nic.foreign:
        here = axis.share(guest.rows[row].at_ns)
        wide = (30 + CHAR * len(str(guest.rows[row].foreign))) / NARROWEST
        if groups and here - axis.share(guest.rows[groups[-1][0]].at_ns) < wide:
            groups[-1].append(row)
        else:
            groups.append([row])
    marks = [_mark(group, guest, axis, link) for group in groups]
    yield _Strip(label=_text(["foreign changes"]), body=joined(marks), marks=True)


def _mark(group: Sequence[int], guest: GuestStory, axis: Axis, link: RowLink) -> Markup:
    first, last = guest.rows[group[0]], guest.rows[group[-1]]
    here = axis.share(first.at_ns)
    numbers = [guest.rows[row].foreign for row in group]
    text = f"{numbers[0]}" if len(group) == 1 else f"{numbers[0]}–{numbers[-1]}"
    said = f"foreign change {text}, {when(first.at_ns, utc=axis.utc)}"
    if len(group) > 1:
        said = f"foreign changes {text}, {_from_to(first.at_ns, last.at_ns, axis)}"
    shown = f"{text}▲" if here > 0.9 else f"▲{text}"
    anchor = "end" if here > 0.9 else "start"
    words = element("text", shown, x=percent(here), dx="5" if here > 0.9 else "-5", y="17",
                    text_anchor=anchor, class_="mark")  # fmt: skip
    return element("a", element("title", said), words, href=f"#{link(group[0])}")


def _stay(stay: Stay, axis: Axis, *, hosts: bool) -> Bar:
    place = f"{stay.port} in {stay.bridge}" + (f" on {stay.host}" if hosts else "")
    said = f"{place}, {_from_to(stay.span.from_ns, stay.span.to_ns, axis)}"
    return Bar(span=stay.span, kind="stay", text=said, label=place)


def _native(item: Native, axis: Axis) -> Bar:
    said = "PVID, leaves tagged" if item.tagged else "PVID"
    times = _from_to(item.span.from_ns, item.span.to_ns, axis)
    label = f"{item.pvid} tagged" if item.tagged else str(item.pvid)
    return Bar(span=item.span, kind="native", text=f"{said} {item.pvid}, {times}", label=label)


def _lane(lane: Lane, axis: Axis) -> _Strip:
    vids = format_vids(lane.vids)
    bars = [
        Bar(
            span=item.span,
            kind="untagged" if item.untagged else "tagged",
            text=f"{vids} {'untagged' if item.untagged else 'tagged'}, "
            + _from_to(item.span.from_ns, item.span.to_ns, axis),
        )
        for item in lane.times
    ]
    return _strip(vids, bars, axis, count=lane.vids.bit_count())


def _strip(label: str, drawn: Sequence[Bar], axis: Axis, *, count: int = 0) -> _Strip:
    lines = _wrapped(label)
    if len(lines) > _LABEL_LINES:
        lines = [*lines[: _LABEL_LINES - 1], f"… ({count} vids)"]
    return _Strip(label=_text(lines, full=label), body=bars(drawn, axis), lines=len(lines))


def _wrapped(text: str) -> list[str]:
    """Returns a list of vids in lines that fit beside a chart."""
    lines = [""]
    for piece in text.replace(",", ",\0").split("\0"):
        if lines[-1] and len(lines[-1]) + len(piece) > _LABEL_CHARS:
            lines.append("")
        lines[-1] += piece
    return lines


def _text(lines: Sequence[str], full: str = "") -> Markup:
    pieces: list[Markup | str] = []
    for number, line in enumerate(lines):
        pieces += [element("br"), line] if number else [line]
    return element("span", *pieces, title=full if len(lines) > 1 else "")


def _from_to(from_ns: int, to_ns: int, axis: Axis) -> str:
    return f"{when(from_ns, utc=axis.utc)} to {when(to_ns, utc=axis.utc)}"
