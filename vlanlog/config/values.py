"""Reads the single values of the config files: vids, words, and the names of devices and guests.

Must not know files, sections or keys.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import TypeVar

from vlanlog.config.fault import BadValueError
from vlanlog.core.vlan import VID_MAX, VID_MIN, Vid, VidError, parse_vids, vid

Word = TypeVar("Word", bound=StrEnum)

_REFERENCE = re.compile(r"%(?:(?P<percent>%)|\((?P<name>[^)]+)\)s)?")
_NUMBER = re.compile(r"[0-9]{1,9}")
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# IFNAMSIZ is 16 with the NUL.
_DEVICE_BYTES = 15
# The kernel refuses the first two. The others are what a heading, a key or a comment looks like
# that has slipped into the value above it by its indentation.
_NOT_IN_DEVICES = "/:[]=#;"
_GROUP_BIT = 1


def expanded(text: str, values: Mapping[str, str], within: tuple[str, ...] = ()) -> str:
    """Returns the text with ``%(key)s`` replaced by that key's value and ``%%`` by ``%``.

    Raises: BadValueError.
    Source: ``BasicInterpolation`` in Python's configparser, which kvmvlan reads its files with.
    """

    def replacement(match: re.Match[str]) -> str:
        if match["percent"]:
            return "%"
        name = (match["name"] or "").lower()
        if not name:
            raise BadValueError("a lone '%'", "'%%' for a percent sign, or '%(key)s'")
        if name not in values or name in within:
            found = "refers to itself" if name in within else "is not a key here"
            raise BadValueError(f"{match[0]} {found}", "a key of this section or of [DEFAULT]")
        return expanded(values[name], values, (*within, name))

    return _REFERENCE.sub(replacement, text)


def pvid(text: str) -> Vid | None:
    """Returns the PVID, None for an empty value: untagged traffic is dropped.

    Raises: BadValueError.
    """
    if not text:
        return None
    if _NUMBER.fullmatch(text) is None:
        expected = f"one vid, {VID_MIN}-{VID_MAX}, or nothing for no PVID"
        raise BadValueError(f"{text!r} is not a vid", expected)
    try:
        return vid(int(text))
    except VidError as e:
        raise _bad_vids(e) from e


def vids(text: str) -> int:
    """Returns the vids of a list such as ``100,200 300-310`` as bits.

    Raises: BadValueError, which names every bad item.
    """
    try:
        return parse_vids(text)
    except ValueError as e:
        bad = list(_bad_items(text))
        found = "; ".join(error.found for error in bad)
        expected = "; ".join(dict.fromkeys(error.expected for error in bad))
        raise BadValueError(found, expected) from e


def _bad_items(text: str) -> Iterator[BadValueError]:
    for item in text.replace(",", " ").split():
        try:
            parse_vids(item)
        except ValueError as e:
            yield _bad_vids(e)


def _bad_vids(error: ValueError) -> BadValueError:
    # int() has a plain ValueError of its own for thousands of digits.
    found, _, expected = str(error).partition(", expected ")
    return BadValueError(found, expected or f"vids {VID_MIN}-{VID_MAX}")


def default_pvid(text: str) -> int | None:
    """Returns the VLAN that joining ports get, 0 for none, None for an empty value.

    Raises: BadValueError.
    """
    if not text:
        return None
    if _NUMBER.fullmatch(text) is None or int(text) > VID_MAX:
        raise BadValueError(f"{text!r} is not a default PVID", f"0-{VID_MAX}, 0 for none")
    return int(text)


def word(kind: type[Word], text: str) -> Word:
    """Returns the member of a word list, in any case.

    Raises: BadValueError.
    """
    try:
        return kind(text.lower())
    except ValueError:
        *others, last = kind
        raise BadValueError(_shown(text), f"{', '.join(others)} or {last}") from None


def yes_or_no(text: str) -> bool:
    """Returns True for ``yes`` and False for ``no``, in any case.

    Raises: BadValueError.
    """
    answer = {"yes": True, "no": False}.get(text.lower())
    if answer is None:
        raise BadValueError(_shown(text), "yes or no")
    return answer


def _shown(text: str) -> str:
    return repr(text) if text else "no value"


def device(text: str) -> str:
    """Returns the name of a network device.

    Raises: BadValueError.
    Source: ``dev_valid_name`` in net/core/dev.c.
    """
    bad = (
        text in {"", ".", ".."}
        or len(text.encode()) > _DEVICE_BYTES
        or _CONTROL.search(text) is not None
        or any(char in _NOT_IN_DEVICES or char.isspace() for char in text)
    )
    if bad:
        expected = f"1-{_DEVICE_BYTES} bytes without blanks or any of {' '.join(_NOT_IN_DEVICES)}"
        raise BadValueError(f"{text!r} is not a device's name", expected)
    return text


def devices(text: str) -> tuple[str, ...]:
    """Returns the names of a list such as ``eth0, eth1``, in their order.

    Raises: BadValueError.
    """
    names = tuple(device(name) for name in text.replace(",", " ").split())
    for position, name in enumerate(names):
        if name in names[:position]:
            raise BadValueError(f"{name} is listed twice", "each device once")
    return names


def guest(text: str) -> str:
    """Returns a guest's name, or its UUID in lower case.

    Raises: BadValueError.
    Source: libvirt refuses '/' and newlines in the name of a QEMU guest.
    """
    if text in {"", "*"} or "/" in text or _CONTROL.search(text) is not None:
        raise BadValueError(f"{text!r} is not a guest's name", "the name or UUID of one guest")
    return uuid_in_lower_case(text)


def uuid_in_lower_case(text: str) -> str:
    """Returns a UUID as libvirt writes it, and any other text as it is."""
    lower = text.lower()
    return lower if _UUID.fullmatch(lower) else text


def mac(text: str) -> str:
    """Returns the MAC in lower case.

    Raises: BadValueError.
    """
    lower = text.lower()
    if _MAC.fullmatch(lower) is None:
        raise BadValueError(f"{text!r} is not a MAC", "six bytes such as 52:54:00:aa:bb:cc")
    if int(lower[:2], 16) & _GROUP_BIT:
        raise BadValueError(f"{text} is a group's MAC", "one NIC's, with an even first byte")
    return lower
