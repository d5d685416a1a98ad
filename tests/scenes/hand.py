"""A process that changes VLANs in one of the ways that there are.

Must not mind a refusal: what others did meanwhile may be in the way. ``python -m
tests.scenes.hand WAY`` takes lists of changes, pickled, on its standard input, and answers each
with a line.
"""

from __future__ import annotations

import fcntl
import pickle
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import groupby
from pathlib import Path
from typing import IO

from tests.kernel.requests import BEGIN, END, MASTER_INFO, SELF, programmed
from tests.kernel.requests import PVID as PVID_MARK
from tests.kernel.requests import UNTAGGED as UNTAGGED_MARK
from tests.scenes.storm import Change, Deletes, Joins, Makes, Sets, Vlans
from vlanlog.kernel.wire import RTM_DELLINK, RTM_SETLINK

SIOCBRADDIF, SIOCBRDELIF = 0x89A2, 0x89A3
_MARKS = {"pvid": PVID_MARK, "untagged": UNTAGGED_MARK}
_SYSFS = {"vlan_filtering": "vlan_filtering", "vlan_default_pvid": "default_pvid"}

Way = Callable[[list[Change]], None]


class Hand:
    """Is such a process, in the network namespace in which it was started."""

    def __init__(self, way: str) -> None:
        # A network namespace's sysfs is that of its processes that mount it.
        script = 'mount -t sysfs none /sys && exec "$@"'
        hand = [sys.executable, "-m", "tests.scenes.hand", way]
        self._process = subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", script, "sh", *hand],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def begins(self, changes: list[Change]) -> None:
        pickle.dump(changes, self._input)
        self._input.flush()

    def ends(self) -> None:
        """Waits until all is done."""
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"done\n"

    def close(self) -> None:
        self._input.close()
        self._process.wait(60)

    @property
    def _input(self) -> IO[bytes]:
        assert self._process.stdin is not None
        return self._process.stdin


def line(change: Change) -> tuple[str, str]:
    """Returns the change as a command of bridge(8) or ip(8)."""
    if isinstance(change, Vlans):
        vids = f"{change.first}-{change.last}" if change.last > change.first else change.first
        words = [change.verb, "dev", change.device, "vid", str(vids), *change.flags]
        return "bridge", " ".join(["vlan", *words, change.whose])
    return "ip", f"link {_of_link(change)}"


def _of_link(change: Joins | Makes | Deletes | Sets) -> str:
    match change:
        case Joins(device, bridge):
            return f"set {device} master {bridge}" if bridge else f"set {device} nomaster"
        case Makes():
            return _made(change)
        case Deletes(device):
            return f"del {device}"
        case Sets(device, "up", value):
            return f"set {device} {'up' if value == '1' else 'down'}"
        case Sets(device, "name" | "address" as what, value):
            return f"set {device} {what} {value}"
        case Sets(device, what, value):
            return f"set {device} type bridge {what} {value}"


def _made(change: Makes) -> str:
    where = f"{change.device} index {change.ifindex}"
    if change.master:
        where += f" master {change.master}"
    if change.kind == "bridge":
        settings = f"vlan_filtering {change.filtering} vlan_default_pvid {change.default_pvid}"
        # Up from the first: a bridge that is down does not tell what is set.
        return f"add {where} up type bridge {settings}"
    if change.kind == "vlan":
        return f"add link {change.under} {where} type vlan id 7"
    return f"add {where} type {change.kind}"


def by_batch(changes: list[Change]) -> None:
    for tool, lines in groupby(map(line, changes), key=lambda pair: pair[0]):
        batch = "".join(f"{text}\n" for _, text in lines)
        _quietly([tool, "-force", "-batch", "-"], batch)


def by_single(changes: list[Change]) -> None:
    for change in changes:
        tool, text = line(change)
        _quietly([tool, *text.split()])


def _quietly(command: list[str], given: str = "") -> None:
    subprocess.run(command, input=given.encode(), capture_output=True, check=False)


def by_old_ways(changes: list[Change]) -> None:
    """Does by ioctl, sysfs and plain bytes what can be done so, as libvirt and brctl do."""
    for change in changes:
        # What is not there, or in the way.
        with suppress(OSError):
            match change:
                case Vlans():
                    _ask(change)
                case Joins():
                    _join(change)
                case Sets(device, "vlan_filtering" | "vlan_default_pvid" as what, value):
                    path = Path(f"/sys/class/net/{device}/bridge/{_SYSFS[what]}")
                    if path.exists():
                        path.write_text(value)
                case _:
                    by_single([change])


def _ask(change: Vlans) -> None:
    marks = sum(_MARKS[flag] for flag in change.flags) | MASTER_INFO * change.both
    infos = [(marks, change.first)]
    if change.last > change.first:
        infos = [(marks | BEGIN, change.first), (marks | END, change.last)]
    kind = RTM_SETLINK if change.verb == "add" else RTM_DELLINK
    flags = SELF if change.whose else None
    programmed(kind, socket.if_nametoindex(change.device), *infos, flags=flags)


def _join(change: Joins) -> None:
    port = socket.if_nametoindex(change.device)
    name = change.bridge or _master(change.device)
    request = SIOCBRADDIF if change.bridge else SIOCBRDELIF
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        fcntl.ioctl(asking, request, struct.pack("16si20x", name.encode(), port))


def _master(device: str) -> str:
    return Path(f"/sys/class/net/{device}/master").readlink().name


def by_pyroute2(changes: list[Change]) -> None:
    from pyroute2 import IPRoute, NetlinkError

    with IPRoute() as ipr:
        for change in changes:
            with suppress(OSError, NetlinkError):
                for verb, words in _pyroute2_calls(change):
                    if verb in ("add_vlan", "del_vlan"):
                        ipr.vlan_filter(verb[:3], **words)
                    else:
                        ipr.link(verb, **words)


def _pyroute2_calls(change: Change) -> Iterator[tuple[str, dict[str, object]]]:
    match change:
        case Vlans():
            vid = f"{change.first}-{change.last}" if change.last > change.first else change.first
            info = {"vid": vid, "flags": [*change.flags]}
            words: dict[str, object] = {"vlan_info": info}
            if change.whose:
                words["vlan_flags"] = "self"
            index = socket.if_nametoindex(change.device)
            yield f"{change.verb}_vlan", {"index": index, **words}
        case Joins(device, bridge):
            master = socket.if_nametoindex(bridge) if bridge else 0
            yield "set", {"index": socket.if_nametoindex(device), "master": master}
        case Makes(device, index, kind) if kind != "vlan":
            words = {"ifname": device, "index": index, "kind": kind, "state": "up"}
            if change.master:
                words["master"] = socket.if_nametoindex(change.master)
            yield "add", words
        case Deletes(device):
            yield "del", {"index": socket.if_nametoindex(device)}
        case Sets(device, "vlan_filtering" | "vlan_default_pvid" as what, value):
            words = {"kind": "bridge", f"br_{what}": int(value)}
            yield "set", {"index": socket.if_nametoindex(device), **words}
        case Sets(device, "name", value):
            yield "set", {"index": socket.if_nametoindex(device), "ifname": value}
        case Sets(device, "address", value):
            yield "set", {"index": socket.if_nametoindex(device), "address": value}
        case _:
            by_single([change])


WAYS: dict[str, Way] = {
    "batch": by_batch,
    "single": by_single,
    "old": by_old_ways,
    "pyroute2": by_pyroute2,
}


def main(way: str) -> None:
    while True:
        try:
            changes: list[Change] = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        WAYS[way](changes)
        sys.stdout.write("done\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
