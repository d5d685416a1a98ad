"""A table on a terminal that its columns do not fit: the last one, why, stands below the others.

Must not print.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from io import StringIO
from itertools import chain, zip_longest
from typing import TYPE_CHECKING

from vlanlog.render.words import plain

if TYPE_CHECKING:
    from rich.console import Console

_GAP = 2
_INDENT = 2
_DAY = 10
_MOMENT = 19
_ROOMY = 60
_NARROWEST = 16
_ACTOR = 12
_BESIDE = 40

Widths = tuple[int, ...]
"""Is how wide each column but the last is, in columns of the terminal."""


def drawn(
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    width: int,
    below: int,
    fit: Callable[[Sequence[int], int], Widths | None],
    colour: bool = False,
) -> str | None:
    """Returns the table with the last column's cells below the column ``below``.

    None where all columns fit beside each other or the last has enough room to wrap in, and
    where ``fit`` says that they do not so either.
    """
    # It is for terminals alone, and takes a moment to load.
    from rich.cells import cell_len

    cells = [[*head], *([plain(cell) for cell in row] for row in rows)]
    natural = [max(map(cell_len, column)) for column in zip(*cells, strict=True)]
    room = width - sum(natural[:-1]) - _GAP * (len(natural) - 1)
    if room >= min(natural[-1], _BESIDE):
        return None
    columns = fit(natural[:-1], width)
    if columns is None:
        return None
    titles, *lines = wrapped(cells, columns, width=width, below=below)
    return "\n".join(chain(titled(titles, colour=colour), *lines))


def story(natural: Sequence[int], width: int) -> Widths | None:
    """Returns the columns of a story for what its cells need: most is for what happened.

    None where that would have next to no room.
    """
    _, *own, what, by = natural
    moment = _MOMENT if width >= _ROOMY else _DAY
    own = [min(wide, width // 8) for wide in own]
    room = width - moment - sum(own) - _GAP * (len(own) + 2)
    most = room - min(by, width // 5)
    what = min(what, most)
    return (moment, *own, what, min(by, room - what)) if most >= _NARROWEST else None


def whole(natural: Sequence[int], width: int) -> Widths | None:
    """Returns columns as wide as what their cells need, the last of them as wide as may be.

    None where that would have next to no room.
    """
    *first, last = natural
    room = width - sum(first) - _GAP * len(first)
    return (*first, min(last, room)) if room >= min(last, _ACTOR) else None


def wrapped(
    rows: Iterable[Sequence[str]], columns: Widths, *, width: int, below: int
) -> Iterator[list[str]]:
    """Yields the lines of each row, the last cell below the column of that number."""
    from rich.console import Console

    wrap = partial(_wrapped, Console(file=StringIO()))
    indent = " " * (sum(columns[:below]) + _GAP * below + _INDENT)
    for *row, last in rows:
        cells = map(wrap, row, columns)
        lines = [_line(parts, columns) for parts in zip_longest(*cells, fillvalue="")]
        yield lines + [indent + part for part in wrap(last, width - len(indent)) if part]


def titled(titles: Iterable[str], *, colour: bool) -> list[str]:
    """Returns the lines of a heading, bold on a terminal with colours."""
    return [f"\x1b[1m{title}\x1b[0m" if colour else title for title in titles]


def _line(parts: Sequence[str], columns: Widths) -> str:
    from rich.cells import set_cell_size

    return (" " * _GAP).join(map(set_cell_size, parts, columns)).rstrip()


def _wrapped(console: Console, text: str, width: int) -> list[str]:
    from rich.cells import cell_len
    from rich.text import Text

    if cell_len(text) <= width:
        return [text]
    return [line.plain.rstrip() for line in Text(text).wrap(console, width, overflow="fold")]
