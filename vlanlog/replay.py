"""Replay: plan from what is desired, record the intent, program, re-read, record what holds.

Must not construct adapters, and must not print: it returns what it did.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from uuid import UUID

from vlanlog.core import event as e
from vlanlog.core.authorship import Authorship, Intents
from vlanlog.core.desired import BridgeWish, Desired, Missing, PortWish, desired
from vlanlog.core.observe import Finding, subject_of
from vlanlog.core.plan import PortChange, additions, deletions
from vlanlog.core.program import BridgePlan, Plan, PortPlan, Scope
from vlanlog.core.state import HostState, IfIndex, Port, PortTable
from vlanlog.core.vlan import PortVlans, VlanRange
from vlanlog.journal import Journal
from vlanlog.ports import Eye, KernelWriter


class To(StrEnum):
    """Says what a replay aims at."""

    DESIRED = "desired"
    CONFIG = "config"
    OBSERVED = "observed"


def target(to: To, now: HostState, then: HostState, kernel: PortTable) -> Desired:
    """Returns what the ports of today shall carry, by what the log said at ``then``.

    Which guest owns which tap is always today's: a tap's name is not an identity.
    """
    match to:
        case To.DESIRED:
            past = replace(now, config=then.config, assignments=then.assignments)
            return desired(past, kernel)
        case To.CONFIG:
            return desired(replace(now, config=then.config, assignments=()), kernel)
        case To.OBSERVED:
            return _observed(now, then, kernel)


def _observed(now: HostState, then: HostState, kernel: PortTable) -> Desired:
    owners, past_owners = now.owners(), then.owners()
    by_nic = {
        (guest.uuid, nic.mac): port
        for port in then.table.ports.values()
        for guest, nic in filter(None, [past_owners.of(port)])
    }
    by_name = {port.name: port for port in then.table.ports.values()}
    ports = []
    for port in kernel.ports.values():
        owner = owners.of(port)
        past = by_nic.get((owner[0].uuid, owner[1].mac)) if owner else by_name.get(port.name)
        if past is not None and past.bridge == port.bridge:
            subject = subject_of(owners, port)
            ports.append(PortWish(port=port, vlans=past.vlans, because="observed", subject=subject))
    bridges = tuple(
        BridgeWish(
            name=bridge.name,
            vlan_filtering=bridge.vlan_filtering,
            default_pvid=bridge.default_pvid,
            because="observed",
        )
        for bridge in then.table.bridges.values()
        if bridge.name in kernel.bridges
    )
    missing = tuple(
        Missing(bridge=name, text=f"bridge {name} does not exist")
        for name in then.table.bridges
        if name not in kernel.bridges
    )
    return Desired(bridges=bridges, ports=tuple(ports), missing=missing)


@dataclass(frozen=True, slots=True, kw_only=True)
class PortResult:
    """Is how one port or bridge came out; error is empty where the plan was reached."""

    name: str
    outcome: e.Outcome
    found: PortVlans | None = None
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Is what a replay did, for people and for scripts.

    Units: messages counts the requests sent to the kernel.
    """

    plan: Plan
    results: tuple[PortResult, ...] = ()
    messages: int = 0

    @property
    def undone(self) -> tuple[str, ...]:
        """Returns a line for each thing that is not as it should be, and why."""
        failed = (f"{item.name}: {item.error}" for item in self.results if item.error)
        return (*self.plan.missing, *failed)

    @property
    def reached(self) -> Plan:
        """Returns the part of the plan whose ports a re-read found as planned."""
        # Results stand in the order of the plan, those of ports first.
        pairs = zip(self.plan.ports, self.results, strict=False)
        done = (item for item, result in pairs if result.outcome is e.Outcome.DONE)
        return replace(self.plan, ports=tuple(done))


def run(
    journal: Journal,
    eye: Eye,
    writer: KernelWriter,
    *,
    todo: Plan,
    to: To,
    scope: Scope,
    at_ns: int | None = None,
) -> Report:
    """Carries out the plan between a ``replay.started`` and a ``replay.finished``.

    Raises: KernelError, StoreError.
    """
    started = e.ReplayStarted(to=to.value, scope=str(scope), at_ns=at_ns)
    journal.write([(e.NO_SUBJECT, started)])
    report = program(journal, eye, writer, todo)
    finished = e.ReplayFinished(
        added=report.reached.added,
        removed=report.reached.removed,
        ports_changed=len(report.reached.ports),
        ports_unchanged=todo.unchanged,
        messages=report.messages,
        undone=report.undone,
    )
    journal.write([(e.NO_SUBJECT, finished)])
    return report


def program(journal: Journal, eye: Eye, writer: KernelWriter, todo: Plan) -> Report:
    """Records the intents, programs make before break, re-reads, records what was found.

    Raises: KernelError, StoreError.
    """
    if not todo:
        return Report(plan=todo)
    sent = writer.messages_sent
    intents = _intend(journal, todo)
    with journal.together():
        results = _carried_out(eye, writer, todo, Authorship(todo, intents))
        journal.write(_ends(todo, results, intents))
    return Report(plan=todo, results=results, messages=writer.messages_sent - sent)


def _carried_out(
    eye: Eye, writer: KernelWriter, todo: Plan, whose: Authorship
) -> tuple[PortResult, ...]:
    work = _Work(writer)
    for bridge in todo.bridges:
        if bridge.default_pvid is not None:
            error = writer.set_default_pvid(bridge.bridge.ifindex, bridge.default_pvid)
            work.note(bridge.bridge.ifindex, error)
    work.add(todo.ports)
    work.delete(_in_place(eye.look(whose, only=whose.ports), todo.ports))
    for bridge in todo.bridges:
        if bridge.filtering is not None:
            error = writer.set_vlan_filtering(bridge.bridge.ifindex, bridge.filtering)
            work.note(bridge.bridge.ifindex, error)
    table = eye.look(whose, only=whose.ports)
    broken = [item for item in todo.ports if item.wish.port.ifindex in work.errors]
    if broken:
        whose.undoing(broken)
        if work.undo(broken, table):
            table = eye.look(whose, only=whose.ports)
    return _results(todo, table, work.errors)


class _Work:
    """Sends the steps of a plan and keeps the first error of each device."""

    def __init__(self, writer: KernelWriter) -> None:
        self._writer = writer
        self.errors: dict[IfIndex, str] = {}

    def note(self, index: IfIndex, error: str) -> None:
        if error:
            self.errors.setdefault(index, error)

    def add(self, plans: Sequence[PortPlan]) -> None:
        changes = [_change(item.wish.port, item.adds) for item in plans if item.adds]
        for change, error in zip(changes, self._writer.add(changes), strict=True):
            self.note(change.ifindex, error)

    def delete(self, plans: Sequence[PortPlan]) -> None:
        ready = [item for item in plans if item.wish.port.ifindex not in self.errors]
        changes = [_change(item.wish.port, item.deletes) for item in ready if item.deletes]
        for change, error in zip(changes, self._writer.delete(changes), strict=True):
            self.note(change.ifindex, error)

    def undo(self, plans: Sequence[PortPlan], table: PortTable) -> bool:
        """Puts ports that were left half-way back to what they carried; tells whether any was."""
        back = []
        for item in plans:
            now = table.ports.get(item.wish.port.ifindex)
            if now is not None and now.vlans != item.before:
                back.append((now, item.before))
        adds = [(port, additions(port.vlans, before)) for port, before in back]
        gone = [(port, deletions(port.vlans, before)) for port, before in back]
        self._writer.add([_change(port, ranges) for port, ranges in adds if ranges])
        self._writer.delete([_change(port, ranges) for port, ranges in gone if ranges])
        return bool(back)


def _change(port: Port, ranges: tuple[VlanRange, ...]) -> PortChange:
    return PortChange(ifindex=port.ifindex, is_self=port.is_self, ranges=ranges)


def _in_place(table: PortTable, plans: Sequence[PortPlan]) -> list[PortPlan]:
    """Returns the plans whose additions the kernel now carries: only there may be deleted."""
    found = ((item, table.ports.get(item.wish.port.ifindex)) for item in plans)
    return [item for item, now in found if now and not additions(now.vlans, item.wish.vlans)]


def _intend(journal: Journal, todo: Plan) -> Intents:
    findings: list[Finding] = []
    for bridge in todo.bridges:
        subject = e.Subject(bridge=bridge.bridge.name, ifindex=bridge.bridge.ifindex)
        fact = e.ProgramIntended(steps=bridge.steps, because=bridge.because)
        findings.append((subject, fact))
    for item in todo.ports:
        wish = item.wish
        fact = e.ProgramIntended(
            before=item.before, after=wish.vlans, steps=item.steps, because=wish.because
        )
        findings.append((wish.subject, fact))
    ids = iter([event.event_id for event in journal.write(findings)])
    return Intents(
        bridges={item.bridge.ifindex: next(ids) for item in todo.bridges},
        ports={item.wish.port.ifindex: next(ids) for item in todo.ports},
    )


def _results(todo: Plan, table: PortTable, errors: dict[IfIndex, str]) -> tuple[PortResult, ...]:
    results = []
    switched = {item.bridge.name: item.bridge.ifindex for item in todo.bridges}
    for item in todo.ports:
        port = item.wish.port
        # A default PVID that did not move explains why a port came out otherwise.
        error = errors.get(port.ifindex) or errors.get(switched.get(port.bridge, port.ifindex), "")
        results.append(_port_result(item, table, error))
    for bridge in todo.bridges:
        results.append(_bridge_result(bridge, table, errors.get(bridge.bridge.ifindex, "")))
    return tuple(results)


def _ends(todo: Plan, results: Sequence[PortResult], intents: Intents) -> Iterator[Finding]:
    subjects = [(item.wish.subject, intents.ports) for item in todo.ports]
    subjects += [
        (e.Subject(bridge=item.bridge.name, ifindex=item.bridge.ifindex), intents.bridges)
        for item in todo.bridges
    ]
    indexes = [item.wish.port.ifindex for item in todo.ports]
    indexes += [item.bridge.ifindex for item in todo.bridges]
    for (subject, ids), index, result in zip(subjects, indexes, results, strict=True):
        yield subject, _finished(result, ids[index])


def _finished(result: PortResult, intent: UUID) -> e.ProgramFinished:
    return e.ProgramFinished(
        intent=intent, outcome=result.outcome, found=result.found, error=result.error
    )


def _port_result(item: PortPlan, table: PortTable, error: str) -> PortResult:
    port = item.wish.port
    now = table.ports.get(port.ifindex)
    if now is None:
        error = error or "the port is gone"
        return PortResult(name=port.name, outcome=e.Outcome.FAILED, error=error)
    if now.vlans == item.wish.vlans:
        return PortResult(name=port.name, outcome=e.Outcome.DONE, found=now.vlans)
    undone = now.vlans == item.before
    error = error or "something else changed the port at the same time"
    left = "left as it was" if undone else f"left with {now.vlans}"
    outcome = e.Outcome.UNDONE if undone else e.Outcome.PARTIAL
    return PortResult(name=port.name, outcome=outcome, found=now.vlans, error=f"{error} ({left})")


def _bridge_result(item: BridgePlan, table: PortTable, error: str) -> PortResult:
    now = table.bridges.get(item.bridge.name)
    if now is None:
        error = error or "the bridge is gone"
    elif item.default_pvid is not None and now.default_pvid != item.default_pvid:
        error = error or f"vlan_default_pvid is {now.default_pvid}"
    elif item.filtering is not None and now.vlan_filtering != item.filtering:
        error = error or f"vlan_filtering is {int(now.vlan_filtering)}"
    outcome = e.Outcome.FAILED if error else e.Outcome.DONE
    return PortResult(name=item.bridge.name, outcome=outcome, error=error)
