"""``vlanlog capture``: write config files that describe this host as it runs now."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

import vlanlog
from vlanlog.capture import Captured, captured
from vlanlog.cli import ask, options, show
from vlanlog.cli.options import HooksOption
from vlanlog.config import Settings, load_settings
from vlanlog.config.writing import bridges_text, ports_text
from vlanlog.errors import EXIT_DIFFERS, UsageError, VlanlogError
from vlanlog.host.commands.answer import ReplayAnswer
from vlanlog.host.commands.request import ReplayRequest
from vlanlog.identity import SystemClock
from vlanlog.kernel.devices import read_devices
from vlanlog.kernel.read import NetlinkReader
from vlanlog.libvirt import running_guests
from vlanlog.render.words import change, count, when

STDOUT = Path("-")


def command(
    *,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FOLDER",
            help="Where to write; - for stdout. Default: conf in the hooks folder.",
            parser=options.folder,
            show_default=False,
        ),
    ] = None,
    bridges: Annotated[
        list[str] | None,
        typer.Option("--bridge", metavar="BRIDGE", help="Only this one; may be repeated."),
    ] = None,
    trunks: Annotated[
        list[str] | None,
        typer.Option("--trunk", metavar="PORT", help="This is a trunk; may be repeated."),
    ] = None,
    force: Annotated[
        bool,
        typer.Option("--force", help="Files that have entries make way too; kept as NAME.~1~."),
    ] = False,
    hooks_dir: HooksOption = None,
) -> None:
    """Write config files that describe this host as it runs now.

    In bridge_init.conf the bridges that filter VLANs, in vlan_filtering.conf guests' ports by
    their MACs. A trunk is a port that is hardware, a bond, a VLAN device or a tunnel, unless
    --trunk says which. Right after it, `vlanlog replay --dry-run` plans nothing; where an older
    wish still would, that is told. Files without an entry, such as install's, make way and are
    kept as NAME.~1~.

    Exit status: 0 done, 1 something is left out, because no config can say it or no guest is
    known to have the port, or a wish would still change something.
    """
    settings = load_settings(os.environ, hooks_dir)
    found = _found(settings, bridges or [], trunks or [])
    place = folder or settings.conf
    _give(found, place, force=force)
    in_force = place != STDOUT and place.resolve() == settings.conf.resolve()
    overruled = in_force and _tell_overruled(settings)
    if found.left_out or overruled:
        raise typer.Exit(EXIT_DIFFERS)


def _give(found: Captured, place: Path, *, force: bool) -> None:
    """Writes the files, and tells what was left out of them."""
    texts = _texts(found)
    if place == STDOUT:
        for name, text in texts.items():
            print(f"# {name}\n{text}")
    else:
        _write(place, texts, force=force)
        _tell_done(found, place)
    for line in found.notes:
        show.note(line)
    for line in found.left_out:
        show.note(f"left out: {line}")


def _found(settings: Settings, bridges: list[str], trunks: list[str]) -> Captured:
    with NetlinkReader() as reader:
        table = reader.read()
    live = running_guests(settings.libvirt_status)
    for unread in live.unread:
        show.note(f"{unread.path}: {unread.reason}: the ports of its guest are not known as such")
    return captured(
        table, tuple(live.guests.values()), read_devices(), bridges=bridges, trunks=trunks
    )


def _texts(found: Captured) -> dict[str, str]:
    now = when(SystemClock().now_ns())
    head = [
        f"The VLANs of {os.uname().nodename} as they were at {now}, written by",
        f"vlanlog capture (vlanlog {vlanlog.__version__}). The keys are explained in the files",
        "that vlanlog was shipped with.",
        *(f"Not described: {line}" for line in (*found.notes, *found.left_out)),
    ]
    comments: Mapping[str, list[str]] = {
        **{section: [*lines] for section, lines in found.comments.items()},
        "": head,
    }
    return {
        "bridge_init.conf": bridges_text(found.bridges, comments),
        "vlan_filtering.conf": ports_text(found.ports, comments),
    }


def _tell_done(found: Captured, folder: Path) -> None:
    trunks = sum(len(entry.trunk_ports) for entry in found.bridges)
    print(
        f"{folder}: {count(len(found.bridges), 'bridge')}, {count(trunks, 'trunk')}, "
        f"{count(len(found.ports), 'other port')}"
    )


def _tell_overruled(settings: Settings) -> bool:
    """Tells what a replay would change all the same, for wishes of the log; returns whether any."""
    try:
        todo = ask.rehearsal_of(settings, ReplayRequest(), ReplayAnswer).report.plan
    except VlanlogError as error:
        # The files are written, and the next replay says this again.
        show.note("they are written; whether a replay would change something is not known:")
        show.explain(error)
        return True
    for item in todo.ports:
        to = change(item.before, item.wish.vlans) or "  ".join(item.steps)
        show.note(f"a replay would change {item.wish.port.name} ({to}): {item.wish.because}")
    if todo:
        show.hint("'vlanlog unset TARGET' withdraws a wish; see 'vlanlog replay --dry-run'")
    return bool(todo)


def _write(folder: Path, texts: dict[str, str], *, force: bool) -> None:
    paths = {folder / name: text for name, text in texts.items()}
    if not force and (there := [path for path in paths if path.exists() and _has_entry(path)]):
        raise UsageError(
            "\n".join(f"{path} has entries already" for path in there) + "\nnothing was written",
            hint="look at '-o -' first; --force keeps them as NAME.~1~",
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in paths.items():
            _put(path, text)
    except OSError as error:
        raise VlanlogError(
            f"{folder}: {error.filename}: {error.strerror}", hint=f"look at: ls -ld {folder}"
        ) from error


def _has_entry(path: Path) -> bool:
    """Tells whether a file has more than comments, which are all that an install lays down."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise VlanlogError(
            f"{path}: {error.strerror}", hint=f"nothing was written; look at: ls -ld {path}"
        ) from error
    return any(line.strip() and not line.strip().startswith((b"#", b";")) for line in lines)


def _put(path: Path, text: str) -> None:
    """Writes the file whole or not at all; what was there keeps a name of its own."""
    new = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with new.open("x", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            backup = _backup(path)
            show.note(f"{path} is kept as {backup.name}")
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def _backup(path: Path) -> Path:
    """Gives the file a second name, as ``cp --backup=numbered`` does, and returns that."""
    number = 1
    while True:
        backup = path.with_name(f"{path.name}.~{number}~")
        try:
            backup.hardlink_to(path)
        except FileExistsError:
            number += 1
        else:
            return backup
