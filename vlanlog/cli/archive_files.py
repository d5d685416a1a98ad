"""Archives' files as ``verify`` is given them: checked by themselves and with the logs, and told.

Must not open a database.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from vlanlog.archive.check import FileAudit, Known, checked
from vlanlog.cli import show
from vlanlog.core.state import Seq
from vlanlog.render.head import KnownHead
from vlanlog.render.words import count, plain
from vlanlog.store.verify import Audit


def checked_files(
    paths: Iterable[Path],
    audits: Sequence[Audit] | None,
    heads: Iterable[KnownHead],
    host: str | None = None,
) -> list[FileAudit]:
    """Returns what was found of the files; audits are those of the logs, None where there is none.

    ``host`` is whose files they have to be, None for anybody's.
    Raises: StoreError where a file cannot be read.
    """
    archived = None if audits is None else {audit.host: audit.archived for audit in audits}
    known = _by_place(heads)
    return [_of(checked(path, archived, known), host) for path in paths]


def _of(file: FileAudit, host: str | None) -> FileAudit:
    if host is None or file.content is None or file.content.header.host == host:
        return file
    return replace(file, flaws=(f"it is of the host {file.content.header.host}, not of {host}",))


def lines(files: Iterable[FileAudit], *, joined: bool) -> Iterator[str]:
    """Yields a line for each flaw, and one for each file that has none.

    ``joined`` says that they were compared with the logs.
    """
    for file in files:
        name, content = plain(str(file.path)), file.content
        yield from (f"{name}: {plain(why)}" for why in file.flaws)
        if content is not None and not file.flaws:
            first = content.header.after + 1
            joins = " and joins the log" if joined else ""
            met = f", {count(len(file.met), 'known head')} met" if file.met else ""
            yield (
                f"{name}: {count(content.events, 'event')} ({first}-{content.last}) of "
                f"{plain(content.header.host)}, the chain holds{joins}{met}"
            )


def fields(file: FileAudit) -> dict[str, Any]:
    """Returns what was found of a file as an object of JSON."""
    content = file.content
    return {
        "file": str(file.path),
        "whole": not file.flaws,
        "host": content and content.header.host,
        "first": content and content.header.after + 1,
        "last": content and content.last,
        "events": content and content.events,
        "hash": content and content.hash.hex(),
        "heads_met": sorted(file.met),
        "flaws": list(file.flaws),
    }


def tell_unmet(audits: Iterable[Audit], files: Sequence[FileAudit]) -> bool:
    """Tells whether heads noted elsewhere lie in archives that were not looked at, and of which."""
    if _is_one_spoiled(files):
        return False
    met = _met(files)
    found = Counter(
        (audit.host, fact.file)
        for audit in audits
        for seq, _ in audit.unmet
        for fact in audit.archived
        if fact.first <= seq <= fact.last and (audit.host, seq) not in met
    )
    for (host, file), number in found.items():
        heads = f"{count(number, 'known head')} of {plain(host)}"
        show.note(f"{heads} could not be compared: the event is archived")
        show.hint(f"check the file too: --archive {plain(file)}")
    return bool(found)


def tell_missed(heads: Iterable[KnownHead], files: Sequence[FileAudit]) -> bool:
    """Tells whether heads noted elsewhere lie in none of the files, and whose they are."""
    if _is_one_spoiled(files):
        return False
    met = _met(files)
    found = Counter(head.host for head in heads if (head.host, head.seq) not in met)
    for host, number in found.items():
        missed = f"{count(number, 'known head')} of {plain(host)}"
        show.note(f"{missed} could not be compared: in none of the files")
    return bool(found)


def _is_one_spoiled(files: Iterable[FileAudit]) -> bool:
    """Tells whether heads may be missed only because a file cannot be read: that is said."""
    return any(file.content is None for file in files)


def _met(files: Iterable[FileAudit]) -> set[tuple[str, Seq]]:
    return {
        (file.content.header.host, seq)
        for file in files
        if file.content is not None
        for seq in file.met
    }


def _by_place(heads: Iterable[KnownHead]) -> dict[str, Known]:
    found: dict[str, dict[Seq, frozenset[bytes]]] = defaultdict(dict)
    for head in heads:
        there = found[head.host].get(head.seq, frozenset())
        found[head.host][head.seq] = there | {head.hash}
    return dict(found)
