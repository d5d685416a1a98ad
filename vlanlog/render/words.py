"""VLAN changes, times, actors and names in the few words that fit a line.

Must not print.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import assert_never

from vlanlog.core import event as e
from vlanlog.core.vlan import PortVlans, format_vids

_UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
_SECOND_NS = 1_000_000_000


def plain(text: str) -> str:
    """Returns the text with what would move a terminal's cursor written as an escape."""
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def archived(fact: e.LogArchived, *, utc: bool = False) -> str:
    """Returns since when a log goes on behind its newest archive, and where that is."""
    earlier = ", those before in earlier files" if fact.first > 1 else ""
    return (
        f"what is older than {when(fact.until_ns, utc=utc)} is archived: the events"
        f" {fact.first}-{fact.last} are in {fact.file}{earlier}"
    )


def remark(text: str) -> str:
    """Returns a line that says who says it, for stderr and for the logs of scripts."""
    return f"vlanlog: {plain(text)}"


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode() if char != "\x7f" else "\\x7f"


def change(before: PortVlans, after: PortVlans) -> str:
    """Returns what differs: ``+200,300-310 -1 pvid 1→100``; empty where nothing does.

    A vid that becomes the PVID is not told as added too.
    """
    moved = before.pvid != after.pvid
    native = _bit(after.pvid) if moved else 0
    parts = []
    gained = after.members & ~before.members & ~native
    if tagged := gained & ~after.untagged:
        parts.append(f"+{format_vids(tagged)}")
    if untagged := gained & after.untagged:
        parts.append(f"+{format_vids(untagged)} untagged")
    if lost := before.members & ~after.members:
        parts.append(f"-{format_vids(lost)}")
    kept = after.members & before.members
    turned = kept & (before.untagged ^ after.untagged)
    displaced = _bit(before.pvid) & after.members if moved else 0
    if tagged := (turned | displaced) & ~after.untagged:
        parts.append(f"{format_vids(tagged)} tagged")
    if untagged := (turned | displaced) & after.untagged & ~native:
        parts.append(f"{format_vids(untagged)} untagged")
    if moved:
        parts.append(f"pvid {before.pvid or 'none'}→{after.pvid or 'none'}")
        if native & ~after.untagged:
            parts.append("(pvid tagged)")
    return " ".join(parts)


def _bit(pvid: int | None) -> int:
    return 0 if pvid is None else 1 << pvid


def when(at_ns: int, *, utc: bool = False) -> str:
    """Returns a time to the second, in the local zone or UTC."""
    seconds = at_ns // 1_000_000_000
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment if utc else moment.astimezone():%Y-%m-%d %H:%M:%S}"


def iso(at_ns: int) -> str:
    """Returns a time as RFC 3339 in UTC with all nine digits."""
    seconds, rest = divmod(at_ns, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"


def lasting(length_ns: int) -> str:
    """Returns how long something took, in its two largest units: ``3 d 4 h``."""
    rest = length_ns // _SECOND_NS
    if not rest:
        return "less than 1 s" if length_ns else "0 s"
    words = []
    for unit, size_s in _UNITS:
        number, rest = divmod(rest, size_s)
        if number:
            words.append(f"{number} {unit}")
        elif words:
            break
    return " ".join(words[:2])


def who(actor: e.Actor) -> str:
    """Returns an actor in a word or two; unknown is said as unknown."""
    match actor.source:
        case e.ActorSource.HOOK:
            return f"hook ({actor.parent or 'unknown caller'})"
        case e.ActorSource.OPERATOR:
            name = actor.user or f"uid {actor.uid}"
            login = actor.login_uid
            return name if login in (None, actor.uid) else f"{name} (login uid {login})"
        case e.ActorSource.DAEMON:
            return "daemon"
        case e.ActorSource.UNKNOWN | e.ActorSource.KERNEL:
            return "unknown"
        case _:
            assert_never(actor.source)


def count(number: int, noun: str) -> str:
    """Returns ``1 port``, ``2 ports``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
