"""Netlink messages as bytes: headers, attributes and the kernel's answers to requests.

Must not know what a message is about, nor open a socket.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

NLMSG_NOOP = 1
NLMSG_ERROR = 2
NLMSG_DONE = 3

NLM_F_REQUEST = 0x01
NLM_F_ACK = 0x04
NLM_F_DUMP_INTR = 0x10
NLM_F_DUMP = 0x300
NLM_F_CAPPED = 0x100
NLM_F_ACK_TLVS = 0x200

_NLA_TYPE_MASK = 0x3FFF
_NLMSGERR_ATTR_MSG = 1

_HEADER = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")
_ERRNO = struct.Struct("=i")
_MAX_ERRNO = 4095


class WireError(ValueError):
    """Says that bytes are no message of the expected form, or that a value has no such form."""


class Message(NamedTuple):
    """Is one message: its header's fields that matter, and what follows the header."""

    kind: int
    flags: int
    seq: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Ack:
    """Is the kernel's answer to one request.

    Units: errno is 0 for done, else positive.
    Shape: text is the kernel's own explanation (extended ack), often empty.
    """

    errno: int
    text: str = ""

    def __str__(self) -> str:
        if not self.errno:
            return ""
        return os.strerror(self.errno) + (f" ({self.text})" if self.text else "")


def message(kind: int, flags: int, seq: int, body: bytes) -> bytes:
    """Returns the message with its header."""
    return _HEADER.pack(_HEADER.size + len(body), kind, flags, seq, 0) + body


def attribute(kind: int, payload: bytes) -> bytes:
    """Returns the attribute, padded to four bytes.

    Raises: WireError, where the payload is longer than the 16 bits of its length can say.
    """
    length = _ATTRIBUTE.size + len(payload)
    if length > 0xFFFF:
        raise WireError(f"attribute {kind} of {length} bytes is longer than 65535")
    return _ATTRIBUTE.pack(length, kind) + payload + bytes(-length & 3)


def messages(datagram: bytes) -> Iterator[Message]:
    """Yields the messages of a datagram in order.

    Raises: WireError.
    """
    start, end = 0, len(datagram)
    while start < end:
        if end - start < _HEADER.size:
            raise WireError(f"{end - start} bytes are too few for a message header")
        length, kind, flags, seq, _ = _HEADER.unpack_from(datagram, start)
        if not _HEADER.size <= length <= end - start:
            raise WireError(f"message says {length} bytes, {end - start} are there")
        yield Message(kind, flags, seq, datagram[start + _HEADER.size : start + length])
        start += length + 3 & ~3


def attributes(body: bytes, start: int = 0) -> Iterator[tuple[int, bytes]]:
    """Yields the attributes from an offset on as (type without its flags, payload).

    Raises: WireError.
    """
    end = len(body)
    if start > end:
        raise WireError(f"{end} bytes are too few for a header of {start}")
    while start < end:
        if end - start < _ATTRIBUTE.size:
            raise WireError(f"{end - start} bytes are too few for an attribute header")
        length, kind = _ATTRIBUTE.unpack_from(body, start)
        if not _ATTRIBUTE.size <= length <= end - start:
            raise WireError(f"attribute says {length} bytes, {end - start} are there")
        yield kind & _NLA_TYPE_MASK, body[start + _ATTRIBUTE.size : start + length]
        start += length + 3 & ~3


def unpacked(form: struct.Struct, payload: bytes, what: str) -> tuple[int, ...]:
    """Returns the numbers at the start of the payload.

    Raises: WireError, which names what the payload was to be.
    """
    if len(payload) < form.size:
        raise WireError(f"{what} has {len(payload)} bytes, expected {form.size}")
    return form.unpack_from(payload)


def text(payload: bytes) -> str:
    """Returns a text that ends with a NUL; bytes that are no UTF-8 are shown as escapes."""
    return payload.partition(b"\0")[0].decode(errors="backslashreplace")


def ack(answer: Message) -> Ack:
    """Returns what an NLMSG_ERROR or NLMSG_DONE says.

    Raises: WireError.
    Source: linux/netlink.h, ``struct nlmsgerr``; a request that is echoed whole (no
    NLM_F_CAPPED) stands before the attributes.
    """
    body = answer.body
    if answer.kind == NLMSG_DONE and not body:
        return Ack(0)
    (code,) = unpacked(_ERRNO, body, "answer")
    if not -_MAX_ERRNO <= code <= 0:
        raise WireError(f"{code} is no error number")
    explanation = ""
    if answer.flags & NLM_F_ACK_TLVS:
        start = _ERRNO.size
        if answer.kind == NLMSG_ERROR:
            (echoed, *_) = unpacked(_HEADER, body[start:], "echoed header")
            start += _HEADER.size if answer.flags & NLM_F_CAPPED else echoed + 3 & ~3
        for kind, payload in attributes(body, start):
            if kind == _NLMSGERR_ATTR_MSG:
                explanation = text(payload)
    return Ack(-code, explanation)
