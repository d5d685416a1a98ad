"""Adoption: what ports carry now becomes the wish for them.

Must not change the kernel: there is nothing to change.
"""

from __future__ import annotations

from collections.abc import Iterator

from vlanlog.core import event as e
from vlanlog.core.desired import Desired, PortWish, desired
from vlanlog.core.program import BridgePlan, Scope, plan
from vlanlog.core.state import IfIndex, Owners, Port, PortTable
from vlanlog.errors import UsageError
from vlanlog.host.commands.answer import AdoptAnswer, Adoption
from vlanlog.host.commands.names import check_devices
from vlanlog.host.commands.request import AdoptRequest
from vlanlog.host.commands.target import wish_subject, wish_target
from vlanlog.host.host import Host

UNNAMED = "nothing named it"


def adopted(host: Host, request: AdoptRequest) -> AdoptAnswer:
    """Records a wish for each port that carries something else than is desired.

    Raises: UsageError, KernelError, StoreError.
    """
    found = adoptable(host, request)
    host.journal.write(
        (item.subject, e.AssignmentSet(vlans=item.port.vlans, reason=request.reason))
        for item in found.ports
    )
    return found


def adoptable(host: Host, request: AdoptRequest) -> AdoptAnswer:
    """Returns what would be adopted.

    A port that nothing names is adopted only where it is named itself.
    Raises: UsageError, KernelError, StoreError.
    """
    request.check()
    errors = host.load_config().errors
    host.notes += errors
    kernel = host.look()
    wanted = desired(host.state, kernel)
    ports = list(_chosen(host, kernel, request))
    wishes = {wish.port.ifindex: wish for wish in wanted.ports}
    owners = host.state.owners()
    found = (_adoption(owners, port, wishes, named=bool(request.targets)) for port in ports)
    return AdoptAnswer(
        ports=tuple(item for item in found if item is not None),
        switches=_switches(wanted, kernel, {port.name for port in ports if port.is_self}),
        config_errors=errors,
    )


def _chosen(host: Host, kernel: PortTable, request: AdoptRequest) -> Iterator[Port]:
    """Yields each port that is meant once."""
    if request.targets:
        named = (_port(host, kernel, text) for text in request.targets)
        yield from {port.ifindex: port for port in named}.values()
        return
    check_devices(host.state, request.bridge)
    for port in kernel.ports.values():
        if request.bridge in (None, port.bridge):
            yield port


def _port(host: Host, kernel: PortTable, text: str) -> Port:
    port = wish_target(host.state, kernel, text).port
    if port is None:
        raise UsageError(
            f"{text} has no port now: it carries nothing that could be adopted",
            hint="start its guest, or say what it shall carry with 'vlanlog set'",
        )
    return port


def _adoption(
    owners: Owners, port: Port, wishes: dict[IfIndex, PortWish], *, named: bool
) -> Adoption | None:
    wish = wishes.get(port.ifindex)
    if not named if wish is None else wish.vlans == port.vlans:
        return None
    return Adoption(
        port=port,
        subject=wish_subject(owners, port),
        desired=wish.vlans if wish else None,
        instead_of=wish.because if wish else UNNAMED,
    )


def _switches(wanted: Desired, kernel: PortTable, bridges: set[str]) -> tuple[BridgePlan, ...]:
    """Returns what is due on the bridges' own switches, which no wish can be about."""
    due = plan(Desired(bridges=wanted.bridges), kernel, Scope()).bridges
    return tuple(item for item in due if item.bridge.name in bridges)
