"""Reads INI text by Python's configparser and tells the line of every section and key.

Must not know what a key means, and must not stop at the first thing that is wrong.
"""

from __future__ import annotations

import io
import re
from bisect import bisect_right
from collections.abc import Iterator
from configparser import ParsingError, RawConfigParser
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """Is one ``key = value``.

    Shape: name in lower case; text without the blanks around it, continuation lines joined by
    newlines.
    """

    name: str
    text: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stray:
    """Is a line, or the rest of one behind a heading, that is neither heading, key nor comment."""

    text: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Is a heading and what stands below it; one that is written twice is two sections.

    Shape: name is None, and line 0, for what stands above the first heading.
    """

    name: str | None
    line: int
    keys: tuple[Key, ...]
    strays: tuple[Stray, ...]
    behind_heading: str = ""


def parse(text: str) -> tuple[Section, ...]:
    """Returns the sections in the order of their lines, first what stands above them all.

    Source: "Supported INI File Structure" in Python's configparser; its defaults, but for
    interpolation.
    """
    lines = tuple(io.StringIO(text, newline=None))
    parser = _LineParser()
    keys, strays = parser.parse(lines)
    headings = [_Heading(name=None, line=0), *parser.headings]
    starts = [heading.line for heading in headings]
    keys_below: list[list[Key]] = [[] for _ in headings]
    strays_below: list[list[Stray]] = [[] for _ in headings]
    for key in keys:
        keys_below[bisect_right(starts, key.line) - 1].append(key)
    for line in strays:
        stray = Stray(text=lines[line - 1].strip(), line=line)
        strays_below[bisect_right(starts, line) - 1].append(stray)
    return tuple(
        Section(
            name=heading.name,
            line=heading.line,
            keys=tuple(keys_below[number]),
            strays=tuple(strays_below[number]),
            behind_heading=heading.rest,
        )
        for number, heading in enumerate(headings)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Heading:
    name: str | None
    line: int
    rest: str = ""


class _LineParser(RawConfigParser):
    """Is configparser with each key named by its line, so that no duplicate hides another.

    It calls ``optionxform`` for each key and ``SECTCRE.match`` for each heading while it reads
    that line: both are meant to be replaced, and here they note the line.
    """

    def __init__(self) -> None:
        # A heading is never empty, so that [DEFAULT] is a section like any other.
        super().__init__(default_section="", strict=False)
        self.headings: list[_Heading] = []
        self._line = 0
        self.SECTCRE = _HeadingPattern(self)  # type: ignore[assignment]

    def parse(self, lines: tuple[str, ...]) -> tuple[list[Key], list[int]]:
        strays: list[int] = []
        try:
            self.read_file(self._counted(lines))
        except ParsingError as e:
            # The line that was put in front is counted by configparser, and not by _counted.
            strays = [line - 1 for line, _text in e.errors]
        named = (item for section in self.sections() for item in self.items(section))
        keys = [
            Key(name=name, text=text, line=int(line))
            for (line, _, name), text in ((tag.partition(":"), text) for tag, text in named)
            # A line that begins with '=' is among the strays as well.
            if name
        ]
        return sorted(keys, key=lambda key: key.line), strays

    def optionxform(self, optionstr: str) -> str:
        return f"{self._line}:{optionstr.lower()}"

    def found_heading(self, found: re.Match[str]) -> None:
        if self._line > 0:
            rest = found.string[found.end() :].strip()
            self.headings.append(_Heading(name=found["header"], line=self._line, rest=rest))

    def _counted(self, lines: tuple[str, ...]) -> Iterator[str]:
        # Without a heading configparser would stop at the first key.
        yield "[above the first heading]\n"
        for self._line, line in enumerate(lines, start=1):
            yield line


class _HeadingPattern:
    """Stands in for configparser's pattern of headings."""

    def __init__(self, parser: _LineParser) -> None:
        self._parser = parser

    def match(self, text: str) -> re.Match[str] | None:
        found = RawConfigParser.SECTCRE.match(text)
        if found is not None:
            self._parser.found_heading(found)
        return found
