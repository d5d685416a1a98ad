"""Things that happen to a host's bridges, in random order, on the fake kernel or the real one.

Must not listen.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from hypothesis import strategies as st

from tests.kernel.hosts import Host
from tests.properties.strategies import port_vlans
from vlanlog.core.plan import PortChange
from vlanlog.core.state import Bridge, Port
from vlanlog.core.vlan import PortVlans

BRIDGES = ("br0", "br1")
PORTS = ("d0", "d1", "d2")


class Doing(Enum):
    """Says what happens to the device of a step."""

    ADD_BRIDGE = "add bridge"
    ADD_PORT = "add port"
    LEAVE = "leave"
    REMOVE = "remove"
    ADD_VLANS = "add VLANs"
    DELETE_VLANS = "delete VLANs"
    DELETE_A_VID_BY_NEWER_REQUEST = "delete a vid by RTM_DELVLAN"
    DEFAULT_PVID = "default PVID"
    FILTERING = "filtering"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Is one thing that happens; what cannot happen is passed over."""

    doing: Doing
    name: str
    bridge: str
    vlans: PortVlans
    number: int


steps = st.builds(
    Step,
    doing=st.sampled_from((*Doing, Doing.ADD_PORT, Doing.ADD_VLANS, Doing.DELETE_VLANS)),
    name=st.sampled_from((*PORTS, *BRIDGES)),
    bridge=st.sampled_from(BRIDGES),
    vlans=port_vlans(),
    number=st.sampled_from((0, 1, 5)),
)


class WalkedHost(Host, Protocol):
    """Can also be asked by the request that the program itself never sends."""

    def delete_by_newer_request(self, name: str, vid: int) -> None: ...


def carry_out(host: WalkedHost, step: Step) -> None:
    """Does to the host what the step says, as far as its devices allow."""
    table = host.reader.read()
    bridge, port = table.bridges.get(step.bridge), table.named(step.name)
    match step.doing:
        case Doing.ADD_BRIDGE if bridge is None:
            host.add_bridge(step.bridge, vlan_filtering=step.number == 1, default_pvid=step.number)
        case Doing.ADD_PORT if bridge is not None and port is None and step.name in PORTS:
            host.add_port(step.name, step.bridge)
        case Doing.LEAVE if port is not None and not port.is_self:
            host.leave(step.name)
            host.remove(step.name)
        case Doing.REMOVE if port is not None:
            orphans = [item.name for item in table.ports.values() if item.bridge == step.name]
            host.remove(step.name)
            for name in orphans:
                if name != step.name:
                    host.remove(name)
        case _:
            _set(host, step, bridge, port)


def _set(host: WalkedHost, step: Step, bridge: Bridge | None, port: Port | None) -> None:
    match step.doing:
        case Doing.ADD_VLANS if port is not None:
            host.writer.add([_change(port, step.vlans)])
        case Doing.DELETE_VLANS if port is not None:
            host.writer.delete([_change(port, step.vlans)])
        case Doing.DELETE_A_VID_BY_NEWER_REQUEST if port is not None:
            host.delete_by_newer_request(step.name, step.number or 1)
        case Doing.DEFAULT_PVID if bridge is not None:
            host.writer.set_default_pvid(bridge.ifindex, step.number)
        case Doing.FILTERING if bridge is not None:
            host.writer.set_vlan_filtering(bridge.ifindex, step.number == 1)
        case _:
            pass


def _change(port: Port, vlans: PortVlans) -> PortChange:
    return PortChange(ifindex=port.ifindex, is_self=port.is_self, ranges=vlans.ranges())
