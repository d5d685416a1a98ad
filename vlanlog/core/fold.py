"""The projection: events applied one by one to what is known of a host.

Must not look at the clock or at the kernel: the same events give the same state.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import assert_never

from vlanlog.core import event as e
from vlanlog.core.state import (
    GENERATED,
    Assignee,
    Assignment,
    Bridge,
    ConfigInForce,
    ConfigRole,
    Coverage,
    Guest,
    HeldBridge,
    HeldPort,
    HostState,
    IfIndex,
    Port,
    PortTable,
    Seq,
)
from vlanlog.core.vlan import NO_VLANS

UP = frozenset({"start", "started", "reconnect", "attach"})
DOWN = frozenset({"stopped", "release"})

TOLD_ONLY = (
    e.DaemonStarted,
    e.DaemonStopped,
    e.ScriptFinished,
    e.ProgramIntended,
    e.ProgramFinished,
    e.ReplayStarted,
    e.ReplayFinished,
    e.GuestRefused,
    e.RevertDelayed,
    e.LogArchived,
)
"""Are the facts that change nothing of a state but its place: a fold may pass them by."""


def fold(events: Iterable[e.Recorded], state: HostState | None = None) -> HostState:
    """Returns the state after the events, beginning from ``state`` (nothing known)."""
    return advance(((item.seq, item.event) for item in events), state)


def advance(events: Iterable[tuple[Seq, e.Event]], state: HostState | None = None) -> HostState:
    """Returns the state after the events, each with its place in the log."""
    draft = _Draft(state or HostState())
    for seq, event in events:
        draft.apply(seq, event)
    return draft.state()


def with_guest(state: HostState, guest: Guest) -> HostState:
    """Returns the state with a running guest in it, its taps taken from whoever had the names."""
    draft = _Draft(state)
    draft.run(guest)
    return draft.state()


def assignee_of(subject: e.Subject) -> Assignee:
    """Returns whom an assignment is for: the NIC where the subject names one, else the port."""
    if subject.guest_uuid and subject.mac:
        return Assignee(guest_uuid=subject.guest_uuid, mac=subject.mac)
    return Assignee(port=subject.port or "")


class _Draft:
    """Is a state being written; no other code sees it before it is whole."""

    def __init__(self, state: HostState) -> None:
        self.seq = state.seq
        self.boot_id = state.boot_id
        self.bridges = dict(state.table.bridges)
        self.ports = dict(state.table.ports)
        self.guests = dict(state.guests)
        self.config = state.config
        self.assignments = {item.assignee: item for item in state.assignments}
        self.coverage = state.coverage
        self._holders: dict[str, set[str]] | None = None

    def state(self) -> HostState:
        return HostState(
            seq=self.seq,
            boot_id=self.boot_id,
            table=PortTable(bridges=self.bridges, ports=self.ports),
            guests=self.guests,
            config=self.config,
            assignments=tuple(self.assignments.values()),
            coverage=self.coverage,
        )

    def apply(self, seq: Seq, event: e.Event) -> None:
        self.seq = seq
        match event.fact:
            case e.HostBooted():
                self._boot(event.boot_id)
            case e.ConfigLoaded():
                self.config = _config_with(self.config, event.fact, seq)
            case e.ConfigRejected():
                rejected = {**self.config.rejected, event.fact.role: event.fact.digest}
                self.config = replace(self.config, rejected=rejected)
            case e.AssignmentSet():
                whom = assignee_of(event.subject)
                self.assignments.pop(whom, None)
                self.assignments[whom] = Assignment(
                    assignee=whom,
                    vlans=event.fact.vlans,
                    reason=event.fact.reason,
                    since=seq,
                )
            case e.AssignmentCleared():
                self.assignments.pop(assignee_of(event.subject), None)
            case e.HookInvoked() if event.boot_id == self.boot_id:
                self._hook(event.subject, event.fact)
            case e.GuestObserved() if event.boot_id == self.boot_id:
                subject = event.subject
                self.run(
                    Guest(
                        uuid=subject.guest_uuid or "",
                        name=subject.guest_name or "",
                        running=True,
                        nics=event.fact.nics,
                    )
                )
            case e.GapOpened():
                self.coverage = Coverage.GAP
            case e.GapClosed():
                self.coverage = Coverage.WATCHED
            case (
                e.PortAttached()
                | e.PortDetached()
                | e.BridgeChanged()
                | e.VlanAdded()
                | e.VlanRemoved()
            ) if event.boot_id == self.boot_id:
                self._kernel(event.subject, event.fact)
            case _:
                # The rest tells a story, or is a late arrival from a boot that is over.
                pass

    def _boot(self, boot_id: str) -> None:
        if boot_id == self.boot_id:
            return
        self.boot_id = boot_id
        self.bridges.clear()
        self.ports.clear()
        self.guests = {uuid: _stopped(guest) for uuid, guest in self.guests.items()}

    def _hook(self, subject: e.Subject, fact: e.HookInvoked) -> None:
        uuid = subject.guest_uuid
        if fact.driver != "qemu" or uuid is None:
            return
        known = self.guests.get(uuid)
        name = subject.guest_name or (known.name if known else "")
        has_xml = fact.xml_sha256 is not None and fact.xml_error is None
        nics = fact.nics if fact.nics or has_xml or known is None else known.nics
        if fact.operation in UP:
            self.run(Guest(uuid=uuid, name=name, running=True, nics=nics))
        elif fact.operation in DOWN:
            self._keep(_stopped(Guest(uuid=uuid, name=name, nics=nics)))
        elif known is None or not known.running:
            self._keep(Guest(uuid=uuid, name=name, nics=nics))

    def run(self, guest: Guest) -> None:
        self._take_taps(guest.uuid, {nic.tap for nic in guest.nics if nic.tap})
        self._keep(guest)

    def _keep(self, guest: Guest) -> None:
        self.guests[guest.uuid] = guest
        if self._holders is not None:
            _hold(self._holders, guest)

    def _take_taps(self, owner: str, taps: set[str]) -> None:
        # A guest that died with libvirtd calls no hook; its tap's name may be another's by now.
        if self._holders is None:
            self._holders = {}
            for guest in self.guests.values():
                _hold(self._holders, guest)
        for uuid in {uuid for tap in taps for uuid in self._holders.get(tap, ())} - {owner}:
            guest = self.guests[uuid]
            nics = (replace(nic, tap=None) if nic.tap in taps else nic for nic in guest.nics)
            self.guests[uuid] = replace(guest, nics=tuple(nics))
        for tap in taps:
            self._holders.pop(tap, None)

    def _kernel(self, subject: e.Subject, fact: _KernelFact) -> None:
        if isinstance(fact, e.BridgeChanged):
            self._bridge(subject, fact)
            return
        index = IfIndex(subject.ifindex or 0)
        port = self.ports.get(index) or Port(
            ifindex=index, name=subject.port or "", bridge=subject.bridge or ""
        )
        match fact:
            case e.PortAttached():
                moved = port.bridge != subject.bridge
                self.ports[index] = Port(
                    ifindex=index,
                    name=subject.port or "",
                    bridge=subject.bridge or "",
                    mac=fact.mac,
                    vlans=NO_VLANS if moved else port.vlans,
                )
            case e.PortDetached():
                self.ports.pop(index, None)
            case e.VlanAdded():
                self.ports[index] = replace(port, vlans=port.vlans.added(fact.range))
            case e.VlanRemoved():
                vlans = port.vlans.removed(fact.first, fact.last)
                self.ports[index] = replace(port, vlans=vlans)
            case _:
                assert_never(fact)

    def _bridge(self, subject: e.Subject, fact: e.BridgeChanged) -> None:
        name = subject.bridge or ""
        if fact.gone:
            self.bridges.pop(name, None)
            self.ports = {i: port for i, port in self.ports.items() if port.bridge != name}
            return
        self.bridges[name] = Bridge(
            ifindex=IfIndex(subject.ifindex or 0),
            name=name,
            vlan_filtering=fact.vlan_filtering,
            default_pvid=fact.default_pvid,
        )


_KernelFact = e.PortAttached | e.PortDetached | e.BridgeChanged | e.VlanAdded | e.VlanRemoved


def _hold(holders: dict[str, set[str]], guest: Guest) -> None:
    """Notes who may have each tap; who gave one up since is no matter."""
    for nic in guest.nics:
        if nic.tap:
            holders.setdefault(nic.tap, set()).add(guest.uuid)


def _stopped(guest: Guest) -> Guest:
    nics = (
        replace(nic, alias=None, tap=None if (nic.tap or "").startswith(GENERATED) else nic.tap)
        for nic in guest.nics
    )
    return replace(guest, running=False, nics=tuple(nics))


def _config_with(config: ConfigInForce, fact: e.ConfigLoaded, seq: Seq) -> ConfigInForce:
    loaded = {**config.loaded, fact.role: fact.digest}
    rejected = {role: digest for role, digest in config.rejected.items() if role != fact.role}
    match fact.role:
        case ConfigRole.BRIDGES:
            bridges = {}
            for bridge in fact.bridges:
                old = config.bridges.get(bridge.name)
                if old is None or old.entry != bridge:
                    old = HeldBridge(entry=bridge, since=seq)
                bridges[bridge.name] = old
            return replace(config, bridges=bridges, loaded=loaded, rejected=rejected)
        case ConfigRole.PORTS:
            ports = {}
            for port in fact.ports:
                held = config.ports.get(port.section)
                if held is None or held.entry != port:
                    held = HeldPort(entry=port, since=seq)
                ports[port.section] = held
            return replace(config, ports=ports, loaded=loaded, rejected=rejected)
        case _:
            assert_never(fact.role)
