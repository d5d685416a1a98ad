"""A kernel in memory with the real one's rules for bridges, ports and VLANs.

Must not be kinder than the kernel: ``tests/contract/test_kernel.py`` runs one suite on both.
Source: br_vlan.c, br_netlink.c, rtnetlink.c.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from errno import EINVAL, ENODEV, EOPNOTSUPP

from vlanlog.core.plan import PortChange
from vlanlog.core.state import Bridge, IfIndex, Port, PortTable
from vlanlog.core.vlan import NO_VLANS, VID_MAX, PortVlans, Vid, VlanFlags, VlanRange
from vlanlog.kernel.frame import WireError
from vlanlog.kernel.wire import setlink

NATIVE = VlanFlags.PVID | VlanFlags.UNTAGGED

_Step = Callable[[PortVlans, Vid, VlanFlags], PortVlans]


def _added(vlans: PortVlans, vid: Vid, flags: VlanFlags) -> PortVlans:
    return vlans.added(VlanRange(vid, vid, flags))


def _deleted(vlans: PortVlans, vid: Vid, _: VlanFlags) -> PortVlans:
    return vlans.removed(vid, vid)


def _is_native(vlans: PortVlans, vid: int) -> bool:
    """Tells whether the vid is PVID and untagged, as a default PVID is (``vlan_default_pvid``)."""
    return vlans.flags(vid) == NATIVE


class FakeKernel:
    """Implements both KernelReader and KernelWriter over devices that a test adds."""

    def __init__(self) -> None:
        self.messages_sent = 0
        self._bridges: dict[IfIndex, Bridge] = {}
        self._ports: dict[IfIndex, Port] = {}
        self._loose: dict[str, IfIndex] = {}
        self._refused: dict[tuple[IfIndex, int], str] = {}
        self._last = 1

    def __enter__(self) -> FakeKernel:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Does nothing: there is no socket."""

    def add_bridge(
        self, name: str, *, vlan_filtering: bool = False, default_pvid: int = 1
    ) -> IfIndex:
        """Makes a bridge; its own port carries the default PVID."""
        index = self._next_index()
        self._bridges[index] = Bridge(
            ifindex=index, name=name, vlan_filtering=vlan_filtering, default_pvid=default_pvid
        )
        own = PortVlans.of(pvid=default_pvid or None)
        self._ports[index] = Port(ifindex=index, name=name, bridge=name, vlans=own)
        return index

    def add_device(self, name: str) -> IfIndex:
        """Makes a device that is in no bridge."""
        self._loose[name] = self._next_index()
        return self._loose[name]

    def add_port(self, name: str, bridge: str, *, mac: str | None = None) -> IfIndex:
        """Makes a device and puts it into the bridge, whose default PVID it gets."""
        index = self._next_index()
        default_pvid = self._bridge(bridge).default_pvid
        vlans = PortVlans.of(pvid=default_pvid or None)
        self._ports[index] = Port(ifindex=index, name=name, bridge=bridge, mac=mac, vlans=vlans)
        return index

    def remove(self, name: str) -> None:
        """Deletes a device; the ports of a bridge stay as devices in none."""
        gone = self._port(name)
        del self._ports[gone.ifindex]
        if gone.is_self:
            del self._bridges[gone.ifindex]
            for port in [port for port in self._ports.values() if port.bridge == name]:
                self.leave(port.name)

    def leave(self, name: str) -> None:
        """Takes a port out of its bridge; its VLANs are gone."""
        port = self._port(name)
        del self._ports[port.ifindex]
        self._loose[name] = port.ifindex

    def refuse(self, name: str, vid: int, error: str) -> None:
        """Lets every later request fail at this vid, as a NIC whose filter table is full does.

        What the request did before it came to the vid stays.
        """
        self._refused[self._port(name).ifindex, vid] = error

    def set_vlans(self, name: str, vlans: PortVlans) -> None:
        """Changes a port behind the program's back."""
        port = self._port(name)
        self._ports[port.ifindex] = replace(port, vlans=vlans)

    def read(self) -> PortTable:
        """Returns every bridge and its ports."""
        bridges = {bridge.name: bridge for bridge in self._bridges.values()}
        return PortTable(bridges=bridges, ports=dict(self._ports))

    def read_vlans(self, ifindex: IfIndex) -> PortVlans:
        """Returns the VLANs of one port, none where it is no port."""
        port = self._ports.get(ifindex)
        return NO_VLANS if port is None else port.vlans

    def add(self, changes: Sequence[PortChange]) -> list[str]:
        """Takes one SETLINK per change."""
        return [self._taken(change, _added) for change in changes]

    def delete(self, changes: Sequence[PortChange]) -> list[str]:
        """Takes one DELLINK per change; absent vids are no error."""
        return [self._taken(change, _deleted) for change in changes]

    def set_vlan_filtering(self, bridge: IfIndex, on: bool) -> str:
        """Switches filtering; VLANs stay as they are."""
        if error := self._not_a_bridge(bridge):
            return error
        self._bridges[bridge] = replace(self._bridges[bridge], vlan_filtering=on)
        return ""

    def set_default_pvid(self, bridge: IfIndex, default_pvid: int) -> str:
        """Sets the default PVID, on the ports too where they still carry the old one."""
        if error := self._not_a_bridge(bridge):
            return error
        if not 0 <= default_pvid <= VID_MAX:
            return os.strerror(EINVAL)
        old = self._bridges[bridge]
        for port in self._ports_of(old.name):
            vlans = self._with_default(port, old.default_pvid, default_pvid)
            self._ports[port.ifindex] = replace(port, vlans=vlans)
        self._bridges[bridge] = replace(old, default_pvid=default_pvid)
        return ""

    def _with_default(self, port: Port, old: int, new: int) -> PortVlans:
        """Returns what ``__br_vlan_set_default_pvid`` leaves a port with.

        A port whose operator moved the PVID away from the old default is left alone; but where
        there was no default, every port that lacks the vid gets it, and with it a new PVID.
        """
        vlans = port.vlans
        if old and not _is_native(vlans, old):
            return vlans
        if not new:
            return vlans.removed(old, old) if old else vlans
        if vlans.members >> new & 1:
            return vlans
        vlans = _added(vlans, Vid(new), NATIVE)
        return vlans.removed(old, old) if old else vlans

    def _taken(self, change: PortChange, step: _Step) -> str:
        if not change.ranges:
            return ""
        try:
            setlink(1, change)
        except WireError as e:
            return str(e)
        self.messages_sent += 1
        port = self._ports.get(change.ifindex)
        if port is None:
            loose = change.ifindex in self._loose.values()
            return os.strerror(EOPNOTSUPP) if loose else f"{os.strerror(ENODEV)} (unknown ifindex)"
        if port.is_self is not change.is_self:
            return os.strerror(EOPNOTSUPP)
        return self._walked(port, change, step)

    def _walked(self, port: Port, change: PortChange, step: _Step) -> str:
        vlans = port.vlans
        for item in change.ranges:
            for number in range(item.first, item.last + 1):
                if error := self._refused.get((port.ifindex, number), ""):
                    self._ports[port.ifindex] = replace(port, vlans=vlans)
                    return error
                vlans = step(vlans, Vid(number), item.flags)
        self._ports[port.ifindex] = replace(port, vlans=vlans)
        return ""

    def _not_a_bridge(self, index: IfIndex) -> str:
        self.messages_sent += 1
        if index in self._bridges:
            return ""
        known = index in self._ports or index in self._loose.values()
        return os.strerror(EOPNOTSUPP if known else ENODEV)

    def _ports_of(self, bridge: str) -> list[Port]:
        return [port for port in self._ports.values() if port.bridge == bridge]

    def _port(self, name: str) -> Port:
        return next(port for port in self._ports.values() if port.name == name)

    def _bridge(self, name: str) -> Bridge:
        return next(bridge for bridge in self._bridges.values() if bridge.name == name)

    def _next_index(self) -> IfIndex:
        self._last += 1
        return IfIndex(self._last)
