"""What the log can say: an envelope, its subject, its actor, and the closed union of facts.

Must not know how an event is written down; codec does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from vlanlog.core.entry import BridgeEntry, PortEntry
from vlanlog.core.state import ConfigRole, Nic, Seq
from vlanlog.core.vlan import NO_VLANS, PortVlans, Vid, VlanRange, flags_of


class ActorSource(StrEnum):
    """Tells how an actor is known."""

    HOOK = "hook"
    OPERATOR = "operator"
    DAEMON = "daemon"
    KERNEL = "kernel"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Is who did it, as far as it is known; what is not known is None.

    Units: uid and login_uid are user ids; login_uid is the audit login uid of the session.
    Source: proc(5), ``/proc/PID/loginuid``, ``comm``, ``cmdline``.
    """

    source: ActorSource
    uid: int | None = None
    user: str | None = None
    login_uid: int | None = None
    pid: int | None = None
    command: str | None = None
    parent: str | None = None


UNKNOWN_ACTOR = Actor(source=ActorSource.UNKNOWN)
"""Is whoever did what a re-read found: neither who nor when is known."""

UNKNOWN_WRITER = Actor(source=ActorSource.KERNEL)
"""Is whoever did what the kernel told as it happened, without telling who did it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Is what an event is about: the indexed columns. A port's name and number are of its boot."""

    guest_uuid: str | None = None
    guest_name: str | None = None
    mac: str | None = None
    bridge: str | None = None
    port: str | None = None
    ifindex: int | None = None


NO_SUBJECT = Subject()


@dataclass(frozen=True, slots=True, kw_only=True)
class HostBooted:
    """Says that a new boot id was met: every port of the old boot is gone."""

    previous_boot_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonStarted:
    """Says that the daemon began to watch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonStopped:
    """Says that the daemon ended by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GapOpened:
    """Says that changes may have gone unseen from here on, or since an earlier time.

    Units: since_ns is the last time that is vouched for, ns since the epoch, UTC; None is now.
    """

    reason: str
    since_ns: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GapClosed:
    """Says that the kernel was re-read and the watch goes on."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HookInvoked:
    """Says that libvirt called a hook; guest name and UUID are the event's subject.

    Shape: argv as libvirt gave it (object, operation, sub-operation, extra); nics as the
    domain XML names them, empty for daemon hooks; xml_sha256 is of the XML with passwords
    blanked, in hex.
    Source: docs/hooks.rst of libvirt.
    """

    driver: str
    operation: str
    sub_operation: str
    extra: str
    object: str
    daemon: str | None = None
    nics: tuple[Nic, ...] = ()
    xml_sha256: str | None = None
    xml_error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptFinished:
    """Says how a script of a ``.d`` folder ended.

    Units: duration_ns.
    Shape: exit_status is 128 + N where signal N ended it, None where it could not be run;
    log_tail is the end of what it wrote.
    """

    hook: str
    script: str
    exit_status: int | None
    duration_ns: int
    timed_out: bool = False
    log_tail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigLoaded:
    """Says that a config file without errors came into force; content is the whole of it."""

    role: ConfigRole
    file: str
    digest: str
    bridges: tuple[BridgeEntry, ...] = ()
    ports: tuple[PortEntry, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigRejected:
    """Says that a config file has errors, each as ``file:line: …``; the last good one stays."""

    role: ConfigRole
    file: str
    digest: str
    errors: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PortAttached:
    """Says that a port is in a bridge (subject: port, ifindex, bridge)."""

    mac: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PortDetached:
    """Says that a port left its bridge or is gone; its VLANs went with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BridgeChanged:
    """Says how a bridge is set, or that it is gone (subject: bridge, ifindex).

    Units: default_pvid 0-4094.
    """

    vlan_filtering: bool = False
    default_pvid: int = 1
    gone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class VlanAdded:
    """Says that a port carries the vids from first to last with these flags.

    Units: vid 1-4094. A PVID stands alone (first equals last).
    """

    first: int
    last: int
    pvid: bool = False
    untagged: bool = False
    cause: UUID | None = None

    @property
    def range(self) -> VlanRange:
        """Returns the vids with their flags."""
        flags = flags_of(pvid=self.pvid, untagged=self.untagged)
        return VlanRange(Vid(self.first), Vid(self.last), flags)


@dataclass(frozen=True, slots=True, kw_only=True)
class VlanRemoved:
    """Says that a port no longer carries the vids from first to last.

    Units: vid 1-4094.
    """

    first: int
    last: int
    cause: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramIntended:
    """Says, before the kernel is touched, from what to what a port will be set and by which steps.

    For a bridge's own switches (filtering, default PVID) before and after are its VLANs
    unchanged and the steps say what is set.
    """

    before: PortVlans = NO_VLANS
    after: PortVlans = NO_VLANS
    steps: tuple[str, ...] = ()
    because: str = ""


class Outcome(StrEnum):
    """Tells how the programming of one port ended."""

    DONE = "done"
    UNDONE = "undone"
    PARTIAL = "partial"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramFinished:
    """Says what a re-read found after an intent."""

    intent: UUID
    outcome: Outcome
    found: PortVlans | None = None
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignmentSet:
    """Says what an operator wants for the NIC or port that is the subject."""

    vlans: PortVlans
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignmentCleared:
    """Says that the wish for the subject is withdrawn: config decides again."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayStarted:
    """Says what a replay aims at and over what.

    Units: at_ns is ns since the epoch, UTC; None is now.
    """

    to: str
    scope: str
    at_ns: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayFinished:
    """Says what a replay did: vids added and removed, ports left as they were, what was not done.

    Shape: undone holds one line per port or bridge.
    """

    added: int
    removed: int
    ports_changed: int
    ports_unchanged: int
    messages: int
    undone: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestObserved:
    """Says which NICs a running guest has, though no hook told of it: a hot plug, say.

    Shape: source is the file that was read; the guest is the event's subject.
    """

    nics: tuple[Nic, ...]
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RevertDelayed:
    """Says that a port which something else keeps changing is put back only after a while.

    Units: delay_s; reverts counts those that came to nothing.
    """

    reverts: int
    delay_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestRefused:
    """Says what kept a guest's VLANs from being set, and the verdict that the hook gave."""

    operation: str
    problems: tuple[str, ...]
    refused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LogArchived:
    """Says that a stretch of this log is in a file, before any of it goes from the database.

    Units: since_ns and until_ns, its earliest and its latest time, are ns since the epoch, UTC.
    Shape: first and last are seqs; all else is hex: after_hash is the hash of the event before
    first, hash that of last, sha256 is the file's, state_sha256 that of the folded state which
    the database keeps for it, earlier that of this fact of the archive before, if any.
    """

    first: int
    last: int
    after_hash: str
    hash: str
    since_ns: int
    until_ns: int
    file: str
    size_bytes: int
    sha256: str
    state_sha256: str
    earlier: str = ""


Fact = (
    HostBooted
    | DaemonStarted
    | DaemonStopped
    | GapOpened
    | GapClosed
    | HookInvoked
    | ScriptFinished
    | ConfigLoaded
    | ConfigRejected
    | PortAttached
    | PortDetached
    | BridgeChanged
    | VlanAdded
    | VlanRemoved
    | ProgramIntended
    | ProgramFinished
    | AssignmentSet
    | AssignmentCleared
    | ReplayStarted
    | ReplayFinished
    | GuestRefused
    | GuestObserved
    | RevertDelayed
    | LogArchived
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Is something to be recorded: not yet in the log, so without a place in its order.

    Units: at_ns is ns since the epoch, UTC. The clock never orders; ``seq`` does.
    Shape: event_id is a UUIDv7; correlation_id ties together one hook call or one command.
    """

    event_id: UUID
    at_ns: int
    host: str
    boot_id: str
    actor: Actor
    correlation_id: UUID
    fact: Fact
    subject: Subject = field(default=NO_SUBJECT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """Is an event in the log: its place, and the link of the hash chain that holds it there."""

    seq: Seq
    event: Event
    prev_hash: bytes
    hash: bytes
