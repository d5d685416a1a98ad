"""The command lines of run.py and packages.py: reads arguments, chooses the back end, shows errors.

No silence: what cannot be run is an error with exit status 3, never a skip.
"""

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from .bridge_probe import why_not_native
from .errors import LabError
from .inside import LIBVIRT_DAEMON
from .job import Job
from .native import run_natively
from .process import EndedError, signals_raise
from .tree import package_tree
from .uml import bytes_of, run_in_uml, window_size
from .virtqemud import virtqemud

ENVIRONMENT_ERROR = 3
_LIBVIRT = (
    "libvirt-daemon-system",
    "libvirt-daemon-driver-qemu",
    "libvirt-clients",
    "qemu-system-x86",
)
# Programs that the tests call, and the packages that have them where the host does not.
_PROGRAMS = {"bridge": "iproute2", "ip": "iproute2", "setpriv": "util-linux"}
_PASSED = (
    *("CI", "COLUMNS", "EDITOR", "GITHUB_ACTIONS", "HOME", "LANG", "LANGUAGE", "LINES", "LOGNAME"),
    *("NO_COLOR", "FORCE_COLOR", "PATH", "PAGER", "SHELL", "SOURCE_DATE_EPOCH", "TERM", "TZ"),
    *("USER", "VIRTUAL_ENV"),
)
_PASSED_PREFIXES = ("COVERAGE_", "HYPOTHESIS_", "LC_", "PY_", "PYTEST_", "PYTHON", "VLANLOG_")


def run(arguments: Sequence[str]) -> int:
    """Does what run.py's arguments say; returns the exit status."""
    options = _run_options(arguments)
    try:
        backend, reason = _backend(options.backend)
        if options.probe:
            print(f"{backend}: {reason}")
            return 0
        job = _job(options, backend)
        with signals_raise():
            if backend == "native":
                return run_natively(job, timeout_s=options.timeout)
            return run_in_uml(job, memory=options.memory, timeout_s=options.timeout)
    except LabError as e:
        return _show(str(e), ENVIRONMENT_ERROR)
    except EndedError as e:
        return _show(f"{e}: the lab was ended", e.status)


def packages(arguments: Sequence[str]) -> int:
    """Prints the path of a tree with the packages named; returns the exit status."""
    parser = argparse.ArgumentParser(prog="packages.py", description=package_tree.__doc__)
    parser.add_argument("package", nargs="+")
    try:
        with signals_raise():
            print(package_tree(tuple(parser.parse_args(arguments).package)))
    except LabError as e:
        return _show(str(e), ENVIRONMENT_ERROR)
    except EndedError as e:
        return _show(str(e), e.status)
    return 0


def _show(error: str, status: int) -> int:
    print(f"lab: error: {error}", file=sys.stderr)
    return status


def _run_options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="run.py", description="Run COMMAND in a kernel that has bridge VLAN filtering."
    )
    add = parser.add_argument
    add("--backend", choices=("auto", "native", "uml"), default="auto")
    add("--memory", type=_memory, default="2G", help="of the user-mode kernel (default: 2G)")
    add("--timeout", type=float, metavar="S", help="end the lab after so many seconds (exit 124)")
    add("--rw", action="append", default=[], metavar="DIR", help="folder shared with the host")
    add("--env", action="append", default=[], metavar="NAME[=VALUE]", help="pass one more variable")
    add(
        "--libvirt",
        nargs="?",
        const="release",
        choices=("release", "backports", "modular"),
        help="have libvirtd, virsh and QEMU in the lab: the Debian release's, or newer ones; "
        "modular: those, and virtqemud in the place of libvirtd",
    )
    add("--package", action="append", default=[], help="have one more Debian package in the lab")
    add("--probe", action="store_true", help="say which kernel would be used, and why")
    add("--shell", action="store_true", help="run an interactive shell")
    add("command", nargs="*", metavar="COMMAND", help="put -- before it if it has options")
    options = parser.parse_args(arguments)
    if options.shell and not options.command:
        options.command = [os.environ.get("SHELL") or "/bin/sh"]
    if options.shell and not (sys.stdin.isatty() and sys.stdout.isatty()):
        parser.error("--shell needs a terminal")
    if not options.command and not options.probe:
        parser.error("no COMMAND")
    return options


def _memory(text: str) -> str:
    if bytes_of(text) < 128 << 20:
        raise ValueError(text)
    return text


def _backend(wanted: str) -> tuple[str, str]:
    """Returns the back end, and why it is that one."""
    lacking = None if wanted == "uml" else why_not_native()
    if wanted == "native" and lacking:
        raise LabError(
            f"the host's kernel will not do: {lacking}",
            hint="run as root on a kernel with bridge VLAN filtering, or leave --backend out",
        )
    if wanted != "uml" and lacking is None:
        return "native", "the host's kernel filters VLANs, and we are root"
    if os.uname().machine != "x86_64":
        raise LabError(
            f"no kernel for the lab: the host's will not do ({lacking}), and there is no "
            f"user-mode kernel for {os.uname().machine}",
            hint="run as root on a kernel with bridge VLAN filtering",
        )
    return "uml", "as told" if wanted == "uml" else f"the host's kernel will not do: {lacking}"


def _job(options: argparse.Namespace, backend: str) -> Job:
    missing = {p for program, p in _PROGRAMS.items() if not shutil.which(program, path=_path())}
    names = {*options.package, *missing, *(_LIBVIRT if options.libvirt else ())}
    tree = _tree(names, options.libvirt) if names else None
    environment = _environment(options.env, backend)
    if options.libvirt == "modular" and tree is not None:
        environment[LIBVIRT_DAEMON] = str(virtqemud(tree))
    return Job(
        backend=backend,
        command=tuple(options.command),
        folder=str(Path.cwd()),
        environment=environment,
        writable=tuple(_folder(name) for name in options.rw),
        tree=str(tree) if tree else None,
        modules=(),
        consoles=(),
        interactive=options.shell,
        window=window_size() if options.shell else (0, 0),
        libvirt=options.libvirt is not None,
    )


def _tree(names: set[str], libvirt: str | None) -> Path:
    return package_tree(tuple(sorted(names)), backports=libvirt in ("backports", "modular"))


def _folder(name: str) -> str:
    folder = Path(name).resolve()
    if not folder.is_dir():
        raise LabError(f"--rw {name}: no such folder", hint="make it first")
    return str(folder)


def _environment(more: list[str], backend: str) -> dict[str, str]:
    named = dict(pair.partition("=")[::2] for pair in more if "=" in pair)
    bare = {name for name in more if "=" not in name}
    passed = {
        name: value
        for name, value in os.environ.items()
        if name in _PASSED or name in bare or name.startswith(_PASSED_PREFIXES)
    }
    return {**passed, "PATH": _path(), "VLANLOG_LAB": backend, **named}


def _path() -> str:
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    needed = ("/usr/local/sbin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
    return os.pathsep.join(dict.fromkeys((*folders, *needed)))
