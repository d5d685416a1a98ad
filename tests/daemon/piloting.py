"""A watched host with br0, its trunk eth0 and VM1, in few words.

Must not compare anything but that the host is as it says.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.core.making import (
    MAC1,
    MAC2,
    VM1,
    bridge_entry,
    hooked,
    nic,
    port,
    port_entry,
)
from tests.daemon.fake_watch import Resident
from vlanlog.core import event as e
from vlanlog.core.entry import BridgeEntry, Foreign, PortEntry
from vlanlog.core.state import tap_mac
from vlanlog.core.vlan import PortVlans

RECORD, REVERT, ADOPT = Foreign.RECORD, Foreign.REVERT, Foreign.ADOPT
NATIVE = port("", pvid=1)
TRUNK, SELF = port("100,200", pvid=1), port("200", pvid=1)
VM1_VLANS, VM2_VLANS = port("200", pvid=100), port("400", pvid=300)
TAP1, TAP2 = tap_mac(MAC1), tap_mac(MAC2)
STATUS = Path("/run/libvirt/qemu")
VlanFact = e.VlanAdded | e.VlanRemoved


def br0(foreign: Foreign = RECORD, *, default_pvid: int | None = None) -> BridgeEntry:
    entry = bridge_entry("br0", "eth0", trunk=TRUNK, own=SELF, default_pvid=default_pvid)
    return replace(entry, foreign=foreign)


def of_vm1(foreign: Foreign = RECORD, section: str = "veth0") -> PortEntry:
    return replace(port_entry(section, VM1_VLANS, of="VM1"), foreign=foreign)


def watched(*entries: BridgeEntry | PortEntry, filtering: bool = True) -> Resident:
    """Returns a daemon that watches br0 with the trunk eth0, both as br0's section says."""
    resident = Resident(*entries)
    resident.kernel.add_bridge("br0", vlan_filtering=filtering)
    resident.kernel.add_port("eth0", "br0", mac="52:54:00:00:00:ee")
    resident.kernel.set_vlans("br0", SELF)
    resident.kernel.set_vlans("eth0", TRUNK)
    resident.start()
    return resident


def with_vm1(*entries: BridgeEntry | PortEntry) -> Resident:
    """Returns a daemon on whose host VM1 runs on veth0 with its VLANs."""
    resident = watched(*entries)
    resident.journal.write([hooked(VM1, "VM1", "start", nic(MAC1, tap="veth0"))])
    resident.kernel.add_port("veth0", "br0", mac=TAP1)
    resident.at(1)
    assert resident.carried("veth0") == VM1_VLANS
    return resident


def reasons(resident: Resident) -> list[tuple[str | None, str]]:
    return [
        (event.subject.port or event.subject.bridge, event.fact.because)
        for event in resident.events(e.ProgramIntended)
        if isinstance(event.fact, e.ProgramIntended)
    ]


def delays(resident: Resident) -> list[tuple[int, float]]:
    return [
        (fact.reverts, fact.delay_s)
        for fact in resident.facts(e.RevertDelayed)
        if isinstance(fact, e.RevertDelayed)
    ]


def adopted(resident: Resident) -> list[PortVlans]:
    return [
        fact.vlans for fact in resident.facts(e.AssignmentSet) if isinstance(fact, e.AssignmentSet)
    ]
