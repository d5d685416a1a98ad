"""How events are written down: held against a committed file, so that no log grows unreadable."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import pytest

from tests.core import samples
from tests.core.making import event, port
from vlanlog.core import codec
from vlanlog.core import event as e
from vlanlog.core.codec import Row, UnknownEventError


@dataclass(frozen=True)
class Line:
    seq: int
    hash: str
    row: Row


def _line(text: str) -> Line:
    fields = json.loads(text)
    row = codec.row_from_json(json.dumps(fields["row"]))
    return Line(seq=fields["seq"], hash=fields["hash"], row=row)


GOLDEN = [_line(text) for text in samples.GOLDEN.read_text().splitlines()]


def test_every_kind_is_in_the_golden_file() -> None:
    assert {line.row.kind for line in GOLDEN} == set(codec.KINDS)


def test_golden_lines_are_read_as_the_samples() -> None:
    assert [codec.decode(line.row) for line in GOLDEN] == samples.events()


def test_samples_are_written_as_the_golden_lines() -> None:
    of_today = [
        (codec.encode(item), line.row)
        for item, line in zip(samples.events(), GOLDEN, strict=True)
        if line.row.version == codec.VERSIONS[line.row.kind]
    ]

    assert [row for row, _ in of_today] == [row for _, row in of_today]
    assert {row.kind for row, _ in of_today} == set(codec.KINDS)


def test_chain_of_the_golden_lines_holds() -> None:
    prev_hash, found = codec.GENESIS, []
    for line in GOLDEN:
        prev_hash = codec.chained(prev_hash, line.seq, line.row)
        found.append(prev_hash.hex())

    assert found == [line.hash for line in GOLDEN]


def test_hash_can_be_made_without_this_program() -> None:
    first, second = GOLDEN[0], GOLDEN[1]
    row = second.row
    columns = [
        2, row.event_id.hex(), row.at_ns, row.host, row.boot_id, row.kind, row.version, row.actor,
        row.correlation_id.hex(), row.guest_uuid, row.guest_name, row.mac, row.bridge, row.port,
        row.ifindex, row.payload,
    ]  # fmt: skip
    text = json.dumps(columns, separators=(",", ":"), ensure_ascii=False)

    digest = hashlib.sha256(bytes.fromhex(first.hash) + text.encode()).hexdigest()

    assert digest == second.hash


@pytest.mark.parametrize("column", Row._fields)
def test_every_column_is_under_the_hash(column: str) -> None:
    row = GOLDEN[0].row
    other: bytes | int | str = "x"
    if isinstance(getattr(row, column), bytes | int):
        other = b"x" * 16 if isinstance(getattr(row, column), bytes) else 99

    changed = row._replace(**{column: other})  # type: ignore[arg-type]

    assert codec.chained(codec.GENESIS, 1, changed).hex() != GOLDEN[0].hash


def test_place_and_predecessor_are_under_the_hash() -> None:
    row = GOLDEN[0].row

    found = {
        codec.chained(codec.GENESIS, 1, row),
        codec.chained(codec.GENESIS, 2, row),
        codec.chained(bytes([1]) * 32, 1, row),
    }

    assert len(found) == 3


def test_payload_is_canonical() -> None:
    fact = e.AssignmentSet(vlans=port("5-7", pvid=1), reason='ä "q"')

    assert codec.encode(event(fact)).payload == (
        '{"reason":"ä \\"q\\"","vlans":{"members":"1,5-7","pvid":1,"untagged":"1"}}'
    )


def test_row_of_a_newer_program_is_not_guessed_at() -> None:
    row = GOLDEN[0].row

    with pytest.raises(UnknownEventError, match=r"kind 'host\.shipped' was written by a newer"):
        codec.decode(row._replace(kind="host.shipped"))
    with pytest.raises(UnknownEventError, match="version 99 was written by a newer"):
        codec.decode(row._replace(version=99))


def test_version_that_never_was_is_not_guessed_at() -> None:
    with pytest.raises(UnknownEventError, match=r"host\.booted version 0 never was"):
        codec.decode(GOLDEN[0].row._replace(version=0))


def _text_to_list(fields: dict[str, Any]) -> dict[str, Any]:
    return {**fields, "problems": fields["problems"].split("; ")}


def _operation_named(fields: dict[str, Any]) -> dict[str, Any]:
    return {"operation": fields.pop("at"), **fields}


def test_payload_is_lifted_through_every_version_between() -> None:
    kind = "guest.unprogrammed"
    old = GOLDEN[0].row._replace(
        kind=kind, version=1, payload='{"at":"start","problems":"a; b","refused":true}'
    )

    row = codec.lifted(
        old,
        versions={kind: 3},
        upcasters={(kind, 1): _operation_named, (kind, 2): _text_to_list},
    )

    assert row == old._replace(
        version=3, payload='{"operation":"start","problems":["a","b"],"refused":true}'
    )
    today = codec.VERSIONS[kind]
    assert codec.decode(row._replace(version=today)).fact == e.GuestRefused(
        operation="start", problems=("a", "b"), refused=True
    )


def test_row_of_today_is_lifted_by_nothing() -> None:
    assert codec.lifted(GOLDEN[0].row, upcasters={}) is GOLDEN[0].row


def test_every_old_version_has_an_upcaster() -> None:
    missing = [
        (kind, version)
        for kind, today in codec.VERSIONS.items()
        for version in range(1, today)
        if (kind, version) not in codec.UPCASTERS
    ]

    assert missing == []


def test_spool_line_is_one_line_whatever_a_guest_is_called() -> None:
    row = codec.encode(event(e.DaemonStarted(), e.Subject(guest_name="a\nb\r  \x1b")))

    line = codec.row_to_json(row)

    assert (len(line.encode().splitlines()), codec.row_from_json(line)) == (1, row)
