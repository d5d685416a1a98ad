"""Carries out an operator's command on an opened host, in the caller's name.

Must not raise what an operator is to be told: it is a failure in the outcome.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import assert_never

from vlanlog.core.event import NO_SUBJECT
from vlanlog.errors import VlanlogError
from vlanlog.host.commands import adopt, assign, replay
from vlanlog.host.commands.answer import Answer, ArchiveAnswer, Failure, Outcome
from vlanlog.host.commands.request import (
    AdoptRequest,
    ArchiveRequest,
    ReplayRequest,
    Request,
    SetRequest,
    UnsetRequest,
)
from vlanlog.host.commands.wire import CommandError, decoded, of_host, outcome_fields
from vlanlog.host.host import Host
from vlanlog.kernel.rights import require_net_admin

AskRight = Callable[[], None]


def check_right(request: Request, ask: AskRight = require_net_admin) -> None:
    """Asks for the right to change VLANs where the request needs it in any case.

    Raises: KernelError.
    """
    if isinstance(request, SetRequest | UnsetRequest) and not request.later:
        ask()


def performed(host: Host, request: Request, ask: AskRight = require_net_admin) -> Outcome:
    """Does what is asked and returns how that ended."""

    def work() -> Answer:
        check_right(request, ask)
        match request:
            case ReplayRequest():
                return replay.replayed(host, request, ask)
            case SetRequest():
                return assign.set_wish(host, request)
            case UnsetRequest():
                return assign.unset_wish(host, request)
            case AdoptRequest():
                return adopt.adopted(host, request)
            case ArchiveRequest():
                return _recorded(host, request)
            case _:
                assert_never(request)

    return _outcome(host, work)


def _recorded(host: Host, request: ArchiveRequest) -> ArchiveAnswer:
    [event] = host.journal.write([(NO_SUBJECT, request.fact)])
    return ArchiveAnswer(event_id=event.event_id)


def rehearsed(host: Host, request: ReplayRequest | AdoptRequest) -> Outcome:
    """Returns what the request would come to, on a host whose log keeps nothing."""

    def work() -> Answer:
        match request:
            case ReplayRequest():
                return replay.rehearsed(host, request)
            case AdoptRequest():
                return adopt.adoptable(host, request)
            case _:
                assert_never(request)

    return _outcome(host, work)


def _outcome(host: Host, work: Callable[[], Answer]) -> Outcome:
    try:
        answer = work()
    except VlanlogError as error:
        return Outcome(failure=Failure.of(error), notes=tuple(host.notes))
    return Outcome(answer=answer, notes=tuple(host.notes))


def replied(
    host: Host, fields: Mapping[str, bytes], ask: AskRight = require_net_admin
) -> dict[str, bytes]:
    """Returns the fields of the daemon's reply to a ``command``; an error says nothing was done."""
    try:
        _check_host(host, fields)
        request = decoded(fields.get("command", b""))
    except CommandError as error:
        return {"status": b"error", "error_code": error.code.encode(), "error": str(error).encode()}
    return {"status": b"ok", **outcome_fields(performed(host, request, ask))}


def _check_host(host: Host, fields: Mapping[str, bytes]) -> None:
    """Refuses a command that is meant for another log, or for other files than those here."""
    served = {
        "database": "another database",
        "hooks": f"hooks folder {host.settings.hooks}",
        "host": f"host {host.settings.host}",
    }
    wrong = [
        served[name] for name, own in of_host(host.settings).items() if fields.get(name) != own
    ]
    if wrong:
        raise CommandError("other-host", f"it serves {', '.join(wrong)}")
