"""A stretch of a host's log as lines of JSON: a header, the events as they are kept, an end.

Must not do I/O: lines go in and out. What is read is checked against its own chain line by line,
so that a file that was cut short or edited shows where.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from vlanlog.core.codec import (
    GENESIS,
    Row,
    WrittenError,
    chained,
    from_line,
    link_from_line,
    link_to_line,
    to_line,
)
from vlanlog.core.state import Seq

FORMAT = 1
"""The version of the form; a file of a newer one is refused."""

START = Seq(0)
"""The place before a log's first event."""


class ExportError(ValueError):
    """Says at which line a file is not what an export is.

    Units: line counts from 1.
    """

    def __init__(self, line: int, why: str) -> None:
        super().__init__(f"line {line}: {why}")
        self.line = line
        self.why = why


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """Is what an export says of itself before its events.

    Shape: after and after_hash are the place and hash of the event that the first one is chained
    to, 0 and 32 zero bytes where it is the log's first; selection says in words what was
    selected, empty where nothing is left out.
    """

    host: str
    program: str
    selection: str = ""
    after: Seq = START
    after_hash: bytes = GENESIS


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Is an event as columns, with its place in the chain."""

    seq: Seq
    row: Row
    prev_hash: bytes
    hash: bytes


def lines(header: Header, links: Iterable[Link]) -> Iterator[str]:
    """Yields the export line by line, without newlines.

    Raises: ExportError where the chain of a stretch from which nothing is left out is broken.
    """
    yield _header_line(header)
    count, last = 0, header.after_hash
    for link in links if header.selection else _chained(header, enumerate(links, start=2)):
        yield link_to_line(link.seq, link.row, link.prev_hash, link.hash)
        count, last = count + 1, link.hash
    yield to_line({"vlanlog": "end", "events": count, "hash": last.hex()})


def read(written: Iterable[bytes]) -> tuple[Header, Iterator[Link]]:
    """Returns what an export says of itself, and its events, each checked when it is taken.

    Only when the last one was taken is it certain that nothing is missing.
    Raises: ExportError, at once or while the events are taken.
    """
    numbered = enumerate(written, start=1)
    number, first = next(numbered, (1, b""))
    header = _header(number, first)
    found = _events(numbered, header)
    return header, (link for _, link in found) if header.selection else _chained(header, found)


def _header_line(header: Header) -> str:
    return to_line(
        {
            "vlanlog": "export",
            "format": FORMAT,
            "program": header.program,
            "host": header.host,
            "selection": header.selection,
            "after": {"seq": header.after, "hash": header.after_hash.hex()},
        }
    )


def _header(number: int, line: bytes) -> Header:
    try:
        fields = from_line(line)
        if fields["vlanlog"] != "export":
            raise WrittenError("it does not say so")
        if fields["format"] > FORMAT:
            raise ExportError(number, f"a newer vlanlog wrote it, in format {fields['format']}")
        after = fields["after"]
        return Header(
            host=str(fields["host"]),
            program=str(fields["program"]),
            selection=str(fields["selection"]),
            after=Seq(int(after["seq"])),
            after_hash=bytes.fromhex(after["hash"]),
        )
    except (WrittenError, KeyError, TypeError) as error:
        raise ExportError(number, "this is not the beginning of an export of vlanlog") from error


def _events(numbered: Iterator[tuple[int, bytes]], header: Header) -> Iterator[tuple[int, Link]]:
    """Yields the events with the numbers of their lines, up to the end that must be there."""
    number, last, count = 1, header.after_hash, 0
    for number, line in numbered:
        if not line.endswith(b"\n"):
            raise ExportError(number, "the file is cut short here")
        if line.startswith(b'{"vlanlog":'):
            _check_end(number, line, count, last)
            for after, _ in numbered:
                raise ExportError(after, "something follows the end")
            return
        try:
            link = Link(**link_from_line(line))
        except WrittenError as error:
            raise ExportError(number, f"this is no event: {error}") from error
        yield number, link
        count, last = count + 1, link.hash
    raise ExportError(number + 1, "the end is missing: the file was cut short")


def _check_end(number: int, line: bytes, count: int, last: bytes) -> None:
    try:
        fields = from_line(line)
        told = (fields["events"], fields["hash"])
    except (WrittenError, KeyError) as error:
        raise ExportError(number, "this is no end of an export") from error
    if told != (count, last.hex()):
        raise ExportError(number, f"{told[0]} events are told, {count} are there")


def _chained(header: Header, numbered: Iterable[tuple[int, Link]]) -> Iterator[Link]:
    """Yields the events of a stretch from which nothing is left out, each if it is the next."""
    seq, last = header.after, header.after_hash
    for number, link in numbered:
        if why := _flaw(header, seq, last, link):
            raise ExportError(number, f"event {link.seq}: {why}")
        seq, last = link.seq, link.hash
        yield link


def _flaw(header: Header, seq: Seq, last: bytes, link: Link) -> str:
    if link.seq != seq + 1:
        return f"what follows {seq} is missing"
    if link.prev_hash != last:
        return f"it is not chained to {seq}"
    if link.row.host != header.host:
        return f"it is of the host {link.row.host}"
    if link.hash != chained(last, link.seq, link.row):
        return "it is not what was written"
    return ""
