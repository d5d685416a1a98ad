"""A log's head as a text to keep elsewhere, and such texts read back.

Must not judge a head: whoever has the log does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from vlanlog.core.query import Head
from vlanlog.core.state import Seq
from vlanlog.render.words import iso

FORMAT = 1

_LINE = re.compile(r"head seq=([0-9]{1,19}) hash=([0-9a-f]{64}) at=\S+ host=(.+)")
_HASH = re.compile(r"[0-9a-f]{64}")


class HeadError(ValueError):
    """Says why a text holds no head that can be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownHead:
    """Is an event's place and hash as they were noted elsewhere."""

    host: str
    seq: Seq
    hash: bytes


def head_text(host: str, head: Head, *, events: int, program: str, made_ns: int) -> str:
    """Returns the head as an object of JSON, to be signed, mailed or printed.

    Units: events are those that were walked to it; made_ns is when, ns since the epoch, UTC.
    """
    fields = {
        "vlanlog": "head",
        "format": FORMAT,
        "host": host,
        "seq": head.seq,
        "hash": head.hash.hex(),
        "at": iso(head.at_ns),
        "events": events,
        "made": iso(made_ns),
        "program": program,
    }
    return json.dumps(fields, ensure_ascii=False, indent=2)


def head_line(host: str, head: Head) -> str:
    """Returns the head as one line of a journal; the host, which may hold blanks, is its end."""
    return f"head seq={head.seq} hash={head.hash.hex()} at={iso(head.at_ns)} host={host}"


def heads_in(text: str) -> tuple[KnownHead, ...]:
    """Returns all heads of a text: as JSON, also within a signature's frame, and as journal lines.

    Raises: HeadError where there is none, or one that cannot be read.
    """
    found = (*_objects(text), *_lines(text))
    if not found:
        raise HeadError("there is no head in it")
    return found


def _lines(text: str) -> Iterator[KnownHead]:
    for line in text.splitlines():
        if match := _LINE.search(line):
            yield KnownHead(host=match[3], seq=Seq(int(match[1])), hash=bytes.fromhex(match[2]))


def _objects(text: str) -> Iterator[KnownHead]:
    decoder = json.JSONDecoder()
    for match in re.finditer(r"^\{", text, re.MULTILINE):
        try:
            fields, _ = decoder.raw_decode(text, match.start())
        except json.JSONDecodeError as error:
            raise HeadError(f"its JSON is damaged: {error}") from error
        yield _head(fields)


def _head(fields: dict[str, Any]) -> KnownHead:
    match fields:
        case {"vlanlog": "head", "format": int(version)} if version > FORMAT:
            raise HeadError(f"a newer vlanlog wrote it, in format {version}")
        case {"vlanlog": "head", "host": str(host), "seq": int(seq), "hash": str(link)} if (
            seq > 0 and _HASH.fullmatch(link)
        ):
            return KnownHead(host=host, seq=Seq(seq), hash=bytes.fromhex(link))
        case _:
            raise HeadError("what it holds is not a head of vlanlog")
