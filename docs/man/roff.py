"""A light text format to man(7) macros, without which nobody would write a page.

Must not know what a page is about.
Source: man(7), groff_char(7).

The format: ``# HEADING``; paragraphs; lines indented by four blanks as they stand; a term on a line
of its own and below it its text behind ``: ``; `` `bold` `` and ``*italic*``.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator

_INLINE = re.compile(r"`([^`]+)`|\*([^*\s][^*]*)\*")


def escaped(text: str) -> str:
    """Returns the text as it stands on paper: no escape, no hyphen that breaks an option."""
    text = text.replace("\\", r"\e").replace("-", r"\-")
    text = text.replace("'", r"\(aq").replace("^", r"\(ha").replace("~", r"\(ti")
    return "".join(char if char.isascii() else f"\\[u{ord(char):04X}]" for char in text)


def inline(text: str) -> str:
    """Returns a text with what is bold and what is italic in it."""
    parts, end = [], 0
    for found in _INLINE.finditer(text):
        parts.append(escaped(text[end : found.start()]))
        bold, italic = found.groups()
        parts.append(f"\\fB{escaped(bold)}\\fR" if bold else f"\\fI{escaped(italic)}\\fR")
        end = found.end()
    parts.append(escaped(text[end:]))
    return "".join(parts)


def filled(text: str) -> Iterator[str]:
    """Yields a paragraph in short lines, each sentence on lines of its own; none is a macro."""
    for sentence in re.split(r"(?<=[.?!]) +(?=[A-Z\\])", inline(" ".join(text.split()))):
        for line in textwrap.wrap(sentence, 78, break_long_words=False, break_on_hyphens=False):
            yield f"\\&{line}" if line.startswith(".") else line


def macros(text: str) -> Iterator[str]:
    """Yields the lines of a text in the light format."""
    blocks = re.split(r"\n{2,}", text.strip("\n"))
    beginning = True
    for block in blocks:
        lines = block.split("\n")
        if lines[0].startswith("# "):
            yield f".SH {quoted(lines[0][2:].upper())}"
            lines, beginning = lines[1:], True
            if not lines:
                continue
        if lines[0].startswith("    "):
            yield from _as_it_stands(lines, beginning=beginning)
        elif len(lines) > 1 and lines[1].startswith(": "):
            yield from item(lines[0], " ".join(line.removeprefix(": ") for line in lines[1:]))
        else:
            yield from () if beginning else (".PP",)
            yield from filled(" ".join(lines))
        beginning = False


def item(term: str, told: str) -> Iterator[str]:
    """Yields a term and, indented below it, what is told of it."""
    yield ".TP"
    yield inline(term)
    yield from filled(told)


def quoted(text: str) -> str:
    """Returns the text as one argument of a macro."""
    return '"' + escaped(text).replace('"', r"\(dq") + '"'


def _as_it_stands(lines: list[str], *, beginning: bool) -> Iterator[str]:
    yield from () if beginning else (".PP",)
    yield from (".RS 4", ".nf")
    # The mark keeps a line that begins with a dot from being a macro, and an empty one there.
    yield from (f"\\&{escaped(line[4:])}" for line in lines)
    yield from (".fi", ".RE")
