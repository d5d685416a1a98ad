"""What an examination found, as a table for people and as JSON.

Must not print, nor judge: grades are what they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from vlanlog.core.finding import Finding, Grade, worst
from vlanlog.render.table import UNBOUNDED, printed
from vlanlog.render.words import count, plain

_MARKS = {Grade.PASS: "✓", Grade.UNKNOWN: "?", Grade.WARN: "!", Grade.FAIL: "✗"}
_STYLES = {
    Grade.PASS: "green",
    Grade.UNKNOWN: "cyan",
    Grade.WARN: "bold yellow",
    Grade.FAIL: "bold red",
}


def table(findings: Sequence[Finding], *, width: int | None, colour: bool = False) -> str:
    """Returns the findings in their order, hints below what they mend, and how many there are."""
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    for _ in range(2):
        grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for item in findings:
        style = _STYLES[item.grade]
        grid.add_row(
            Text(f"{_MARKS[item.grade]} {item.grade}", style=style),
            Text(item.check, style="" if item.grade is Grade.PASS else "bold"),
            Text(plain(item.text)),
        )
        if item.hint:
            grid.add_row("", "", Text(f"→ {plain(item.hint)}", style="dim"))
    drawn = printed(grid, width=width or UNBOUNDED, colour=colour)
    return f"{drawn}\n\n{_summary(findings)}"


def _summary(findings: Sequence[Finding]) -> str:
    checks = len({item.check for item in findings})
    by_grade = Counter(item.grade for item in findings)
    told = ", ".join(f"{by_grade[grade]} {grade}" for grade in Grade if by_grade[grade])
    return f"{count(checks, 'check')}: {told}"


def finding(item: Finding) -> dict[str, Any]:
    """Returns one finding by its own names."""
    return {"check": item.check, "grade": item.grade, "text": item.text, "hint": item.hint}


def examination(findings: Sequence[Finding]) -> dict[str, Any]:
    """Returns all findings and the worst grade among them."""
    return {"worst": worst(findings), "findings": [finding(item) for item in findings]}
