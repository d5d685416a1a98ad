"""An operator's wish for one NIC or port: recorded, and carried out at once where that can be.

Must not print.
"""

from __future__ import annotations

import shlex
from dataclasses import replace

from vlanlog.core import event as e
from vlanlog.core.fold import assignee_of
from vlanlog.core.program import Scope, plan
from vlanlog.core.state import HostState, PortTable
from vlanlog.core.vlan import PortVlans, VidError, parse_vids
from vlanlog.errors import UsageError, VlanlogError
from vlanlog.host.commands.answer import Failure, WishAnswer
from vlanlog.host.commands.request import SetRequest, UnsetRequest
from vlanlog.host.commands.target import Target, wish_target
from vlanlog.host.host import Host
from vlanlog.replay import To, program, target


def set_wish(host: Host, request: SetRequest) -> WishAnswer:
    """Records what the target shall carry, and programs it.

    Raises: UsageError, KernelError, StoreError; each of them before anything is recorded.
    """
    kernel, found = _found(host, request)
    _refuse_native(host.state, found)
    vlans = _vlans(found.desired, request.pvid, request.tagged)
    host.journal.write([(found.subject, e.AssignmentSet(vlans=vlans, reason=request.reason))])
    return replace(_carried_out(host, kernel, found, later=request.later), vlans=vlans)


def unset_wish(host: Host, request: UnsetRequest) -> WishAnswer:
    """Withdraws the target's wish, and programs what the config says.

    Raises: as ``set_wish``.
    """
    kernel, found = _found(host, request)
    whom = assignee_of(found.subject)
    if all(item.assignee != whom for item in host.state.assignments):
        raise UsageError(f"{request.target} has no assignment", hint="see 'vlanlog state'")
    host.journal.write([(found.subject, e.AssignmentCleared(reason=request.reason))])
    return _carried_out(host, kernel, found, later=request.later)


def _found(host: Host, request: SetRequest | UnsetRequest) -> tuple[PortTable, Target]:
    host.load_config()
    kernel = host.look()
    return kernel, wish_target(host.state, kernel, request.target)


def _refuse_native(state: HostState, found: Target) -> None:
    guest = state.guests.get(found.subject.guest_uuid or "")
    for nic in guest.nics if guest else ():
        if guest and nic.mac == found.subject.mac and nic.native_vlan is not None:
            raise UsageError(
                f"{guest.name}/{nic.mac} has its VLANs from libvirt itself: "
                f"<vlan> {nic.native_vlan} in the domain's XML",
                hint=f"change it there, or take <vlan> out: virsh edit {shlex.quote(guest.name)}",
            )


def _carried_out(host: Host, kernel: PortTable, found: Target, *, later: bool) -> WishAnswer:
    if later or found.port is None:
        return WishAnswer()
    wanted = target(To.DESIRED, host.state, host.state, kernel)
    todo = plan(wanted, kernel, Scope(port=found.port.name))
    try:
        report = program(host.journal, host.kernel.eye, host.kernel.writer, todo)
    except VlanlogError as error:
        # The wish stands in the log all the same, and has to be told.
        return WishAnswer(failure=Failure.of(error))
    return WishAnswer(report=report)


def _vlans(now: PortVlans, pvid: str | None, tagged: str | None) -> PortVlans:
    native: int | None = now.pvid
    try:
        if pvid is not None:
            native = None if pvid == "none" else _only(parse_vids(pvid))
        own = 0 if now.pvid is None else 1 << now.pvid
        bits = now.members & ~own if tagged is None else parse_vids(tagged)
        return PortVlans.of(pvid=native, tagged=bits)
    except VidError as error:
        raise UsageError(str(error), hint="e.g. --pvid 100 --tagged 200,300-310") from error


def _only(bits: int) -> int:
    number = bits.bit_length() - 1
    if number < 0 or bits != 1 << number:
        raise VidError("a port has one PVID, expected one vid or 'none'")
    return number
