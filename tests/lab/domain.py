"""Writes the XML of the smallest guest that libvirt starts: no disk, no system, only NICs."""

from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr


@dataclass(frozen=True, slots=True, kw_only=True)
class Nic:
    """One NIC on a bridge; what is left out libvirt chooses.

    Shape: an alias of one's own must begin with `ua-`, or libvirt drops it.
    """

    bridge: str
    target: str | None = None
    mac: str | None = None
    alias: str | None = None


def domain_xml(
    name: str, nics: tuple[Nic, ...] = (), *, uuid: str | None = None, acpi: bool = False
) -> str:
    """Returns the XML of a guest of 16 MiB, emulated; hot plug needs ACPI."""
    lines = (
        "<domain type='qemu'>",
        f"<name>{escape(name)}</name>",
        f"<uuid>{escape(uuid)}</uuid>" if uuid else "",
        "<memory unit='MiB'>16</memory><vcpu>1</vcpu>",
        "<os><type arch='x86_64' machine='pc'>hvm</type></os>",
        "<features><acpi/></features>" if acpi else "",
        "<devices><emulator>/usr/bin/qemu-system-x86_64</emulator>",
        "<controller type='usb' model='none'/><memballoon model='none'/>",
        *(nic_xml(nic) for nic in nics),
        "</devices></domain>",
    )
    return "\n".join(line for line in lines if line) + "\n"


def nic_xml(nic: Nic) -> str:
    """Returns the XML of one NIC, as `virsh attach-device` takes it too."""
    elements = (
        f"<source bridge={quoteattr(nic.bridge)}/>",
        f"<mac address={quoteattr(nic.mac)}/>" if nic.mac else "",
        f"<target dev={quoteattr(nic.target)}/>" if nic.target else "",
        "<model type='virtio'/>",
        f"<alias name={quoteattr(nic.alias)}/>" if nic.alias else "",
    )
    return f"<interface type='bridge'>{''.join(elements)}</interface>"
