"""``vlanlog daemon``: watch the kernel, answer hooks and commands, keep the log."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from functools import partial

import typer

from vlanlog.cli.options import DatabaseOption, HooksOption
from vlanlog.config import load_settings
from vlanlog.daemon.logs import log_to
from vlanlog.daemon.notify import Notifier
from vlanlog.daemon.precedence import take_precedence
from vlanlog.daemon.run import Daemon
from vlanlog.host.commands.carry import replied
from vlanlog.host.opening import opened_log
from vlanlog.kernel.rights import require_net_admin


def command(
    *,
    verbose: bool = typer.Option(False, "--verbose", "-v", help="Say what is done, in detail."),
    hooks_dir: HooksOption = None,
    database: DatabaseOption = None,
) -> None:
    """Watch every VLAN of this host, and answer hooks and commands.

    It runs in the foreground until SIGTERM or SIGINT; SIGHUP makes it read the config anew. A
    service manager runs it as Type=notify.
    """
    settings = load_settings(os.environ, hooks_dir, database=database)
    require_net_admin()
    log_to(sys.stderr, os.environ, level=10 if verbose else 20)
    take_precedence()
    with ExitStack() as stack:
        daemon = Daemon(
            settings,
            partial(opened_log, settings),
            replied,
            Notifier(os.environ),
            stack,
        )
        daemon.run()
