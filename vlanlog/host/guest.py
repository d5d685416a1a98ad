"""Sets one guest's VLANs at a hook call or by hand, and gives the verdict whether it may start.

Must not end in an exception while libvirt waits: what fails becomes a reason in the verdict.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from vlanlog import replay
from vlanlog.core import event as e
from vlanlog.core.desired import Desired, EntryIndex
from vlanlog.core.domain import DomainError, parse_domain
from vlanlog.core.entry import OnFailure
from vlanlog.core.fold import with_guest
from vlanlog.core.program import Scope, plan
from vlanlog.core.state import ConfigRole, Guest, HostState, IfIndex
from vlanlog.core.verdict import obstacles, on_failure
from vlanlog.errors import EXIT_DIFFERS, EXIT_DONE, VlanlogError
from vlanlog.host.files import ConfigFiles
from vlanlog.host.host import Host
from vlanlog.render import table
from vlanlog.render.words import remark
from vlanlog.replay import To

REFUSING_OPERATIONS = frozenset({"prepare", "start", "migrate", "restore"})
"""The operations at which a non-zero exit keeps a guest from starting and kills nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestCall:
    """Is one wish to have a guest's VLANs set.

    Shape: operation is libvirt's word, empty by hand; xml is empty where none was given.
    """

    name: str
    conf: Path | None = None
    operation: str = ""
    xml: bytes = b""


@dataclass(kw_only=True)
class _Trial:
    """Is what is found out on the way to the verdict.

    ``named`` tells whether a section or an assignment names the guest; until it is known, the
    guest counts as named.
    """

    problems: list[str]
    policy: OnFailure = OnFailure.REFUSE
    named: bool = True

    def refuses(self, operation: str) -> bool:
        """Tells whether the guest must not start; one that nothing names always may."""
        return (
            bool(self.problems)
            and self.named
            and operation in REFUSING_OPERATIONS
            and self.policy is OnFailure.REFUSE
        )


Say = Callable[[str], None]
"""Takes the words for the script's log, a text of some lines at a time."""


def program_guest(
    open_host: Callable[[], AbstractContextManager[Host]], call: GuestCall, say: Say
) -> int:
    """Programs the guest's ports, records the outcome, returns the script's exit status.

    Raises: VlanlogError only by hand.
    """
    trial = _Trial(problems=[])
    try:
        with open_host() as host:
            _program(host, call, trial, say)
    except VlanlogError as error:
        if not call.operation:
            raise
        trial.problems.append(error.message)
    except Exception as error:  # a bug must not decide by itself whether a guest starts
        trial.problems.append(f"bug: {error!r}")
        say(traceback.format_exc())
    return _verdict(call, trial, say)


def _verdict(call: GuestCall, trial: _Trial, say: Say) -> int:
    if not trial.problems:
        return EXIT_DONE
    *others, last = trial.problems
    for problem in others:
        say(remark(problem))
    # libvirt shows the last line in virsh's error: the reason stands in it.
    verdict = f"{call.name}: VLANs not set"
    starting = call.operation in REFUSING_OPERATIONS
    if starting and not trial.named:
        verdict += " (nothing names the guest: it may start)"
    elif starting:
        verdict += f" (on-failure = {trial.policy.value})"
    say(remark(f"{verdict}: {last}"))
    if starting:
        return EXIT_DIFFERS if trial.refuses(call.operation) else EXIT_DONE
    return EXIT_DIFFERS


def _program(host: Host, call: GuestCall, trial: _Trial, say: Say) -> None:
    files = host.load_config(ports=call.conf, anew=True)
    guest = _guest(host, call, trial)
    trial.policy = _policy(files, host.state, guest)
    trial.problems += _config_problems(files, host.state, guest)
    # Whose NICs or section cannot be read may well be named.
    trial.named = bool(trial.problems) or _is_named(host.state, guest)
    try:
        _set_vlans(host, call, guest, trial, say)
    except VlanlogError as error:
        trial.problems.append(error.message)
    if trial.problems:
        fact = e.GuestRefused(
            operation=call.operation or "manual",
            problems=tuple(trial.problems),
            refused=trial.refuses(call.operation),
        )
        subject = e.Subject(guest_uuid=guest.uuid or None, guest_name=guest.name)
        host.journal.write([(subject, fact)])
    for line in host.notes:
        say(remark(line))


def _set_vlans(host: Host, call: GuestCall, guest: Guest, trial: _Trial, say: Say) -> None:
    kernel = host.look(only=_own_ports(host.state, guest))
    if guest.nics:
        trial.problems += obstacles(host.state, kernel, guest)
    wanted = replay.target(To.DESIRED, host.state, host.state, kernel)
    todo = plan(_of_guest(wanted, host.state, guest), kernel, Scope())
    report = replay.program(host.journal, host.kernel.eye, host.kernel.writer, todo)
    trial.problems += report.undone
    say(table.plan(todo, width=None))
    if todo:
        say(table.finished(report.undone, done=len(report.reached.ports), messages=report.messages))
    elif not call.operation and not todo.unchanged:
        say(remark(f"no section and no assignment names a port of guest {guest.name}"))
    for nic in guest.nics:
        if nic.native_vlan is not None:
            said = f"<vlan> {nic.native_vlan} in the domain's XML"
            say(remark(f"NIC {nic.mac} ({nic.tap or 'no tap'}) is left to libvirt: {said}"))


def _own_ports(state: HostState, guest: Guest) -> list[IfIndex]:
    taps = {nic.tap for nic in guest.nics}
    return [index for index, port in state.table.ports.items() if port.name in taps]


def _guest(host: Host, call: GuestCall, trial: _Trial) -> Guest:
    """Returns the guest as the XML shows it, else as the log knows it, else by its name alone."""
    state = host.state
    if call.xml.strip():
        try:
            domain = parse_domain(call.xml)
        except DomainError as error:
            trial.problems.append(f"the domain XML on stdin cannot be read: {error}")
        else:
            guest = Guest(uuid=domain.uuid, name=domain.name, running=True, nics=domain.nics)
            # Where the record of this call is only spooled so far, the log does not know it yet.
            host.journal.state = with_guest(state, guest)
            return guest
    elif call.operation:
        trial.problems.append("libvirt gave no domain XML on stdin")
    known = [guest for guest in state.guests.values() if call.name in (guest.name, guest.uuid)]
    running = [guest for guest in known if guest.running]
    return (running or known or [Guest(uuid="", name=call.name)])[0]


def _of_guest(wanted: Desired, state: HostState, guest: Guest) -> Desired:
    sections = {
        f"vlan_filtering.conf [{held.entry.section}]"
        for held in EntryIndex(state.config).of_guest(guest.name, guest.uuid)
    }
    own = (
        wish
        for wish in wanted.ports
        if (
            wish.subject.guest_uuid == guest.uuid
            if wish.subject.guest_uuid
            else wish.because in sections
        )
    )
    return Desired(ports=tuple(own))


def _config_problems(files: ConfigFiles, state: HostState, guest: Guest) -> list[str]:
    faults = files.ports.faults_for(guest.name, guest.uuid) if files.ports else ()
    if faults:
        return [str(fault) for fault in faults]
    if ConfigRole.PORTS not in state.config.loaded:
        # Nothing good was ever in force (or the log is lost): which VLANs are meant is unknown.
        return [
            line
            for fact in files.facts
            if isinstance(fact, e.ConfigRejected) and fact.role is ConfigRole.PORTS
            for line in fact.errors
        ]
    return []


def _is_named(state: HostState, guest: Guest) -> bool:
    index = EntryIndex(state.config)
    assigned = any(item.assignee.guest_uuid == guest.uuid for item in state.assignments)
    by_entry = index.of_guest(guest.name, guest.uuid)
    return bool(by_entry) or "*" in state.config.ports or (bool(guest.uuid) and assigned)


def _policy(files: ConfigFiles, state: HostState, guest: Guest) -> OnFailure:
    if files.ports is not None:
        return files.ports.on_failure_for(guest.name, guest.uuid)
    return on_failure(state, guest)
