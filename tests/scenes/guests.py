"""Guests as libvirt tells a hook of them: the domain XML of each moment of their lives.

Must not touch the host.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

NO_TAPS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class GuestNic:
    """Is a NIC on a bridge; its tap has a fixed name, or libvirt makes one up at each start."""

    mac: str
    tap: str | None = None
    bridge: str = "br0"

    @property
    def host_mac(self) -> str:
        """Returns the MAC that libvirt gives the tap."""
        return f"fe{self.mac[2:]}"


@dataclass(frozen=True, kw_only=True)
class Guest:
    """Is a defined guest; ``taps`` of a moment says by MAC which names libvirt made up."""

    name: str
    uuid: str
    nics: tuple[GuestNic, ...]

    def taps(self, made_up: Mapping[str, str]) -> dict[str, GuestNic]:
        """Returns the running guest's NICs by the names of their taps."""
        return {nic.tap or made_up[nic.mac]: nic for nic in self.nics}

    def live_xml(self, made_up: Mapping[str, str] = NO_TAPS) -> bytes:
        """Returns the XML from ``start`` on: every tap's name and every alias is in it."""
        return self._xml(
            f"<target dev='{tap}'/><alias name='net{number}'/>"
            for number, tap in enumerate(self.taps(made_up))
        )

    def resting_xml(self) -> bytes:
        """Returns the XML of ``prepare``, ``stopped`` and ``release``: no name that is made up."""
        return self._xml(f"<target dev='{nic.tap}'/>" if nic.tap else "" for nic in self.nics)

    def _xml(self, devices: Iterable[str]) -> bytes:
        interfaces = "".join(
            f"<interface type='bridge'><mac address='{nic.mac}'/>"
            f"<source bridge='{nic.bridge}'/>{device}</interface>"
            for nic, device in zip(self.nics, devices, strict=True)
        )
        return (
            f"<domain type='kvm'><name>{self.name}</name><uuid>{self.uuid}</uuid>"
            f"<devices>{interfaces}</devices></domain>\n"
        ).encode()


VM1 = Guest(
    name="VM1",
    uuid="11111111-1111-4111-8111-111111111111",
    nics=(GuestNic(mac="52:54:00:00:01:00", tap="veth0"),),
)
VM2 = Guest(
    name="VM2",
    uuid="22222222-2222-4222-8222-222222222222",
    nics=(
        GuestNic(mac="52:54:00:00:02:01", tap="veth1"),
        GuestNic(mac="52:54:00:00:02:02", tap="veth2"),
    ),
)
VM3 = Guest(
    name="VM3",
    uuid="33333333-3333-4333-8333-333333333333",
    nics=(GuestNic(mac="52:54:00:00:03:00"),),
)
