"""Where a port's VLANs come from, as a table or as JSON.

Must not print.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vlanlog.blame import Blamed, Origin
from vlanlog.core import event as e
from vlanlog.core.state import Port
from vlanlog.core.vlan import PortVlans
from vlanlog.history import Line
from vlanlog.render import json, narrow, story
from vlanlog.render.table import drawn
from vlanlog.render.words import when, who

HEAD = ("PORT", "VLAN", "EVENT", "WHEN", "BY", "WHY")

Found = Sequence[tuple[str, Blamed]]
"""Is each port with the host that it is on."""


def table(found: Found, *, width: int | None, colour: bool = False, utc: bool = False) -> str:
    """Returns a row for each range of vids: which event set it, when, by whom, why.

    The hosts stand before where there are several. Where the terminal is too narrow, the reason
    stands below.
    """
    several = len({host for host, _ in found}) > 1
    rows = [
        (
            *([host] if several else []),
            item.port.name,
            str(origin.range),
            str(origin.source.seq),
            when(origin.source.event.at_ns, utc=utc),
            who(origin.source.event.actor),
            why(origin, item.port),
        )
        for host, item in found
        for origin in item.origins
    ]
    head = ("HOST", *HEAD) if several else HEAD
    if width is not None:
        below = head.index("VLAN")
        told = narrow.drawn(head, rows, width=width, below=below, fit=narrow.whole, colour=colour)
        if told is not None:
            return told
    return drawn(head, rows, width=width, colour=colour)


def why(origin: Origin, port: Port) -> str:
    """Returns the reason that the log holds, empty where it holds none."""
    event = origin.source.event
    if not origin.joined:
        return story.why(Line(seq=origin.source.seq, event=event, why=origin.because))
    words = f"bridge {port.bridge} appeared" if port.is_self else f"joined {port.bridge}"
    unseen = event.actor.source is e.ActorSource.UNKNOWN
    return f"{words}, found by a re-read" if unseen else words


def ports(found: Found) -> list[dict[str, Any]]:
    """Returns the ports as ``bridge -j -compressvlans vlan show``, with an event to each range.

    Those without VLANs are left out, as there.
    """
    return [_port(host, item) for host, item in found if item.origins]


def _port(host: str, item: Blamed) -> dict[str, Any]:
    return {
        **json.whose(item.port, (item.guest, item.nic) if item.guest and item.nic else None),
        "host": host,
        "vlans": [_vlan(origin, item.port) for origin in item.origins],
    }


def _vlan(origin: Origin, port: Port) -> dict[str, Any]:
    [shape] = json.vlans(PortVlans.from_ranges([origin.range]))
    event = json.event(origin.source)
    return {
        **shape,
        **{name: event[name] for name in ("seq", "at", "at_ns")},
        "by": who(origin.source.event.actor),
        "why": why(origin, port),
        **{name: event[name] for name in ("actor", "event_id", "correlation_id")},
    }
