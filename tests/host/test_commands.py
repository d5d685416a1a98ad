"""Operators' commands on a host in memory: what is recorded, what is programmed, what is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.core.making import MAC1, VM1, port
from tests.host.commanding import LACKING, PORTS, Commanded, granted, refused
from vlanlog.core import event as e
from vlanlog.core.program import Scope
from vlanlog.core.state import Assignee, Seq
from vlanlog.core.vlan import PortVlans
from vlanlog.errors import KernelError
from vlanlog.host.commands.answer import Failure, Outcome, ReplayAnswer, WishAnswer
from vlanlog.host.commands.carry import check_right, performed, rehearsed
from vlanlog.host.commands.request import (
    AdoptRequest,
    ReplayRequest,
    Request,
    SetRequest,
    UnsetRequest,
)
from vlanlog.host.covers import covers
from vlanlog.render.words import when
from vlanlog.replay import To

SET = SetRequest(target="vnet0", reason="ticket 42", tagged="200,300-302")
WANTED = port("200,300-302", pvid=100)
DRIFT = port("200,666", pvid=100)
FROM_FILES = port("200", pvid=100)
NO_RIGHT = Failure(message=LACKING, hint="run it as root", exit_code=3)


@pytest.fixture
def place(tmp_path: Path) -> Commanded:
    return Commanded(tmp_path)


def carried(place: Commanded) -> PortVlans:
    return place.site.kernel.carried()["vnet0"]


def wishes(place: Commanded) -> dict[Assignee, PortVlans]:
    return {item.assignee: item.vlans for item in place.site.state.assignments}


def test_set_is_recorded_and_carried_out(place: Commanded) -> None:
    outcome = performed(place.host, SET, granted)

    assert isinstance(outcome.answer, WishAnswer)
    assert outcome.answer.vlans == WANTED
    assert outcome.answer.report is not None
    assert outcome.answer.report.messages == 1
    assert carried(place) == WANTED
    assert wishes(place) == {Assignee(guest_uuid=VM1, mac=MAC1): WANTED}


def test_set_for_later_is_recorded_alone_and_needs_no_right(place: Commanded) -> None:
    later = SetRequest(target="vnet0", reason="r", pvid="7", later=True)

    assert performed(place.host, later, refused) == Outcome(
        answer=WishAnswer(vlans=port("200", pvid=7))
    )
    assert (carried(place), place.site.kernel.steps) == (FROM_FILES, [])


def test_unset_gives_the_port_back_to_the_config(place: Commanded) -> None:
    performed(place.host, SET, granted)

    outcome = performed(place.host, UnsetRequest(target="VM1/net0", reason="done"), granted)

    assert isinstance(outcome.answer, WishAnswer)
    assert outcome.answer.vlans is None
    assert (carried(place), wishes(place)) == (FROM_FILES, {})


def test_wish_that_cannot_be_carried_out_is_told_as_recorded(place: Commanded) -> None:
    def fails() -> None:
        raise KernelError("the kernel does not answer", hint="wait")

    place.site.kernel.between = fails

    outcome = performed(place.host, SET, granted)

    failure = Failure(message="the kernel does not answer", hint="wait", exit_code=3)
    assert outcome == Outcome(answer=WishAnswer(vlans=WANTED, failure=failure))
    assert wishes(place) == {Assignee(guest_uuid=VM1, mac=MAC1): WANTED}


@pytest.mark.parametrize("request_", [SET, UnsetRequest(target="vnet0", reason="r")])
def test_wish_without_the_right_leaves_no_trace(place: Commanded, request_: Request) -> None:
    before = place.site.state

    assert performed(place.host, request_, refused) == Outcome(failure=NO_RIGHT)
    assert place.site.state == before


def test_right_is_asked_for_before_a_log_is_opened_only_where_it_is_needed() -> None:
    for harmless in (
        ReplayRequest(),
        AdoptRequest(reason="r", everything=True),
        SetRequest(target="a", reason="r", later=True),
    ):
        check_right(harmless, refused)
    with pytest.raises(KernelError, match=LACKING):
        check_right(SET, refused)


def test_replay_with_nothing_to_do_needs_no_right(place: Commanded) -> None:
    outcome = performed(place.host, ReplayRequest(), refused)

    assert isinstance(outcome.answer, ReplayAnswer)
    assert (outcome.answer.report.plan.unchanged, outcome.answer.report.messages) == (3, 0)


def test_replay_without_the_right_records_no_intent(place: Commanded) -> None:
    place.site.kernel.set_vlans("vnet0", DRIFT)

    assert performed(place.host, ReplayRequest(), refused) == Outcome(failure=NO_RIGHT)
    assert place.site.facts("replay.started", "program.intended") == []


def test_rehearsal_is_the_plan_of_the_replay_and_sends_nothing(place: Commanded) -> None:
    place.site.kernel.set_vlans("vnet0", DRIFT)

    planned = rehearsed(place.host, ReplayRequest(guest="VM1"))

    assert place.site.kernel.steps == []
    done = performed(place.host, ReplayRequest(guest="VM1"), granted)
    assert isinstance(planned.answer, ReplayAnswer)
    assert isinstance(done.answer, ReplayAnswer)
    assert planned.answer.report.plan == done.answer.report.plan
    assert carried(place) == FROM_FILES


def test_config_errors_are_told_with_the_answer_and_with_a_failure(place: Commanded) -> None:
    place.configure("[VM1/*]\npvid = 5000\n")
    path = place.conf / "vlan_filtering.conf"
    line = f"{path}:2: [VM1/*] pvid: vid 5000 is out of range, expected 1-4094"

    answered = performed(place.host, ReplayRequest(), granted)
    place.host.notes.clear()
    failed = performed(place.host, ReplayRequest(port="vnet9"), granted)

    assert isinstance(answered.answer, ReplayAnswer)
    assert (answered.notes, answered.answer.config_errors) == ((line,), (line,))
    usage = Failure(message="no port is called 'vnet9'", hint="did you mean vnet0?", exit_code=2)
    assert failed == Outcome(failure=usage, notes=(line,))


def test_replay_acts_within_its_bounds_alone(place: Commanded) -> None:
    place.site.kernel.set_vlans("vnet0", DRIFT)
    place.site.kernel.set_vlans("eth0", port("9", pvid=1))

    performed(place.host, ReplayRequest(port="eth0"), granted)

    assert place.site.kernel.carried()["eth0"] == port(pvid=1)
    assert carried(place) == DRIFT


def test_replay_aims_at_what_is_asked_and_says_so_in_the_log(place: Commanded) -> None:
    performed(place.host, SET, granted)

    performed(place.host, ReplayRequest(to=To.CONFIG, port="vnet0"), granted)

    assert carried(place) == FROM_FILES
    assert place.site.facts("replay.started") == [e.ReplayStarted(to="config", scope="port vnet0")]


def test_unset_of_what_was_never_set_is_a_usage_error(place: Commanded) -> None:
    outcome = performed(place.host, UnsetRequest(target="vnet0", reason="r"), granted)

    assert outcome == Outcome(
        failure=Failure(message="vnet0 has no assignment", hint="see 'vlanlog state'", exit_code=2)
    )
    assert place.site.facts("assignment.cleared") == []


def test_wish_is_newer_than_a_config_that_was_edited_before_it(place: Commanded) -> None:
    place.configure(PORTS.replace("200", "201"))

    outcome = performed(place.host, replace(SET, tagged=None, pvid="7"), granted)

    assert isinstance(outcome.answer, WishAnswer)
    assert outcome.answer.vlans == port("201", pvid=7)
    performed(place.host, ReplayRequest(), granted)
    assert carried(place) == port("201", pvid=7)


def test_replay_to_a_time_before_the_log_is_a_usage_error(place: Commanded) -> None:
    outcome = performed(place.host, ReplayRequest(at_ns=1), granted)

    assert outcome.failure == Failure(
        message=f"the log does not reach back to {when(1)}",
        hint=covers(place.host.log),
        exit_code=2,
    )


def test_replay_to_an_event_brings_back_what_was_behind_it(place: Commanded) -> None:
    seq = place.host.state.seq
    [event] = place.host.log.read(after=Seq(seq - 1))
    for request in (ReplayRequest(at_seq=seq), ReplayRequest(at_event=event.event.event_id)):
        place.site.kernel.set_vlans("vnet0", port("7"))

        outcome = performed(place.host, replace(request, to=To.OBSERVED), granted)

        assert outcome.failure is None
        assert carried(place) == port("200", pvid=100)
    started = e.ReplayStarted(to="observed", scope=str(Scope()), at_ns=event.event.at_ns)
    assert place.site.facts("replay.started") == [started] * 2


def test_replay_to_a_time_says_where_nobody_watched(place: Commanded) -> None:
    outcome = performed(place.host, ReplayRequest(at_seq=place.host.state.seq), granted)

    assert [note for note in outcome.notes if "nobody watched by then" in note] == [*outcome.notes]
    assert len(outcome.notes) == 1


def test_intent_is_in_the_log_before_the_first_request(place: Commanded) -> None:
    performed(place.host, SET, granted)

    assert place.site.kernel.kinds_before_first_request[-2:] == [
        "assignment.set",
        "program.intended",
    ]
    assert place.site.facts("assignment.set") == [e.AssignmentSet(vlans=WANTED, reason="ticket 42")]
