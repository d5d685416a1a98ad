"""Results as JSON: state as ``bridge -j vlan show``, the rest by its own names.

Must not print.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID

from vlanlog.core import codec
from vlanlog.core import event as e
from vlanlog.core.compared import PortDifference, VidDifference, vid_differences
from vlanlog.core.program import Plan
from vlanlog.core.state import Guest, Nic, Owners, Port
from vlanlog.core.vlan import PortVlans, VlanFlags
from vlanlog.render.words import change, iso


def dumped(value: object) -> str:
    """Returns the value as indented JSON, non-ASCII letters as they are."""
    return json.dumps(value, ensure_ascii=False, indent=2)


def one_line(value: object) -> str:
    """Returns the value as JSON on one line."""
    return json.dumps(value, ensure_ascii=False)


def listed(items: Iterable[object]) -> Iterator[str]:
    """Yields the text of ``dumped`` for the list of them, an item at a time.

    A thousand ports with all vids by themselves would not fit into memory at once.
    """
    begin = "["
    for item in items:
        indented = dumped(item).replace("\n", "\n  ")
        yield f"{begin}\n  {indented}"
        begin = ","
    yield "[]" if begin == "[" else "\n]"


def vlans(port: PortVlans, *, compressed: bool = True) -> list[dict[str, Any]]:
    """Returns a port's VLANs as ``bridge -j vlan show`` writes them, or ``-compressvlans``.

    Source: ``print_vlan_info`` of iproute2's bridge/vlan.c.
    """
    return [
        _vlan(first, last, item.flags)
        for item in port.ranges()
        for first, last in _written(item.first, item.last, compressed=compressed)
    ]


def _written(first: int, last: int, *, compressed: bool) -> Iterable[tuple[int, int]]:
    return ((first, last),) if compressed else ((vid, vid) for vid in range(first, last + 1))


def _vlan(first: int, last: int, flags: VlanFlags) -> dict[str, Any]:
    found: dict[str, Any] = {"vlan": first}
    if last != first:
        found["vlanEnd"] = last
    words = []
    if flags & VlanFlags.PVID:
        words.append("PVID")
    if flags & VlanFlags.UNTAGGED:
        words.append("Egress Untagged")
    # Of a range it writes them even where there are none.
    if words or last != first:
        found["flags"] = words
    return found


def ports(table: Iterable[Port], owners: Owners, *, compressed: bool) -> Iterator[dict[str, Any]]:
    """Yields ports as ``bridge -j vlan show`` writes them, and whose they are.

    Those without VLANs are left out, as there.
    """
    for port in table:
        if port.vlans:
            own = vlans(port.vlans, compressed=compressed)
            yield {**whose(port, owners.of(port)), "vlans": own}


def whose(port: Port, owner: tuple[Guest, Nic] | None) -> dict[str, Any]:
    """Returns a port's names; the MAC is the guest's where it has one."""
    guest, nic = owner or (None, None)
    return {
        "ifname": port.name,
        "bridge": port.bridge,
        "guest": guest.name if guest else None,
        "guest_uuid": guest.uuid if guest else None,
        "mac": nic.mac if nic else port.mac,
    }


def difference(item: PortDifference, change: str, *, compressed: bool) -> dict[str, Any]:
    """Returns a port as ``bridge -j vlan show`` writes it, with the vids that differ alone."""
    before, after = item.vlans
    changed = [
        {**_vlan(first, last, _flags(part)), "change": _verb(part)}
        for part in vid_differences(before, after)
        for first, last in _written(part.first, part.last, compressed=compressed)
    ]
    return {
        **whose(item.port, item.owner),
        "ifname_before": item.before.name if item.before else None,
        "bridge_before": item.before.bridge if item.before else None,
        "vlans": changed,
        "change": change,
        "before": vlans(before, compressed=compressed),
        "after": vlans(after, compressed=compressed),
    }


def _flags(part: VidDifference) -> VlanFlags:
    # Of what is gone those that it had.
    return part.before or VlanFlags.TAGGED if part.after is None else part.after


def _verb(part: VidDifference) -> str:
    if part.before is None:
        return "added"
    return "removed" if part.after is None else "changed"


def plan(todo: Plan) -> dict[str, Any]:
    """Returns a plan: per bridge and port what it carries, what it shall carry, and the steps."""
    return {
        "bridges": [
            {"bridge": item.bridge.name, "steps": list(item.steps), "because": item.because}
            for item in todo.bridges
        ],
        "ports": [
            {
                "port": item.wish.port.name,
                "bridge": item.wish.port.bridge,
                "guest": item.wish.subject.guest_name,
                "guest_uuid": item.wish.subject.guest_uuid,
                "mac": item.wish.subject.mac,
                "change": change(item.before, item.wish.vlans),
                "before": vlans(item.before),
                "after": vlans(item.wish.vlans),
                "steps": list(item.steps),
                "because": item.wish.because,
            }
            for item in todo.ports
        ],
        "add": todo.added,
        "remove": todo.removed,
        "unchanged": todo.unchanged,
        "missing": list(todo.missing),
    }


def event(item: e.Recorded) -> dict[str, Any]:
    """Returns an event with all its columns, ids and hashes in hex or as UUIDs."""
    row = codec.encode(item.event)
    return {
        "seq": item.seq,
        "at": iso(row.at_ns),
        "at_ns": row.at_ns,
        "kind": row.kind,
        "version": row.version,
        "host": row.host,
        "boot_id": row.boot_id,
        "guest": row.guest_name,
        "guest_uuid": row.guest_uuid,
        "mac": row.mac,
        "bridge": row.bridge,
        "port": row.port,
        "ifindex": row.ifindex,
        "actor": json.loads(row.actor),
        "event_id": str(UUID(bytes=row.event_id)),
        "correlation_id": str(UUID(bytes=row.correlation_id)),
        "payload": json.loads(row.payload),
        "hash": item.hash.hex(),
    }
