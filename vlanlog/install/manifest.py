"""What an install remembers on the host: what it laid down, and what was there before.

Must not touch any file but its own.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields

from vlanlog.install.tree import Form, InstallError, Tree

DATA = "/var/lib/vlanlog"
PATH = f"{DATA}/install.json"
BACKUPS = f"{DATA}/backup"
VERSION = 1
MODE = 0o600


@dataclass(frozen=True, slots=True, kw_only=True)
class Laid:
    """Is one path that an install laid down.

    Shape: laid and was are fingerprints; was is ``absent`` where nothing was there; of a block in
    someone else's file laid is the block's; backup is empty where there was nothing to keep.
    """

    path: str
    kind: str
    laid: str
    was: str = str(Form.ABSENT)
    backup: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Is everything that is laid down, in the order in which it was, and where the hooks lie."""

    hooks: str = ""
    items: tuple[Laid, ...] = ()

    def of(self, path: str) -> Laid | None:
        """Returns what was laid down at a path."""
        return next((item for item in self.items if item.path == path), None)


def read_manifest(tree: Tree) -> Manifest | None:
    """Returns what is remembered, None where vlanlog was never installed by its command.

    Raises: InstallError where it cannot be read or is of a newer vlanlog.
    """
    found = tree.found(PATH)
    if found.form is Form.ABSENT:
        return None
    try:
        told = json.loads(found.content)
        if told["version"] > VERSION:
            raise InstallError(
                f"{tree.place(PATH)} is of a newer vlanlog", hint="use that one's command"
            )
        names = [field.name for field in fields(Laid)]
        return Manifest(
            hooks=str(told["hooks"]),
            items=tuple(
                Laid(**{name: str(item[name]) for name in names}) for item in told["items"]
            ),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise InstallError(
            f"{tree.place(PATH)} cannot be read: {error}",
            hint="bring it back from a backup: it knows what was there before",
        ) from error


def manifest_text(manifest: Manifest) -> bytes:
    """Returns what is written: the same manifest gives the same bytes."""
    items = [
        {field.name: getattr(item, field.name) for field in fields(Laid)} for item in manifest.items
    ]
    return (
        json.dumps({"version": VERSION, "hooks": manifest.hooks, "items": items}, indent=1) + "\n"
    ).encode()
