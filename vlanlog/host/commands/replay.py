"""Replay as an operator asks for it: read the config, look, plan within the bounds, carry it out.

Must not print, and must not program anything where the process lacks the right to.
"""

from __future__ import annotations

from collections.abc import Callable

from vlanlog import replay
from vlanlog.core.program import Plan, Scope, plan
from vlanlog.host.commands.answer import ReplayAnswer
from vlanlog.host.commands.names import scope_of
from vlanlog.host.commands.request import ReplayRequest
from vlanlog.host.host import Host
from vlanlog.host.place import At, Place
from vlanlog.replay import Report


def rehearsed(host: Host, request: ReplayRequest) -> ReplayAnswer:
    """Returns the plan alone.

    Raises: UsageError, KernelError, StoreError.
    """
    todo, _, _, errors = _planned(host, request)
    return ReplayAnswer(report=Report(plan=todo), config_errors=errors)


def replayed(host: Host, request: ReplayRequest, ask_right: Callable[[], None]) -> ReplayAnswer:
    """Plans, carries the plan out and returns what a re-read found.

    Raises: UsageError, KernelError, StoreError.
    """
    todo, scope, place, errors = _planned(host, request)
    if todo:
        ask_right()
    report = replay.run(
        host.journal,
        host.kernel.eye,
        host.kernel.writer,
        todo=todo,
        to=request.to,
        scope=scope,
        at_ns=place.at_ns if place else None,
    )
    return ReplayAnswer(report=report, config_errors=errors)


def _planned(
    host: Host, request: ReplayRequest
) -> tuple[Plan, Scope, Place | None, tuple[str, ...]]:
    place = host.place_of(_moment(request))
    errors = host.load_config().errors
    host.notes += errors
    kernel = host.look()
    scope = scope_of(host.state, request.guest, request.bridge, request.port)
    then = host.state_at(place)
    wanted = replay.target(request.to, host.state, then, kernel)
    return plan(wanted, kernel, scope), scope, place, errors


def _moment(request: ReplayRequest) -> At | None:
    moment = At(at_ns=request.at_ns, seq=request.at_seq, event_id=request.at_event)
    return None if moment == At() else moment
