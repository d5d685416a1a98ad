"""Installs and uninstalls: from a tree and a few wishes to what was done and what is left to do.

Must not print.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from vlanlog.install.aftermath import (
    Aftermath,
    after_install,
    after_uninstall,
    before_uninstall,
    failures,
    is_for_this_host,
)
from vlanlog.install.carry import carry_out
from vlanlog.install.interpreter import interpreter
from vlanlog.install.layout import Wanted, layout
from vlanlog.install.manifest import PATH, Manifest, read_manifest
from vlanlog.install.plan import Plan, install_plan
from vlanlog.install.site import LIBVIRTS, Site, site
from vlanlog.install.step import Step
from vlanlog.install.tree import Tree
from vlanlog.install.undo import uninstall_plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Is what an install or uninstall does, or would do.

    Shape: problems are the lines about commands that failed.
    """

    steps: tuple[Step, ...]
    aftermath: Aftermath
    remarks: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def install(
    tree: Tree,
    hooks: str,
    *,
    python: str | None,
    force: bool,
    enable: bool,
    dry_run: bool,
) -> Outcome:
    """Lays vlanlog down.

    Raises: InstallError, before anything is touched unless a disk fails.
    """
    with tree.locked():
        past = read_manifest(tree)
        chosen = interpreter(tree, python)
        host = site(tree, hooks, past, chosen.program)
        wanted = Wanted(
            hooks=hooks,
            python=chosen.python,
            hook_py=chosen.hook_py,
            drop_ins=host.drop_ins,
            unit=host.unit,
            selinux=host.selinux,
            rules=host.rules,
            program=chosen.program,
        )
        plan: Plan = install_plan(tree, hooks, layout(wanted), past, force=force)
        aftermath = after_install(tree, host, hooks, plan.steps, enable=enable)
        remarks = (*chosen.remarks, *_remarks(tree, host, hooks))
        if not dry_run:
            carry_out(tree, plan.steps)
    problems = () if dry_run else tuple(failures(aftermath.at_once))
    aftermath = replace(aftermath, at_once=tuple(filter(is_for_this_host, aftermath.at_once)))
    return Outcome(steps=plan.steps, aftermath=aftermath, remarks=remarks, problems=problems)


def uninstall(
    tree: Tree, *, purge: bool, dry_run: bool, agreed: Callable[[Sequence[Step]], bool]
) -> Outcome | None:
    """Takes vlanlog away and brings back what was there; None where it was not agreed to.

    Raises: InstallError.
    """
    with tree.locked():
        manifest = read_manifest(tree) or Manifest()
        steps = uninstall_plan(tree, manifest, purge=purge)
        before, after = before_uninstall(tree, steps), after_uninstall(tree, steps)
        problems: list[str] = []
        if not dry_run:
            if not agreed(steps):
                return None
            problems += failures(before)
            tree.sweep(_writes(manifest))
            carry_out(tree, steps)
    if not dry_run:
        problems += failures(after.at_once)
    at_once = tuple(filter(is_for_this_host, (*before, *after.at_once)))
    aftermath = replace(after, at_once=at_once)
    return Outcome(steps=steps, aftermath=aftermath, problems=tuple(problems))


def _writes(manifest: Manifest) -> list[str]:
    """Returns every path that an install with this manifest writes to."""
    return [PATH, *(path for item in manifest.items for path in (item.path, item.backup) if path)]


def _remarks(tree: Tree, host: Site, hooks: str) -> tuple[str, ...]:
    told = [
        f"{hooks}/{driver} is someone else's and stays; vlanlog is called after it, "
        f"as {hooks}/{driver}.d/vlanlog"
        for driver in sorted(host.drop_ins)
    ]
    if hooks != LIBVIRTS:
        told.append(f"libvirt looks for hooks in {LIBVIRTS} alone, and will not call these")
    if host.libvirt is None:
        told.append(f"libvirt is not found in {tree.root}; the hooks wait for it")
    return tuple(told)
