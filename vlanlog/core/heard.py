"""What is new in what the kernel says of itself, as facts over what the log says it carries.

Must not read the kernel or guess who did it.
Law: folding the facts over the state gives the table that the kernel then shows, but for what
it changes without a word (docs/kernel-notes.md); core/observe.py finds those.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import assert_never

from vlanlog.core import event as e
from vlanlog.core.notice import LinkMessage, Notice, PortMessage, VlanMessage
from vlanlog.core.observe import (
    Finding,
    LastOwners,
    departure,
    differences,
    last_owners,
    subject_of,
    vlan_facts,
)
from vlanlog.core.state import Bridge, HostState, IfIndex, Owners, Port, PortTable
from vlanlog.core.vlan import NO_VLANS, PortVlans


class Hearing:
    """Follows the kernel's notices over what the log says; hands out the facts that are new.

    To be made anew after a loss: what it remembers is what the log's state cannot hold.
    """

    def __init__(self) -> None:
        self._early: dict[IfIndex, PortVlans] = {}
        self._parting: set[IfIndex] = set()
        self._held: list[Notice] = []

    @property
    def waits(self) -> bool:
        """Tells whether the last notices were held back: a port may just be leaving.

        The kernel first says of each of its VLANs that it is gone and then that the port is,
        all under one lock: what does not follow once that was free will not follow.
        """
        return bool(self._held)

    def take(self, state: HostState, notices: Sequence[Notice]) -> list[Finding]:
        """Returns what the notices say beyond the state, in the order heard."""
        return self._heard(state, [*self._held, *notices], last=False)

    def release(self, state: HostState) -> list[Finding]:
        """Returns what was held back, as removals that somebody made: nothing followed.

        To be asked for when that lock was free meanwhile and nothing was left to take.
        """
        return self._heard(state, self._held, last=True)

    def _heard(self, state: HostState, notices: Sequence[Notice], *, last: bool) -> list[Finding]:
        self._held = []
        draft = _Draft(state)
        ends = _Ends(notices, last=last)
        for at, notice in enumerate(notices):
            match notice:
                case VlanMessage():
                    if not self._vlans(draft, ends, at, notice):
                        self._held = list(notices[at:])
                        break
                case PortMessage():
                    self._port(draft, notice)
                case LinkMessage():
                    self._parting.discard(notice.ifindex)
                    draft.place(notice, self._early.pop(notice.ifindex, NO_VLANS))
                case _:
                    assert_never(notice)
        return draft.findings

    def _vlans(self, draft: _Draft, ends: _Ends, at: int, notice: VlanMessage) -> bool:
        """Takes VLANs; tells whether that could be done before it is known what follows."""
        port = draft.ports.get(notice.ifindex)
        if port is None:
            self._remember(notice)
            return True
        if not notice.gone:
            self._parting.discard(notice.ifindex)
        elif port.is_self or notice.ifindex in self._parting:
            left = ends.left(at, port, draft.bridge_of(port))
            if left is not False:
                # A flush is no news beside the leaving that it is a part of.
                return left is True
        draft.carry(port, _after(port.vlans, notice))
        return True

    def _remember(self, notice: VlanMessage) -> None:
        """Keeps the VLANs of a port that the kernel has not yet placed: those of a new bridge."""
        self._early[notice.ifindex] = _after(self._early.get(notice.ifindex, NO_VLANS), notice)

    def _port(self, draft: _Draft, notice: PortMessage) -> None:
        if notice.switchdev:
            return
        if notice.gone:
            self._parting.add(notice.ifindex)
            return
        self._parting.discard(notice.ifindex)
        port = draft.ports.get(notice.ifindex)
        if port is not None:
            draft.carry(port, notice.vlans)


def _after(vlans: PortVlans, notice: VlanMessage) -> PortVlans:
    for item in notice.ranges:
        vlans = vlans.removed(item.first, item.last) if notice.gone else vlans.added(item)
    return vlans


class _Ends:
    """Looks ahead for what tells a leaving port's VLANs from those that somebody takes away."""

    def __init__(self, notices: Sequence[Notice], *, last: bool) -> None:
        self._notices = notices
        self._last = last
        self._told: dict[IfIndex, tuple[int, bool | None]] = {}

    def left(self, at: int, port: Port, bridge: Bridge | None) -> bool | None:
        """Tells whether the port left its bridge right after the removals of which one is ``at``.

        Returns None where the notices end before they tell and are not the last.
        """
        until, left = self._told.get(port.ifindex, (-1, None))
        if at >= until:
            until, left = self._look(at, port, bridge)
            self._told[port.ifindex] = until, left
        return left

    def _look(self, at: int, port: Port, bridge: Bridge | None) -> tuple[int, bool | None]:
        for number in range(at + 1, len(self._notices)):
            notice = self._notices[number]
            if notice.ifindex != port.ifindex:
                # Nothing stands between the flush of a bridge's own VLANs and its end
                # (br_dev_uninit). In a port's leaving its bridge speaks, and the devices that
                # stand on the port may leave bridges of theirs.
                if port.is_self:
                    return number, False
                continue
            if isinstance(notice, VlanMessage) and notice.gone:
                continue
            return number, isinstance(notice, LinkMessage) and not _stays(notice, port, bridge)
        return len(self._notices), False if self._last else None


def _stays(link: LinkMessage, port: Port, bridge: Bridge | None) -> bool:
    if link.gone:
        return False
    return port.is_self or (bridge is not None and link.master == bridge.ifindex)


class _Draft:
    """Is the table while it is followed, and what was found: at every step one folds to the other.

    Work on a notice does not grow with the number of ports, except where a bridge ends or takes
    another name.
    """

    def __init__(self, state: HostState) -> None:
        self._state = state
        self._bridges = dict(state.table.bridges)
        self.ports = dict(state.table.ports)
        self.findings: list[Finding] = []
        self._subjects: dict[IfIndex, e.Subject] = {}
        self._owners: Owners | None = None
        self._last_owners: LastOwners | None = None

    def bridge_of(self, port: Port) -> Bridge | None:
        """Returns the bridge that the port is in."""
        return self._bridges.get(port.bridge)

    def carry(self, port: Port, vlans: PortVlans) -> None:
        """Finds that the port carries these VLANs."""
        if vlans == port.vlans:
            return
        self.ports[port.ifindex] = replace(port, vlans=vlans)
        subject = self._subject(port)
        self.findings += ((subject, fact) for fact in vlan_facts(port.vlans, vlans))

    def place(self, link: LinkMessage, early: PortVlans) -> None:
        """Finds where a device now is; ``early`` are VLANs that were heard of before."""
        known = self.ports.get(link.ifindex)
        if link.kind == "bridge" and not link.gone:
            self._place_bridge(link, early)
        elif known is not None and known.is_self:
            if link.gone:
                self._end_bridge(known)
        else:
            self._place_port(link, known, early)

    def _place_port(self, link: LinkMessage, known: Port | None, early: PortVlans) -> None:
        master = None if link.gone or link.master is None else self.ports.get(link.master)
        # A bond or a VRF is a master too.
        over = master.bridge if master is not None and master.is_self else None
        if known is not None and known.bridge != over:
            self._detach(known)
            known = None
        if over is None:
            return
        port = Port(
            ifindex=link.ifindex,
            name=link.name,
            bridge=over,
            mac=link.mac,
            vlans=known.vlans if known is not None else NO_VLANS,
        )
        if port != known:
            self._attach(port)
        if known is None:
            self.carry(port, early)

    def _place_bridge(self, link: LinkMessage, early: PortVlans) -> None:
        if link.default_pvid is None:
            # A kernel whose bridges know no VLANs; reading it says so.
            return
        bridge = Bridge(
            ifindex=link.ifindex,
            name=link.name,
            vlan_filtering=bool(link.vlan_filtering),
            default_pvid=link.default_pvid,
        )
        known = self._bridges.get(bridge.name)
        own = self.ports.get(bridge.ifindex)
        if known is None and own is None:
            self._change(bridge)
            port = Port(ifindex=bridge.ifindex, name=bridge.name, bridge=bridge.name)
            self._attach(port)
            self.carry(port, early)
        elif known is None or known.ifindex != bridge.ifindex:
            self._rename(bridge, own, early)
        elif known != bridge:
            self._change(bridge)

    def _change(self, bridge: Bridge) -> None:
        self._bridges[bridge.name] = bridge
        fact = e.BridgeChanged(
            vlan_filtering=bridge.vlan_filtering, default_pvid=bridge.default_pvid
        )
        self.findings.append((e.Subject(bridge=bridge.name, ifindex=bridge.ifindex), fact))

    def _rename(self, bridge: Bridge, own: Port | None, early: PortVlans) -> None:
        """Finds that a bridge took another name, or the name of one whose end was not heard."""
        was = own.bridge if own is not None and own.is_self else None
        bridges = {
            name: item
            for name, item in self._bridges.items()
            if bridge.ifindex != item.ifindex and bridge.name != name
        }
        ports = {
            index: replace(port, bridge=bridge.name) if port.bridge == was else port
            for index, port in self.ports.items()
            if port.bridge == was or port.bridge in bridges
        }
        ports[bridge.ifindex] = Port(
            ifindex=bridge.ifindex,
            name=bridge.name,
            bridge=bridge.name,
            vlans=early if was is None or own is None else own.vlans,
        )
        table = PortTable(bridges={**bridges, bridge.name: bridge}, ports=ports)
        before = PortTable(bridges=self._bridges, ports=self.ports)
        self.findings += differences(replace(self._state, table=before), table)
        self._bridges, self.ports = dict(table.bridges), ports
        self._subjects.clear()

    def _end_bridge(self, own: Port) -> None:
        subject = e.Subject(bridge=own.name, ifindex=own.ifindex)
        self.findings.append((subject, e.BridgeChanged(gone=True)))
        self._bridges.pop(own.name, None)
        for port in [port for port in self.ports.values() if port.bridge == own.name]:
            self._detach(port)

    def _attach(self, port: Port) -> None:
        self.ports[port.ifindex] = port
        self._subjects.pop(port.ifindex, None)
        self.findings.append((self._subject(port), e.PortAttached(mac=port.mac)))

    def _detach(self, port: Port) -> None:
        del self.ports[port.ifindex]
        if self._last_owners is None:
            self._last_owners = last_owners(self._state)
        self.findings.append(departure(self._last_owners, port))

    def _subject(self, port: Port) -> e.Subject:
        subject = self._subjects.get(port.ifindex)
        if subject is None:
            if self._owners is None:
                self._owners = self._state.owners()
            subject = self._subjects[port.ifindex] = subject_of(self._owners, port)
        return subject
