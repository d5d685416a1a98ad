"""A hook's record as an event: what is kept, and what is done about bytes that are no text."""

from hashlib import sha256
from uuid import UUID

import pytest

from tests.hook.records import ACTOR, FINISHED, NIC, OPTIONAL, RECORD
from tests.hook.tree import UUID as GUEST
from tests.hook.tree import XML
from vlanlog.core.event import Event, HookInvoked, ScriptFinished, Subject
from vlanlog.spool import UnreadableError, event_of_record


def test_record_of_a_call_becomes_an_event() -> None:
    assert event_of_record(RECORD, host="host-a") == Event(
        event_id=UUID(int=7),
        at_ns=1700000000000000001,
        host="host-a",
        boot_id="boot",
        actor=ACTOR,
        correlation_id=UUID(int=9),
        subject=Subject(guest_uuid=GUEST, guest_name="VM1"),
        fact=HookInvoked(
            driver="qemu",
            operation="start",
            sub_operation="begin",
            extra="-",
            object="VM1",
            daemon="libvirtd",
            nics=(NIC,),
            xml_sha256=sha256(XML).hexdigest(),
        ),
    )


def test_record_of_a_scripts_end_becomes_an_event_of_text_that_any_database_holds() -> None:
    found = event_of_record(FINISHED, host="host-a")
    assert found.subject == Subject(guest_uuid=GUEST, guest_name="VM1")
    assert found.fact == ScriptFinished(
        hook="qemu_start_begin",
        script="a.sh",
        exit_status=143,
        duration_ns=5,
        timed_out=True,
        log_tail="bad\\x00 \\xff\n",
    )


def test_script_that_never_ran_has_no_exit_status() -> None:
    found = event_of_record({**FINISHED, "exit_status": b"", "timed_out": b"0"}, host="host-a")
    assert isinstance(found.fact, ScriptFinished)
    assert (found.fact.exit_status, found.fact.timed_out) == (None, False)


def test_record_of_a_daemon_hook_has_neither_guest_nor_xml() -> None:
    fields = {**RECORD, "driver": b"daemon", "object": b"-", "operation": b"start", "xml": b""}
    del fields["guest_name"], fields["guest_uuid"]
    found = event_of_record(fields, host="host-a")
    assert found.subject == Subject()
    assert found.fact == HookInvoked(
        driver="daemon",
        operation="start",
        sub_operation="begin",
        extra="-",
        object="-",
        daemon="libvirtd",
    )


@pytest.mark.parametrize("xml", [b"", b"<domain><name>VM1", b"<network/>", b"\xff\xfe\0", b"\0"])
def test_xml_that_cannot_be_read_costs_the_nics_alone(xml: bytes) -> None:
    found = event_of_record({**RECORD, "xml": xml}, host="host-a")
    assert found.subject == Subject(guest_uuid=GUEST, guest_name="VM1")
    assert isinstance(found.fact, HookInvoked)
    assert found.fact.nics == ()
    assert found.fact.xml_error
    assert found.fact.xml_sha256 == (sha256(xml).hexdigest() if xml else None)


@pytest.mark.parametrize("login_uid", [b"4294967295", b""])
def test_login_uid_that_is_not_set_is_unknown(login_uid: bytes) -> None:
    found = event_of_record({**RECORD, "loginuid": login_uid}, host="host-a")
    assert found.actor.login_uid is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"event_id": b"short"},
        {"at_ns": b"soon"},
        {"at_ns": b"-1"},
        {"at_ns": b"9223372036854775808"},
        {"pid": b""},
        {"kind": b"unheard-of"},
    ],
)
def test_record_with_a_wrong_value_is_unreadable(wrong: dict[str, bytes]) -> None:
    with pytest.raises(UnreadableError):
        event_of_record({**RECORD, **wrong}, host="host-a")


@pytest.mark.parametrize("missing", sorted(set(RECORD) - OPTIONAL))
def test_record_without_a_field_is_unreadable(missing: str) -> None:
    with pytest.raises(UnreadableError):
        event_of_record({k: v for k, v in RECORD.items() if k != missing}, host="host-a")
