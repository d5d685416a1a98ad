"""``vlanlog uninstall``: take away what an install laid down, bring back what was there."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from vlanlog.cli import ask, show
from vlanlog.cli.install import DryRunOption, RootOption, tell, tree_at
from vlanlog.cli.options import Output, OutputOption
from vlanlog.config import Settings, load_settings
from vlanlog.errors import ConfigError, UsageError
from vlanlog.install.manifest import DATA, read_manifest
from vlanlog.install.run import uninstall
from vlanlog.install.step import Step
from vlanlog.install.tree import Tree
from vlanlog.store.engine import without_password


def command(
    *,
    dry_run: DryRunOption = False,
    purge: Annotated[
        bool,
        typer.Option("--purge", help="Delete the log of events and all of vlanlog's data too."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before --purge.")] = False,
    root: RootOption = Path("/"),
    output: OutputOption = Output.TABLE,
) -> None:
    """Take away what install laid down, bring back what was there.

    What someone changed since stays, and is named. The log of events stays as well, but for
    --purge. The package itself is the business of pip, pipx or the distribution.

    Exit status: 0 done, 1 a command that it ran failed.
    """
    tree = tree_at(root, dry_run=dry_run)
    if purge and not (yes or dry_run or sys.stdin.isatty()):
        raise UsageError("--purge deletes the log of events", hint="say --yes if it shall")
    settings = _settings(tree)
    database = _database_elsewhere(settings) if purge else ""
    outcome = uninstall(
        tree, purge=purge, dry_run=dry_run, agreed=lambda steps: not purge or yes or _agreed(steps)
    )
    if outcome is None:
        raise typer.Abort
    tell(outcome, output, tree, dry_run=dry_run)
    if not dry_run and settings and (pid := ask.listener(settings)):
        ways = f"'systemctl stop vlanlog' or 'kill {pid}'"
        show.note(f"the daemon (process {pid}) goes on until it is ended by {ways}")
    if database:
        show.note(f"the database is not in {DATA} and stays: {database}")


def _agreed(steps: Sequence[Step]) -> bool:
    whole = [step.path for step in steps if step.with_all]
    return not whole or typer.confirm(f"Delete {' and '.join(whole)} with all in it?", err=True)


def _settings(tree: Tree) -> Settings | None:
    """Returns the host's settings, None where they are an image's or cannot be read.

    A file that cannot be read must not keep vlanlog from going.
    """
    manifest = read_manifest(tree)
    if tree.is_image:
        return None
    hooks = Path(manifest.hooks) if manifest else None
    try:
        return load_settings(os.environ, hooks)
    except ConfigError:
        return None


def _database_elsewhere(settings: Settings | None) -> str:
    """Returns a database that lies elsewhere, nothing where it does not or is not known."""
    if settings is None or settings.database.startswith(f"sqlite:///{DATA}/"):
        return ""
    return without_password(settings.database)
