"""``vlanlog install``: lay hooks, conf and unit down on this host, or in an image."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from vlanlog.cli import show
from vlanlog.cli.options import HooksOption, Output, OutputOption, folder
from vlanlog.config.settings import HOOKS_DIR, HOOKS_DIR_VARIABLE
from vlanlog.errors import EXIT_DIFFERS, UsageError
from vlanlog.install.aftermath import Command
from vlanlog.install.run import Outcome, install
from vlanlog.install.step import Action, Step
from vlanlog.install.tree import Form, InstallError, Tree
from vlanlog.render import json
from vlanlog.render.words import plain

RootOption = Annotated[
    Path,
    typer.Option(
        "--root",
        metavar="DIR",
        help="The image to work on, instead of this host.",
        parser=folder,
    ),
]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="List every file and what would become of it, only.")
]


def command(
    *,
    dry_run: DryRunOption = False,
    root: RootOption = Path("/"),
    python: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="The interpreter for the hooks; this one if left out."),
    ] = None,
    enable: Annotated[
        bool, typer.Option("--enable", help="Have systemd start the daemon, now and at boot.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace scripts that someone changed; they are kept.")
    ] = False,
    output: OutputOption = Output.TABLE,
    hooks_dir: HooksOption = None,
) -> None:
    """Lay down hooks, conf and the daemon's unit.

    It is run again after each upgrade. Config files that are there stay. What is replaced is kept
    below /var/lib/vlanlog/backup, and 'vlanlog uninstall' brings it back. A hook of someone else
    stays, and vlanlog's is called after it. Nothing is started without --enable, and nothing at
    all in an image.

    Exit status: 0 done, 1 a command that it ran failed.
    """
    tree = tree_at(root, dry_run=dry_run)
    if enable and tree.is_image:
        raise UsageError(
            "--enable is for a running host", hint=f"systemctl --root={root} enable vlanlog"
        )
    hooks = hooks_dir or Path(os.environ.get(HOOKS_DIR_VARIABLE) or HOOKS_DIR)
    outcome = install(
        tree,
        str(hooks.absolute()),
        python=python,
        force=force,
        enable=enable,
        dry_run=dry_run,
    )
    tell(outcome, output, tree, dry_run=dry_run)


def tree_at(root: Path, *, dry_run: bool) -> Tree:
    """Returns the files to work on.

    Raises: UsageError where there is no such folder; InstallError where root's rights are missing.
    """
    tree = Tree(root)
    if not tree.root.is_dir():
        raise UsageError(f"{root} is no folder", hint="make it first, or mount the image there")
    if not tree.is_image and not dry_run and os.geteuid() != 0:
        raise InstallError(
            "only root may do this", hint="run it as root; --dry-run shows what it would do"
        )
    # Hooks and conf are for all to read, whatever the caller's umask is.
    os.umask(0o022)
    return tree


def tell(outcome: Outcome, output: Output, tree: Tree, *, dry_run: bool) -> None:
    """Prints what was done or would be, and what follows; exits with 1 where a command failed."""
    _print_steps(outcome.steps, output, dry_run=dry_run)
    for line in outcome.remarks:
        show.note(line)
    for line in outcome.problems:
        show.note(f"{line}; run it again by hand")
    if dry_run:
        _list("it would run", outcome.aftermath.at_once)
    where = ", when the image has started" if tree.is_image else ""
    _list(f"what is left to run{where}", outcome.aftermath.left)
    if outcome.problems:
        raise typer.Exit(EXIT_DIFFERS)


def _print_steps(steps: Sequence[Step], output: Output, *, dry_run: bool) -> None:
    if output is not Output.TABLE:
        rows = [
            {
                "action": str(step.action),
                "path": step.path,
                "form": str(step.form),
                "note": step.note or None,
                "backup": step.backup or None,
            }
            for step in steps
        ]
        lines = output is Output.JSONL
        print("\n".join(map(json.one_line, rows)) if lines else json.dumped(rows))
        return
    for step in steps:
        print("\n".join(_lines(step)))
    print(_sum(steps, "Plan" if dry_run else "Done"))


def _lines(step: Step) -> list[str]:
    """Returns what becomes of a path; why is on a line of its own where the terminal is narrow.

    A path is never broken: it is there to be copied.
    """
    path = f"{step.path}/" if step.form is Form.FOLDER else step.path
    first, why = f"{step.action:<8}  {plain(path)}", plain(_note(step))
    width = show.width()
    if not why:
        return [first]
    if width is None or len(first) + 2 + len(why) <= width:
        return [f"{first}  {why}"]
    return [first, f"{'':<10}{why}"]


def _note(step: Step) -> str:
    where = "from" if step.action is Action.RESTORED else "kept below"
    # There it has the same path again.
    kept = f"{where} {step.backup.removesuffix(step.path)}" if step.backup else ""
    return "; ".join(part for part in (step.note, kept) if part)


def _sum(steps: Sequence[Step], title: str) -> str:
    actions = [str(step.action) for step in steps]
    counts = [f"{actions.count(name)} {name}" for name in dict.fromkeys(actions)]
    changes = any(step.changes for step in steps)
    return f"{title}: {', '.join(counts)}." if changes else "Nothing to do."


def _list(title: str, commands: Sequence[Command]) -> None:
    if commands:
        show.say(f"vlanlog: {title}:")
    for item in commands:
        show.say(f"    {plain(str(item))}    # {item.why}")
