"""Is the process that bench_program measures: reads, compares, programs, says so.

Must not import what the program itself would not: its start-up is part of the measure.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable

from vlanlog.core.plan import PortChange, additions, deletions
from vlanlog.core.state import Port
from vlanlog.core.vlan import PortVlans, span
from vlanlog.kernel.read import NetlinkReader
from vlanlog.kernel.write import NetlinkWriter

VIDS = 100
EVERY_OTHER = sum(1 << 2 * k for k in range(VIDS))


def separate(number: int) -> PortVlans:
    """Returns a hundred even vids; which ones depends on the port."""
    return PortVlans(EVERY_OTHER << 2 + 2 * number)


def ranged(number: int) -> PortVlans:
    """Returns a hundred vids in a row."""
    first = 2 + 2 * number
    return PortVlans(span(first, first + VIDS - 1))


WANTED: dict[str, Callable[[int], PortVlans]] = {"separate": separate, "ranged": ranged}


def ports(reader: NetlinkReader) -> list[Port]:
    return [port for port in reader.read().ports.values() if not port.is_self]


def changes(shape: str, found: Iterable[Port]) -> list[PortChange]:
    """Returns what is missing; raises where something is too many."""
    wanted = WANTED[shape]
    todo = []
    for port in found:
        vlans = wanted(int(port.name[1:]))
        if port.vlans == vlans:
            continue
        if deletions(port.vlans, vlans):
            raise AssertionError(f"{port.name} carries {port.vlans}")
        adds = additions(port.vlans, vlans)
        todo.append(PortChange(ifindex=port.ifindex, is_self=False, ranges=adds))
    return todo


def main(shape: str) -> int:
    with NetlinkReader() as reader, NetlinkWriter() as writer:
        todo = changes(shape, ports(reader))
        start = time.perf_counter()
        failed = [error for error in writer.add(todo) if error]
        took_s = time.perf_counter() - start
    print(len(todo), len(failed), took_s)
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
