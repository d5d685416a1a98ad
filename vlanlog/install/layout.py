"""What an install wants to see on a host: each path with its content, as values.

Must not look at the host: what differs from host to host is handed in.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from enum import Enum, auto
from functools import cache
from importlib.resources import files
from pathlib import Path, PurePosixPath

from vlanlog.dispatch.settings import DEFAULT_SPOOL
from vlanlog.install.manifest import DATA
from vlanlog.install.tree import Form, InstallError

DRIVERS = ("daemon", "qemu")
UNIT = "vlanlog.service"
UNIT_FILE = f"/etc/systemd/system/{UNIT}"
SELINUX_MODULE = f"{DATA}/vlanlog_hooks.cil"
DROP_IN = "vlanlog"

_SCRIPTS = {
    "daemon_start.d/bridge_init.py": ("daemon_reload.d",),
    "qemu_start_begin.d/vlan_filtering.py": ("qemu_started_begin.d", "qemu_reconnect_begin.d"),
}
"""Where each script lies, and the folders that have a link to it."""

_CONF = ("bridge_init.conf", "vlan_filtering.conf", "vlanlog.conf")
_BEGIN, _END = b"# vlanlog: begin\n", b"# vlanlog: end\n"
_BLOCK = re.compile(re.escape(_BEGIN) + b".*?" + re.escape(_END), re.DOTALL)
# Both a shell and Python read the line PYTHON= of a script.
_FIT_FOR_BOTH = re.compile(r"/[\w./+@:,=~% -]+")


class Role(Enum):
    """Says by which rules a path is treated where something is there already."""

    FOLDER = auto()
    CONF = auto()
    SCRIPT = auto()
    LINK = auto()
    OWN = auto()
    UNIT = auto()
    BLOCK = auto()
    DISPATCHER = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """Is one path as it shall be.

    Shape: content of a file, or of the block in someone else's; target of a link.
    """

    path: str
    role: Role
    content: bytes = b""
    target: str = ""
    mode: int = 0o644

    @property
    def form(self) -> Form:
        """Returns what stands at the path then."""
        match self.role:
            case Role.FOLDER:
                return Form.FOLDER
            case Role.LINK:
                return Form.LINK
            case _:
                return Form.FILE


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Is what differs from host to host.

    Shape: hook_py is empty where it is not known, the shim then looks for it; drop_ins are the
    drivers whose hook is someone else's; rules are the files of AppArmor that get one, for the
    program that the interpreter's links lead to.
    """

    hooks: str
    python: str
    hook_py: str
    drop_ins: frozenset[str] = frozenset()
    unit: bool = False
    selinux: bool = False
    rules: tuple[str, ...] = ()
    program: str = ""


def layout(wanted: Wanted) -> tuple[Item, ...]:
    """Returns every path, in the order in which they are laid down.

    A dispatcher comes last: until then nothing calls what lies there half.
    Raises: InstallError for an interpreter whose path cannot be written into a script, and for a
    folder that has no place in a line.
    """
    if not wanted.hooks.isprintable():
        raise InstallError(
            f"the folder {wanted.hooks!r} cannot be named in a unit", hint="choose another name"
        )
    if not _FIT_FOR_BOTH.fullmatch(wanted.python):
        raise InstallError(
            f"the interpreter {wanted.python!r} cannot be named in a script",
            hint="install vlanlog where the path has letters, digits and blanks only",
        )
    hooks = PurePosixPath(wanted.hooks)
    items = [
        Item(path=DATA, role=Role.FOLDER, mode=0o750),
        Item(path=DEFAULT_SPOOL.decode(), role=Role.FOLDER, mode=0o700),
        Item(path=str(hooks / "logs"), role=Role.FOLDER, mode=0o755),
    ]
    items += [
        Item(path=str(hooks / "conf" / name), role=Role.CONF, content=shipped("conf", name))
        for name in _CONF
    ]
    items += _scripts(hooks, wanted)
    items += _of_the_system(wanted)
    items += [_dispatcher(hooks, driver, wanted) for driver in DRIVERS]
    return tuple(items)


def _scripts(hooks: PurePosixPath, wanted: Wanted) -> list[Item]:
    items = []
    for name, folders in _SCRIPTS.items():
        text = shipped("hooks", name).replace(
            b'\nPYTHON=""\n', f'\nPYTHON="{wanted.python}"\n'.encode(), 1
        )
        items.append(Item(path=str(hooks / name), role=Role.SCRIPT, content=text, mode=0o755))
        base = PurePosixPath(name).name
        items += [
            Item(path=str(hooks / folder / base), role=Role.LINK, target=f"../{name}")
            for folder in folders
        ]
    return items


def _of_the_system(wanted: Wanted) -> list[Item]:
    items = []
    if wanted.selinux:
        text = shipped("conf", "vlanlog_hooks.cil")
        items.append(Item(path=SELINUX_MODULE, role=Role.OWN, content=text))
    if wanted.unit:
        items.append(Item(path=UNIT_FILE, role=Role.UNIT, content=_unit(wanted)))
    rule = block(f"# What libvirt's daemon runs for vlanlog's hooks.\n\"{wanted.program}\" PUx,\n")
    items += [Item(path=path, role=Role.BLOCK, content=rule) for path in wanted.rules]
    return items


def _dispatcher(hooks: PurePosixPath, driver: str, wanted: Wanted) -> Item:
    lines = {"PYTHON": wanted.python, "HOOK": wanted.hook_py}
    path = hooks / driver
    if driver in wanted.drop_ins:
        path = hooks / f"{driver}.d" / DROP_IN
        lines["FOLDER"] = str(hooks)
    text = shipped("hooks", driver)
    for name, value in lines.items():
        if value:
            line = f"\n{name}={shlex.quote(value)}\n"
            text = text.replace(f"\n{name}=\n".encode(), line.encode(), 1)
    return Item(path=str(path), role=Role.DISPATCHER, content=text, mode=0o755)


def _unit(wanted: Wanted) -> bytes:
    words = [wanted.python, "-I", "-m", "vlanlog", "daemon", "--hooks-dir", wanted.hooks]
    line = "ExecStart=" + " ".join(map(_systemds, words))
    return shipped("conf", UNIT).replace(b"ExecStart=vlanlog daemon", line.encode(), 1)


def _systemds(word: str) -> str:
    """Returns a word as systemd reads it on a command line.

    Source: systemd.service(5), COMMAND LINES; systemd.syntax(7), QUOTING.
    """
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return escaped if re.fullmatch(r"[\w./+@:,=~%$-]+", escaped) else f'"{escaped}"'


@cache
def shipped(folder: str, name: str) -> bytes:
    """Returns a file of the installed package, else of the source tree.

    Raises: InstallError where it is missing.
    """
    package = Path(str(files("vlanlog")))
    for place in (package / f"_{folder}" / name, package.parent / folder / name):
        if place.is_file():
            return place.read_bytes()
    raise InstallError(f"vlanlog's own {folder}/{name} is missing", hint="install vlanlog again")


def shipped_texts() -> tuple[bytes, ...]:
    """Returns the texts by which vlanlog's own files are known."""
    hooks = [shipped("hooks", name) for name in (*DRIVERS, *_SCRIPTS)]
    return (*hooks, *(shipped("conf", name) for name in (*_CONF, UNIT)))


def script_at(path: str, hooks: str) -> str:
    """Returns which script a path of the layout stands for, nothing where it stands for none."""
    folder, base = PurePosixPath(path).parent, PurePosixPath(path).name
    for name, links in _SCRIPTS.items():
        own, script = PurePosixPath(name).parts
        if base == script and folder in {PurePosixPath(hooks) / at for at in (own, *links)}:
            return name
    return ""


def block(text: str) -> bytes:
    """Returns lines for someone else's file, between the marks by which they are found again."""
    return _BEGIN + text.encode() + _END


def block_in(content: bytes) -> bytes:
    """Returns the block that a file has, nothing where it has none."""
    found = _BLOCK.search(content)
    return found.group() if found else b""


def with_block(content: bytes, lines: bytes) -> bytes:
    """Returns the file with a block in it, in the place of the one that it has."""
    if block_in(content):
        return _BLOCK.sub(lambda _: lines, content, count=1)
    return content + (b"" if content.endswith(b"\n") or not content else b"\n") + lines


def without_block(content: bytes) -> bytes:
    """Returns the file without the block."""
    return _BLOCK.sub(b"", content, count=1)
