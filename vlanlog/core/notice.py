"""What the kernel says of links, ports and VLANs, in a dump or by itself, as values.

Must not know the bytes; kernel/wire.py and kernel/links.py decode them.
"""

from __future__ import annotations

from dataclasses import dataclass

from vlanlog.core.state import IfIndex
from vlanlog.core.vlan import PortVlans, VlanRange


@dataclass(frozen=True, slots=True, kw_only=True)
class VlanMessage:
    """Is an RTM_NEWVLAN or RTM_DELVLAN: vids that one port now carries, or no longer.

    Shape: ranges as sent, neither sorted nor joined; those that are gone have no flags.
    """

    ifindex: IfIndex
    gone: bool
    ranges: tuple[VlanRange, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PortMessage:
    """Is an RTM_NEWLINK or RTM_DELLINK of AF_BRIDGE: one port with all its VLANs.

    ``gone`` alone does not say that the port left its bridge: kernels also send it after an
    RTM_DELVLAN request (``br_vlan_rtm_process``). ``switchdev`` marks a NIC that speaks of the
    switch inside it, and not a bridge that speaks of its port.
    Shape: mac in lower case; master is the bridge, for the bridge's own port itself.
    """

    ifindex: IfIndex
    gone: bool
    name: str
    master: IfIndex | None
    mac: str | None
    vlans: PortVlans
    switchdev: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkMessage:
    """Is an RTM_NEWLINK or RTM_DELLINK of no family: a device, its master and its kind.

    Shape: mac in lower case; vlan_filtering and default_pvid are None for what is no bridge,
    and default_pvid also for a bridge of a kernel without VLANs.
    """

    ifindex: IfIndex
    gone: bool
    name: str
    master: IfIndex | None = None
    mac: str | None = None
    kind: str = ""
    vlan_filtering: bool | None = None
    default_pvid: int | None = None


Notice = VlanMessage | PortMessage | LinkMessage
