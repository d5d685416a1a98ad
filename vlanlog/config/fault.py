"""What is wrong with a config file, as values that read like a compiler's lines.

Must not read files or know any key.
"""

from __future__ import annotations

from dataclasses import dataclass

from vlanlog.errors import ConfigError

_FOUND_CHARACTERS = 200


class ConfigMissingError(ConfigError):
    """Says that a config file is not there, which is not the same as an empty one."""


class BadValueError(ValueError):
    """Says what was found in a value and what was expected instead."""

    def __init__(self, found: str, expected: str) -> None:
        super().__init__(found, expected)
        self.found = found
        self.expected = expected


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigFault:
    """Is one error of a config file, or of what overrides one.

    Shape: line counts from 1, None where there is no file; section and key are None where the
    fault is not inside one.
    """

    file: str
    line: int | None
    section: str | None
    key: str | None
    found: str
    expected: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        subject = [f"[{self.section}]" if self.section is not None else "", self.key or ""]
        where = " ".join(word for word in subject if word)
        found = self.found
        if len(found) > _FOUND_CHARACTERS:
            found = f"{found[:_FOUND_CHARACTERS]}…"
        parts = [place, where, f"{found}, expected {self.expected}"]
        return printable(": ".join(part for part in parts if part))


def printable(text: str) -> str:
    """Returns the text on one line, with what a terminal would obey written as escapes."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )
