"""The options that several verbs share, each described once.

Must not act.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from vlanlog.cli.times import parse_time
from vlanlog.core.state import Seq
from vlanlog.errors import UsageError
from vlanlog.host.place import At

_ID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_PLACE = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)


class Output(StrEnum):
    """Is the form of a result."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"


OutputOption = Annotated[
    Output, typer.Option("--output", "-o", help="Form of the result.", show_default=True)
]
CompressOption = Annotated[
    bool,
    typer.Option("--compressvlans", help="In JSON, neighbouring vids as ranges, as bridge does."),
]
HostOption = Annotated[
    str | None,
    typer.Option("--host", metavar="HOST", help="What the log of this host in the database says."),
]
AtOption = Annotated[
    str | None,
    typer.Option(
        "--at",
        metavar="TIME|EVENT",
        help="As of this time, as journalctl takes it, or after this event: '#1234' or its id.",
    ),
]


def folder(text: str | Path) -> Path:
    """Returns the folder that an option names.

    Nothing, as of a variable that is not set, would be the folder in which the caller happens to
    be: for ``install --root`` the host itself, as a rule.
    Raises: UsageError.
    """
    if not str(text):
        raise UsageError("an empty name is no folder", hint="name it; '.' is the one you are in")
    return Path(text)


HooksOption = Annotated[
    Path | None,
    typer.Option(
        "--hooks-dir",
        metavar="DIR",
        help="Where hooks, conf and logs lie.",
        parser=folder,
        show_default=False,
    ),
]
DatabaseOption = Annotated[
    str | None,
    typer.Option("--database", metavar="URL", help="The event log.", show_default=False),
]
ReasonOption = Annotated[
    str, typer.Option("--reason", "-m", metavar="TEXT", help="Why; it stands in the history.")
]


def moment(text: str, *, utc: bool = False) -> int:
    """Returns the time that an option names.

    Units: ns since the epoch, UTC.
    Raises: UsageError.
    """
    # A naive present stands for the local zone with its summer times.
    return parse_time(text, datetime.now(UTC) if utc else datetime.now())


def moment_or_event(text: str, *, utc: bool = False) -> At:
    """Returns the moment that ``--at`` names: a time, or an event by its place or its id.

    Raises: UsageError.
    """
    words = text.strip()
    if words.startswith("#"):
        return At(seq=_place(words))
    if _ID.fullmatch(words):
        return At(event_id=UUID(words))
    return At(at_ns=moment(text, utc=utc))


def _place(words: str) -> Seq:
    number = words.removeprefix("#")
    if not _PLACE.fullmatch(number):
        raise UsageError(f"{words!r} is no event", hint="'#1234' is the one that history -o json "
                         "shows with the seq 1234")  # fmt: skip
    return Seq(int(number))
