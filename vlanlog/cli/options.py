"""The options that several verbs share, each described once.

Must not act.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from vlanlog.cli.times import parse_time


class Output(StrEnum):
    """Is the form of a result."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"


OutputOption = Annotated[
    Output, typer.Option("--output", "-o", help="Form of the result.", show_default=True)
]
AtOption = Annotated[
    str | None,
    typer.Option("--at", metavar="TIME", help="As of this time, as journalctl takes it."),
]
HooksOption = Annotated[
    Path | None,
    typer.Option(
        "--hooks-dir", metavar="DIR", help="Where hooks, conf and logs lie.", show_default=False
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
