"""Archives' files as ``verify`` is given them: checked by themselves and with the logs, and told.

Must not open a database.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from vlanlog.archive.check import FileAudit, Known, checked
from vlanlog.cli import show
from vlanlog.core.state import Seq
from vlanlog.render.head import KnownHead
from vlanlog.render.words import count, plain
from vlanlog.store.verify import Audit


def checked_files(
    paths: Iterable[Path], audits: Sequence[Audit] | None, heads: Iterable[KnownHead]
) -> list[FileAudit]:
    """Returns what was found of the files; audits are those of the logs, None where there is none.

    Raises: StoreError where a file cannot be read.
    """
    archived = None if audits is None else {audit.host: audit.archived for audit in audits}
    known = _by_place(heads)
    return [checked(path, archived, known) for path in paths]


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
            yield (
                f"{name}: {count(content.events, 'event')} ({first}-{content.last}) of "
                f"{plain(content.header.host)}, the chain holds{joins}"
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
        "flaws": list(file.flaws),
    }


def tell_unmet(audits: Iterable[Audit], files: Iterable[FileAudit]) -> None:
    """Says which heads noted elsewhere lie in archives that were not looked at."""
    met = {
        (file.content.header.host, seq)
        for file in files
        if file.content is not None
        for seq in file.met
    }
    for audit in audits:
        for seq, _ in audit.unmet:
            if (audit.host, seq) not in met:
                fact = next((a for a in audit.archived if a.first <= seq <= a.last), None)
                show.note(f"event {seq} of {plain(audit.host)} is archived: its head is not met")
                where = plain(fact.file) if fact else "FILE"
                show.hint(f"check its file too: vlanlog verify --against … --archive {where}")


def _by_place(heads: Iterable[KnownHead]) -> dict[str, Known]:
    found: dict[str, dict[Seq, frozenset[bytes]]] = defaultdict(dict)
    for head in heads:
        there = found[head.host].get(head.seq, frozenset())
        found[head.host][head.seq] = there | {head.hash}
    return dict(found)
