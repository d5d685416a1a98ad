"""Commands on their way through the socket: what goes in comes out, and nothing else is taken."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.making import device, port
from tests.host.commanding import Commanded, granted
from tests.properties.strategies import port_vlans, tables
from vlanlog.config import load_settings
from vlanlog.core import event as e
from vlanlog.core.desired import BridgeWish, Desired, PortWish
from vlanlog.core.program import Plan, Scope, plan
from vlanlog.core.state import PortTable
from vlanlog.core.vlan import PortVlans
from vlanlog.dispatch.wire import MAX_BODY_BYTES, encode_frame
from vlanlog.errors import StoreError, UsageError
from vlanlog.host.commands.answer import (
    AdoptAnswer,
    Adoption,
    Failure,
    Outcome,
    ReplayAnswer,
    WishAnswer,
)
from vlanlog.host.commands.carry import performed, replied
from vlanlog.host.commands.request import (
    AdoptRequest,
    ReplayRequest,
    Request,
    SetRequest,
    UnsetRequest,
)
from vlanlog.host.commands.wire import (
    CommandError,
    decoded,
    encoded,
    outcome_fields,
    outcome_of,
    request_fields,
)
from vlanlog.replay import PortResult, Report, To

words = st.text(max_size=8)
perhaps = st.none() | words
requests = st.one_of(
    st.builds(
        ReplayRequest,
        to=st.sampled_from(To),
        at_ns=st.none() | st.integers(0, 2**63 - 1),
        guest=perhaps,
        bridge=perhaps,
        port=perhaps,
    ),
    st.builds(SetRequest, target=words, reason=words, pvid=perhaps, tagged=perhaps),
    st.builds(UnsetRequest, target=words, reason=words, later=st.booleans()),
    st.builds(
        AdoptRequest,
        reason=words,
        targets=st.lists(words).map(tuple),
        bridge=perhaps,
        everything=st.booleans(),
    ),
)
subjects = st.builds(e.Subject, guest_uuid=perhaps, mac=perhaps, ifindex=st.none() | st.integers(1))
failures = st.builds(Failure, message=words, hint=words, exit_code=st.integers(0, 255))


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Returns the way from one table to wishes for all its ports and bridges."""
    table: PortTable = draw(tables())
    bridges = tuple(
        BridgeWish(name=name, default_pvid=draw(st.sampled_from((None, 0, 1, 9))), because="b")
        for name in table.bridges
    )
    ports = tuple(
        PortWish(port=item, vlans=draw(port_vlans()), because=draw(words), subject=draw(subjects))
        for item in table.ports.values()
    )
    found = plan(Desired(bridges=bridges, ports=ports), table, Scope())
    return replace(found, missing=tuple(draw(st.lists(words, max_size=2))))


@st.composite
def reports(draw: st.DrawFn) -> Report:
    todo = draw(plans())
    results = tuple(
        PortResult(
            name=item.wish.port.name,
            outcome=draw(st.sampled_from(e.Outcome)),
            found=draw(st.none() | port_vlans()),
            error=draw(words),
        )
        for item in todo.ports
    )
    return Report(plan=todo, results=results, messages=draw(st.integers(0, 9)))


@st.composite
def adoptions(draw: st.DrawFn) -> AdoptAnswer:
    todo = draw(plans())
    ports = tuple(
        Adoption(
            port=item.wish.port,
            subject=item.wish.subject,
            desired=draw(st.none() | port_vlans()),
            instead_of=draw(words),
        )
        for item in todo.ports
    )
    return AdoptAnswer(ports=ports, switches=todo.bridges, config_errors=("f:1: e",))


answers = st.one_of(
    st.builds(ReplayAnswer, report=reports(), config_errors=st.lists(words).map(tuple)),
    st.builds(
        WishAnswer,
        vlans=st.none() | port_vlans(),
        report=st.none() | reports(),
        failure=st.none() | failures,
    ),
    adoptions(),
)
notes = st.lists(words).map(tuple)


@given(requests)
def test_request_survives(request_: Request) -> None:
    assert decoded(encoded(request_)) == request_


@given(answers, notes)
def test_answer_survives(
    answer: ReplayAnswer | WishAnswer | AdoptAnswer, told: tuple[str, ...]
) -> None:
    outcome = Outcome(answer=answer, notes=told)

    assert outcome_of(outcome_fields(outcome), type(answer)) == outcome


@given(failures, notes)
def test_failure_survives(failure: Failure, told: tuple[str, ...]) -> None:
    outcome = Outcome(failure=failure, notes=told)

    assert outcome_of(outcome_fields(outcome), ReplayAnswer) == outcome


@pytest.mark.parametrize(
    "error", [UsageError("a\nb", hint="c"), StoreError("d"), UsageError("", hint="")]
)
def test_error_is_raised_as_it_was(error: UsageError | StoreError) -> None:
    again = Failure.of(error).error()

    assert (again.message, again.hint, again.exit_code) == (
        error.message,
        error.hint,
        error.exit_code,
    )


def test_answer_of_a_large_host_fits_a_frame() -> None:
    every_other = PortVlans.of(pvid=7, tagged=sum(1 << vid for vid in range(2, 4095, 2)))
    wish = PortWish(
        port=device("vnet0", 2, port(pvid=1)), vlans=every_other, because="b", subject=e.NO_SUBJECT
    )
    [first] = plan(Desired(ports=(wish,)), PortTable(), Scope()).ports
    todo = Plan(ports=tuple(replace(first, wish=replace(wish)) for _ in range(1000)))
    outcome = Outcome(answer=ReplayAnswer(report=Report(plan=todo)))

    fields = outcome_fields(outcome)

    assert len(encode_frame(fields)) < MAX_BODY_BYTES
    assert outcome_of(fields, ReplayAnswer) == outcome


def test_request_is_canonical_json_with_its_verb() -> None:
    raw = encoded(SetRequest(target="veth0", reason="r", tagged="200"))

    assert raw == (
        b'{"later":false,"pvid":null,"reason":"r","tagged":"200","target":"veth0","verb":"set"}'
    )


SET = {"verb": "set", "target": "veth0", "reason": "r"}
BAD: dict[str, tuple[object, str, str]] = {
    "unknown verb": ({"verb": "rewind"}, "unknown-verb", "no command is called 'rewind'"),
    "no verb": ({}, "unknown-verb", "no command is called None"),
    "verb no text": ({"verb": []}, "unknown-verb", "no command is called []"),
    "unknown field": ({**SET, "for": 1, "by": 2}, "bad-request", "set has no field by, for"),
    "field missing": ({"verb": "set", "target": "a"}, "bad-request", "`reason`"),
    "wrong type": ({**SET, "later": "yes"}, "bad-request", "`$.later`"),
    "unknown aim": ({"verb": "replay", "to": "hell"}, "bad-request", "`$.to`"),
    "a list": ([], "bad-request", "`object`"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_command_is_answered_and_not_done(name: str, tmp_path: Path) -> None:
    place = Commanded(tmp_path)
    before = place.site.state
    given_, code, text = BAD[name]
    fields = request_fields(place.host.settings, ReplayRequest())

    reply = replied(place.host, {**fields, "command": json.dumps(given_).encode()}, granted)

    said = reply.pop("error").decode()
    assert reply == {"status": b"error", "error_code": code.encode()}
    assert text in said
    assert place.site.state == before


@pytest.mark.parametrize("raw", [b"", b"{", b'{"verb":"set","target":"\xff"}'])
def test_what_is_no_json_is_a_bad_request(raw: bytes) -> None:
    with pytest.raises(CommandError) as caught:
        decoded(raw)

    assert caught.value.code == "bad-request"


@pytest.mark.parametrize("outcome", [{}, {"outcome": b"x"}, {"outcome": b"x\x9c\x03\0\0\0\0\1"}])
def test_what_is_no_outcome_is_a_bad_answer(outcome: dict[str, bytes]) -> None:
    with pytest.raises(CommandError) as caught:
        outcome_of(outcome, ReplayAnswer)

    assert caught.value.code == "bad-answer"


def test_answer_to_another_verb_is_a_bad_answer() -> None:
    fields = outcome_fields(Outcome(answer=AdoptAnswer()))

    with pytest.raises(CommandError) as caught:
        outcome_of(fields, ReplayAnswer)

    assert caught.value.code == "bad-answer"


def test_reply_is_what_the_command_came_to(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    asked, alone = Commanded(tmp_path / "one"), Commanded(tmp_path / "two")
    request_ = SetRequest(target="vnet0", reason="r", tagged="7")

    reply = replied(asked.host, request_fields(asked.host.settings, request_), granted)

    assert reply["status"] == b"ok"
    assert outcome_of(reply, WishAnswer) == performed(alone.host, request_, granted)
    assert asked.site.kernel.carried() == alone.site.kernel.carried()


@pytest.mark.parametrize(
    ("environ", "folder", "text"),
    [
        ({"VLANLOG_DATABASE": "sqlite:////x/y.db"}, ".", "it serves another database"),
        ({}, "other", "it serves hooks folder {hooks}"),
        ({"VLANLOG_HOST": "h2"}, "other", "it serves hooks folder {hooks}, host host"),
    ],
)
def test_command_for_another_host_is_not_done(
    environ: dict[str, str], folder: str, text: str, tmp_path: Path
) -> None:
    place = Commanded(tmp_path)
    theirs = load_settings({"VLANLOG_HOST": "host", **environ}, tmp_path / folder)
    before = place.site.state

    reply = replied(place.host, request_fields(theirs, ReplayRequest()), granted)

    said = text.format(hooks=place.host.settings.hooks).encode()
    assert reply == {"status": b"error", "error_code": b"other-host", "error": said}
    assert place.site.state == before


def test_hooks_folder_is_the_same_through_a_symlink(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.mkdir()
    link.symlink_to(real)

    one, other = (request_fields(load_settings({}, path), ReplayRequest()) for path in (real, link))

    assert one == other


def test_request_holds_no_password(tmp_path: Path) -> None:
    settings = load_settings({}, tmp_path, database="postgresql://vlanlog:s3cret@h/vlanlog")

    assert not any(
        b"s3cret" in value for value in request_fields(settings, ReplayRequest()).values()
    )


def test_request_names_the_hook_call_that_it_is_given_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = load_settings({}, tmp_path)
    monkeypatch.setenv("VLANLOG_CORRELATION_ID", "0123456789abcdef" * 2)
    called = request_fields(settings, ReplayRequest())
    monkeypatch.delenv("VLANLOG_CORRELATION_ID")

    assert called == {
        **request_fields(settings, ReplayRequest()),
        "correlation_id": bytes.fromhex("0123456789abcdef" * 2),
    }
