"""``vlanlog verify``: walk the hash chain and name the first bad event."""

from __future__ import annotations

import os

import typer

from vlanlog.cli.options import DatabaseOption, HooksOption
from vlanlog.config import load_settings
from vlanlog.errors import EXIT_DIFFERS
from vlanlog.host.opening import Mode, opened
from vlanlog.store import open_log


def command(*, hooks_dir: HooksOption = None, database: DatabaseOption = None) -> None:
    """Check the log's hash chain, event by event.

    An edit, a deletion, an insertion or a swap is found and the first bad event named.

    Exit status: 0 the chain holds, 1 it is broken.
    """
    settings = load_settings(os.environ, hooks_dir, database=database)
    with opened(settings, Mode.READ) as host:
        head = host.log.head()
    flaw = open_log(settings.database, host=settings.host).verify()
    if flaw is not None:
        print(f"event {flaw.seq}: {flaw.why}")
        raise typer.Exit(EXIT_DIFFERS)
    if head is None:
        print("the log is empty")
    else:
        print(f"{head.seq} events, the chain holds; head {head.seq} {head.hash.hex()}")
