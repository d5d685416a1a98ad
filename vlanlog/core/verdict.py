"""What keeps a guest's VLANs from being set, and whether it may start all the same.

Must not act: the hook's script asks before it programs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vlanlog.core.desired import EntryIndex
from vlanlog.core.entry import OnFailure
from vlanlog.core.state import Assignee, Guest, HeldPort, HostState, Nic, PortTable


def obstacles(state: HostState, kernel: PortTable, guest: Guest) -> tuple[str, ...]:
    """Returns a line for each NIC that an entry or an assignment names and that cannot be set.

    An entry of the guest that fits none of its NICs is an obstacle where one of them is left
    to the bridge's default: the entry was meant for it.
    """
    return tuple(_obstacles(state, kernel, guest))


def on_failure(state: HostState, guest: Guest) -> OnFailure:
    """Returns the strictest ``on-failure`` of the guest's entries; refuse where there is none."""
    entries = _entries(state, guest)
    allowed = entries and all(held.entry.on_failure is OnFailure.ALLOW for held in entries)
    return OnFailure.ALLOW if allowed else OnFailure.REFUSE


def _entries(state: HostState, guest: Guest) -> list[HeldPort]:
    index = EntryIndex(state.config)
    own = list(index.of_guest(guest.name, guest.uuid))
    return own or [held for held in state.config.ports.values() if held.entry.section == "*"]


def _obstacles(state: HostState, kernel: PortTable, guest: Guest) -> Iterator[str]:
    index = EntryIndex(state.config)
    by_name = {port.name: port for port in kernel.ports.values()}
    assigned = {item.assignee for item in state.assignments}
    fitting: set[str] = set()
    left_over = False
    for nic in guest.nics:
        port = by_name.get(nic.tap or "")
        bridge = kernel.bridges.get(port.bridge) if port else None
        held = index.for_nic(guest, nic, bridge)
        if held is not None:
            fitting.add(held.entry.section)
        if nic.native_vlan is not None:
            # libvirt has set it, or has refused the guest itself.
            continue
        if held is None and Assignee(guest_uuid=guest.uuid, mac=nic.mac) not in assigned:
            left_over = True
            continue
        if port is None or bridge is None:
            yield f"{_label(nic)} is in no bridge"
        elif not bridge.vlan_filtering:
            yield (
                f"{_label(nic)}: bridge {bridge.name} does not filter VLANs "
                f"(give it a section in bridge_init.conf and run 'vlanlog replay')"
            )
    if left_over:
        yield from _unfitting(index.of_guest(guest.name, guest.uuid), fitting)


def _unfitting(entries: Iterable[HeldPort], fitting: set[str]) -> Iterator[str]:
    for held in entries:
        if held.entry.section not in fitting:
            yield f"section [{held.entry.section}] fits no NIC of the guest"


def _label(nic: Nic) -> str:
    return f"NIC {nic.mac} ({nic.tap or 'no tap'})"
