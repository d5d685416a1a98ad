"""Checks the file of an archive by itself, and whether it is one of a log's.

Must not trust what a file is called, nor where it lies.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vlanlog.archive.file import Content, SpoiledError, Written, read_back
from vlanlog.core.event import LogArchived
from vlanlog.core.state import Seq

Known = Mapping[Seq, frozenset[bytes]]
"""The hashes that events must have, by their places: more than one is a contradiction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileAudit:
    """Is what was found of a file.

    Shape: content is None where it cannot be read; met are the known places in it.
    """

    path: Path
    content: Content | None
    flaws: tuple[str, ...] = ()
    met: frozenset[Seq] = frozenset()


def checked(
    path: Path, archived: Mapping[str, Sequence[LogArchived]] | None, known: Mapping[str, Known]
) -> FileAudit:
    """Returns what there is to say against a file, alone and as part of the logs.

    ``archived`` has each log's archives, None where there is no log to compare with; ``known``
    what is known from elsewhere; both by host.
    Raises: StoreError where the file cannot be read at all.
    """
    try:
        written, content = read_back(path, known)
    except SpoiledError as error:
        return FileAudit(path=path, content=None, flaws=(error.why,))
    flaws = () if archived is None else _strange(written, content, archived)
    places = known.get(content.header.host, {})
    met = frozenset(seq for seq in places if content.header.after < seq <= content.last)
    return FileAudit(path=path, content=content, flaws=flaws, met=met)


def _strange(
    written: Written, content: Content, archived: Mapping[str, Sequence[LogArchived]]
) -> tuple[str, ...]:
    header = content.header
    if header.host not in archived:
        return (f"it is of the host {header.host}, of which there is no log here",)
    same = [fact for fact in archived[header.host] if fact.last == content.last]
    if not same:
        return (f"no archive of {header.host} ends with its last event {content.last}",)
    [fact] = same
    if (fact.first - 1, fact.after_hash, fact.hash) != (
        header.after,
        header.after_hash.hex(),
        content.hash.hex(),
    ):
        return (f"it is of another log of {header.host}: its events are not those archived here",)
    if fact.sha256 != written.sha256:
        return ("the events are those that were archived, but the file was written anew",)
    return ()
