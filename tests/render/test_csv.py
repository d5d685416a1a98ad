"""CSV for spreadsheets: one line for each event, and no name that computes or breaks a line."""

from __future__ import annotations

import csv
from dataclasses import replace

import pytest

from tests.core import samples
from vlanlog.core import event as e
from vlanlog.core.event import Recorded
from vlanlog.core.state import Seq
from vlanlog.render import csv as render


def recorded(event: e.Event, seq: int = 1) -> Recorded:
    return Recorded(seq=Seq(seq), event=event, prev_hash=bytes(32), hash=b"\x0a" * 32)


def read(items: list[Recorded]) -> list[dict[str, str]]:
    lines = list(render.lines(items))
    assert len(lines) == len(items) + 1
    assert all(line.count("\n") == 1 and line.endswith("\r\n") for line in lines)
    return list(csv.DictReader(line.removeprefix(render.BYTE_ORDER_MARK) for line in lines))


def test_every_kind_of_event_is_one_line() -> None:
    events = samples.events()

    found = read([recorded(event, seq) for seq, event in enumerate(events, start=1)])

    assert [(row["seq"], row["event_id"]) for row in found] == [
        (str(seq), str(event.event_id)) for seq, event in enumerate(events, start=1)
    ]
    assert "" not in {row["what"] for row in found}


def test_event_has_its_columns() -> None:
    event = next(item for item in samples.events() if isinstance(item.fact, e.VlanAdded))
    subject = e.Subject(
        guest_uuid="u", guest_name="VM1", mac="m", bridge="br0", port="vnet0", ifindex=7
    )

    [row] = read(
        [recorded(replace(event, subject=subject, actor=e.Actor(source=e.ActorSource.DAEMON)))]
    )

    assert row == {
        "seq": "1",
        "at": "2023-11-14T22:13:20.000000016Z",
        "host": "host-a",
        "kind": "vlan.added",
        "guest": "VM1",
        "guest_uuid": "u",
        "mac": "m",
        "bridge": "br0",
        "port": "vnet0",
        "ifindex": "7",
        "what": "vnet0 pvid none→100",
        "by": "daemon",
        "actor": '{"command":null,"login_uid":null,"parent":null,"pid":null,"source":"daemon",'
        '"uid":null,"user":null}',
        "payload": '{"cause":"01980000-0000-7000-8000-000000000001","first":100,"last":100,'
        '"pvid":true,"untagged":true}',
        "event_id": str(event.event_id),
        "correlation_id": str(event.correlation_id),
        "hash": "0a" * 32,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("+1+1", "'+1+1"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        (" =1", "' =1"),
        ("\t=1", "\\t=1"),
        ("\r=1", "\\r=1"),
        ('VM "1", a;b', 'VM "1", a;b'),
        ("VM\r\n2,3", "VM\\r\\n2,3"),
        ("VM\x1b[31m\u202e", "VM\\x1b[31m\\u202e"),
        ("日本 ä", "日本 ä"),
        ("VM1-=2", "VM1-=2"),
        ("\uff1d1", "'\uff1d1"),
    ],
)
def test_name_is_a_text_and_nothing_else(name: str, cell: str) -> None:
    event = replace(samples.events()[0], subject=e.Subject(guest_name=name))

    assert read([recorded(event)])[0]["guest"] == cell


def test_vlans_that_went_are_told_without_becoming_a_formula() -> None:
    gone = replace(samples.events()[0], fact=e.VlanRemoved(first=1, last=99), subject=e.NO_SUBJECT)

    assert read([recorded(gone)])[0]["what"] == "port -1-99"


def test_number_below_nought_stays_a_number() -> None:
    event = samples.events()[0]

    assert read([recorded(event, -3)])[0]["seq"] == "-3"
