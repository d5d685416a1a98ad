"""Writes the XML of the smallest guest that libvirt starts: no disk, no system, only NICs.

Its firmware stops the CPU at once: emulated in the user-mode kernel's only CPU, a real one's search
for a disk takes 4 to 20 s, during which libvirtd and QEMU's monitor hardly get a turn.
"""

from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

FIRMWARE = Path("/usr/share/qemu/vlanlog-lab-halt.bin")
# cli; hlt; jmp to the hlt, where the CPU starts: 16 bytes before the end.
_RESET = b"\xfa\xf4\xeb\xfd".ljust(16, b"\xf4")


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
        "<os><type arch='x86_64' machine='pc'>hvm</type>",
        f"<loader readonly='yes' type='rom'>{FIRMWARE}</loader></os>",
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


def write_firmware() -> None:
    """Writes the firmware that the guests' XML names; only inside the lab."""
    FIRMWARE.parent.mkdir(parents=True, exist_ok=True)
    FIRMWARE.write_bytes(_RESET.rjust(64 << 10, b"\xf4"))
