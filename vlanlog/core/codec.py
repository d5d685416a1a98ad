"""Events and states to canonical JSON and back, and the hash that chains events.

A kind is a stable string and never a Python name; a payload of an old version is lifted on
reading. Must not do I/O.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import msgspec

from vlanlog.core import event as e
from vlanlog.core.state import HostState
from vlanlog.core.vlan import PortVlans, format_vids, parse_vids

GENESIS = bytes(32)

KINDS: dict[str, type[e.Fact]] = {
    "host.booted": e.HostBooted,
    "daemon.started": e.DaemonStarted,
    "daemon.stopped": e.DaemonStopped,
    "watch.gap_opened": e.GapOpened,
    "watch.gap_closed": e.GapClosed,
    "hook.invoked": e.HookInvoked,
    "hook.script_finished": e.ScriptFinished,
    "config.loaded": e.ConfigLoaded,
    "config.rejected": e.ConfigRejected,
    "port.attached": e.PortAttached,
    "port.detached": e.PortDetached,
    "bridge.changed": e.BridgeChanged,
    "vlan.added": e.VlanAdded,
    "vlan.removed": e.VlanRemoved,
    "program.intended": e.ProgramIntended,
    "program.finished": e.ProgramFinished,
    "assignment.set": e.AssignmentSet,
    "assignment.cleared": e.AssignmentCleared,
    "replay.started": e.ReplayStarted,
    "replay.finished": e.ReplayFinished,
    "guest.unprogrammed": e.GuestRefused,
    "guest.observed": e.GuestObserved,
    "foreign.revert_delayed": e.RevertDelayed,
    "log.archived": e.LogArchived,
}
_KIND_OF = {fact: kind for kind, fact in KINDS.items()}

VERSIONS: dict[str, int] = {**dict.fromkeys(KINDS, 1), "watch.gap_opened": 2}
"""The version that each kind is written in."""

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]

UPCASTERS: dict[tuple[str, int], Upcaster] = {
    ("watch.gap_opened", 1): lambda fields: {**fields, "since_ns": None},
}
"""Lifts a payload of (kind, version) to the next version."""


class UnknownEventError(ValueError):
    """Says that a kind or a version is not known: a newer vlanlog wrote it."""


class WrittenError(ValueError):
    """Says that a line is not what this program writes."""


class Row(NamedTuple):
    """Is an event as columns: texts and numbers only.

    A tuple, because a database driver takes it as it is: a dataclass costs a batch of appends
    a tenth of its time.
    Shape: actor and payload are canonical JSON; ids are 16 bytes.
    """

    event_id: bytes
    at_ns: int
    host: str
    boot_id: str
    kind: str
    version: int
    actor: str
    correlation_id: bytes
    guest_uuid: str | None
    guest_name: str | None
    mac: str | None
    bridge: str | None
    port: str | None
    ifindex: int | None
    payload: str


def _to_wire(value: object) -> object:
    if isinstance(value, PortVlans):
        words = {"members": format_vids(value.members), "untagged": format_vids(value.untagged)}
        return {**words, "pvid": value.pvid}
    raise NotImplementedError(f"{type(value).__name__} has no form in JSON")


def _from_wire(kind: type, value: Any) -> object:
    if kind is PortVlans:
        return PortVlans(parse_vids(value["members"]), parse_vids(value["untagged"]), value["pvid"])
    raise NotImplementedError(f"{kind.__name__} has no form in JSON")


def to_bits(value: object) -> object:
    """Returns the form in JSON of a value that msgspec has none for, where none is recorded.

    What is a shortcut, or on its way, can do without a list: bits in hex are read 20 times as
    fast.
    """
    if isinstance(value, PortVlans):
        return f"{_hex(value.members)} {_hex(value.untagged)} {value.pvid or 0}"
    raise NotImplementedError(f"{type(value).__name__} has no form in JSON")


def from_bits(kind: type, value: Any) -> object:
    """Returns the value of which ``to_bits`` gave the form."""
    if kind is PortVlans:
        members, untagged, pvid = value.split()
        return PortVlans(_bits(members), _bits(untagged), int(pvid) or None)
    raise NotImplementedError(f"{kind.__name__} has no form in JSON")


def _hex(bits: int) -> str:
    """Returns the bits in hex, and behind ``<`` the noughts that follow: most have few vids."""
    low = max((bits & -bits).bit_length() - 1, 0)
    return f"{bits >> low:x}<{low}"


def _bits(text: str) -> int:
    high, _, low = text.partition("<")
    return int(high, 16) << int(low)


_ENCODER = msgspec.json.Encoder(enc_hook=_to_wire, order="sorted")
_STATE_ENCODER = msgspec.json.Encoder(enc_hook=to_bits)
_FACT_DECODERS = {
    kind: msgspec.json.Decoder(fact, dec_hook=_from_wire) for kind, fact in KINDS.items()
}
_ACTOR_DECODER = msgspec.json.Decoder(e.Actor)
_STATE_DECODER = msgspec.json.Decoder(HostState, dec_hook=from_bits)
_ROW_ENCODER = msgspec.json.Encoder()


def canonical(value: object) -> str:
    """Returns the value as JSON: sorted keys, no spaces, UTF-8."""
    return _ENCODER.encode(value).decode()


def kind_of(fact: e.Fact) -> str:
    """Returns the stable name of the fact's kind."""
    return _KIND_OF[type(fact)]


def encode(event: e.Event) -> Row:
    """Returns the event as columns."""
    kind = _KIND_OF[type(event.fact)]
    subject = event.subject
    return Row(
        event_id=event.event_id.bytes,
        at_ns=event.at_ns,
        host=event.host,
        boot_id=event.boot_id,
        kind=kind,
        version=VERSIONS[kind],
        actor=canonical(event.actor),
        correlation_id=event.correlation_id.bytes,
        guest_uuid=subject.guest_uuid,
        guest_name=subject.guest_name,
        mac=subject.mac,
        bridge=subject.bridge,
        port=subject.port,
        ifindex=subject.ifindex,
        payload=canonical(event.fact),
    )


def lifted(
    row: Row,
    *,
    versions: Mapping[str, int] = VERSIONS,
    upcasters: Mapping[tuple[str, int], Upcaster] = UPCASTERS,
) -> Row:
    """Returns the row with its payload lifted, step by step, to the version of today.

    Raises: UnknownEventError.
    """
    today = versions[row.kind]
    if row.version > today:
        raise UnknownEventError(f"{row.kind} version {row.version} was written by a newer vlanlog")
    if row.version == today:
        return row
    fields: dict[str, Any] = msgspec.json.decode(row.payload)
    for version in range(row.version, today):
        if (row.kind, version) not in upcasters:
            raise UnknownEventError(f"{row.kind} version {version} never was")
        fields = upcasters[row.kind, version](fields)
    return row._replace(version=today, payload=canonical(fields))


@lru_cache(maxsize=1000)
def _actor(text: str) -> e.Actor:
    # The same few do nearly everything.
    return _ACTOR_DECODER.decode(text)


def decode(row: Row) -> e.Event:
    """Returns the event that the columns hold, lifted to today's version.

    Raises: UnknownEventError.
    """
    if row.kind not in KINDS:
        raise UnknownEventError(f"kind {row.kind!r} was written by a newer vlanlog")
    if row.version != VERSIONS[row.kind]:
        row = lifted(row)
    return e.Event(
        event_id=UUID(bytes=row.event_id),
        at_ns=row.at_ns,
        host=row.host,
        boot_id=row.boot_id,
        actor=_actor(row.actor),
        correlation_id=UUID(bytes=row.correlation_id),
        fact=_FACT_DECODERS[row.kind].decode(row.payload),
        subject=e.Subject(
            guest_uuid=row.guest_uuid,
            guest_name=row.guest_name,
            mac=row.mac,
            bridge=row.bridge,
            port=row.port,
            ifindex=row.ifindex,
        ),
    )


def fact_of(kind: str, version: int, payload: str) -> e.Fact:
    """Returns the fact that a payload says, lifted to today's version.

    Raises: UnknownEventError.
    """
    if kind not in KINDS:
        raise UnknownEventError(f"kind {kind!r} was written by a newer vlanlog")
    nobody = (None,) * 6
    row = lifted(Row(b"", 0, "", "", kind, version, "", b"", *nobody, payload))
    return _FACT_DECODERS[kind].decode(row.payload)


def chained(prev_hash: bytes, seq: int, row: Row) -> bytes:
    """Returns sha256(prev_hash ‖ canonical event): the event's link in the chain.

    Shape: the canonical event is a JSON array of seq and every column in the order of Row,
    ids in hex.
    """
    columns = (seq, row[0].hex(), *row[1:7], row[7].hex(), *row[8:])
    return hashlib.sha256(prev_hash + _ROW_ENCODER.encode(columns)).digest()


def encode_state(state: HostState) -> bytes:
    """Returns a state as JSON, for a snapshot."""
    return _STATE_ENCODER.encode(state)


def decode_state(text: bytes) -> HostState:
    """Returns the state that a snapshot holds."""
    return _STATE_DECODER.decode(text)


def row_to_json(row: Row) -> str:
    """Returns the columns as one line of JSON, for the spool."""
    fields = row._asdict()
    for name in ("event_id", "correlation_id"):
        fields[name] = fields[name].hex()
    return canonical(fields)


def row_from_json(line: str | bytes) -> Row:
    """Returns the columns that a line of the spool holds."""
    fields: dict[str, Any] = msgspec.json.decode(line)
    for name in ("event_id", "correlation_id"):
        fields[name] = bytes.fromhex(fields[name])
    return Row(**fields)


_Integer = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]


class _Line(msgspec.Struct, forbid_unknown_fields=True):
    """Is an event of an export: the columns in the order of the table, ids and hashes in hex."""

    seq: _Integer
    event_id: str
    at_ns: _Integer
    host: str
    boot_id: str
    kind: str
    version: _Integer
    actor: str
    correlation_id: str
    guest_uuid: str | None
    guest_name: str | None
    mac: str | None
    bridge: str | None
    port: str | None
    ifindex: _Integer | None
    payload: str
    prev_hash: str
    hash: str


_LINE_DECODER = msgspec.json.Decoder(_Line)


def link_to_line(seq: int, row: Row, prev_hash: bytes, link: bytes) -> str:
    """Returns an event and its place in the chain as one line of an export."""
    ids = {"event_id": row.event_id.hex(), "correlation_id": row.correlation_id.hex()}
    line = _Line(seq=seq, **{**row._asdict(), **ids}, prev_hash=prev_hash.hex(), hash=link.hex())
    return _ROW_ENCODER.encode(line).decode()


def link_from_line(line: bytes) -> dict[str, Any]:
    """Returns seq, row, prev_hash and hash of a line of an export.

    Raises: WrittenError.
    """
    try:
        found = _LINE_DECODER.decode(line)
        ids = {name: bytes.fromhex(getattr(found, name)) for name in ("event_id", "correlation_id")}
        fields = {name: getattr(found, name) for name in Row._fields}
        return {
            "seq": found.seq,
            "row": Row(**{**fields, **ids}),
            "prev_hash": bytes.fromhex(found.prev_hash),
            "hash": bytes.fromhex(found.hash),
        }
    except (msgspec.MsgspecError, ValueError) as error:
        raise WrittenError(str(error)) from error


def to_line(fields: Mapping[str, object]) -> str:
    """Returns fields as one line of JSON, in their order."""
    return _ROW_ENCODER.encode(fields).decode()


def from_line(line: bytes) -> dict[str, Any]:
    """Returns the fields of a line of JSON.

    Raises: WrittenError.
    """
    try:
        found = msgspec.json.decode(line, type=dict[str, Any])
    except (msgspec.MsgspecError, ValueError) as error:
        raise WrittenError(str(error)) from error
    return found
