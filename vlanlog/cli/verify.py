"""``vlanlog verify``: walk the hash chain and name the first bad event."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

import vlanlog
from vlanlog.archive.check import FileAudit
from vlanlog.cli import archive_files, show
from vlanlog.cli.archive_files import checked_files
from vlanlog.cli.files import text_of, written
from vlanlog.cli.options import DatabaseOption, HooksOption, Output, OutputOption
from vlanlog.config import load_settings
from vlanlog.errors import EXIT_DIFFERS, UsageError
from vlanlog.identity import SystemClock
from vlanlog.render import json
from vlanlog.render.head import HeadError, KnownHead, head_text, heads_in
from vlanlog.render.words import count, iso, plain
from vlanlog.store.existing import Engine, existing, may_be_there
from vlanlog.store.guards import lost_guards
from vlanlog.store.log import SqlEventLog
from vlanlog.store.verify import Audit, audited, hosts_met


def command(
    *,
    host: Annotated[
        str | None, typer.Option(metavar="HOST", help="Only this host's log; all if left out.")
    ] = None,
    against: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE", help="Heads noted elsewhere: files, a journal, - for stdin."),
    ] = None,
    export_head: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Write the head there, to be kept elsewhere."),
    ] = None,
    archive: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Check an archive's file too, and that it joins."),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="The chain alone; snapshots are not compared.")
    ] = False,
    output: OutputOption = Output.TABLE,
    hooks_dir: HooksOption = None,
    database: DatabaseOption = None,
) -> None:
    """Check the log's hash chain, event by event.

    An edit, a deletion, an insertion or a swap is found and the first bad event named; so are
    forged snapshots and triggers that are gone. A tail that was cut off and a log that was
    chained anew only show --against a head that was kept elsewhere.

    Exit status: 0 the log is whole, 1 it is flawed, or a head could not be compared.
    """
    settings = load_settings(os.environ, hooks_dir, database=database)
    known = _known(against or [])
    if archive and not may_be_there(settings.database):
        if export_head is not None:
            raise UsageError(
                "there is no database, so no head to export", hint="leave out --export-head"
            )
        show.note("there is no database here: the files are checked by themselves")
        _tell_alone(checked_files(archive, None, known, host), known, output)
        return
    with existing(settings.database, timeout_s=settings.lock_timeout_s) as engine:
        lost = lost_guards(engine)
        audits = _audits(engine, _hosts(engine, host, known), known, quick=quick)
    files = checked_files(archive or [], audits, known, host)
    flawed = bool(lost) or any(x.flaws for x in audits) or any(x.flaws for x in files)
    results = sys.stderr if export_head == "-" else sys.stdout
    for line in _told(audits, lost, output, known, files):
        print(line, file=results)
    is_partial = archive_files.tell_unmet(audits, files)
    if export_head is not None and not flawed:
        _export(audits, export_head)
    if flawed:
        _explain(audits, lost, exported=export_head is not None)
    if flawed or is_partial:
        raise typer.Exit(EXIT_DIFFERS)


def _tell_alone(files: Sequence[FileAudit], known: Sequence[KnownHead], output: Output) -> None:
    for line in _told_files(files, output, joined=False):
        print(line)
    is_partial = archive_files.tell_missed(known, files)
    if is_partial or any(file.flaws for file in files):
        raise typer.Exit(EXIT_DIFFERS)


def _known(files: Sequence[str]) -> list[KnownHead]:
    found: list[KnownHead] = []
    for name in files:
        try:
            found += heads_in(text_of(name))
        except HeadError as error:
            raise UsageError(
                f"{name}: {error}", hint="give a file that 'vlanlog verify --export-head' wrote"
            ) from error
    return found


def _hosts(engine: Engine, wanted: str | None, known: Sequence[KnownHead]) -> list[str]:
    met = hosts_met(engine)
    if wanted is None:
        return sorted({*met, *(head.host for head in known)})
    others = sorted({head.host for head in known} - {wanted})
    if others:
        raise UsageError(
            f"a head of {', '.join(others)} says nothing of {wanted}",
            hint="leave --host out, or give heads of that host alone",
        )
    if wanted not in met and not known:
        raise UsageError(f"there is no log of {wanted}", hint=f"known are {', '.join(met)}")
    return [wanted]


def _audits(
    engine: Engine, hosts: Sequence[str], known: Sequence[KnownHead], *, quick: bool
) -> list[Audit]:
    with _progress(engine, hosts) as tick:
        return [
            audited(
                engine,
                name,
                known=[(head.seq, head.hash) for head in known if head.host == name],
                compare_snapshots=not quick,
                tick=tick,
            )
            for name in hosts
        ]


@contextmanager
def _progress(engine: Engine, hosts: Sequence[str]) -> Iterator[Callable[[int], None]]:
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    ends = (SqlEventLog(engine, host=name).head() for name in hosts)
    total = sum(end.seq for end in ends if end)
    with typer.progressbar(length=total, label="events", file=sys.stderr) as bar:
        yield bar.update


def _told(
    audits: Sequence[Audit],
    lost: Sequence[str],
    output: Output,
    known: Sequence[KnownHead],
    files: Sequence[FileAudit],
) -> Iterator[str]:
    if output is Output.TABLE:
        for audit in audits:
            yield from _lines(audit, several=len(audits) > 1, known=known)
        if not audits:
            yield "the log is empty"
        yield from (f"database: {line}" for line in lost)
        yield from archive_files.lines(files, joined=True)
        return
    items = [_fields(audit) for audit in audits]
    archives = [archive_files.fields(file) for file in files]
    if output is Output.JSON:
        yield json.dumped({"hosts": items, "database": list(lost), "archives": archives})
    else:
        yield from map(json.one_line, [*items, {"database": list(lost)}, *archives])


def _told_files(files: Sequence[FileAudit], output: Output, *, joined: bool) -> Iterator[str]:
    if output is Output.TABLE:
        yield from archive_files.lines(files, joined=joined)
        return
    archives = [archive_files.fields(file) for file in files]
    if output is Output.JSON:
        yield json.dumped({"archives": archives})
    else:
        yield from map(json.one_line, archives)


def _lines(audit: Audit, *, several: bool, known: Sequence[KnownHead]) -> Iterator[str]:
    name = f"{plain(audit.host)}: " if several else ""
    for flaw in audit.flaws:
        yield f"{name}event {flaw.seq}: {flaw.why}"
    if audit.head and not audit.flaws:
        heads = sum(head.host == audit.host for head in known) - len(audit.unmet)
        met = f", {count(heads, 'known head')} met" if heads else ""
        behind = f" behind {audit.archived[-1].last} archived" if audit.archived else ""
        yield (
            f"{name}{count(audit.events, 'event')}{behind}, the chain holds{met}; "
            f"head {audit.head.seq} {audit.head.hash.hex()}"
        )


def _fields(audit: Audit) -> dict[str, Any]:
    head = audit.head
    return {
        "host": audit.host,
        "whole": not audit.flaws,
        "events": audit.events,
        "head": head and {"seq": head.seq, "hash": head.hash.hex(), "at": iso(head.at_ns)},
        "archived": [
            {"first": fact.first, "last": fact.last, "hash": fact.hash, "file": fact.file}
            for fact in audit.archived
        ],
        "flaws": [{"seq": flaw.seq, "why": flaw.why} for flaw in audit.flaws],
    }


def _export(audits: Sequence[Audit], name: str) -> None:
    made_ns, program = SystemClock().now_ns(), f"vlanlog {vlanlog.__version__}"
    heads = [
        head_text(audit.host, audit.head, events=audit.events, program=program, made_ns=made_ns)
        for audit in audits
        if audit.head
    ]
    if not heads:
        raise UsageError("an empty log has no head", hint="export it when something is recorded")
    with written(name) as file:
        file.write("".join(f"{text}\n" for text in heads).encode())


def _explain(audits: Sequence[Audit], lost: Sequence[str], *, exported: bool) -> None:
    if exported:
        show.note("no head is exported of a log that is flawed")
    if lost:
        show.hint("whoever took that away could change the log: compare with a head kept elsewhere")
    if any("snapshot" in flaw.why for audit in audits for flaw in audit.flaws):
        show.hint("states are told from it; DELETE FROM snapshots has them told from the events")
