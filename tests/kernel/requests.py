"""Requests that the program never sends: malformed, to the master, by RTM_NEWVLAN.

Must not check anything: the kernel is to be asked.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from tests.kernel import oracle
from vlanlog.core.vlan import VlanRange
from vlanlog.kernel.frame import NLM_F_ACK, NLM_F_REQUEST, attribute, message
from vlanlog.kernel.netlink import NetlinkSocket
from vlanlog.kernel.wire import AF_BRIDGE, IFLA_AF_SPEC, LINK_HEADER

SELF = 2
MASTER_INFO, PVID, UNTAGGED, BEGIN, END = 1, 2, 4, 8, 16
FLAGS = NLM_F_REQUEST | NLM_F_ACK

Info = tuple[int, int]
"""Flags and vid, as on the wire."""


def _answers(requests: dict[int, bytes]) -> list[str]:
    with NetlinkSocket() as kernel:
        answers = kernel.acknowledged(requests)
    return [str(answers[seq]) for seq in requests]


def programmed(kind: int, index: int, *infos: Info, flags: int | None = None) -> str:
    """Sends one SETLINK or DELLINK with these infos; returns the kernel's error."""
    return together(kind, (index, infos), flags=flags)[0]


def together(kind: int, *wanted: tuple[int, Sequence[Info]], flags: int | None = None) -> list[str]:
    """Sends several in one go; returns the error of each."""
    requests = {}
    for seq, (index, infos) in enumerate(wanted, start=1):
        spec = b"" if flags is None else attribute(0, struct.pack("=H", flags))
        spec += b"".join(attribute(2, struct.pack("=HH", mark, vid)) for mark, vid in infos)
        body = LINK_HEADER.pack(AF_BRIDGE, 0, index, 0, 0) + attribute(IFLA_AF_SPEC, spec)
        requests[seq] = message(kind, FLAGS, seq, body)
    return _answers(requests)


def vlandb(kind: int, index: int, *ranges: VlanRange) -> str:
    """Sends one RTM_NEWVLAN or RTM_DELVLAN with an entry per range; returns the error."""
    return _answers({1: oracle.vlans(kind, index, ranges, flags=FLAGS, seq=1)})[0]
