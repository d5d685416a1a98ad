"""HTML and SVG elements; whatever text goes into one is escaped on the way.

Must not know a report. Only ``element`` and ``joined`` make markup, so that no name of a guest
can become any.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from vlanlog.render.words import plain

_EMPTY = frozenset({"meta", "link", "rect", "line", "circle", "path", "br", "wbr"})


class Markup(str):
    """Is text that is markup already."""

    __slots__ = ()


def element(
    name: str, *content: str | Markup, attributes: dict[str, str] | None = None, **more: str
) -> Markup:
    """Returns an element; text in it is escaped, and what steers a reader's eye written out.

    Shape: ``class_`` is the attribute class, ``text_anchor`` is text-anchor; one with an empty
    value is left out.
    """
    named = {key.rstrip("_").replace("_", "-"): value for key, value in more.items()}
    given = {**(attributes or {}), **named}
    words = "".join(
        f' {key}="{escape(plain(value))}"' for key, value in given.items() if value != ""
    )
    if name in _EMPTY and not content:
        return Markup(f"<{name}{words}/>")
    return Markup(f"<{name}{words}>{joined(content)}</{name}>")


def joined(content: Iterable[str | Markup]) -> Markup:
    """Returns the pieces one after the other, escaped where they are text."""
    return Markup(
        "".join(piece if isinstance(piece, Markup) else escape(plain(piece)) for piece in content)
    )


def breakable(text: str) -> Markup:
    """Returns the text, to be broken behind commas and not within a number."""
    first, *rest = text.split(",")
    pieces = [first] + [piece for item in rest for piece in (",", Markup("<wbr/>"), item)]
    return joined(pieces)


def lines_of(content: Iterable[str | Markup]) -> Markup:
    """Returns the pieces likewise, each on a line of its own."""
    return Markup("\n".join(joined([piece]) for piece in content))
