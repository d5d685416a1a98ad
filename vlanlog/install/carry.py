"""Carries out the steps of an install or of its undoing.

Must not decide anything: a step says all. Killed after any of them, the next install or
uninstall finds its way from there.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

from vlanlog.install.manifest import BACKUPS
from vlanlog.install.step import Action, Step
from vlanlog.install.tree import Form, Tree


def carry_out(tree: Tree, steps: Iterable[Step]) -> None:
    """Carries out each step that changes something.

    Raises: InstallError; what was done until then stands.
    """
    for step in steps:
        match step.action:
            case Action.NEW | Action.REPLACED | Action.UPGRADED:
                _lay(tree, step)
            case Action.RESTORED:
                tree.copy(step.backup, step.path)
            case Action.REMOVED:
                _remove(tree, step)
            case Action.SAME | Action.KEPT:
                continue


def _lay(tree: Tree, step: Step) -> None:
    if step.backup:
        # What is kept may be readable by few.
        tree.make_folder(BACKUPS, 0o700)
        tree.make_folder(str(PurePosixPath(step.backup).parent), 0o755)
        tree.copy(step.path, step.backup)
    match step.form:
        case Form.FOLDER:
            tree.make_folder(step.path, step.mode)
        case Form.LINK:
            tree.link(step.path, step.target)
        case _:
            tree.write(step.path, step.content, step.mode)


def _remove(tree: Tree, step: Step) -> None:
    if step.with_all:
        tree.clear(step.path)
    elif step.form is Form.FOLDER:
        tree.remove_folder(step.path)
    else:
        tree.remove(step.path)
