"""Finds the NIC or port that an operator's wish is for, and what it should carry by now.

Must not write anything.
"""

from __future__ import annotations

from dataclasses import dataclass

from vlanlog.core import event as e
from vlanlog.core.desired import EntryIndex, desired
from vlanlog.core.observe import subject_of
from vlanlog.core.state import Assignee, Bridge, Guest, HostState, Nic, Owners, Port, PortTable
from vlanlog.core.vlan import NO_VLANS, PortVlans
from vlanlog.errors import UsageError
from vlanlog.host.commands.names import guest_named, suggestion


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Is whom a wish is for; port is None where the guest is not running."""

    subject: e.Subject
    port: Port | None
    desired: PortVlans


def wish_target(state: HostState, kernel: PortTable, text: str) -> Target:
    """Returns the NIC or port that the text names: ``veth0``, ``VM1/MAC``, ``VM1/net0``.

    A port that a guest owns stands for the guest's NIC: its name may go to another tomorrow.
    Raises: UsageError with near names.
    """
    port = kernel.named(text)
    if port is not None:
        subject = wish_subject(state.owners(), port)
        return Target(subject=subject, port=port, desired=_desired(state, kernel, port))
    for item in state.assignments:
        if item.assignee.port == text:
            # Of a device that is gone: it must be possible to withdraw the wish all the same.
            return Target(subject=e.Subject(port=text), port=None, desired=item.vlans)
    guest, nic = _nic(state, kernel, text)
    port = kernel.named(nic.tap) if nic.tap and guest.running else None
    if port is not None:
        return wish_target(state, kernel, port.name)
    subject = e.Subject(guest_uuid=guest.uuid, guest_name=guest.name, mac=nic.mac, port=nic.tap)
    bridge = kernel.bridges.get(nic.bridge or "")
    return Target(subject=subject, port=None, desired=_at_rest(state, guest, nic, bridge))


def wish_subject(owners: Owners, port: Port) -> e.Subject:
    """Returns the subject of a wish for the port: its NIC where a guest owns it.

    Else by name alone: a device that comes back has another ifindex.
    """
    subject = subject_of(owners, port)
    if subject.guest_uuid is None:
        return e.Subject(bridge=port.bridge, port=port.name)
    return subject


def _desired(state: HostState, kernel: PortTable, port: Port) -> PortVlans:
    wishes = desired(state, kernel).ports
    return next((wish.vlans for wish in wishes if wish.port == port), port.vlans)


def _at_rest(state: HostState, guest: Guest, nic: Nic, bridge: Bridge | None) -> PortVlans:
    """Returns what the NIC would get if its guest started now: the newest of wish and entry."""
    whom = Assignee(guest_uuid=guest.uuid, mac=nic.mac)
    held = EntryIndex(state.config).for_nic(guest, nic, bridge)
    for item in state.assignments:
        if item.assignee == whom and (held is None or item.since > held.since):
            return item.vlans
    return held.entry.vlans if held else NO_VLANS


def _nic(state: HostState, kernel: PortTable, text: str) -> tuple[Guest, Nic]:
    name, slash, which = text.rpartition("/")
    if slash:
        guest = guest_named(state, name)
        for nic in guest.nics if guest else ():
            if guest and (which.lower() == nic.mac or which == nic.alias):
                return guest, nic
    for owner in state.guests.values():
        for nic in owner.nics:
            if nic.tap == text:
                return owner, nic
    names = [port.name for port in kernel.ports.values()]
    names += [f"{g.name}/{nic.mac}" for g in state.guests.values() for nic in g.nics]
    raise UsageError(f"no port and no NIC is called {text!r}", hint=suggestion(text, names))
