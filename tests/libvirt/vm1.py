"""A guest with a tap that has a fixed name and one that libvirt names, and what its turns leave.

Must not act.
"""

from __future__ import annotations

from tests.lab.domain import Nic
from tests.libvirt.host import PORTS, REFERENCE, Vlans
from tests.libvirt.story import calls, reason

NICS = (
    Nic(bridge="br0", target="veth0", mac="52:54:00:00:00:01"),
    Nic(bridge="br0", mac="52:54:00:00:00:04"),
)
NAMED = f"{PORTS}\n[VM1/{NICS[1].mac}]\npvid = 42\ntagged = 200-202\n"
"""Is the config of ports that names both."""


def running(tap: str) -> Vlans:
    """Returns what the reference host carries while VM1 runs; tap is the one that libvirt named."""
    return {
        **REFERENCE,
        "veth0": ["100 pvid untagged", "200", "300"],
        tap: ["42 pvid untagged", "200", "201", "202"],
    }


def born(tap: str, *, before: str = "", by: str = "") -> list[str]:
    """Returns the story of a start, in lines.

    before is the tap of the life before, if the log has one: without a daemon its end is seen now.
    by is the hook before `prepare`, if there is one.
    """
    gone = [f"{name} port.detached unknown" for name in ("veth0", before) if before]
    return [
        *calls(*([f"{by} begin -"] if by else []), "prepare begin -", "start begin -"),
        *gone,
        "veth0 port.attached unknown",
        "veth0 +1 unknown",
        f"{tap} port.attached unknown",
        f"{tap} +1 unknown",
        "veth0: add vid 100 pvid untagged, add vid 200, add vid 300, del vid 1",
        f"{tap}: add vid 42 pvid untagged, add vid 200-202, del vid 1",
        "veth0 +100 hook",
        "veth0 +200 hook",
        "veth0 +300 hook",
        f"{tap} +42 hook",
        f"{tap} +200-202 hook",
        "veth0 -1 hook",
        f"{tap} -1 hook",
        "veth0: done",
        f"{tap}: done",
        "qemu_start_begin/vlan_filtering.py 0",
        *calls("started begin -"),
        "qemu_started_begin/vlan_filtering.py 0",
    ]


def died(of: str) -> list[str]:
    """Returns the story of an end, in lines; of is libvirt's word for it."""
    return calls("stopped end -", f"release end {reason(of)}")


def refused(tap: str, *, before: str, by: str) -> list[str]:
    """Returns the story of a start that the hook refuses although the last good file was set."""
    set_all_the_same = born(tap, before=before, by=by)[:-3]
    failed = ["- guest.unprogrammed hook", "qemu_start_begin/vlan_filtering.py 1"]
    return [*set_all_the_same, *failed, *died("failed")]
