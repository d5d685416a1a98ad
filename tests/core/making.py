"""Values in few words: VLANs, events with a place in the log, a host with two guests.

Must not fold, plan or compare anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from vlanlog.core import event as e
from vlanlog.core.entry import BridgeEntry, OnFailure, PortEntry, Selector, SelectorKind
from vlanlog.core.state import (
    Bridge,
    ConfigInForce,
    ConfigRole,
    Guest,
    HeldBridge,
    HeldPort,
    IfIndex,
    Nic,
    Port,
    PortTable,
    Seq,
)
from vlanlog.core.vlan import NO_VLANS, PortVlans, Vid, VlanFlags, VlanRange, parse_vids

BOOT = "boot-1"
NATIVE = VlanFlags.PVID | VlanFlags.UNTAGGED
VM1 = "11111111-1111-1111-1111-111111111111"
VM2 = "22222222-2222-2222-2222-222222222222"
MAC1 = "52:54:00:00:00:01"
MAC2 = "52:54:00:00:00:02"
MAC3 = "52:54:00:00:00:03"

Finding = tuple[e.Subject, e.Fact]


def port(tagged: str = "", *, pvid: int | None = None) -> PortVlans:
    """Returns what a port carries whose PVID, where it has one, is untagged."""
    return PortVlans.of(pvid=pvid, tagged=parse_vids(tagged))


def raw(members: str, *, untagged: str = "", pvid: int | None = None) -> PortVlans:
    """Returns what a port carries, said in full."""
    return PortVlans(parse_vids(members), parse_vids(untagged), pvid)


def ranged(first: int, last: int | None = None, flags: VlanFlags = VlanFlags.TAGGED) -> VlanRange:
    return VlanRange(Vid(first), Vid(last or first), flags)


def event(
    fact: e.Fact,
    subject: e.Subject = e.NO_SUBJECT,
    *,
    number: int = 1,
    boot: str = BOOT,
    actor: e.Actor = e.UNKNOWN_ACTOR,
) -> e.Event:
    return e.Event(
        event_id=UUID(int=number),
        at_ns=number * 1_000_000_000,
        host="host",
        boot_id=boot,
        actor=actor,
        correlation_id=UUID(int=0),
        fact=fact,
        subject=subject,
    )


def numbered(
    findings: Iterable[Finding], *, after: int = 0, boot: str = BOOT
) -> list[tuple[Seq, e.Event]]:
    """Returns the findings as events of one boot with the seqs that follow ``after``."""
    return [
        (Seq(number), event(fact, subject, number=number, boot=boot))
        for number, (subject, fact) in enumerate(findings, start=after + 1)
    ]


def nic(mac: str, *, tap: str | None = None, alias: str | None = None) -> Nic:
    return Nic(mac=mac, tap=tap, alias=alias, bridge="br0")


def guest(uuid: str, name: str, *nics: Nic, running: bool = True) -> Guest:
    return Guest(uuid=uuid, name=name, running=running, nics=nics)


def hooked(uuid: str, name: str, operation: str, *nics: Nic) -> Finding:
    """Returns a call of the qemu hook, its XML read as far as the NICs."""
    fact = e.HookInvoked(
        driver="qemu", operation=operation, sub_operation="begin", extra="-", object=name, nics=nics
    )
    return e.Subject(guest_uuid=uuid, guest_name=name), fact


def on_port(name: str, index: int, bridge: str = "br0") -> e.Subject:
    return e.Subject(port=name, ifindex=index, bridge=bridge)


def on_bridge(name: str, index: int) -> e.Subject:
    return e.Subject(bridge=name, ifindex=index)


def table(*items: Bridge | Port) -> PortTable:
    return PortTable(
        bridges={item.name: item for item in items if isinstance(item, Bridge)},
        ports={item.ifindex: item for item in items if isinstance(item, Port)},
    )


def bridge(name: str, index: int, *, filtering: bool = True, default_pvid: int = 1) -> Bridge:
    return Bridge(
        ifindex=IfIndex(index), name=name, vlan_filtering=filtering, default_pvid=default_pvid
    )


def device(
    name: str, index: int, vlans: PortVlans = NO_VLANS, *, of: str = "br0", mac: str | None = None
) -> Port:
    return Port(ifindex=IfIndex(index), name=name, bridge=of, mac=mac, vlans=vlans)


def bridge_entry(
    name: str,
    *trunks: str,
    trunk: PortVlans = NO_VLANS,
    own: PortVlans = NO_VLANS,
    default_pvid: int | None = None,
    prune: bool = True,
) -> BridgeEntry:
    return BridgeEntry(
        name=name, trunk_ports=trunks, trunk=trunk, own=own, default_pvid=default_pvid, prune=prune
    )


def port_entry(
    section: str,
    vlans: PortVlans,
    *,
    of: str = "",
    prune: bool = True,
    on_failure: OnFailure = OnFailure.REFUSE,
) -> PortEntry:
    """Returns an entry whose selector is what the section's heading says, ``of`` its guest key."""
    return PortEntry(
        section=section, selector=_selector(section, of), vlans=vlans, prune=prune,
        on_failure=on_failure,
    )  # fmt: skip


def _selector(section: str, of: str) -> Selector:
    if section == "*":
        return Selector(kind=SelectorKind.ANY)
    if of:
        return Selector(kind=SelectorKind.TAP, guest=of, value=section)
    owner, _, which = section.rpartition("/")
    if which == "*":
        return Selector(kind=SelectorKind.GUEST, guest=owner)
    kind = SelectorKind.MAC if ":" in which else SelectorKind.ALIAS
    return Selector(kind=kind, guest=owner, value=which)


def in_force(*entries: BridgeEntry | PortEntry, since: int = 1) -> ConfigInForce:
    """Returns the config with these entries, all changed last by the event ``since``."""
    return ConfigInForce(
        bridges={
            entry.name: HeldBridge(entry=entry, since=Seq(since))
            for entry in entries
            if isinstance(entry, BridgeEntry)
        },
        ports={
            entry.section: HeldPort(entry=entry, since=Seq(since))
            for entry in entries
            if isinstance(entry, PortEntry)
        },
        loaded={ConfigRole.BRIDGES: "digest", ConfigRole.PORTS: "digest"},
    )
