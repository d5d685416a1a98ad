"""A host in memory: a kernel that can be watched, a log, a clock, and the use cases upon them.

Must not compare anything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar
from uuid import UUID

from tests.fakes.kernel import FakeKernel
from tests.fakes.log import MemoryEventLog
from vlanlog import record, replay
from vlanlog.core import codec
from vlanlog.core import event as e
from vlanlog.core.entry import BridgeEntry, PortEntry
from vlanlog.core.fold import assignee_of
from vlanlog.core.observe import Finding
from vlanlog.core.plan import PortChange
from vlanlog.core.program import Plan, Scope, plan
from vlanlog.core.state import Assignee, ConfigRole, HostState, IfIndex
from vlanlog.core.vlan import PortVlans
from vlanlog.journal import Envelope, Journal
from vlanlog.replay import Report, To

SECOND_NS = 1_000_000_000
OPERATOR = e.Actor(source=e.ActorSource.OPERATOR, uid=0, user="root")

Carried = dict[str, PortVlans]
Answer = TypeVar("Answer")


class SteppingClock:
    """Is a clock that goes on by a second at each look, and counts its ids."""

    def __init__(self) -> None:
        self.at_ns = 1_700_000_000 * SECOND_NS
        self._ids = 0

    def now_ns(self) -> int:
        """Returns ns since the epoch, UTC."""
        self.at_ns += SECOND_NS
        return self.at_ns

    def new_id(self) -> UUID:
        """Returns an id that no one has."""
        self._ids += 1
        return UUID(int=self._ids)


class WatchedKernel(FakeKernel):
    """Is the fake kernel with a journal: what was asked, and what every port carried after it.

    ``between`` runs once, after the next request: another hand on the same bridge.
    """

    def __init__(self, log: MemoryEventLog) -> None:
        super().__init__()
        self._log = log
        self.steps: list[tuple[str, Carried]] = []
        self.kinds_before_first_request: list[str] = []
        self.between: Callable[[], None] | None = None

    def carried(self) -> Carried:
        """Returns what each port carries, by name."""
        return {port.name: port.vlans for port in self.read().ports.values()}

    def add(self, changes: Sequence[PortChange]) -> list[str]:
        """Takes one SETLINK per change."""
        return self._noted("add", bool(changes), lambda: super(WatchedKernel, self).add(changes))

    def delete(self, changes: Sequence[PortChange]) -> list[str]:
        """Takes one DELLINK per change."""
        return self._noted(
            "delete", bool(changes), lambda: super(WatchedKernel, self).delete(changes)
        )

    def set_vlan_filtering(self, bridge: IfIndex, on: bool) -> str:
        """Switches filtering."""
        return self._noted(
            f"vlan_filtering {int(on)}",
            True,
            lambda: super(WatchedKernel, self).set_vlan_filtering(bridge, on),
        )

    def set_default_pvid(self, bridge: IfIndex, default_pvid: int) -> str:
        """Moves the default PVID."""
        return self._noted(
            f"vlan_default_pvid {default_pvid}",
            True,
            lambda: super(WatchedKernel, self).set_default_pvid(bridge, default_pvid),
        )

    def _noted(self, what: str, sent: bool, ask: Callable[[], Answer]) -> Answer:
        if not sent:
            return ask()
        if not self.steps:
            kinds = (codec.kind_of(item.event.fact) for item in self._log.read())
            self.kinds_before_first_request = list(kinds)
        answer = ask()
        self.steps.append((what, self.carried()))
        if self.between is not None:
            other_hand, self.between = self.between, None
            other_hand()
        return answer


class Site:
    """Is one host through its boots."""

    def __init__(self, *, boot: str = "boot-1") -> None:
        self.log = MemoryEventLog()
        self.clock = SteppingClock()
        self.kernel = WatchedKernel(self.log)
        self.boot_id = boot
        self.journal = self.opened()

    def opened(self) -> Journal:
        """Returns what a command that starts now would have in hand."""
        envelope = Envelope(
            host="host",
            boot_id=self.boot_id,
            actor=OPERATOR,
            correlation_id=self.clock.new_id(),
        )
        self.journal = Journal(log=self.log, clock=self.clock, envelope=envelope)
        record.boot(self.journal)
        return self.journal

    def reboot(self, boot: str) -> None:
        """Begins another boot with a kernel that has nothing."""
        self.boot_id = boot
        self.kernel = WatchedKernel(self.log)
        self.opened()

    @property
    def state(self) -> HostState:
        """Returns what the journal knows."""
        return self.journal.state

    @property
    def eye(self) -> record.Rereading:
        """Returns what looks at the kernel for the record."""
        return record.Rereading(self.journal, self.kernel)

    def look(self) -> None:
        """Records what the log did not know of the kernel."""
        self.eye.look()

    def config(self, *entries: BridgeEntry | PortEntry) -> None:
        """Loads both files with these entries."""
        bridges = tuple(entry for entry in entries if isinstance(entry, BridgeEntry))
        ports = tuple(entry for entry in entries if isinstance(entry, PortEntry))
        files = [
            e.ConfigLoaded(
                role=ConfigRole.BRIDGES, file="b", digest=repr(bridges), bridges=bridges
            ),
            e.ConfigLoaded(role=ConfigRole.PORTS, file="p", digest=repr(ports), ports=ports),
        ]
        record.config(self.journal, files)

    def told(self, *findings: Finding) -> None:
        """Records facts that something else has found out: hooks, assignments."""
        self.journal.write(findings)

    def assigned(self, subject: e.Subject, vlans: PortVlans, reason: str = "r") -> None:
        """Records an operator's wish."""
        self.told((subject, e.AssignmentSet(vlans=vlans, reason=reason)))

    def has_assignment(self, subject: e.Subject) -> bool:
        """Tells whether a wish for the subject is in force."""
        whom: Assignee = assignee_of(subject)
        return any(item.assignee == whom for item in self.state.assignments)

    def planned(
        self, to: To = To.DESIRED, *, scope: Scope | None = None, at_ns: int | None = None
    ) -> Plan:
        """Returns the plan that a replay would carry out now."""
        self.look()
        then = self.state if at_ns is None else self.log.state(at_seq=self.log.seq_at(at_ns))
        kernel = self.kernel.read()
        return plan(replay.target(to, self.state, then, kernel), kernel, scope or Scope())

    def replayed(
        self, to: To = To.DESIRED, *, scope: Scope | None = None, at_ns: int | None = None
    ) -> Report:
        """Plans and carries out, as ``vlanlog replay`` does."""
        todo = self.planned(to, scope=scope, at_ns=at_ns)
        return replay.run(
            self.journal,
            self.eye,
            self.kernel,
            todo=todo,
            to=to,
            scope=scope or Scope(),
            at_ns=at_ns,
        )

    def facts(self, *kinds: str) -> list[e.Fact]:
        """Returns the facts of these kinds, all where none is named, in order."""
        return [
            item.event.fact
            for item in self.log.read()
            if not kinds or codec.kind_of(item.event.fact) in kinds
        ]
