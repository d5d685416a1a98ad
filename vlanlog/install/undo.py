"""From what an install remembers to the steps that bring back what was there.

Must not take away what somebody changed since, and must not change anything itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from vlanlog.install.layout import UNIT, UNIT_FILE, block_in, without_block
from vlanlog.install.manifest import BACKUPS, DATA, PATH, Laid, Manifest
from vlanlog.install.step import Action, Step
from vlanlog.install.tree import NEW_NAME, Form, Tree, fingerprint

_ABSENT = str(Form.ABSENT)
WANTED_BY = f"/etc/systemd/system/multi-user.target.wants/{UNIT}"


def uninstall_plan(tree: Tree, manifest: Manifest, *, purge: bool) -> tuple[Step, ...]:
    """Returns what an uninstall does, in order: what calls others first, folders last."""
    folders = {item.path for item in manifest.items if item.kind == Form.FOLDER}
    logs = {path for path in folders if purge and PurePosixPath(path).name == "logs"}
    others = [item for item in reversed(manifest.items) if item.path not in folders]
    steps = [step for item in others if (step := undone(tree, item))]
    steps += [_whole(path, "the scripts' logs") for path in sorted(logs)]
    steps += _wanted_by(tree, manifest)
    # Its own folder, and what leads there, go last: in it is what is remembered.
    last = {path for path in folders if f"{DATA}/".startswith(f"{path}/")}
    if not manifest.items and not tree.names(DATA):
        # An uninstall was killed right before its last step.
        last = {DATA}
    if purge:
        steps += empty_folders(tree, folders - logs - last, steps)
        steps += [_whole(DATA, "the log of events and all else in it")] * _is_there(tree, DATA)
    else:
        steps += _used_backups(tree, manifest, steps)
        steps += empty_folders(tree, folders - last, steps)
        steps += [Step(action=Action.REMOVED, path=PATH)] * _is_there(tree, PATH)
    return (*steps, *empty_folders(tree, last, steps))


def undone(tree: Tree, item: Laid) -> Step | None:
    """Returns the step that takes back what was laid down at one path; None where it is so."""
    found = tree.found(item.path)
    if item.kind == Form.FOLDER:
        return None
    if item.kind == "block":
        return _without_rule(tree, item)
    if found.print == item.was:
        return None
    if found.print != item.laid and found.form is not Form.ABSENT:
        where = f"; what was there before is {item.backup}" if item.backup else ""
        return Step(action=Action.KEPT, path=item.path, note=f"changed since{where}")
    if item.was == _ABSENT:
        return Step(action=Action.REMOVED, path=item.path)
    return _brought_back(tree, item)


def _brought_back(tree: Tree, item: Laid) -> Step:
    if tree.found(item.backup).print != item.was:
        note = f"{item.backup} is not what was there"
        return Step(action=Action.KEPT, path=item.path, note=note)
    return Step(action=Action.RESTORED, path=item.path, backup=item.backup)


def _without_rule(tree: Tree, item: Laid) -> Step | None:
    content = tree.read_through(item.path).content
    block = block_in(content)
    if not block:
        return None
    if fingerprint(Form.FILE, block) != item.laid:
        return Step(action=Action.KEPT, path=item.path, note="its rule was changed since")
    rest = without_block(content)
    # The block began a line; the file before it may not have ended one.
    if item.was in [fingerprint(Form.FILE, text) for text in (rest, rest.removesuffix(b"\n"))]:
        return _brought_back(tree, item)
    if not rest and item.was == _ABSENT:
        return Step(action=Action.REMOVED, path=item.path)
    mode = tree.read_through(item.path).mode
    note = "the rule is taken out"
    return Step(action=Action.UPGRADED, path=item.path, note=note, content=rest, mode=mode)


def _wanted_by(tree: Tree, manifest: Manifest) -> list[Step]:
    """Returns the step for the link by which systemd starts the unit, which would lead nowhere."""
    there = _is_there(tree, WANTED_BY)
    if not there or manifest.of(UNIT_FILE) is None or tree.target(WANTED_BY) != UNIT_FILE:
        return []
    return [Step(action=Action.REMOVED, path=WANTED_BY)]


def _is_there(tree: Tree, path: str) -> bool:
    return tree.found(path).form is not Form.ABSENT


def _used_backups(tree: Tree, manifest: Manifest, steps: list[Step]) -> list[Step]:
    """Returns the steps that take away the backups that nothing needs any more."""
    needed = {step.path for step in steps if step.action is Action.KEPT}
    used = [item.backup for item in manifest.items if item.backup and item.path not in needed]
    gone = [path for path in used if tree.found(path).form is not Form.ABSENT]
    files = [Step(action=Action.REMOVED, path=path) for path in gone]
    above = {str(folder) for path in used for folder in PurePosixPath(path).parents}
    return [*files, *empty_folders(tree, {p for p in above if f"{p}/".startswith(BACKUPS)}, files)]


def empty_folders(tree: Tree, folders: set[str], steps: Sequence[Step]) -> list[Step]:
    """Returns a step for each folder, deepest first: after the steps it goes if it is empty."""
    gone = {step.path for step in steps if step.action is Action.REMOVED}
    found = []
    for path in sorted(folders, key=lambda path: (-path.count("/"), path)):
        if path in gone or tree.found(path).form is Form.ABSENT:
            continue
        left = [name for name in tree.names(path) if f"{path}/{name}" not in gone]
        if [name for name in left if name != NEW_NAME]:
            found.append(Step(action=Action.KEPT, path=path, note="not empty", form=Form.FOLDER))
        else:
            gone.add(path)
            found.append(Step(action=Action.REMOVED, path=path, form=Form.FOLDER))
    return found


def _whole(path: str, note: str) -> Step:
    return Step(action=Action.REMOVED, path=path, note=note, form=Form.FOLDER, with_all=True)
