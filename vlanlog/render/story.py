"""One line of a history in words: what happened, and why.

Must not print.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import assert_never

from vlanlog.core import event as e
from vlanlog.core.vlan import NO_VLANS
from vlanlog.history import Line
from vlanlog.render.words import change, count, iso, lasting, when


def what(line: Line, *, utc: bool = False) -> str:
    """Returns what the line tells, in the words of bridge(8) and libvirt."""
    if isinstance(line.event.fact, e.PortAttached):
        return _arrival(line)
    if line.before is not None and line.after is not None:
        return f"{line.event.subject.port} {change(line.before, line.after) or 'unchanged'}"
    if isinstance(line.event.fact, e.GapOpened):
        return _gap(line.event.fact, utc=utc)
    if isinstance(line.event.fact, e.GapClosed) and line.since_ns is not None:
        length_ns = max(0, line.event.at_ns - line.since_ns)
        return f"-- not recorded for {lasting(length_ns)} --"
    return _fact(line.event.fact, line.event.subject)


def why(line: Line) -> str:
    """Returns the reason that the log holds for the line, empty where it holds none."""
    if isinstance(line.event.fact, e.GapClosed):
        return "; ".join(filter(None, (line.why, line.event.fact.reason)))
    if line.why:
        return line.why
    match line.event.fact:
        case e.AssignmentSet() | e.AssignmentCleared() | e.GapOpened():
            return line.event.fact.reason
        case e.ScriptFinished() if line.event.fact.exit_status:
            return (line.event.fact.log_tail.strip().splitlines() or [""])[-1]
        case e.HostBooted():
            return "another boot id"
        case e.GuestRefused():
            return "; ".join(line.event.fact.problems)
        case e.ConfigRejected():
            return "; ".join(line.event.fact.errors)
        case e.ProgramFinished():
            return line.event.fact.error
        case e.RevertDelayed():
            return f"{count(line.event.fact.reverts, 'revert')} came to nothing"
        case e.GuestObserved():
            return f"read from {line.event.fact.source}"
        case _ if line.event.actor.source is e.ActorSource.UNKNOWN:
            return "found by a re-read"
        case e.VlanAdded() | e.VlanRemoved() | e.BridgeChanged() if _is_foreign(line.event):
            return "foreign"
        case _:
            return ""


def _is_foreign(event: e.Event) -> bool:
    return event.actor.source is e.ActorSource.KERNEL


def _arrival(line: Line) -> str:
    subject = line.event.subject
    own = subject.port == subject.bridge
    words = f"bridge {subject.bridge}" if own else f"{subject.port} joined {subject.bridge}"
    return f"{words}: {line.after}" if line.after else words


def _fact(fact: e.Fact, subject: e.Subject) -> str:
    match fact:
        case e.HookInvoked():
            return _hook(fact)
        case e.ScriptFinished():
            return f"script {fact.hook}.d/{fact.script} {_ending(fact)}"
        case e.PortAttached():
            return f"{subject.port} joined {subject.bridge}"
        case e.PortDetached():
            return f"{subject.port} left {subject.bridge}"
        case e.BridgeChanged():
            if fact.gone:
                return f"bridge {subject.bridge} is gone"
            filtering = f"vlan_filtering {int(fact.vlan_filtering)}"
            return f"{subject.bridge} {filtering} vlan_default_pvid {fact.default_pvid}"
        case e.AssignmentSet():
            return f"set {subject.port or subject.mac} {fact.vlans}"
        case e.AssignmentCleared():
            return f"unset {subject.port or subject.mac}"
        case e.ProgramFinished():
            found = f", carries {fact.found}" if fact.found is not None else ""
            return f"{subject.port or subject.bridge} {fact.outcome.value}{found}"
        case e.GuestRefused():
            verdict = "refused" if fact.refused else "allowed"
            return f"VLANs could not be set at {fact.operation}: {verdict}"
        case e.HostBooted():
            return "host booted"
        case e.DaemonStarted():
            return "daemon started"
        case e.DaemonStopped():
            return "daemon stopped"
        case e.GapOpened():
            return _gap(fact, utc=True)
        case e.GapClosed():
            return "-- recorded again --"
        case e.ConfigLoaded():
            return f"config {fact.file} loaded"
        case e.ConfigRejected():
            return f"config {fact.file} refused, {count(len(fact.errors), 'error')}"
        case e.ReplayStarted():
            then = f" at {iso(fact.at_ns)}" if fact.at_ns is not None else ""
            return f"replay of {fact.scope} to {fact.to}{then}"
        case e.ReplayFinished():
            left = f", {len(fact.undone)} left undone" if fact.undone else ""
            changed = count(fact.ports_changed, "port")
            return f"replay done: +{fact.added} -{fact.removed} on {changed}{left}"
        case e.ProgramIntended():
            return f"intended {change(fact.before, fact.after) or '; '.join(fact.steps)}"
        case e.VlanAdded() | e.VlanRemoved():
            return change(NO_VLANS, NO_VLANS)
        case e.GuestObserved():
            return f"{subject.guest_name} runs with {count(len(fact.nics), 'NIC')}"
        case e.RevertDelayed():
            return f"{subject.port or subject.bridge} not put back for {fact.delay_s:g} s"
        case e.LogArchived():
            return f"events {fact.first}-{fact.last} are archived in {PurePath(fact.file).name}"
        case _:
            assert_never(fact)


def _gap(fact: e.GapOpened, *, utc: bool) -> str:
    since = "from here on" if fact.since_ns is None else f"since {when(fact.since_ns, utc=utc)}"
    return f"-- not recorded {since} --"


def _hook(fact: e.HookInvoked) -> str:
    words = [fact.driver, fact.operation]
    words += [word for word in (fact.sub_operation, fact.extra) if word not in ("-", "")]
    return " ".join(words)


def _ending(fact: e.ScriptFinished) -> str:
    if fact.timed_out:
        return "timed out"
    if fact.exit_status is None:
        return "could not be run"
    return f"exit {fact.exit_status}"
