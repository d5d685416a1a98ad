"""What is to be run once files are laid down or taken away: commands as values, and their running.

Must not run anything for an image.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vlanlog.install.layout import DROP_IN, SELINUX_MODULE, UNIT, UNIT_FILE
from vlanlog.install.manifest import DATA
from vlanlog.install.site import LIBVIRTS, Site
from vlanlog.install.step import Action, Step
from vlanlog.install.tree import Tree

_DEADLINE_S = 120.0
_RULES = "/etc/apparmor.d/local/"
_MODULE = "vlanlog_hooks"
# Source: sd_booted(3); aa_is_enabled(2).
_NEEDS = {
    "systemctl": Path("/run/systemd/system"),
    "apparmor_parser": Path("/sys/kernel/security/apparmor"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Is a command and why it is to be run."""

    words: tuple[str, ...]
    why: str

    def __str__(self) -> str:
        return shlex.join(self.words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Aftermath:
    """Is what follows: commands that are run at once, and those that are left to the operator."""

    at_once: tuple[Command, ...] = ()
    left: tuple[Command, ...] = ()


def after_install(
    tree: Tree, host: Site, hooks: str, steps: Sequence[Step], *, enable: bool
) -> Aftermath:
    """Returns what follows an install; in an image all of it is left to its first start."""
    changed = {step.path for step in steps if step.changes}
    at_once = [*_labels(host, hooks, changed), *_profiles(changed)]
    left = [*_reloads(host, hooks, changed)]
    if enable:
        at_once += _unit(steps, enable=True)
    else:
        left = [*_unit(steps, enable=False), *left]
    if hooks == LIBVIRTS and changed:
        left.append(_run("what it would change", "vlanlog", "replay", "--dry-run"))
    if tree.is_image:
        return Aftermath(left=(*at_once, *left))
    return Aftermath(at_once=tuple(at_once), left=tuple(left))


def before_uninstall(tree: Tree, steps: Sequence[Step]) -> tuple[Command, ...]:
    """Returns what is run before files are taken away: the daemon is ended."""
    gone = {step.path for step in steps if step.action is Action.REMOVED}
    if tree.is_image or UNIT_FILE not in gone:
        return ()
    return (_run("to end the daemon", "systemctl", "disable", "--now", UNIT),)


def after_uninstall(tree: Tree, steps: Sequence[Step]) -> Aftermath:
    """Returns what follows when files have been taken away."""
    changed = {step.path for step in steps if step.changes}
    commands = [*_profiles(changed)]
    if SELINUX_MODULE in changed:
        commands.append(_run("to take the module out", "semodule", "--remove", _MODULE))
    if UNIT_FILE in changed:
        commands.append(_run("to forget the unit", "systemctl", "daemon-reload"))
    if tree.is_image:
        return Aftermath(left=tuple(commands))
    return Aftermath(at_once=tuple(commands))


def failures(commands: Iterable[Command]) -> list[str]:
    """Runs the commands one after the other; returns a line for each that failed.

    One that has nothing to do on this host is passed over, such as systemd's where another init
    runs.
    """
    told = []
    for command in commands:
        if not is_for_this_host(command):
            continue
        try:
            done = subprocess.run(
                command.words,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                env={**os.environ, "PATH": _path(), "LC_ALL": "C"},
                timeout=_DEADLINE_S,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            told.append(f"'{command}' failed: {error}")
            continue
        if done.returncode != 0:
            said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            told.append(f"'{command}' failed: {said}")
    return told


def is_for_this_host(command: Command) -> bool:
    """Tells whether a command has something to do here; one that has not is not run."""
    program = command.words[0]
    if shutil.which(program, path=_path()) is None:
        return False
    return all(place.exists() for name, place in _NEEDS.items() if name == program)


def _path() -> str:
    # sudo and cron may leave out where these programs lie.
    return f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


def _labels(host: Site, hooks: str, changed: set[str]) -> list[Command]:
    if not host.selinux or not changed:
        return []
    paths = (hooks, DATA, *((UNIT_FILE,) if host.unit else ()))
    commands = [_run("for the labels of SELinux", "restorecon", "-R", *paths)]
    if SELINUX_MODULE in changed:
        why = "to let virtqemud run hooks"
        commands.insert(0, _run(why, "semodule", "--install", SELINUX_MODULE))
    return commands


def _profiles(changed: set[str]) -> list[Command]:
    names = sorted(path.removeprefix(_RULES) for path in changed if path.startswith(_RULES))
    return [
        _run("for the rule of AppArmor", "apparmor_parser", "--replace", f"/etc/apparmor.d/{name}")
        for name in names
    ]


def _unit(steps: Sequence[Step], *, enable: bool) -> list[Command]:
    """Returns what makes systemd run the daemon; without ``enable`` only where the unit is new."""
    action = next((step.action for step in steps if step.path == UNIT_FILE), None)
    if action is None or not (enable or action is Action.NEW or action is Action.UPGRADED):
        return []
    commands = [
        _run("to read the unit", "systemctl", "daemon-reload"),
        _run("to start the daemon, now and at boot", "systemctl", "enable", "--now", UNIT),
    ]
    if action is Action.UPGRADED:
        commands.append(_run("to run it by the new unit", "systemctl", "restart", UNIT))
    return commands


def _reloads(host: Site, hooks: str, changed: set[str]) -> list[Command]:
    """Returns what makes libvirt's daemons look for hooks again, where they had found none."""
    laid = {driver for driver in host.unseen if _lays(hooks, driver, changed)}
    if not laid or hooks != LIBVIRTS:
        return []
    why = f"it has not seen that there is a hook ({', '.join(sorted(laid))})"
    systemd = shutil.which("systemctl") and Path("/run/systemd/system").is_dir()
    return [
        _run(why, "systemctl", "reload", name)
        if systemd
        else _run(why, "pkill", "-HUP", "-x", name)
        for name in host.daemons
    ]


def _lays(hooks: str, driver: str, changed: set[str]) -> bool:
    return not changed.isdisjoint((f"{hooks}/{driver}", f"{hooks}/{driver}.d/{DROP_IN}"))


def _run(why: str, *words: str) -> Command:
    return Command(words=words, why=why)
