"""Results as tables for people; on a terminal no wider than it, elsewhere as wide as needed.

Must not print, and must not let a guest's name steer the terminal.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from vlanlog.core.state import HostState, Port, PortTable
from vlanlog.core.vlan import PortVlans, format_vids
from vlanlog.history import Line
from vlanlog.render import narrow, story
from vlanlog.render.words import change, count, plain, when, who

if TYPE_CHECKING:
    from rich.table import Table

    from vlanlog.core.program import Plan

_NARROW = re.compile("[ -~\u00c0-\u017f→…–·]*")
"""What takes one column a character; there is more of that, but less in a log."""

UNBOUNDED = 10_000
"""The width, in columns, of a table that goes into a file or a pipe."""


def drawn(
    head: Sequence[str], rows: Iterable[Sequence[str]], *, width: int | None, colour: bool = False
) -> str:
    """Returns a table; cells wrap where it would be wider than ``width`` columns."""
    cells = [[*head], *([plain(cell) for cell in row] for row in rows)]
    width = width or UNBOUNDED
    if not colour and all(_NARROW.fullmatch(cell) for row in cells for cell in row):
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        if sum(widths) + 2 * (len(widths) - 1) <= width:
            return "\n".join(map(_aligned(widths), cells))
    return _wrapped(cells, width=width, colour=colour)


def _aligned(widths: Sequence[int]) -> Callable[[Sequence[str]], str]:
    """Returns what draws a row that needs no wrapping: a thousand take rich half a second."""
    form = "  ".join(f"{{:<{width}}}" for width in widths)
    return lambda row: form.format(*row).rstrip()


def _wrapped(cells: Sequence[Sequence[str]], *, width: int, colour: bool) -> str:
    # Most answers need it not, and need not wait for it.
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for title in cells[0]:
        table.add_column(Text(title), overflow="fold")
    for row in cells[1:]:
        table.add_row(*map(Text, row))
    return printed(table, width=width, colour=colour)


def printed(table: Table, *, width: int, colour: bool = False) -> str:
    """Returns what a terminal of that width shows of the table, without spaces at its right."""
    from rich.console import Console

    console = Console(
        file=io.StringIO(),
        width=width,
        force_terminal=colour,
        no_color=not colour,
        highlight=False,
    )
    with console.capture() as capture:
        console.print(table)
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


def plan(todo: Plan, *, width: int | None, colour: bool = False) -> str:
    """Returns what a replay would change, and the count as the last line."""
    rows = [(item.bridge.name, "", "  ".join(item.steps), item.because) for item in todo.bridges]
    rows += [
        (
            item.wish.port.name,
            item.wish.subject.guest_name or "",
            change(item.before, item.wish.vlans) or "  ".join(item.steps),
            item.wish.because,
        )
        for item in sorted(todo.ports, key=lambda item: _by_bridge(item.wish.port))
    ]
    head = ("PORT", "GUEST", "CHANGE", "BECAUSE")
    parts = [drawn(head, rows, width=width, colour=colour)] if rows else []
    parts += [f"missing: {plain(line)}" for line in todo.missing]
    parts.append(
        f"Plan: {todo.added} to add, {todo.removed} to remove, "
        f"{count(todo.unchanged, 'port')} unchanged."
    )
    return "\n".join(parts)


def state(host: HostState, table: PortTable, *, width: int | None, colour: bool = False) -> str:
    """Returns what each port carries, by bridge."""
    owners = host.owners()
    rows: list[tuple[str, ...]] = []
    for port in sorted(table.ports.values(), key=_by_bridge):
        guest, nic = owners.of(port) or (None, None)
        native, tagged, untagged = _columns(port.vlans)
        rows.append(
            (
                port.bridge,
                port.name,
                guest.name if guest else ("self" if port.is_self else ""),
                nic.mac if nic else "",
                native,
                tagged,
                untagged,
            )
        )
    head: tuple[str, ...] = ("BRIDGE", "PORT", "GUEST", "MAC", "PVID", "TAGGED", "UNTAGGED")
    if not any(row[-1] for row in rows):
        head, rows = head[:-1], [row[:-1] for row in rows]
    return drawn(head, rows, width=width, colour=colour)


def _by_bridge(port: Port) -> tuple[str, bool, str]:
    return port.bridge, not port.is_self, port.name


def _columns(vlans: PortVlans) -> tuple[str, str, str]:
    native = 0 if vlans.pvid is None else 1 << vlans.pvid
    mark = "" if vlans.pvid is None or vlans.untagged & native else " tagged"
    return (
        f"{vlans.pvid}{mark}" if vlans.pvid is not None else "-",
        format_vids(vlans.members & ~vlans.untagged & ~native) or "-",
        format_vids(vlans.untagged & ~native),
    )


def differences(
    rows: Iterable[tuple[str, str, str]], *, width: int | None, colour: bool = False
) -> str:
    """Returns what differs between two layers, one (port or bridge, guest, change) a row."""
    return drawn(("PORT", "GUEST", "CHANGE"), rows, width=width, colour=colour)


def adoptions(
    rows: Iterable[tuple[str, str, str, str]], *, width: int | None, colour: bool = False
) -> str:
    """Returns what becomes the wish, one (port, guest, change, what is overruled) a row."""
    return drawn(("PORT", "GUEST", "CHANGE", "INSTEAD OF"), rows, width=width, colour=colour)


def history(
    lines: Iterable[Line],
    *,
    width: int | None,
    colour: bool = False,
    utc: bool = False,
    guests: bool = False,
    hosts: bool = False,
) -> str:
    """Returns a story: when, what, by whom, why; and where asked for, on which host, whose.

    Where the terminal is too narrow, the reason stands below what happened.
    """
    rows = [history_cells(line, utc=utc, guests=guests, hosts=hosts) for line in lines]
    head = history_head(guests=guests, hosts=hosts)
    if width is not None:
        below = head.index("WHAT")
        told = narrow.drawn(head, rows, width=width, below=below, fit=narrow.story, colour=colour)
        if told is not None:
            return told
    return drawn(head, rows, width=width, colour=colour)


def history_head(*, guests: bool, hosts: bool) -> list[str]:
    """Returns the titles of a story's columns."""
    own = [*(["HOST"] if hosts else []), *(["GUEST"] if guests else [])]
    return ["WHEN", *own, "WHAT", "BY", "WHY"]


def history_cells(line: Line, *, utc: bool, guests: bool, hosts: bool) -> list[str]:
    """Returns what stands under them for a line."""
    own = [line.event.host] if hosts else []
    own += [line.event.subject.guest_name or ""] if guests else []
    moment = when(line.event.at_ns, utc=utc)
    return [moment, *own, story.what(line, utc=utc), who(line.event.actor), story.why(line)]


def finished(results: Sequence[str], *, done: int, messages: int) -> str:
    """Returns the closing words of a replay; results are the lines of what was left undone."""
    sent = f"Done: {count(done, 'port')} programmed with {count(messages, 'message')}, re-read."
    closing = sent if messages else "Nothing was sent."
    return "\n".join([closing, *(f"left undone: {plain(line)}" for line in results)])
