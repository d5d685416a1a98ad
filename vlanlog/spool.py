"""The spool: files that hold what could not be put into the log at once, taken in later in order.

Must not lose a file: what cannot be read is set aside with the reason, and never stops the rest.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Protocol
from uuid import UUID

import msgspec

from vlanlog.core.codec import decode, encode, row_from_json, row_to_json
from vlanlog.core.domain import DomainError, parse_domain
from vlanlog.core.event import Actor, ActorSource, Event, HookInvoked, ScriptFinished, Subject
from vlanlog.core.state import Nic, Seq
from vlanlog.hook import FrameError, decode_frame, spool_name, write_durably
from vlanlog.ports import EventSink

RECORD_SUFFIX = ".hook"
EVENTS_SUFFIX = ".events"
_TEMPORARY_SUFFIX = ".tmp"
_ABANDONED_S = 3600
_FILES_AT_ONCE = 200
_NO_LOGIN_UID = 2**32 - 1
_INTEGER_MAX = 2**63 - 1


class UnreadableError(ValueError):
    """Says why a file of the spool, or a record, is not what it should be."""


class Appends(Protocol):
    """Is the side of an event log that the spool is taken in to."""

    def append(self, events: Sequence[Event]) -> list[Seq]:
        """Commits the events durably; see ``ports.EventLog``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """Is a file that could not be read: where it lies now, and why."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenIn:
    """Says what was taken in: how many files, how many events new to the log, what was set aside.

    Shape: set_aside in order of name.
    """

    files: int
    new_events: int
    set_aside: tuple[SetAside, ...] = ()


class Spool:
    """Is one folder of spool files; any number of processes may write and take in at once."""

    def __init__(self, folder: Path, *, host: str) -> None:
        self.folder = folder
        self._host = host

    def write_events(self, events: Sequence[Event]) -> None:
        """Makes the events durable in one file, all or none.

        Raises: OSError.
        """
        if not events:
            return
        name = spool_name(events[0].at_ns, events[0].event_id.bytes) + EVENTS_SUFFIX.encode()
        lines = "".join(f"{row_to_json(encode(event))}\n" for event in events)
        write_durably(os.fsencode(self.folder), name, lines.encode())

    def has_pending(self) -> bool:
        """Tells whether there are any; none can be seen where the folder cannot be read."""
        try:
            return bool(self.pending())
        except OSError:
            return False

    def pending(self) -> list[Path]:
        """Returns the files to be taken in, those of hooks and of events alike.

        Shape: by name, and so by time.
        """
        try:
            paths = sorted(self.folder.iterdir())
        except FileNotFoundError:
            return []
        return [path for path in paths if path.name.endswith((RECORD_SUFFIX, EVENTS_SUFFIX))]

    def take_in(self, log: EventSink) -> TakenIn:
        """Appends what is pending, in order, and only then unlinks it.

        Ended at any point, or run twice at once, it loses nothing and the log passes over what
        it knows.
        Raises: StoreError; what is not committed stays pending. OSError.
        """
        self._adopt_abandoned()
        pending = self.pending()
        files = new_events = 0
        set_aside: list[SetAside] = []
        for at in range(0, len(pending), _FILES_AT_ONCE):
            events: list[Event] = []
            taken: list[Path] = []
            for path in pending[at : at + _FILES_AT_ONCE]:
                try:
                    events += self.events_of(path)
                    taken.append(path)
                except FileNotFoundError:
                    # Another process took it in since the folder was listed.
                    continue
                except UnreadableError as error:
                    set_aside += self._set_aside(path, str(error))
            new_events += len(log.append(events)) if events else 0
            files += len(taken)
            for path in taken:
                path.unlink(missing_ok=True)
        return TakenIn(files=files, new_events=new_events, set_aside=tuple(set_aside))

    def events_of(self, path: Path) -> list[Event]:
        """Returns the events that a spool file holds.

        Raises: OSError, UnreadableError.
        """
        content = path.read_bytes()
        if path.name.endswith(RECORD_SUFFIX):
            try:
                fields = decode_frame(content)
            except FrameError as error:
                raise UnreadableError(str(error)) from error
            return [event_of_record(fields, host=self._host)]
        return [self._event_of(line) for line in content.splitlines(keepends=True)]

    def _event_of(self, line: bytes) -> Event:
        if not line.endswith(b"\n"):
            raise UnreadableError("the last line is cut short")
        try:
            event = decode(row_from_json(line))
        except (ValueError, KeyError, TypeError, msgspec.MsgspecError) as error:
            raise UnreadableError(f"{type(error).__name__}: {error}") from error
        if event.host != self._host:
            raise UnreadableError(f"an event of host {event.host!r}, and this is {self._host!r}")
        return event

    def _set_aside(self, path: Path, reason: str) -> list[SetAside]:
        folder = self.folder / "bad"
        folder.mkdir(mode=0o700, exist_ok=True)
        (folder / f"{path.name}.why").write_text(f"{reason}\n", encoding="utf-8")
        try:
            path.rename(folder / path.name)
        except FileNotFoundError:
            # Another process set it aside at the same time, and reports it.
            return []
        return [SetAside(path=folder / path.name, reason=reason)]

    def _adopt_abandoned(self) -> None:
        """Gives its final name to what a writer that died left under a temporary one.

        A whole file is taken in like any other; one that is cut short is set aside.
        """
        for path in self.folder.glob(f"*{_TEMPORARY_SUFFIX}"):
            try:
                if time.time() - path.stat().st_mtime > _ABANDONED_S:
                    path.rename(path.with_suffix(""))
            except FileNotFoundError:
                continue


def event_of_record(fields: Mapping[str, bytes], *, host: str) -> Event:
    """Returns the event that a hook's record tells of, from the spool or from the socket.

    Raises: UnreadableError.
    Source: docs/protocol.md.
    """
    try:
        subject, fact = _told(fields)
        return Event(
            event_id=UUID(bytes=fields["event_id"]),
            at_ns=_number(fields["at_ns"]),
            host=host,
            boot_id=_text(fields["boot_id"]),
            actor=_actor(fields),
            correlation_id=UUID(bytes=fields["correlation_id"]),
            fact=fact,
            subject=subject,
        )
    except KeyError as error:
        raise UnreadableError(f"the record has no field {error}") from error
    except ValueError as error:
        raise UnreadableError(str(error)) from error


def _told(fields: Mapping[str, bytes]) -> tuple[Subject, HookInvoked | ScriptFinished]:
    if fields["kind"] == b"invoked":
        return _invoked(fields)
    if fields["kind"] == b"finished":
        return _subject(fields), _finished(fields)
    raise ValueError(f"a record of kind {fields['kind']!r} is not known")


def _invoked(fields: Mapping[str, bytes]) -> tuple[Subject, HookInvoked]:
    xml = fields["xml"]
    subject = _subject(fields)
    nics: tuple[Nic, ...] = ()
    xml_error = None
    if fields["driver"] != b"daemon":
        try:
            domain = parse_domain(xml)
            nics = domain.nics
            subject = Subject(guest_uuid=domain.uuid, guest_name=subject.guest_name or domain.name)
        except (DomainError, LookupError) as error:
            xml_error = str(error)
    return subject, HookInvoked(
        driver=_text(fields["driver"]),
        operation=_text(fields["operation"]),
        sub_operation=_text(fields["sub_operation"]),
        extra=_text(fields["extra"]),
        object=_text(fields["object"]),
        daemon=_text(fields["parent"]) or None,
        nics=nics,
        xml_sha256=sha256(xml).hexdigest() if xml else None,
        xml_error=xml_error,
    )


def _finished(fields: Mapping[str, bytes]) -> ScriptFinished:
    status = fields["exit_status"]
    return ScriptFinished(
        hook=_text(fields["hook"]),
        script=_text(fields["script"]),
        exit_status=_number(status) if status else None,
        duration_ns=_number(fields["duration_ns"]),
        timed_out=fields["timed_out"] == b"1",
        log_tail=_text(fields["log_tail"]),
    )


def _subject(fields: Mapping[str, bytes]) -> Subject:
    return Subject(
        guest_uuid=_text(fields.get("guest_uuid", b"")).lower() or None,
        guest_name=_text(fields.get("guest_name", b"")) or None,
    )


def _actor(fields: Mapping[str, bytes]) -> Actor:
    login_uid = _number(fields["loginuid"] or b"%d" % _NO_LOGIN_UID)
    command = b" ".join((fields["driver"], *fields["arguments"].split(b"\0")))
    return Actor(
        source=ActorSource.HOOK,
        uid=_number(fields["uid"]),
        login_uid=None if login_uid == _NO_LOGIN_UID else login_uid,
        pid=_number(fields["pid"]),
        command=_text(command),
        parent=_text(fields["parent"]) or None,
    )


def _number(text: bytes) -> int:
    number = int(text)
    if not 0 <= number <= _INTEGER_MAX:
        # No database could hold it, and one event must not keep the rest out.
        raise ValueError(f"{number} is out of range, expected 0-{_INTEGER_MAX}")
    return number


def _text(value: bytes) -> str:
    # PostgreSQL's text holds no NUL, and JSON no bytes that are not UTF-8.
    return value.decode("utf-8", "backslashreplace").replace("\0", "\\x00")
