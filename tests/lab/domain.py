"""Writes the XML of the smallest guest that libvirt starts: no system, only NICs.

Its firmware stops the CPU at once: emulated in the user-mode kernel's only CPU, a real one's search
for a disk takes 4 to 20 s, during which libvirtd and QEMU's monitor hardly get a turn.
"""

import struct
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

FIRMWARE = Path("/usr/share/qemu/vlanlog-lab-halt.bin")
_ROM_BYTES = 64 << 10
# Where the ROM's last byte is the last below 4 GiB, and the CPU starts 16 bytes before the end.
_CODE, _GDT, _GDTR, _IDTR, _START = 0xFF00, 0xFF80, 0xFF90, 0xFF98, 0xFFF0
# Stops the CPU, and has an NMI (`virsh inject-nmi`) reset the guest from inside: the local APIC
# lets NMIs through, and there is no interrupt table, so that one is a triple fault.
_PARTS = {
    _CODE: b"\xfa"  # cli
    b"\x66\x2e\x0f\x01\x16\x90\xff"  # lgdt cs:[_GDTR]
    b"\x0f\x20\xc0\x0c\x01\x0f\x22\xc0"  # mov eax, cr0; or al, 1; mov cr0, eax
    b"\xb8\x08\x00\x8e\xd8"  # mov ax, 8; mov ds, ax
    b"\x67\x66\xc7\x05\xf0\x00\xe0\xfe\xff\x01\x00\x00"  # the APIC's SVR: enabled
    b"\x67\x66\xc7\x05\x60\x03\xe0\xfe\x00\x04\x00\x00"  # its LVT LINT1: NMI
    b"\x2e\x0f\x01\x1e\x98\xff"  # lidt cs:[_IDTR]
    b"\xf4\xeb\xfd",  # hlt; jmp to the hlt
    _GDT: bytes(8) + b"\xff\xff\x00\x00\x00\x92\xcf\x00",  # none; all of memory
    _GDTR: struct.pack("<HI", 15, 0xFFFF0000 + _GDT),
    _IDTR: bytes(6),
    _START: b"\xe9" + struct.pack("<h", _CODE - _START - 3),  # jmp _CODE
}
_CLUSTER = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Nic:
    """One NIC on a bridge; what is left out libvirt chooses.

    Shape: an alias of one's own must begin with `ua-`, or libvirt drops it; vlan is the XML of a
    native VLAN, which libvirt 11 and newer set on a bridge.
    """

    bridge: str
    target: str | None = None
    mac: str | None = None
    alias: str | None = None
    vlan: str = ""


def domain_xml(
    name: str,
    nics: tuple[Nic, ...] = (),
    *,
    uuid: str | None = None,
    acpi: bool = False,
    disk: Path | None = None,
) -> str:
    """Returns the XML of a guest of 16 MiB, emulated.

    Hot plug needs ACPI; a snapshot with the guest's memory needs a disk that can hold it.
    """
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
        *([_disk_xml(disk)] if disk else []),
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
        nic.vlan,
    )
    return f"<interface type='bridge'>{''.join(elements)}</interface>"


def _disk_xml(disk: Path) -> str:
    return (
        "<disk type='file' device='disk'><driver name='qemu' type='qcow2'/>"
        f"<source file={quoteattr(str(disk))}/><target dev='vda' bus='virtio'/></disk>"
    )


def write_disk(disk: Path) -> None:
    """Writes an empty disk of 1 MiB that can hold snapshots; qemu-img is not in the lab.

    Source: QEMU's docs/interop/qcow2.txt, version 2.
    """
    refcounts, block, l1 = (number * _CLUSTER for number in (1, 2, 3))
    # magic, version, backing file (none), cluster bits, size, no encryption, the L1 table of one
    # entry, the refcount table of one cluster, no snapshots.
    head = struct.pack(
        ">4sIQIIQIIQQIIQ", b"QFI\xfb", 2, 0, 0, 16, 1 << 20, 0, 1, l1, refcounts, 1, 0, 0
    )
    parts = (head, struct.pack(">Q", block), struct.pack(">4H", 1, 1, 1, 1), b"")
    disk.write_bytes(b"".join(part.ljust(_CLUSTER, b"\0") for part in parts))


def write_firmware() -> None:
    """Writes the firmware that the guests' XML names; only inside the lab."""
    FIRMWARE.parent.mkdir(parents=True, exist_ok=True)
    rom = bytearray(_ROM_BYTES)
    for offset, part in _PARTS.items():
        rom[offset : offset + len(part)] = part
    FIRMWARE.write_bytes(rom)
