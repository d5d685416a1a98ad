"""``vlanlog uninstall``: take away what an install laid down, bring back what was there."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from vlanlog.cli import show
from vlanlog.cli.install import DryRunOption, RootOption, tell, tree_at
from vlanlog.cli.options import Output, OutputOption
from vlanlog.config import load_settings
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
    """Take vlanlog's hooks, conf and unit away, and bring back what was there before.

    What someone changed since stays, and is named. The log of events stays as well, but for
    --purge. The package itself is the business of pip, pipx or the distribution.

    Exit status: 0 done, 1 a command that it ran failed.
    """
    tree = tree_at(root, dry_run=dry_run)
    if purge and not (yes or dry_run or sys.stdin.isatty()):
        raise UsageError("--purge deletes the log of events", hint="say --yes if it shall")
    database = _database_elsewhere(tree) if purge else ""
    outcome = uninstall(
        tree, purge=purge, dry_run=dry_run, agreed=lambda steps: not purge or yes or _agreed(steps)
    )
    if outcome is None:
        raise typer.Abort
    tell(outcome, output, tree, dry_run=dry_run)
    if database:
        show.note(f"the database is not in {DATA} and stays: {database}")


def _agreed(steps: Sequence[Step]) -> bool:
    whole = [step.path for step in steps if step.with_all]
    return not whole or typer.confirm(f"Delete {' and '.join(whole)} with all in it?", err=True)


def _database_elsewhere(tree: Tree) -> str:
    """Returns a database that lies elsewhere, nothing where it does not or is not known."""
    manifest = read_manifest(tree)
    if tree.is_image or manifest is None:
        return ""
    try:
        database = load_settings(os.environ, Path(manifest.hooks)).database
    except ConfigError:
        # A file that cannot be read names no database; that must not keep it from going.
        return ""
    return "" if database.startswith(f"sqlite:///{DATA}/") else without_password(database)
