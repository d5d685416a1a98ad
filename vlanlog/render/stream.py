"""A story that goes on as rows of one layout: widths are chosen once, for all rows to come.

Must not print.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from vlanlog.history import Line
from vlanlog.render import narrow
from vlanlog.render.table import UNBOUNDED, history_cells, history_head, printed
from vlanlog.render.words import plain

_GAP = 2
_NARROWEST = 40
_WIDE = 110
"""What a reason needs to stand beside the rest, in columns of the terminal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Is how wide each column is, in columns of the terminal.

    Shape: ``is_bounded`` cells wrap, others push what follows them to the right. Bounded, the
    reason stands below what happened where no width is left for it.
    """

    widths: tuple[int, ...]
    is_bounded: bool
    guests: bool
    hosts: bool
    utc: bool


def layout(*, width: int | None, guests: bool, hosts: bool = False, utc: bool = False) -> Layout:
    """Returns the layout for a terminal of that width, or for a file or a pipe where it is None."""
    asked = hosts + guests
    if width is None:
        widths = (19, *[12] * asked, 40, 16, 0)
        return Layout(widths=widths, is_bounded=False, guests=guests, hosts=hosts, utc=utc)
    width = max(width, _NARROWEST)
    moment = 19 if width >= 72 else 10
    own = [min(max(width // 10, 4), 20)] * asked
    is_wide = width >= _WIDE
    actor = min(max(width // (8 if is_wide else 5), 5), 16)
    columns = [moment, *own, actor]
    rest = width - sum(columns) - _GAP * (len(columns) + is_wide)
    what = rest * 3 // 5 if is_wide else rest
    widths = (moment, *own, what, actor, rest - what)
    return Layout(widths=widths, is_bounded=True, guests=guests, hosts=hosts, utc=utc)


def heading(form: Layout, *, colour: bool = False) -> str:
    """Returns the titles of the columns."""
    head = history_head(guests=form.guests, hosts=form.hosts)
    return _drawn(form, head, colour=colour)


def rows(lines: Iterable[Line], form: Layout) -> list[str]:
    """Returns each line as a row, which has several lines where a cell is wrapped."""
    cells = (
        history_cells(line, utc=form.utc, guests=form.guests, hosts=form.hosts) for line in lines
    )
    return [_drawn(form, row) for row in cells]


def _drawn(form: Layout, row: Sequence[str], *, colour: bool = False) -> str:
    cells = [*map(plain, row)]
    if form.is_bounded and not form.widths[-1]:
        return _narrow(cells, form.widths[:-1], colour=colour)
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), show_header=False)
    for width in form.widths:
        if form.is_bounded:
            table.add_column(width=width, overflow="fold")
        else:
            table.add_column(min_width=width, no_wrap=True)
    table.add_row(*(Text(cell, style="bold" if colour else "") for cell in cells))
    width = sum(form.widths) + _GAP * (len(form.widths) - 1) if form.is_bounded else UNBOUNDED
    return printed(table, width=width, colour=colour)


def _narrow(cells: Sequence[str], columns: narrow.Widths, *, colour: bool) -> str:
    width, what = sum(columns) + _GAP * (len(columns) - 1), len(columns) - 2
    [lines] = narrow.wrapped([cells], columns, width=width, below=what)
    return "\n".join(narrow.titled(lines, colour=colour))
