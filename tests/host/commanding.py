"""A host in memory that operators' commands are carried out on, with config files of its own.

Must not compare anything.
"""

from __future__ import annotations

from pathlib import Path

from tests.core.making import MAC1, VM1, hooked, nic
from tests.fakes.site import Site, WatchedKernel
from vlanlog import record
from vlanlog.config import load_settings
from vlanlog.core.vlan import PortVlans
from vlanlog.errors import KernelError
from vlanlog.host.host import Host

LACKING = "this process may not change VLANs"
PORTS = "[VM1/*]\npvid = 100\ntagged = 200\n"


class SiteKernel:
    """Is the site's kernel as a host has it."""

    def __init__(self, site: Site) -> None:
        self._site = site

    @property
    def reader(self) -> WatchedKernel:
        return self._site.kernel

    @property
    def writer(self) -> WatchedKernel:
        return self._site.kernel

    @property
    def eye(self) -> record.Rereading:
        return self._site.eye


class Commanded:
    """Is a host with br0, its uplink, and VM1 on vnet0, where everything is as the files say."""

    def __init__(self, folder: Path) -> None:
        self.site = Site()
        self.conf = folder / "conf"
        self.conf.mkdir()
        self.configure(PORTS, "[br0]\ntrunk-port = eth0\ntrunk-pvid = 1\nbr-pvid = 1\n")
        self.host = Host(
            settings=load_settings({"VLANLOG_HOST": "host"}, folder),
            log=self.site.log,
            journal=self.site.journal,
            kernel=SiteKernel(self.site),
        )
        kernel = self.site.kernel
        kernel.add_bridge("br0", vlan_filtering=True)
        for name, mac in (("eth0", None), ("vnet0", f"fe{MAC1[2:]}"), ("lone", None)):
            kernel.add_port(name, "br0", mac=mac)
        self.site.told(hooked(VM1, "VM1", "started", nic(MAC1, tap="vnet0", alias="net0")))
        kernel.set_vlans("vnet0", PortVlans.of(pvid=100, tagged=1 << 200))
        self.host.load_config()
        self.host.look()
        kernel.steps.clear()

    def configure(self, ports: str, bridges: str | None = None) -> None:
        (self.conf / "vlan_filtering.conf").write_text(ports)
        if bridges is not None:
            (self.conf / "bridge_init.conf").write_text(bridges)


def granted() -> None:
    """Is the answer to one who may change VLANs."""


def refused() -> None:
    """Is the answer to one who may not."""
    raise KernelError(LACKING, hint="run it as root")
