"""A host with bridges, in memory or in the kernel: the same doings on either.

Must not compare anything.
"""

from __future__ import annotations

from typing import Protocol

from tests.fakes.kernel import FakeKernel
from tests.kernel.netns import index, ip, ip_batch
from vlanlog.core.state import IfIndex
from vlanlog.core.vlan import PortVlans
from vlanlog.kernel.read import NetlinkReader
from vlanlog.kernel.write import NetlinkWriter
from vlanlog.ports import KernelReader, KernelWriter


class VlanReader(KernelReader, Protocol):
    """Adds the cheap read of one port."""

    def read_vlans(self, ifindex: IfIndex) -> PortVlans: ...


class Host(Protocol):
    """Is what a test does to a host besides reading and programming it."""

    reader: VlanReader
    writer: KernelWriter

    def add_bridge(
        self, name: str, *, vlan_filtering: bool = False, default_pvid: int = 1
    ) -> IfIndex: ...

    def add_device(self, name: str) -> IfIndex: ...

    def add_port(self, name: str, bridge: str) -> IfIndex: ...

    def leave(self, name: str) -> None: ...

    def remove(self, name: str) -> None: ...

    def close(self) -> None: ...


def mac_of(name: str) -> str:
    """Returns a MAC that is the same on every host: a bridge would take its first port's."""
    return "52:54:00:" + name.encode().ljust(3, b"\0")[-3:].hex(":")


class FakeHost:
    def __init__(self, kernel: FakeKernel | None = None) -> None:
        kernel = kernel or FakeKernel()
        self._kernel = kernel
        self.reader: VlanReader = kernel
        self.writer: KernelWriter = kernel
        self.add_device = kernel.add_device
        self.leave = kernel.leave
        self.remove = kernel.remove
        self.close = kernel.close

    def add_bridge(
        self, name: str, *, vlan_filtering: bool = False, default_pvid: int = 1
    ) -> IfIndex:
        return self._kernel.add_bridge(
            name, vlan_filtering=vlan_filtering, default_pvid=default_pvid
        )

    def add_port(self, name: str, bridge: str) -> IfIndex:
        return self._kernel.add_port(name, bridge, mac=mac_of(name))


class RealHost:
    """Is the network namespace in which it was made."""

    def __init__(self) -> None:
        self._sockets = NetlinkReader(), NetlinkWriter()
        self.reader: VlanReader = self._sockets[0]
        self.writer: KernelWriter = self._sockets[1]

    def add_bridge(
        self, name: str, *, vlan_filtering: bool = False, default_pvid: int = 1
    ) -> IfIndex:
        settings = f"vlan_filtering {int(vlan_filtering)} vlan_default_pvid {default_pvid}"
        ip(*f"link add {name} address {mac_of(name)} type bridge {settings}".split())
        return IfIndex(index(name))

    def add_device(self, name: str) -> IfIndex:
        ip(*f"link add {name} address {mac_of(name)} type dummy".split())
        return IfIndex(index(name))

    def add_port(self, name: str, bridge: str) -> IfIndex:
        ip_batch(
            (
                f"link add {name} address {mac_of(name)} type dummy",
                f"link set {name} master {bridge}",
            )
        )
        return IfIndex(index(name))

    def leave(self, name: str) -> None:
        ip("link", "set", name, "nomaster")

    def remove(self, name: str) -> None:
        ip("link", "del", name)

    def close(self) -> None:
        for socket in self._sockets:
            socket.close()
