"""Requests and outcomes of commands as fields of the socket's frames, and back.

Must not carry anything out, and must import little: a client that is answered needs no more.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import msgspec

from vlanlog.config import Settings
from vlanlog.core.codec import from_bits, to_bits
from vlanlog.host.commands.answer import Answer, Failure, Outcome
from vlanlog.host.commands.request import (
    AdoptRequest,
    ArchiveRequest,
    ReplayRequest,
    Request,
    SetRequest,
    UnsetRequest,
)

Kind = TypeVar("Kind", bound=Answer)

VERBS: Mapping[str, type[Request]] = {
    "replay": ReplayRequest,
    "set": SetRequest,
    "unset": UnsetRequest,
    "adopt": AdoptRequest,
    "archive": ArchiveRequest,
}
_VERB_OF = {kind: verb for verb, kind in VERBS.items()}

_ENCODER = msgspec.json.Encoder(enc_hook=to_bits, order="sorted")
_FASTEST = 1
_CORRELATION_ID = "VLANLOG_CORRELATION_ID"


class CommandError(ValueError):
    """Says why fields are no command; ``code`` is the reply's ``error_code``."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class _Envelope:
    notes: tuple[str, ...]
    failure: Failure | None
    answer: msgspec.Raw


def verb_of(request: Request) -> str:
    """Returns the verb by which an operator asked."""
    return _VERB_OF[type(request)]


def of_host(settings: Settings) -> dict[str, bytes]:
    """Returns the fields that say for which log and which files a command is meant.

    Of the database's URL only the sha256: it may hold a password.
    """
    return {
        "database": hashlib.sha256(os.fsencode(settings.database)).digest(),
        "hooks": os.path.realpath(os.fsencode(settings.hooks)),
        "host": os.fsencode(settings.host),
    }


def request_fields(settings: Settings, request: Request) -> dict[str, bytes]:
    """Returns the fields of a ``command`` frame, the hook call in which it is given among them."""
    found = {**of_host(settings), "command": encoded(request)}
    given = os.environ.get(_CORRELATION_ID, "")
    return {**found, "correlation_id": bytes.fromhex(given)} if len(given) == 32 else found


def encoded(request: Request) -> bytes:
    """Returns the request as canonical JSON, ``verb`` beside its fields."""
    plain: dict[str, Any] = msgspec.to_builtins(request)
    return _ENCODER.encode({"verb": verb_of(request), **plain})


def decoded(raw: bytes) -> Request:
    """Returns the request that the JSON holds.

    Raises: CommandError, also for a field that this version does not know: it would be passed
    over, and something else be done than was asked.
    """
    try:
        given = msgspec.json.decode(raw, type=dict[str, Any])
        verb = given.pop("verb", None)
        kind = VERBS.get(verb) if isinstance(verb, str) else None
        if kind is None:
            raise CommandError("unknown-verb", f"no command is called {verb!r}")
        if unknown := given.keys() - {field.name for field in fields(kind)}:
            listed = ", ".join(sorted(unknown))
            raise CommandError("bad-request", f"{verb} has no field {listed}")
        return msgspec.convert(given, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CommandError("bad-request", str(error)) from error


def outcome_fields(outcome: Outcome) -> dict[str, bytes]:
    """Returns the fields of the reply.

    Deflated, for a plan of a large host is longer than a frame may be, and says the same over
    and over.
    """
    envelope = _Envelope(
        notes=outcome.notes,
        failure=outcome.failure,
        answer=msgspec.Raw(_ENCODER.encode(outcome.answer)),
    )
    return {"outcome": zlib.compress(_ENCODER.encode(envelope), _FASTEST)}


def outcome_of(reply: Mapping[str, bytes], kind: type[Kind]) -> Outcome:
    """Returns the outcome that the reply holds, with an answer of that kind or a failure.

    Raises: CommandError.
    """
    try:
        envelope = msgspec.json.decode(zlib.decompress(reply["outcome"]), type=_Envelope)
        if envelope.failure is not None:
            return Outcome(failure=envelope.failure, notes=envelope.notes)
        answer = msgspec.json.decode(envelope.answer, type=kind, dec_hook=from_bits)
    except (KeyError, zlib.error, msgspec.DecodeError) as error:
        raise CommandError("bad-answer", str(error) or type(error).__name__) from error
    return Outcome(answer=answer, notes=envelope.notes)
