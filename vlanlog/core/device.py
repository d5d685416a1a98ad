"""Network devices as the kernel lists them: what they are, and what they stand on.

Must not know VLANs of ports: ``PortTable`` has those.
"""

from __future__ import annotations

from dataclasses import dataclass

from vlanlog.core.state import IfIndex
from vlanlog.core.vlan import Vid

_LEADS_OUT = frozenset(
    {"", "bond", "team", "vlan", "vxlan", "geneve", "gretap", "ip6gretap", "erspan", "macsec"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """Is a device of a network namespace.

    Shape: kind is the driver's word (``bridge``, ``bond``, ``tun``), empty for hardware; lower is
    the device that it stands on, where that is in the same namespace; vid is None for all but a
    VLAN device (``eth0.100``).
    Source: rtnetlink(7), ``IFLA_INFO_KIND``, ``IFLA_LINK``, ``IFLA_VLAN_ID``.
    """

    ifindex: IfIndex
    name: str
    kind: str = ""
    master: IfIndex | None = None
    lower: IfIndex | None = None
    vid: Vid | None = None
    up: bool = False

    @property
    def leads_out(self) -> bool:
        """Tells whether a device of this kind usually leads out of the host, as an uplink does.

        Hardware, what bundles or divides it, and tunnels do; taps, veths and dummies do not.
        """
        return self.kind in _LEADS_OUT
