"""The bars of a timeline, with the patterns and the key that tell their kinds apart on paper.

Must not know what the bars stand for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from vlanlog.render.axis import Axis
from vlanlog.render.markup import Markup, element, joined
from vlanlog.report.values import Span

STRIP = 24
"""The height of a line of a chart in pixels."""
NARROWEST = 440.0
"""The width of a chart's plot in pixels where it is least: on paper."""
CHAR = 7.0
"""The width of a character in pixels."""
_BAR = 14
_TOP = (STRIP - _BAR) // 2
_COLUMNS = 400
_CROWD = 3
_CROWDED = "changed more often than can be drawn: see the table"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """Is a time to be drawn: ``kind`` is its class in the style sheet, ``text`` its tooltip."""

    span: Span
    kind: str
    text: str
    label: str = ""


def bars(drawn: Sequence[Bar], axis: Axis) -> Markup:
    """Returns the bars; where more begin and end than can be told apart, one that says so."""
    crowded = _crowded(drawn, axis)
    found = [
        _bar(bar, axis.share(bar.span.from_ns), axis.share(bar.span.to_ns))
        for bar in drawn
        if not crowded or not crowded.issuperset(_columns(bar, axis))
    ]
    found += [
        _rect(first / _COLUMNS, (last + 1 - first) / _COLUMNS, "crowded", _CROWDED)
        for first, last in _runs(sorted(crowded))
    ]
    return joined(found)


def _columns(bar: Bar, axis: Axis) -> range:
    first, last = (axis.share(at_ns) for at_ns in (bar.span.from_ns, bar.span.to_ns))
    return range(_column(first), _column(last) + 1)


def _bar(bar: Bar, start: float, end: float) -> Markup:
    shape = _rect(start, end - start, bar.kind, bar.text)
    if not bar.label or (end - start) * NARROWEST < len(bar.label) * CHAR + 10:
        return shape
    label = element("text", bar.label, x="6", y="11", class_=f"on {bar.kind}")
    # An svg of its own cuts off what does not fit into the bar.
    inner = element("svg", label, x=percent(start), y=str(_TOP), width=percent(end - start),
                    height=str(_BAR))  # fmt: skip
    return joined([shape, inner])


def _crowded(bars: Sequence[Bar], axis: Axis) -> set[int]:
    ends: dict[int, int] = {}
    for bar in bars:
        for at_ns in (bar.span.from_ns, bar.span.to_ns):
            column = _column(axis.share(at_ns))
            ends[column] = ends.get(column, 0) + 1
    # Where one bar ends and the next begins two ends meet, and that can be drawn.
    return {column for column, number in ends.items() if number > 2 * _CROWD}


def _column(share: float) -> int:
    return min(_COLUMNS - 1, int(share * _COLUMNS))


def _runs(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    first = last = None
    for number in numbers:
        if first is None or last is None or number != last + 1:
            if first is not None and last is not None:
                yield first, last
            first = number
        last = number
    if first is not None and last is not None:
        yield first, last


def _rect(start: float, width: float, kind: str, said: str) -> Markup:
    return element(
        "rect", element("title", said), x=percent(start), y=str(_TOP), width=percent(width),
        height=str(_BAR), class_=f"bar {kind}",
    )  # fmt: skip


def percent(share: float) -> str:
    """Returns a share of the width as SVG takes it."""
    return f"{share * 100:.3f}".rstrip("0").rstrip(".") + "%"


def patterns() -> Markup:
    """Returns the patterns that all timelines of a page share."""
    lines = element("path", d="M-2,2 l4,-4 M0,8 l8,-8 M6,10 l4,-4", class_="hatch")
    dots = joined(
        [element("circle", cx=x, cy=y, r="1.1", class_="dot") for x, y in (("2", "2"), ("5", "5"))]
    )
    stripes = element("path", d="M1.5,0 v8 M4.5,0 v8", class_="crowd")
    defs = element("defs", _pattern("gap", "8", lines), _pattern("dots", "6", dots),
                   _pattern("crowded", "6", stripes))  # fmt: skip
    return element("svg", defs, class_="defs", width="0", height="0", aria_hidden="true")


def _pattern(name: str, size: str, content: Markup) -> Markup:
    return element(
        "pattern", content, id=name, width=size, height=size,
        attributes={"patternUnits": "userSpaceOnUse"},
    )  # fmt: skip


def key() -> Markup:
    """Returns what the marks of the timelines mean."""
    shown = (
        ("native", "native VLAN (PVID), its vid in the bar"),
        ("tagged", "tagged"),
        ("untagged", "untagged, but not PVID"),
        ("crowded", _CROWDED),
        ("gap", "not watched: changes may have gone unseen"),
    )
    items = [
        element("li", element("svg", _sample(name), width="28", height="16",
                              aria_hidden="true"), text)
        for name, text in shown
    ]  # fmt: skip
    mark = element("span", "▲", class_="mark", aria_hidden="true")
    items.append(element("li", mark, "foreign change, with its number in the table"))
    return element("ul", *items, class_="key")


def _sample(kind: str) -> Markup:
    return element("rect", x="1", y="1", width="26", height=str(_BAR), class_=f"bar {kind}")
