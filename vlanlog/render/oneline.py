"""A story with one line for each of its lines, for grep and cut: nothing wraps.

Must not print.
"""

from __future__ import annotations

from vlanlog.history import Line
from vlanlog.render import story
from vlanlog.render.table import history_cells
from vlanlog.render.words import plain, when, who

FIELDS = ("seq", "when", "host", "guest", "what", "by", "why")
"""Are the columns of a file or a pipe, in order."""

_CUT = "…"


def row(line: Line, *, width: int | None, guests: bool, hosts: bool, utc: bool = False) -> str:
    """Returns the line: cut at the terminal's width, or whole where that is None.

    Shape: whole, it has the columns of ``FIELDS`` with a tab between, and - for one that is
    empty. A tab is in no column, for control characters are written as escapes.
    """
    event = line.event
    if width is None:
        fields = (
            str(line.seq),
            when(event.at_ns, utc=utc),
            event.host,
            event.subject.guest_name,
            story.what(line, utc=utc),
            who(event.actor),
            story.why(line),
        )
        return "\t".join(plain(field) if field else "-" for field in fields)
    cells = history_cells(line, utc=utc, guests=guests, hosts=hosts)
    return _cut("  ".join(plain(cell) for cell in (str(line.seq), *cells) if cell), width)


def _cut(text: str, width: int) -> str:
    # It is for terminals alone, and takes a moment to load.
    from rich.cells import cell_len, set_cell_size

    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1).rstrip() + _CUT
