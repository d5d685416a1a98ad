"""Hears what the kernel says of links and VLANs, decoded as the program decodes it.

Must not wait: a request's notifications are queued before the request is answered.
"""

from __future__ import annotations

import socket

from vlanlog.core.notice import LinkMessage, PortMessage, VlanMessage
from vlanlog.core.state import IfIndex
from vlanlog.kernel.frame import Message, messages
from vlanlog.kernel.links import link_message
from vlanlog.kernel.wire import (
    AF_BRIDGE,
    RTM_DELVLAN,
    RTM_NEWVLAN,
    RTNLGRP_BRVLAN,
    RTNLGRP_LINK,
    port_message,
    vlan_message,
)

SOL_NETLINK = 270
NETLINK_ADD_MEMBERSHIP = 1

Heard = VlanMessage | PortMessage | LinkMessage


def decoded(received: Message) -> Heard:
    if received.kind in (RTM_NEWVLAN, RTM_DELVLAN):
        return vlan_message(received)
    if received.body[0] == AF_BRIDGE:
        return port_message(received)
    return link_message(received)


class Listener:
    """Is in both groups from the start; for one network namespace."""

    def __init__(self) -> None:
        self._names: dict[IfIndex, str] = {}
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        # Joined before, the groups up to 32 would be left again by the bind with its mask of 0.
        self._socket.bind((0, 0))
        for group in (RTNLGRP_LINK, RTNLGRP_BRVLAN):
            self._socket.setsockopt(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group)
        self._socket.setblocking(False)

    def close(self) -> None:
        self._socket.close()

    def datagrams(self) -> list[bytes]:
        """Returns what came since the last call."""
        found: list[bytes] = []
        while True:
            try:
                found.append(self._socket.recv(1 << 20))
            except BlockingIOError:
                return found

    def said(self) -> list[str]:
        """Returns what came since the last call, a line each, fit to be compared.

        Shape: ``+vlan d0: 10 untagged``, ``-vlan …``, ``port d0: pvid 1``, ``-port …``,
        ``link br0 filtering 1 default 1``, ``link d0 in br0``, ``-link d0``.
        """
        return [self._line(decoded(part)) for data in self.datagrams() for part in messages(data)]

    def _line(self, heard: Heard) -> str:
        sign = "-" if heard.gone else ""
        if not isinstance(heard, VlanMessage):
            self._names[heard.ifindex] = heard.name
        match heard:
            case VlanMessage():
                ranges = ", ".join(map(str, heard.ranges))
                return f"{sign or '+'}vlan {self._name(heard.ifindex)}: {ranges}"
            case PortMessage():
                return f"{sign}port {heard.name}: {heard.vlans}"
            case LinkMessage(kind="bridge"):
                filtering = int(heard.vlan_filtering or False)
                return f"{sign}link {heard.name} filtering {filtering} default {heard.default_pvid}"
            case LinkMessage():
                where = f" in {self._name(heard.master)}" if heard.master else ""
                return f"{sign}link {heard.name}{where}"

    def _name(self, ifindex: IfIndex) -> str:
        if ifindex not in self._names:
            self._names[ifindex] = socket.if_indextoname(ifindex)
        return self._names[ifindex]
