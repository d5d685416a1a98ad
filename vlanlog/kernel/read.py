"""Reads bridges, their ports and VLANs from the kernel.

Must not change anything. One AF_BRIDGE dump gives names, masters, MACs and compressed VLANs;
RTM_GETVLAN takes five times the bytes where vids are scattered, and serves to read one port again.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from vlanlog.core.notice import PortMessage
from vlanlog.core.state import Bridge, IfIndex, Port, PortTable
from vlanlog.core.vlan import NO_VLANS, PortVlans
from vlanlog.errors import KernelError
from vlanlog.kernel.closing import Closing
from vlanlog.kernel.frame import WireError
from vlanlog.kernel.links import bridges, bridges_query
from vlanlog.kernel.netlink import NetlinkError, NetlinkSocket
from vlanlog.kernel.wire import (
    RTM_GETLINK,
    RTM_GETVLAN,
    port_message,
    ports_query,
    vlan_message,
    vlans_query,
)


@contextmanager
def _translated(doing: str) -> Iterator[None]:
    try:
        yield
    except WireError as e:
        hint = "the kernel sends what this version does not understand: please report it"
        raise KernelError(f"{doing}: {e}", hint=hint) from e
    except OSError as e:
        text = str(e) if isinstance(e, NetlinkError) else e.strerror
        raise KernelError(f"{doing}: {text}", hint="try 'bridge vlan show'") from e


def table(found: Mapping[IfIndex, Bridge], messages: Iterable[PortMessage]) -> PortTable:
    """Returns the bridges with their ports.

    What appeared or vanished between the dump of the bridges and that of the ports is left out.
    """
    ports = {}
    for message in messages:
        bridge = found.get(message.master or IfIndex(0))
        # A NIC with a switch inside answers for itself besides its bridge's answer.
        if bridge is None or message.switchdev:
            continue
        own = message.ifindex == bridge.ifindex
        ports[message.ifindex] = Port(
            ifindex=message.ifindex,
            name=bridge.name if own else message.name,
            bridge=bridge.name,
            # A bridge's MAC follows its ports' (br_stp_recalculate_bridge_id): no news of its own.
            mac=None if own else message.mac,
            vlans=message.vlans,
        )
    whole = {bridge.name: bridge for bridge in found.values() if bridge.ifindex in ports}
    if len(whole) < len(found):
        ports = {index: port for index, port in ports.items() if port.bridge in whole}
    return PortTable(bridges=whole, ports=ports)


def vlans_of(messages: Iterable[PortMessage], ifindex: IfIndex) -> PortVlans:
    """Returns what a dump of all ports says of one, no VLANs where it says nothing."""
    for message in messages:
        if message.ifindex == ifindex and not message.switchdev:
            return message.vlans
    return NO_VLANS


class NetlinkReader(Closing):
    """Reads the network namespace in which it was made, and its thread stays."""

    def __init__(self) -> None:
        self._socket = NetlinkSocket()

    def close(self) -> None:
        """Closes the socket."""
        self._socket.close()

    def read(self) -> PortTable:
        """Returns every bridge and its ports, the bridges' own ports among them.

        Raises: KernelError.
        """
        with _translated("reading bridges"):
            found = bridges(self._socket.dump(RTM_GETLINK, bridges_query()))
            return table(found, self._port_messages() if found else ())

    def read_vlans(self, ifindex: IfIndex) -> PortVlans:
        """Returns the VLANs of one port, none where it is no port; cheaper than ``read``.

        Raises: KernelError.
        """
        with _translated(f"reading the VLANs of port {ifindex}"):
            try:
                dump = self._socket.dump(RTM_GETVLAN, vlans_query(ifindex))
            except NetlinkError as e:
                if e.errno in (errno.ENODEV, errno.EINVAL):
                    return NO_VLANS
                if e.errno != errno.EOPNOTSUPP:
                    raise
                # Linux 5.5 and older.
                return vlans_of(self._port_messages(), ifindex)
            parts = map(vlan_message, dump)
            return PortVlans.from_ranges(
                item for part in parts if part.ifindex == ifindex for item in part.ranges
            )

    def settle(self) -> None:
        """Returns when a change that the kernel is in the midst of is over, and all of it said.

        A dump waits for the kernel's lock on links (RTNL), which a port's leaving holds from its
        first notification to its last, for long where it has many VLANs.
        Raises: KernelError.
        """
        # The loopback device is no port: the shortest answer there is.
        self.read_vlans(IfIndex(1))

    def _port_messages(self) -> Iterator[PortMessage]:
        return map(port_message, self._socket.dump(RTM_GETLINK, ports_query()))
