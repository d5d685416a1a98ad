"""From what is wanted and what is found to the steps of an install.

Must not change anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from vlanlog.install.author import Author, author_of
from vlanlog.install.layout import Item, Role, block_in, script_at, shipped_texts, with_block
from vlanlog.install.manifest import BACKUPS, DATA, MODE, PATH, Laid, Manifest, manifest_text
from vlanlog.install.step import Action, Step
from vlanlog.install.tree import NEW_NAME, Form, Found, InstallError, Tree, fingerprint
from vlanlog.install.undo import empty_folders, undone

_OBSTACLES = {Form.FOLDER: "a folder", Form.OTHER: "a device or a socket"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Is all that an install does, in this order, and what it remembers of it.

    Shape: the manifest comes before all that it remembers but its own folder; what an older
    install laid down and this one does not want goes last.
    """

    steps: tuple[Step, ...]
    manifest: Manifest


def install_plan(
    tree: Tree, hooks: str, items: Iterable[Item], past: Manifest | None, *, force: bool
) -> Plan:
    """Returns what an install does; with ``force`` files that someone changed are replaced too.

    Raises: InstallError with a line for each path where nothing can be laid down.
    """
    return _Planner(tree, hooks, past, force=force).plan(tuple(items))


class _Planner:
    def __init__(self, tree: Tree, hooks: str, past: Manifest | None, *, force: bool) -> None:
        self._tree = tree
        self._hooks = hooks
        self._is_first = past is None
        self._past = past or Manifest()
        self._force = force
        self._shipped = shipped_texts()
        taken = [int(name) for name in tree.names(BACKUPS) if name.isdigit()]
        self._backups = f"{BACKUPS}/{max(taken, default=0) + 1}"
        self._laid: list[Laid] = []
        self._steps: list[Step] = []
        self._conflicts: list[str] = []

    def plan(self, items: tuple[Item, ...]) -> Plan:
        for item in items:
            self._conflicts += self._obstacles(item)
        self._refuse()
        for item in items:
            self._lead_to(item)
            self._add(item)
        self._refuse()
        self._take_away()
        manifest = Manifest(hooks=self._hooks, items=tuple(self._laid))
        # Its folder first; all else is remembered before it is done.
        first = 1 + [step.path for step in self._steps].index(DATA)
        self._steps.insert(first, self._remember(manifest))
        return Plan(steps=tuple(self._steps), manifest=manifest)

    def _refuse(self) -> None:
        if self._conflicts:
            raise InstallError(
                "\n".join(dict.fromkeys(self._conflicts)),
                hint="nothing was done; move what is in the way, then try again",
            )

    def _obstacles(self, item: Item) -> list[str]:
        if why := self._tree.obstacle(item.path):
            return [why]
        place, form = self._tree.place(item.path), self._tree.read_through(item.path).form
        if item.form is Form.FOLDER:
            return [] if form in (Form.FOLDER, Form.ABSENT) else [f"{place} is no folder"]
        return [f"{place} is {_OBSTACLES[form]}, no file"] if form in _OBSTACLES else []

    def _lead_to(self, item: Item) -> None:
        """Adds the folders on the way that are missing, or that an install made."""
        known = {step.path for step in self._steps}
        for folder in reversed(PurePosixPath(item.path).parents):
            path = str(folder)
            missing = self._tree.found(path).form is Form.ABSENT
            if path not in known and (missing or self._past.of(path)):
                self._add(Item(path=path, role=Role.FOLDER, mode=0o755))

    def _add(self, item: Item) -> None:
        found, past = self._tree.found(item.path), self._past.of(item.path)
        if found.form is Form.ABSENT:
            # What was there before an install is still in its backup.
            self._lay(item, Action.NEW, past)
        elif past and found.print == past.was:
            # An install was interrupted between remembering and doing.
            self._lay(item, Action.REPLACED, past, "what was there", keeps=True)
        elif item.role is Role.FOLDER and self._is_first and item.path == DATA:
            self._add_data(item)
        elif item.role is Role.FOLDER:
            self._stay(item, Action.SAME, past)
        elif item.role is Role.BLOCK:
            self._add_block(item, found, past)
        elif past and found.print in (past.laid, _print(item)):
            self._lay_again(item, found, past)
        elif item.role in (Role.CONF, Role.UNIT):
            self._add_conf(item, found, past)
        else:
            self._add_program(item, found, past)

    def _add_data(self, item: Item) -> None:
        """Adds vlanlog's folder, which an install that was interrupted may have left empty."""
        if set(self._tree.names(item.path)) - {NEW_NAME}:
            self._stay(item, Action.SAME, None)
        else:
            self._lay(item, Action.NEW, None)

    def _lay_again(self, item: Item, found: Found, past: Laid) -> None:
        same = found.print == _print(item)
        right = item.role not in (Role.SCRIPT, Role.DISPATCHER) or found.mode == item.mode
        self._lay(item, Action.SAME if same and right else Action.UPGRADED, past)

    def _add_conf(self, item: Item, found: Found, past: Laid | None) -> None:
        if past is None and self._author(item) is Author.VLANLOG:
            self._take_over(item, found)
        elif past is None:
            self._stay(item, Action.KEPT, None, "it was there")
        else:
            self._stay(item, Action.KEPT, replace(past, laid=_print(item)), "changed since")
            beside = replace(item, path=f"{item.path}.new", role=Role.OWN)
            there = self._tree.found(beside.path).form is not Form.ABSENT
            if past.laid != _print(item) or (there and self._past.of(beside.path)):
                # As pacman has it: what is shipped now, for the operator to look at.
                self._add(beside)

    def _add_program(self, item: Item, found: Found, past: Laid | None) -> None:
        leads_there = found.form is Form.LINK and item.role is Role.LINK and self._leads_there(item)
        author = self._author(item)
        # Later it leads to vlanlog's in any case, and does not become vlanlog's for that.
        if leads_there and not (self._is_first and author is Author.VLANLOG):
            self._stay(item, Action.KEPT, None, f"it leads to {found.target}")
            return
        match author:
            case Author.VLANLOG:
                self._take_over(item, found)
            case Author.KVMVLAN:
                self._replace(item, found, "kvmvlan's")
            case Author.KVMVLAN_CHANGED:
                self._replace(item, found, "kvmvlan's, with changes")
            case _ if self._force or item.role is Role.OWN:
                self._replace(item, found, "someone else's")
            case Author.VLANLOG_CHANGED:
                self._stay(item, Action.KEPT, past, "changed by someone; --force replaces it")
            case Author.OTHER:
                place = self._tree.place(item.path)
                self._conflicts.append(f"{place} is someone else's; --force replaces it")

    def _author(self, item: Item) -> Author:
        return author_of(self._tree.read_through(item.path).content, self._shipped)

    def _leads_there(self, item: Item) -> bool:
        """Tells whether a link goes on working: it leads to a place that has the script then."""
        script = script_at(item.path, self._hooks)
        return script == script_at(self._tree.target(item.path), self._tree.inside(self._hooks))

    def _take_over(self, item: Item, found: Found) -> None:
        """Has vlanlog's own, laid down by hand, go with the rest when that goes."""
        same = found.print == _print(item) and found.mode in (item.mode, 0o777)
        self._lay(item, Action.SAME if same else Action.UPGRADED, None, "laid down by hand")

    def _replace(self, item: Item, found: Found, whose: str) -> None:
        backup = self._backups + item.path
        past = Laid(path=item.path, kind="", laid="", was=found.print, backup=backup)
        self._lay(item, Action.REPLACED, past, whose, keeps=True)

    def _add_block(self, item: Item, found: Found, past: Laid | None) -> None:
        content = self._tree.read_through(item.path).content
        whole = replace(item, content=with_block(content, item.content), mode=found.mode)
        if block_in(content):
            action = Action.SAME if whole.content == content else Action.UPGRADED
            self._lay(whole, action, past, block=item.content)
            return
        backup = self._backups + item.path
        past = Laid(path=item.path, kind="", laid="", was=found.print, backup=backup)
        self._lay(whole, Action.UPGRADED, past, "a rule is added", block=item.content, keeps=True)

    def _lay(
        self,
        item: Item,
        action: Action,
        past: Laid | None,
        note: str = "",
        *,
        block: bytes | None = None,
        keeps: bool = False,
    ) -> None:
        """Adds a step; ``keeps`` says that what is there goes into the backup first."""
        is_block = item.role is Role.BLOCK
        lines = item.content if block is None else block
        self._laid.append(
            Laid(
                path=item.path,
                kind="block" if is_block else str(item.form),
                laid=fingerprint(Form.FILE, lines) if is_block else _print(item),
                was=past.was if past else str(Form.ABSENT),
                backup=past.backup if past else "",
            )
        )
        self._steps.append(
            Step(
                action=action,
                path=item.path,
                note=note,
                backup=past.backup if past and keeps else "",
                form=item.form,
                content=item.content,
                target=item.target,
                mode=item.mode,
            )
        )

    def _stay(self, item: Item, action: Action, past: Laid | None, note: str = "") -> None:
        """Adds a step that does nothing; what is remembered of the path stays."""
        self._laid += [past] if past else []
        self._steps.append(Step(action=action, path=item.path, note=note, form=item.form))

    def _take_away(self) -> None:
        """Adds what an older install laid down and this one does not want."""
        met = {step.path for step in self._steps}
        items = {item.path: item for item in reversed(self._past.items) if item.path not in met}
        steps = [step for item in items.values() if (step := undone(self._tree, item))]
        folders = {path for path, item in items.items() if item.kind == Form.FOLDER}
        steps += empty_folders(self._tree, folders, steps)
        self._steps += steps
        self._laid += [items[step.path] for step in steps if not step.changes]

    def _remember(self, manifest: Manifest) -> Step:
        text, found = manifest_text(manifest), self._tree.found(PATH)
        action = Action.NEW if found.form is Form.ABSENT else Action.UPGRADED
        action = Action.SAME if found.content == text else action
        return Step(action=action, path=PATH, content=text, mode=MODE)


def _print(item: Item) -> str:
    return fingerprint(item.form, item.content, item.target)
