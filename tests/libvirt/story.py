"""Events as ``vlanlog history -o json`` tells them, without what differs from run to run.

Must not read a log: events are handed in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from tests.lab.libvirtd import daemon_name, libvirt_version
from tests.libvirt.host import Guest

Event = dict[str, Any]

_VOLATILE = {"seq", "at", "at_ns", "event_id", "correlation_id", "hash"}
_ADVICE = re.compile(r" \([^()]*\)$")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def call(event: Event) -> Event:
    """Returns a ``hook.invoked`` whole, less ids and times; digest and pid are told by shape."""
    kept = {key: value for key, value in event.items() if key not in _VOLATILE}
    digest = event["payload"]["xml_sha256"]
    shape = "sha256" if _SHA256.fullmatch(digest or "") else digest
    return {
        **kept,
        "actor": {**event["actor"], "pid": type(event["actor"]["pid"]).__name__},
        "payload": {**event["payload"], "xml_sha256": shape},
    }


def expected_call(
    *argv: str, guest: Guest | None = None, nics: tuple[Event, ...] = (), boot_id: str
) -> Event:
    """Returns how a call of a hook by libvirt is told; argv is driver, object, operation, …."""
    driver, name, operation, sub_operation, extra = argv
    return {
        "kind": "hook.invoked",
        "version": 1,
        "host": "vlanlog-lab",
        "boot_id": boot_id,
        "guest": guest.name if guest else None,
        "guest_uuid": guest.uuid if guest else None,
        **dict.fromkeys(("mac", "bridge", "port", "ifindex")),
        "actor": {
            "source": "hook",
            "uid": 0,
            "user": None,
            "login_uid": None,
            "pid": "int",
            "command": " ".join(argv),
            "parent": daemon_name(),
        },
        "payload": {
            "driver": driver,
            "object": name,
            "operation": operation,
            "sub_operation": sub_operation,
            "extra": extra,
            "daemon": daemon_name(),
            "nics": list(nics),
            "xml_sha256": "sha256" if guest else None,
            "xml_error": None,
        },
    }


def nic(mac: str, *, tap: str | None = None, alias: str | None = None) -> Event:
    """Returns how a NIC on br0 is told."""
    told = {"mac": mac, "alias": alias, "tap": tap, "bridge": "br0"}
    return {**told, "network": None, "native_vlan": None}


def calls(*words: str) -> list[str]:
    """Returns calls of a hook as ``lines`` tells them."""
    return [f"{call} of {daemon_name()}" for call in words]


def reason(word: str) -> str:
    """Returns what the hook `release` is told about a guest's end: before libvirt 10.5 nothing."""
    return word if libvirt_version() >= (10, 5) else "-"


def script_ends(events: Iterable[Event]) -> list[tuple[str | None, str, str, int | None]]:
    """Returns guest, hook, script and exit status of each ``hook.script_finished``."""
    return [
        (
            event["guest"],
            event["payload"]["hook"],
            event["payload"]["script"],
            event["payload"]["exit_status"],
        )
        for event in events
        if event["kind"] == "hook.script_finished"
    ]


def operations(events: Iterable[Event]) -> list[str]:
    """Returns the operation of each ``hook.invoked``."""
    return [event["payload"]["operation"] for event in events if event["kind"] == "hook.invoked"]


def lines(events: Iterable[Event]) -> list[str]:
    """Returns each event in a line: what it is about, what happened, and by whom."""
    return [_line(event, event["payload"]) for event in events]


def _line(event: Event, payload: Event) -> str:
    port = event["port"] or event["bridge"] or "-"
    match event["kind"]:
        case "hook.invoked":
            words = ("operation", "sub_operation", "extra")
            return " ".join(payload[word] for word in words) + f" of {payload['daemon']}"
        case "hook.script_finished":
            return f"{payload['hook']}/{payload['script']} {payload['exit_status']}"
        case "vlan.added" | "vlan.removed":
            sign = "+" if event["kind"] == "vlan.added" else "-"
            first, last = payload["first"], payload["last"]
            vids = str(first) if first == last else f"{first}-{last}"
            return f"{port} {sign}{vids} {event['actor']['source']}"
        case "program.intended":
            return f"{port}: {', '.join(payload['steps'])}"
        case "program.finished":
            return f"{port}: {payload['outcome']}"
        case kind:
            return f"{port} {kind} {event['actor']['source']}"


def unprogrammed(events: Iterable[Event]) -> list[tuple[str, bool, tuple[str, ...]]]:
    """Returns operation, verdict and problems of each ``guest.unprogrammed``.

    Shape: a problem less the advice that stands behind it in brackets.
    """
    return [
        (
            event["payload"]["operation"],
            event["payload"]["refused"],
            tuple(_ADVICE.sub("", problem) for problem in event["payload"]["problems"]),
        )
        for event in events
        if event["kind"] == "guest.unprogrammed"
    ]
