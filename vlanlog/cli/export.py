"""``vlanlog export``: the log, or a selection of it, as lines of JSON or as CSV."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import PurePath
from typing import Annotated

import typer

import vlanlog
from vlanlog.cli import show
from vlanlog.cli.archived import left_out
from vlanlog.cli.files import FileError, text_of, written
from vlanlog.cli.options import DatabaseOption, HooksOption, moment
from vlanlog.cli.subjects import subjects_named
from vlanlog.config import Settings, load_settings
from vlanlog.core import codec, export
from vlanlog.core.event import Subject
from vlanlog.core.export import ExportError, Header, Link
from vlanlog.core.query import EventFilter
from vlanlog.core.state import Seq
from vlanlog.errors import StoreError, UsageError
from vlanlog.host.opening import Mode, opened
from vlanlog.render import csv
from vlanlog.render.head import HeadError, KnownHead, heads_in
from vlanlog.render.words import count
from vlanlog.store.archives import newest_archive
from vlanlog.store.existing import Engine, existing
from vlanlog.store.log import SqlEventLog, hosts
from vlanlog.store.read import Stored, recorded, stored
from vlanlog.store.select import chosen_rows


class Format(StrEnum):
    """Is the form of the file."""

    JSONL = "jsonl"
    CSV = "csv"


def command(
    *,
    subject: Annotated[
        list[str] | None,
        typer.Argument(metavar="[GUEST|UUID|MAC|PORT]...", help="Whose events; all if left out."),
    ] = None,
    since: Annotated[str | None, typer.Option("--since", "-S", metavar="TIME")] = None,
    until: Annotated[str | None, typer.Option("--until", "-U", metavar="TIME")] = None,
    bridge: Annotated[
        str | None, typer.Option(metavar="BRIDGE", help="Only what is about it or its ports.")
    ] = None,
    kind: Annotated[
        list[str] | None, typer.Option(metavar="KIND", help="Only these kinds, e.g. vlan.added.")
    ] = None,
    host: Annotated[
        str | None, typer.Option(metavar="HOST", help="Whose log; this host's if left out.")
    ] = None,
    after: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="What follows a head from 'verify --export-head'."),
    ] = None,
    form: Annotated[
        Format | None, typer.Option("--format", help="By the file's name if left out.")
    ] = None,
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE", help=".gz and .xz are compressed.")
    ] = "-",
    hooks_dir: HooksOption = None,
    database: DatabaseOption = None,
) -> None:
    """Write the log, or a selection of it, to a file.

    Lines of JSON can be verified, CSV is for spreadsheets. Without a selection the file holds
    the chain of hashes whole, and 'vlanlog import' takes it in elsewhere; of a selection each
    event carries its place and hash.
    """
    settings = load_settings(os.environ, hooks_dir, database=database)
    with existing(settings.database, timeout_s=settings.lock_timeout_s) as engine:
        _take_in_spool(settings)
        log = SqlEventLog(engine, host=host or _only_host(engine, settings.host))
        wanted = EventFilter(
            subjects=_subjects(log, subject or [], bridge),
            kinds=_kinds(kind or []),
            since_ns=moment(since) if since else None,
            until_ns=moment(until) if until else None,
            newest_first=False,
        )
        header = Header(
            host=log.host,
            program=f"vlanlog {vlanlog.__version__}",
            selection=_selection(subject or [], bridge, kind or [], since, until),
        )
        header = _begun(header, log, after, wanted)
        _write(header, _rows(log, header, wanted), form or _form(output), output)


def _begun(header: Header, log: SqlEventLog, after: str | None, wanted: EventFilter) -> Header:
    """Returns the header with the place where the file begins."""
    if after is not None:
        return _behind(header, log, after)
    remark = left_out(log, since_ns=wanted.since_ns)
    if not remark:
        return header
    show.note(remark)
    return header if header.selection else _here(header, log)


def _take_in_spool(settings: Settings) -> None:
    with opened(settings, Mode.READ) as own:
        for line in own.notes:
            show.note(line)


def _only_host(engine: Engine, own: str) -> str:
    """Returns this host, or the only one of a database that was brought here from elsewhere."""
    if SqlEventLog(engine, host=own).head() is not None:
        return own
    met = hosts(engine)
    if len(met) > 1:
        raise UsageError(
            f"there is no log of {own}", hint=f"name a host with --host: {', '.join(met)}"
        )
    return met[0] if met else own


def _rows(log: SqlEventLog, header: Header, wanted: EventFilter) -> Iterator[Stored]:
    head = log.head()
    if head is None:
        raise UsageError(
            f"there is no log of {log.host}", hint="name another host: see 'vlanlog verify'"
        )
    if header.selection:
        return chosen_rows(log.engine, log.host, wanted)
    # What is appended meanwhile is left to the next export.
    return stored(log.engine, log.host, after=header.after, until=head.seq)


def _subjects(log: SqlEventLog, names: Sequence[str], bridge: str | None) -> tuple[Subject, ...]:
    state = log.state() if names else None
    found = [item for name in names if state for item in subjects_named(log, state, name)]
    if bridge is None:
        return tuple(found)
    return tuple(_on(bridge, item) for item in found) or (Subject(bridge=bridge),)


def _on(bridge: str, subject: Subject) -> Subject:
    return Subject(
        guest_uuid=subject.guest_uuid,
        guest_name=subject.guest_name,
        mac=subject.mac,
        port=subject.port,
        bridge=bridge,
    )


def _kinds(given: Sequence[str]) -> frozenset[str]:
    unknown = sorted(set(given) - set(codec.KINDS))
    if unknown:
        raise UsageError(
            f"unknown kind {', '.join(unknown)}", hint=f"known are {', '.join(codec.KINDS)}"
        )
    return frozenset(given)


def _selection(
    names: Sequence[str],
    bridge: str | None,
    kinds: Sequence[str],
    since: str | None,
    until: str | None,
) -> str:
    """Returns in words what is selected, nothing where all is."""
    parts = [*names]
    parts += [f"bridge {bridge}"] if bridge else []
    parts += [f"kind {kind}" for kind in kinds]
    parts += [f"since {since}"] if since else []
    parts += [f"until {until}"] if until else []
    return ", ".join(parts)


def _behind(header: Header, log: SqlEventLog, name: str) -> Header:
    """Returns the header of what follows a head; the log must be the one that it is of."""
    if header.selection:
        raise UsageError("what follows a head is not selected from", hint="leave the filters out")
    known = [head for head in _heads(name) if head.host == log.host]
    if not known:
        raise UsageError(f"{name} holds no head of {log.host}", hint="name the host: --host")
    last = max(known, key=lambda head: head.seq)
    there = {item.hash for item in log.read(after=Seq(last.seq - 1), until=last.seq)}
    end = _here(header, log)
    if last.hash not in there | ({end.after_hash} if end.after == last.seq else set()):
        raise StoreError(
            f"the log does not have the event {last.seq} of {name}",
            hint=f"look at it: vlanlog verify --against {name}",
        )
    return replace(header, after=last.seq, after_hash=last.hash)


def _here(header: Header, log: SqlEventLog) -> Header:
    """Returns the header of all that is not archived."""
    newest = newest_archive(log.engine, log.host)
    if newest is None:
        return header
    return replace(header, after=newest.last, after_hash=bytes.fromhex(newest.fact.hash))


def _heads(name: str) -> tuple[KnownHead, ...]:
    try:
        return heads_in(text_of(name))
    except HeadError as error:
        raise UsageError(
            f"{name}: {error}", hint="give a file that 'vlanlog verify --export-head' wrote"
        ) from error


def _form(output: str) -> Format:
    suffixes = PurePath(output).suffixes
    return Format.CSV if f".{Format.CSV}" in suffixes[-2:] else Format.JSONL


def _write(header: Header, rows: Iterator[Stored], form: Format, output: str) -> None:
    written_rows = 0
    with written(output) as file:
        try:
            for line in _lines(header, rows, form):
                file.write(line.encode())
                written_rows += 1
        except ExportError as error:
            raise StoreError(
                f"the log is flawed: {error.why}", hint="see 'vlanlog verify'"
            ) from error
        except BrokenPipeError:
            raise
        except OSError as error:
            raise FileError(f"{output}: {error.strerror}", hint="is the disk full? df") from error
    events = written_rows - (1 if form is Format.CSV else 2)
    what = "a selection" if header.selection else "the log" if not header.after else "what follows"
    show.note(f"{count(events, 'event')} of {header.host}: {what}")


def _lines(header: Header, rows: Iterator[Stored], form: Format) -> Iterator[str]:
    if form is Format.CSV:
        return csv.lines(recorded(row) for row in rows)
    links = (Link(seq=row.seq, row=row.row, prev_hash=row.prev_hash, hash=row.hash) for row in rows)
    return (f"{line}\n" for line in export.lines(header, links))
