"""A fake kernel that says what it does, in the real one's words and order.

Must not be terser than the kernel: what it may say twice, this one says twice.
Source: docs/kernel-notes.md; the order of words is held by tests/kernel/test_notifications.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tests.fakes.kernel import FakeKernel
from vlanlog.core.notice import LinkMessage, Notice, PortMessage, VlanMessage
from vlanlog.core.plan import PortChange, additions, deletions
from vlanlog.core.state import Bridge, IfIndex, Port
from vlanlog.core.vlan import NO_VLANS, PortVlans, VlanRange, runs


class TalkingKernel(FakeKernel):
    """Has its bridges up, so that it says of their switches too."""

    def __init__(self) -> None:
        super().__init__()
        self._queue: list[Notice] = []

    def said(self) -> list[Notice]:
        """Returns what was said since the last call."""
        queue, self._queue = self._queue, []
        return queue

    def add_bridge(
        self, name: str, *, vlan_filtering: bool = False, default_pvid: int = 1
    ) -> IfIndex:
        """Makes a bridge, which first has the default PVID that all have."""
        index = super().add_bridge(name, vlan_filtering=vlan_filtering, default_pvid=default_pvid)
        own = self.read_vlans(index)
        self._queue += _vlans(index, NO_VLANS, PortVlans.of(pvid=1))
        self._queue += _vlans(index, PortVlans.of(pvid=1), own)
        self._say_bridge(name)
        return index

    def add_device(self, name: str) -> IfIndex:
        """Makes a device that is in no bridge."""
        index = super().add_device(name)
        self._queue.append(LinkMessage(ifindex=index, gone=False, name=name, kind="dummy"))
        return index

    def add_port(self, name: str, bridge: str, *, mac: str | None = None) -> IfIndex:
        """Makes a device and puts it into the bridge."""
        index = super().add_port(name, bridge, mac=mac)
        port = self.read().ports[index]
        self._queue += [_link(port, None), *[_link(port, self._master(port))] * 2]
        self._queue += _vlans(index, NO_VLANS, port.vlans)
        self._say_bridge(bridge)
        return index

    def leave(self, name: str) -> None:
        """Takes a port out of its bridge."""
        port = self._named(name)
        self._queue.append(_link(port, self._master(port)))
        self._queue += [*_flush(port), _link(port, None)]
        self._say_bridge(port.bridge)
        super().leave(name)

    def remove(self, name: str) -> None:
        """Deletes a device; a bridge's ports leave it first."""
        if name in self._loose:
            index = self._loose.pop(name)
            self._queue.append(LinkMessage(ifindex=index, gone=True, name=name, kind="dummy"))
            return
        gone = self._named(name)
        if gone.is_self:
            for port in [port for port in self.read().ports.values() if port.bridge == name]:
                if not port.is_self:
                    self.leave(port.name)
            self._queue += _flush(gone)[1:]
            kind = "bridge"
        else:
            self._queue += _flush(gone)
            self._say_bridge(gone.bridge)
            kind = "dummy"
        self._queue.append(LinkMessage(ifindex=gone.ifindex, gone=True, name=name, kind=kind))
        super().remove(name)

    def add(self, changes: Sequence[PortChange]) -> list[str]:
        """Takes one SETLINK per change."""
        return [self._told(change, super(TalkingKernel, self).add) for change in changes]

    def delete(self, changes: Sequence[PortChange]) -> list[str]:
        """Takes one DELLINK per change."""
        return [self._told(change, super(TalkingKernel, self).delete) for change in changes]

    def delete_by_newer_request(self, name: str, vid: int) -> None:
        """Takes an RTM_DELVLAN, after which the kernel speaks as if the port were leaving."""
        port = self._named(name)
        after = port.vlans.removed(vid, vid)
        self.set_vlans(name, after)
        self._queue.append(_parting(port))

    def set_vlans(self, name: str, vlans: PortVlans) -> None:
        """Changes a port behind the program's back."""
        port = self._named(name)
        super().set_vlans(name, vlans)
        self._queue += _vlans(port.ifindex, port.vlans, vlans)

    def set_vlan_filtering(self, bridge: IfIndex, on: bool) -> str:
        """Switches filtering."""
        error = super().set_vlan_filtering(bridge, on)
        if not error:
            self._say_bridge(self.read().ports[bridge].name)
        return error

    def set_default_pvid(self, bridge: IfIndex, default_pvid: int) -> str:
        """Sets the default PVID; the old one goes first."""
        before = self.read().ports
        error = super().set_default_pvid(bridge, default_pvid)
        if not error:
            for index, port in self.read().ports.items():
                self._queue += _vlans(index, before[index].vlans, port.vlans)
            self._say_bridge(before[bridge].name)
        return error

    def _told(self, change: PortChange, take: Callable[[Sequence[PortChange]], list[str]]) -> str:
        before = self.read_vlans(change.ifindex)
        [error] = take([change])
        after = self.read_vlans(change.ifindex)
        self._queue += _vlans(change.ifindex, before, after)
        if after != before and len(change.ranges) > 1:
            # What was so already is said again once something before it changed.
            self._queue += _vlans(change.ifindex, before, after)
        return error

    def _say_bridge(self, name: str) -> None:
        bridge = self.read().bridges.get(name)
        if bridge is not None:
            self._queue.append(_bridge_link(bridge))

    def _master(self, port: Port) -> IfIndex:
        return self.read().bridges[port.bridge].ifindex

    def _named(self, name: str) -> Port:
        port = self.read().named(name)
        assert port is not None
        return port


def _link(port: Port, master: IfIndex | None) -> LinkMessage:
    return LinkMessage(
        ifindex=port.ifindex,
        gone=False,
        name=port.name,
        master=master,
        mac=port.mac,
        kind="dummy",
    )


def _bridge_link(bridge: Bridge) -> LinkMessage:
    return LinkMessage(
        ifindex=bridge.ifindex,
        gone=False,
        name=bridge.name,
        mac="52:54:00:00:00:01",
        kind="bridge",
        vlan_filtering=bridge.vlan_filtering,
        default_pvid=bridge.default_pvid,
    )


def _parting(port: Port) -> PortMessage:
    return PortMessage(
        ifindex=port.ifindex,
        gone=True,
        name=port.name,
        master=None,
        mac=port.mac,
        vlans=port.vlans,
        switchdev=False,
    )


def _flush(port: Port) -> list[Notice]:
    """Returns what a leaving port says: its vids joined whatever their flags were."""
    return [
        _parting(port),
        *(
            VlanMessage(ifindex=port.ifindex, gone=True, ranges=(VlanRange(first, last),))
            for first, last in runs(port.vlans.members)
        ),
    ]


def _vlans(index: IfIndex, before: PortVlans, after: PortVlans) -> list[Notice]:
    """Returns a message for each range, those that go first."""
    gone = deletions(before, after)
    for item in gone:
        before = before.removed(item.first, item.last)
    return [
        *(VlanMessage(ifindex=index, gone=True, ranges=(item,)) for item in gone),
        *(
            VlanMessage(ifindex=index, gone=False, ranges=(item,))
            for item in additions(before, after)
        ),
    ]
