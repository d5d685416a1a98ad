"""Events as CSV for spreadsheets, one line each.

Must not let a name become a formula or a line of its own: guests are named by others.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from uuid import UUID

from vlanlog.core import codec
from vlanlog.core import event as e
from vlanlog.core.vlan import NO_VLANS
from vlanlog.history import Line
from vlanlog.render import story
from vlanlog.render.words import change, iso, plain, who

COLUMNS = (
    "seq", "at", "host", "kind", "guest", "guest_uuid", "mac", "bridge", "port", "ifindex", "what",
    "by", "actor", "payload", "event_id", "correlation_id", "hash",
)  # fmt: skip

BYTE_ORDER_MARK = "\ufeff"
"""Begins the file: without it Excel takes UTF-8 for the letters of its own code page."""

_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""Begin what spreadsheets compute, in full width too. Source: OWASP, "CSV Injection"."""


def lines(events: Iterable[e.Recorded]) -> Iterator[str]:
    """Yields the heading and the events, each with its line end.

    Source: RFC 4180.
    """
    yield BYTE_ORDER_MARK + _line(COLUMNS)
    for item in events:
        yield _line(_cells(item))


def _line(cells: Iterable[object]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow([_safe(cell) for cell in cells])
    return line.getvalue()


def _safe(cell: object) -> str:
    if isinstance(cell, int):
        return str(cell)
    text = plain(str(cell or ""))
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text


def _cells(item: e.Recorded) -> Iterator[object]:
    row = codec.encode(item.event)
    subject = item.event.subject
    yield from (item.seq, iso(row.at_ns), row.host, row.kind)
    yield from (subject.guest_name, subject.guest_uuid, subject.mac)
    yield from (subject.bridge, subject.port, subject.ifindex)
    yield from (_what(item), who(item.event.actor), row.actor, row.payload)
    yield from (UUID(bytes=row.event_id), UUID(bytes=row.correlation_id), item.hash.hex())


def _what(item: e.Recorded) -> str:
    port = item.event.subject.port or "port"
    match item.event.fact:
        case e.VlanAdded() as fact:
            return f"{port} {change(NO_VLANS, NO_VLANS.added(fact.range))}"
        case e.VlanRemoved() as fact:
            gone = e.VlanAdded(first=fact.first, last=fact.last).range
            return f"{port} {change(NO_VLANS.added(gone), NO_VLANS)}"
        case _:
            return story.what(Line(seq=item.seq, event=item.event))
