"""What must have happened between two tables of ports, as facts.

Must not guess who did it. Law: folding the facts over the first table gives the second.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from uuid import UUID

from vlanlog.core import event as e
from vlanlog.core.plan import additions, deletions
from vlanlog.core.state import Guest, HostState, Nic, Owners, Port, PortTable, tap_mac
from vlanlog.core.vlan import NO_VLANS, PortVlans

Finding = tuple[e.Subject, e.Fact]
LastOwners = Mapping[str, tuple[Guest, Nic]]


def differences(state: HostState, kernel: PortTable) -> list[Finding]:
    """Returns the facts that lead from what the log says the kernel carries to what it carries."""
    return [
        *_bridges(state.table, kernel),
        *_departures(state, kernel),
        *_arrivals(state, kernel),
    ]


def subject_of(owners: Owners, port: Port) -> e.Subject:
    """Returns the subject of an event about the port: its guest and NIC where one owns it."""
    guest, nic = owners.of(port) or (None, None)
    return e.Subject(
        guest_uuid=guest.uuid if guest else None,
        guest_name=guest.name if guest else None,
        mac=nic.mac if nic else port.mac,
        bridge=port.bridge,
        port=port.name,
        ifindex=port.ifindex,
    )


def vlan_facts(before: PortVlans, after: PortVlans, cause: UUID | None = None) -> Iterator[e.Fact]:
    """Yields the facts that lead from one set of VLANs to the other.

    A PVID that a new one displaced is derived by the fold, as the kernel does.
    """
    for gone in deletions(before, after):
        yield e.VlanRemoved(first=gone.first, last=gone.last, cause=cause)
        before = before.removed(gone.first, gone.last)
    for new in additions(before, after):
        yield e.VlanAdded(
            first=new.first,
            last=new.last,
            pvid=new.pvid,
            untagged=new.untagged,
            cause=cause,
        )


def _bridges(known: PortTable, kernel: PortTable) -> Iterator[Finding]:
    for name, bridge in known.bridges.items():
        if name not in kernel.bridges or kernel.bridges[name].ifindex != bridge.ifindex:
            subject = e.Subject(bridge=name, ifindex=bridge.ifindex)
            yield subject, e.BridgeChanged(gone=True)
    for name, bridge in kernel.bridges.items():
        if known.bridges.get(name) != bridge:
            fact = e.BridgeChanged(
                vlan_filtering=bridge.vlan_filtering, default_pvid=bridge.default_pvid
            )
            yield e.Subject(bridge=name, ifindex=bridge.ifindex), fact


def _departures(state: HostState, kernel: PortTable) -> Iterator[Finding]:
    gone = [
        port
        for index, port in state.table.ports.items()
        if index not in kernel.ports or kernel.ports[index].bridge != port.bridge
    ]
    new = {port.name for index, port in kernel.ports.items() if index not in state.table.ports}
    owners = last_owners(state, new) if gone else {}
    for port in gone:
        yield departure(owners, port)


def departure(owners: LastOwners, port: Port) -> Finding:
    """Returns the fact that a port left, about the guest and NIC that owned it last."""
    owner = owners.get(port.mac or "") or owners.get(port.name)
    return subject_of(Owners({port.name: owner} if owner else {}), port), e.PortDetached()


def last_owners(state: HostState, new: Collection[str] = ()) -> LastOwners:
    """Returns the guest and NIC behind each tap that is gone, by the tap's MAC and by its name.

    Its guest may be stopped by now, and a tap of another guest may have the name: ``new`` has
    the names of ports that are not known yet.
    """
    owners = {name: owner for name, owner in state.owners().by_tap.items() if name not in new}
    twice = set()
    for guest in state.guests.values():
        for nic in guest.nics:
            mac = tap_mac(nic.mac)
            twice |= {mac} & owners.keys()
            owners[mac] = guest, nic
    return {key: owner for key, owner in owners.items() if key not in twice}


def _arrivals(state: HostState, kernel: PortTable) -> Iterator[Finding]:
    owners = state.owners()
    remade = {
        name
        for name, bridge in state.table.bridges.items()
        if name not in kernel.bridges or kernel.bridges[name].ifindex != bridge.ifindex
    }
    for index, now in kernel.ports.items():
        known = state.table.ports.get(index)
        stayed = known is not None and known.bridge == now.bridge and now.bridge not in remade
        subject = subject_of(owners, now)
        if not stayed or known is None or (known.name, known.mac) != (now.name, now.mac):
            yield subject, e.PortAttached(mac=now.mac)
        before = known.vlans if known is not None and stayed else NO_VLANS
        for fact in vlan_facts(before, now.vlans):
            yield subject, fact
