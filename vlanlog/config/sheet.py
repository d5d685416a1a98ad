"""Holds one config file while it is read: its sections, what each key says, and every fault.

Must not know what a key means; bridges, ports and settings do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from vlanlog.config.fault import BadValueError, ConfigFault, printable
from vlanlog.config.ini import Key, Section, parse
from vlanlog.config.values import expanded

Value = TypeVar("Value")

DEFAULT = "DEFAULT"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedFault:
    """Is a fault, and whether it may hide the start of another section."""

    fault: ConfigFault
    hides_sections: bool


@dataclass(slots=True, kw_only=True)
class Sheet:
    """Is a file, its sections, the keys that it may have, and what was found wrong so far.

    Shape: placed has the faults by the line of their section's heading.
    """

    file: str
    known: tuple[str, ...]
    sections: tuple[Section, ...]
    interpolated: bool = True
    defaults: dict[str, Key] = field(default_factory=dict)
    placed: dict[int, list[PlacedFault]] = field(default_factory=dict)
    warnings: dict[tuple[int, str], str] = field(default_factory=dict)

    def blame(self, section: Section, key: Key | None, found: str, expected: str) -> None:
        """Notes a fault of a key, or of the section's heading; a repeated one counts once."""
        line = section.line if key is None else key.line
        self._note(
            section,
            line,
            None if key is None else key.name,
            (found, expected),
            # An indented heading goes on with the value above it, one without its last bracket
            # may read as a key.
            hides_sections=key is not None and ("\n" in key.text or "[" in key.name),
        )

    def blame_line(self, section: Section, line: int, found: str, expected: str) -> None:
        """Notes a line that could have been anything, a heading too."""
        self._note(section, line, None, (found, expected), hides_sections=True)

    def warn(self, section: Section, key: Key | None, text: str) -> None:
        """Notes what is no error but not what its writer can have meant."""
        line = section.line if key is None else key.line
        name = f" {key.name}" if key is not None else ""
        self.warnings.setdefault(
            (line, text), printable(f"{self.file}:{line}: [{section.name}]{name}: {text}")
        )

    def errors(self) -> tuple[ConfigFault, ...]:
        """Returns every fault in the order of lines."""
        return self._in_order(item for found in self.placed.values() for item in found)

    def faults_in(self, section: Section) -> tuple[ConfigFault, ...]:
        """Returns the faults of one section in the order of lines."""
        return self._in_order(self.placed.get(section.line, ()))

    def faults_that_hide(self) -> tuple[ConfigFault, ...]:
        """Returns the faults that may hide the start of another section."""
        found = (item for section in self.placed.values() for item in section)
        return self._in_order(item for item in found if item.hides_sections)

    def warned(self) -> tuple[str, ...]:
        """Returns every warning in the order of lines."""
        return tuple(text for _, text in sorted(self.warnings.items()))

    def meant(self, name: str) -> str | None:
        """Returns the key that a name is, or is a typo of."""
        if name in self.known:
            return name
        # Few files have an unknown key, and every hook would wait for this import.
        import difflib

        return next(iter(difflib.get_close_matches(name, self.known, n=1)), None)

    def _note(
        self,
        section: Section,
        line: int,
        key: str | None,
        words: tuple[str, str],
        *,
        hides_sections: bool,
    ) -> None:
        found, expected = words
        fault = ConfigFault(
            file=self.file,
            line=line,
            section=section.name,
            key=key,
            found=found,
            expected=expected,
        )
        placed = PlacedFault(fault=fault, hides_sections=hides_sections)
        in_section = self.placed.setdefault(section.line, [])
        if placed not in in_section:
            in_section.append(placed)

    @staticmethod
    def _in_order(found: Iterable[PlacedFault]) -> tuple[ConfigFault, ...]:
        return tuple(sorted((item.fault for item in found), key=lambda fault: fault.line or 0))


def sheet_of(text: str, *, file: str, known: tuple[str, ...], interpolated: bool = True) -> Sheet:
    """Returns the file's sheet with every fault that needs no knowledge of its keys' values."""
    sheet = Sheet(file=file, known=known, sections=parse(text), interpolated=interpolated)
    for section in sheet.sections:
        if section.name == DEFAULT:
            for key in section.keys:
                sheet.defaults.setdefault(key.name, key)
        _check_lines(sheet, section)
        _check_keys(sheet, section)
    _check_headings(sheet)
    return sheet


def _check_lines(sheet: Sheet, section: Section) -> None:
    for stray in section.strays:
        found = f"{stray.text!r} is neither a heading, a key nor a comment"
        sheet.blame_line(section, stray.line, found, "key = value")
    if section.behind_heading and section.behind_heading[0] not in "#;":
        found = f"{section.behind_heading!r} behind the heading is passed over, as by kvmvlan"
        sheet.warn(section, None, found)


def _check_keys(sheet: Sheet, section: Section) -> None:
    first: dict[str, Key] = {}
    for key in section.keys:
        if section.name is None:
            found = f"{key.name!r} stands above the first heading"
            sheet.blame_line(section, key.line, found, "a [section] first")
        elif key.name not in sheet.known:
            sheet.blame(section, key, *_unknown(sheet, key.name))
        elif key.name in first:
            line = first[key.name].line
            sheet.blame(section, key, f"a second value, the first is in line {line}", "one")
        first.setdefault(key.name, key)


def _unknown(sheet: Sheet, name: str) -> tuple[str, str]:
    near = sheet.meant(name)
    guess = f" (did you mean {near}?)" if near else ""
    return f"unknown key{guess}", "one of " + ", ".join(sorted(sheet.known))


def _check_headings(sheet: Sheet) -> None:
    first: dict[str, int] = {}
    for section in sheet.sections:
        if section.name is None:
            continue
        if section.name in first:
            found = f"a second section of that name, the first is in line {first[section.name]}"
            sheet.blame(section, None, found, "one")
        first.setdefault(section.name, section.line)
        if section.name != DEFAULT and section.name.strip().upper() == DEFAULT:
            sheet.warn(section, None, f"is a section like any other; did you mean [{DEFAULT}]?")


@dataclass(slots=True, kw_only=True)
class SectionReader:
    """Reads the values of one section, and those of [DEFAULT] where it has none of its own."""

    sheet: Sheet
    section: Section
    own: Mapping[str, Key]

    @classmethod
    def of(cls, sheet: Sheet, section: Section) -> SectionReader:
        """Returns the reader of a section; of two values for one key it reads the first."""
        own: dict[str, Key] = {}
        for key in section.keys:
            own.setdefault(key.name, key)
        return cls(sheet=sheet, section=section, own=own)

    def key(self, name: str) -> Key | None:
        """Returns the key as the section has it, or [DEFAULT]."""
        return self.own.get(name) or self.sheet.defaults.get(name)

    def read(self, name: str, parse_text: Callable[[str], Value], absent: Value) -> Value:
        """Returns the value of a key; ``absent`` where it is absent or bad, which is noted."""
        key = self.key(name)
        if key is None:
            return absent
        try:
            return parse_text(self.expanded(key.text))
        except BadValueError as e:
            self.sheet.blame(self._home(key), key, e.found, e.expected)
            return absent

    def expanded(self, text: str) -> str:
        """Returns a value with its references to other keys replaced.

        Raises: BadValueError.
        """
        if "%" not in text or not self.sheet.interpolated:
            return text
        keys = {**self.sheet.defaults, **self.own}
        return expanded(text, {name: key.text for name, key in keys.items()})

    def warn(self, name: str, text: str) -> None:
        """Notes a warning where the key is written."""
        key = self.key(name)
        self.sheet.warn(self._home(key) if key else self.section, key, text)

    def _home(self, key: Key) -> Section:
        if self.own.get(key.name) is key:
            return self.section
        return next(item for item in self.sheet.sections if key in item.keys)
