"""One step of an install or of its undoing, as a value.

Must not act.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from vlanlog.install.tree import Form


class Action(StrEnum):
    """Says what becomes of a path."""

    NEW = "new"
    SAME = "same"
    REPLACED = "replaced"
    UPGRADED = "upgraded"
    KEPT = "kept"
    REMOVED = "removed"
    RESTORED = "restored"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Is what is done to one path.

    Shape: backup is where what was there is kept, or is brought back from; content is the whole
    file; a folder is removed only if it is empty then, or whole where ``with_all`` says so.
    """

    action: Action
    path: str
    note: str = ""
    backup: str = ""
    form: Form = Form.FILE
    content: bytes = b""
    target: str = ""
    mode: int = 0o644
    with_all: bool = False

    @property
    def changes(self) -> bool:
        """Tells whether anything is another afterwards."""
        return self.action not in (Action.SAME, Action.KEPT)
