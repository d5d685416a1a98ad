"""The lines of an export: what is read is what was written, and anything else has a line number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.core import samples
from vlanlog.core import codec, export
from vlanlog.core.export import ExportError, Header, Link
from vlanlog.core.state import Seq

HEADER = Header(host="host-a", program="vlanlog 1")


def links(after: Seq = export.START, after_hash: bytes = codec.GENESIS) -> list[Link]:
    """Returns the samples, chained to what is before them."""
    found = []
    for seq, event in enumerate(samples.events(), start=after + 1):
        row = codec.encode(event)
        link = codec.chained(after_hash, seq, row)
        found.append(Link(seq=Seq(seq), row=row, prev_hash=after_hash, hash=link))
        after_hash = link
    return found


def written(header: Header = HEADER, of: list[Link] | None = None) -> list[bytes]:
    found = links() if of is None else of
    return [f"{line}\n".encode() for line in export.lines(header, found)]


def taken(lines: list[bytes]) -> tuple[Header, list[Link]]:
    header, found = export.read(lines)
    return header, list(found)


def refusal(lines: list[bytes]) -> tuple[int, str]:
    with pytest.raises(ExportError) as raised:
        taken(lines)
    return raised.value.line, raised.value.why


def test_export_is_read_as_it_was_written() -> None:
    assert taken(written()) == (HEADER, links())


def test_export_that_begins_later_is_chained_to_what_it_names() -> None:
    header = replace(HEADER, after=Seq(41), after_hash=b"\x07" * 32)
    found = links(Seq(41), b"\x07" * 32)

    assert taken(written(header, found)) == (header, found)


def test_export_of_an_empty_log_has_a_header_and_an_end() -> None:
    assert (len(written(of=[])), taken(written(of=[]))) == (2, (HEADER, []))


def test_selection_is_read_though_it_has_holes() -> None:
    header = replace(HEADER, selection="VM1")
    found = links()[3:9:2]

    assert taken(written(header, found)) == (header, found)


def test_event_is_a_line_in_the_order_of_the_table() -> None:
    first = links()[0]

    assert codec.from_line(written()[1]) == {
        "seq": 1,
        **first.row._asdict(),
        "event_id": first.row.event_id.hex(),
        "correlation_id": first.row.correlation_id.hex(),
        "prev_hash": "00" * 32,
        "hash": first.hash.hex(),
    }
    assert list(codec.from_line(written()[1])) == [
        "seq", *codec.Row._fields, "prev_hash", "hash"
    ]  # fmt: skip


def test_broken_chain_is_not_exported() -> None:
    broken = links()
    broken[4] = replace(broken[4], row=broken[4].row._replace(payload="{}"))

    with pytest.raises(ExportError, match="event 5: it is not what was written"):
        written(of=broken)


def edited(old: bytes, new: bytes) -> Callable[[list[bytes]], list[bytes]]:
    def edit(lines: list[bytes]) -> list[bytes]:
        assert old in lines[4]
        return [*lines[:4], lines[4].replace(old, new), *lines[5:]]

    return edit


SPOILED: dict[str, tuple[Callable[[list[bytes]], list[bytes]], int, str]] = {
    "a time": (edited(b'"at_ns":17', b'"at_ns":18'), 5, "event 4: it is not what was written"),
    "a number too large": (edited(b'"at_ns":17', b'"at_ns":999'), 5, "this is no event"),
    "a field more": (edited(b'{"seq":4', b'{"x":1,"seq":4'), 5, "this is no event"),
    "an id that is none": (edited(b'"event_id":"01', b'"event_id":"zz'), 5, "this is no event"),
    "no JSON": (lambda lines: [*lines[:4], b"{\n", *lines[5:]], 5, "this is no event"),
    "another host": (
        edited(b'"host":"host-a"', b'"host":"host-b"'), 5, "event 4: it is of the host host-b"
    ),
    "a line less": (lambda lines: lines[:4] + lines[5:], 5, "event 5: what follows 3 is missing"),
    "a line twice": (lambda lines: lines[:5] + lines[4:], 6, "event 4: what follows 4 is missing"),
    "a link": (edited(b'"prev_hash":"', b'"prev_hash":"00'), 5, "event 4: it is not chained to 3"),
    "another genesis": (
        lambda lines: [lines[0].replace(b'"hash":"00', b'"hash":"01'), *lines[1:]],
        2,
        "event 1: it is not chained to 0",
    ),
    "cut at a line": (lambda lines: lines[:4], 5, "the end is missing: the file was cut short"),
    "cut in a line": (lambda lines: [*lines[:4], lines[4][:-9]], 5, "the file is cut short here"),
    "cut to its header": (lambda lines: lines[:1], 2, "the end is missing"),
    "the last event left out": (lambda lines: lines[:-2] + lines[-1:], 0, "events are told"),
    "another end": (
        lambda lines: [*lines[:-1], lines[-1].replace(b'"hash":"', b'"hash":"x')],
        0,
        "events are told",
    ),
    "an end of something else": (
        lambda lines: [*lines[:-1], b'{"vlanlog":"end"}\n'], 0, "this is no end of an export"
    ),
    "more behind the end": (lambda lines: [*lines, lines[4]], 0, "something follows the end"),
    "nothing": (lambda _: [], 1, "this is not the beginning of an export of vlanlog"),
    "another file": (lambda _: [b"seq,at\n"], 1, "this is not the beginning of an export"),
    "other JSON": (lambda _: [b'{"vlanlog":"head"}\n'], 1, "this is not the beginning"),
    "no event before": (lambda _: [b'{"vlanlog":"export","format":1}\n'], 1, "this is not the"),
    "a newer one": (
        lambda lines: [lines[0].replace(b'"format":1', b'"format":2'), *lines[1:]],
        1,
        "a newer vlanlog wrote it, in format 2",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", SPOILED)
def test_export_that_was_spoiled_is_refused_with_its_line(what: str) -> None:
    spoil, line, why = SPOILED[what]
    whole = written()

    found = refusal(spoil(whole))

    assert found[1].startswith(why) or why in found[1]
    assert found[0] == (line or len(spoil(whole)))
