"""The three layers of a host's VLANs: kernel, observed, desired.

Must not change any of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from vlanlog.core.compared import Side
from vlanlog.core.state import Bridge, HostState, PortTable
from vlanlog.host.host import Host
from vlanlog.host.place import Place

if TYPE_CHECKING:
    from vlanlog.core.desired import BridgeWish


class Layer(StrEnum):
    """Names a layer, in the words of the documentation."""

    KERNEL = "kernel"
    OBSERVED = "observed"
    DESIRED = "desired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Is a layer: what each port carries, and the state that tells whose port it is.

    Shape: ``is_whole`` is false where it holds only what something names.
    """

    table: PortTable
    state: HostState
    missing: tuple[str, ...] = ()
    is_whole: bool = True

    @property
    def side(self) -> Side:
        """Returns the layer as one side of a comparison."""
        return Side(
            table=self.table,
            boot_id=self.state.boot_id,
            owners=self.state.owners(),
            is_whole=self.is_whole,
        )


def layer_table(host: Host, layer: Layer, place: Place | None = None) -> Found:
    """Returns a layer now, or as the log says it was; the kernel has no past.

    Desired holds only ports that something names.
    Raises: KernelError, StoreError.
    """
    then = host.state_at(place)
    match layer:
        case Layer.KERNEL:
            return Found(table=host.kernel.reader.read(), state=host.state)
        case Layer.OBSERVED:
            return Found(table=then.table, state=then)
        case Layer.DESIRED:
            return _desired(host, then, now=place is None)


def _desired(host: Host, then: HostState, *, now: bool) -> Found:
    # The other layers need not wait for what decides.
    from vlanlog.replay import To, target

    if now:
        # A look would fold the kernel into what is observed, which may be the other layer asked.
        host.load_config()
        kernel, then = host.kernel.reader.read(), host.state
    else:
        kernel = then.table
    wanted = target(To.DESIRED, then, then, kernel)
    ports = {wish.port.ifindex: replace(wish.port, vlans=wish.vlans) for wish in wanted.ports}
    bridges = {wish.name: _switched(kernel.bridges[wish.name], wish) for wish in wanted.bridges}
    return Found(
        table=PortTable(bridges=bridges, ports=ports),
        state=then,
        missing=tuple(item.text for item in wanted.missing),
        is_whole=False,
    )


def _switched(bridge: Bridge, wish: BridgeWish) -> Bridge:
    kept = bridge.default_pvid if wish.default_pvid is None else wish.default_pvid
    return replace(bridge, vlan_filtering=wish.vlan_filtering, default_pvid=kept)
