"""What an examination of a host finds: each thing with a grade and the command that mends it.

Must not examine anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Grade(StrEnum):
    """Says how a thing was found, the worst last; ``unknown`` could not be looked at."""

    PASS = "pass"  # noqa: S105
    UNKNOWN = "unknown"
    WARN = "warn"
    FAIL = "fail"


_ORDER = {grade: place for place, grade in enumerate(Grade)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Is what one check found.

    Shape: check is a name that stays (docs/doctor.md); hint is a command that mends it, or says
    what would be known with it, empty for what passed.
    """

    check: str
    grade: Grade
    text: str
    hint: str = ""


def worst(findings: Iterable[Finding]) -> Grade:
    """Returns the worst grade, ``pass`` for nothing."""
    return max((item.grade for item in findings), key=_ORDER.__getitem__, default=Grade.PASS)


def passed(check: str, text: str) -> Finding:
    """Returns the finding that all is well."""
    return Finding(check=check, grade=Grade.PASS, text=text)


def unknown(check: str, text: str, hint: str = "") -> Finding:
    """Returns the finding that it could not be looked at, and why."""
    return Finding(check=check, grade=Grade.UNKNOWN, text=text, hint=hint)


def warned(check: str, text: str, hint: str) -> Finding:
    """Returns the finding of what may do harm."""
    return Finding(check=check, grade=Grade.WARN, text=text, hint=hint)


def failed(check: str, text: str, hint: str) -> Finding:
    """Returns the finding of what does harm."""
    return Finding(check=check, grade=Grade.FAIL, text=text, hint=hint)
