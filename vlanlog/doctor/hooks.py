"""Checks of the hooks: laid down, able to run, and called by libvirt's daemon.

Must not leave a trace: a hook that is run writes its record to a folder that is thrown away.
"""

from __future__ import annotations

import os
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from vlanlog.core.event import HookInvoked
from vlanlog.core.finding import Finding, failed, passed, warned
from vlanlog.core.query import EventFilter
from vlanlog.doctor.view import NotSeenError, View

DRIVERS = ("qemu", "daemon")
CALLERS = ("libvirtd", "virtqemud")
"""The daemons that call the hook ``qemu``; of others, nothing of a guest's depends on them."""

SCRIPTS = (
    "qemu_start_begin.d/vlan_filtering.py",
    "qemu_reconnect_begin.d/vlan_filtering.py",
    "daemon_start.d/bridge_init.py",
)
_MARK = b"vlanlog/hook.py"
_INSTALL = "vlanlog install"
_PATIENCE_S = 20.0
# What a unit of systemd's has, and libvirt hands on.
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_XML = b"<domain type='kvm'><name>vlanlog-doctor</name><uuid>%s</uuid></domain>\n" % (
    b"00000000-0000-4000-8000-000000000000"
)


def dispatchers(view: View, driver: str) -> list[Path]:
    """Returns the files that libvirt runs for a driver and that are vlanlog's.

    Raises: NotSeenError.
    Source: ``virHookCall``: hooks/DRIVER, then what is in hooks/DRIVER.d.
    """
    hooks = view.settings.hooks
    candidates = [hooks / driver, *view.listed(hooks / f"{driver}.d")]
    return [path for path in candidates if path.is_file() and _MARK in _content(path)]


def hooks(view: View) -> Iterator[Finding]:
    """Asks whether dispatchers and scripts are there and can be run."""
    name = "hooks"
    faults: list[Finding] = []
    for driver in DRIVERS:
        found = dispatchers(view, driver)
        if not found:
            where = view.settings.hooks / driver
            text = f"{where} is not vlanlog's: libvirt calls nothing of it for '{driver}'"
            faults.append(failed(name, text, _INSTALL))
        faults += [item for path in found for item in _unfit(path)]
    for script in SCRIPTS:
        path = view.settings.hooks / script
        if not path.is_file():
            faults.append(failed(name, f"{path} is missing: VLANs are not set there", _INSTALL))
        else:
            faults += _unfit(path)
    yield from faults or [passed(name, f"{view.settings.hooks}: dispatchers and scripts are there")]


def _unfit(path: Path) -> Iterator[Finding]:
    name = "hooks"
    mode = path.stat().st_mode
    if not mode & stat.S_IXUSR:
        yield failed(name, f"{path} is not executable", f"chmod 755 {path}")
    if mode & stat.S_IWOTH:
        yield failed(
            name, f"{path} may be changed by anyone, and runs as root", f"chmod 755 {path}"
        )
    first = _content(path).partition(b"\n")[0]
    interpreter = first.removeprefix(b"#!").split()[:1] if first.startswith(b"#!") else []
    if not interpreter:
        yield failed(name, f"{path} does not begin with #!", f"{_INSTALL} --force")
    elif not os.access(interpreter[0], os.X_OK):
        there = interpreter[0].decode(errors="replace")
        yield failed(name, f"{path}: its interpreter {there} cannot be run", _INSTALL)


def hook_call(view: View) -> Iterator[Finding]:
    """Runs each dispatcher and script as libvirt does, with nothing that they could change."""
    name = "hook-call"
    found = [(driver, path) for driver in DRIVERS for path in dispatchers(view, driver)]
    if not found:
        raise NotSeenError("there is no hook to be run", "see the check 'hooks'")
    if not view.is_root:
        raise NotSeenError("only root's calls are served", "run 'vlanlog doctor' as root")
    faults = [
        failed(name, f"{path} records nothing: {why}", _INSTALL)
        for driver, path in found
        if (why := _call_failure(driver, path))
    ]
    faults += [
        failed(name, f"{path} cannot be run: {why}", _INSTALL)
        for path in _once(view.settings.hooks / script for script in SCRIPTS)
        if (why := _script_failure(path))
    ]
    yield from faults or [passed(name, "dispatchers record a call, and scripts start")]


def _once(paths: Iterable[Path]) -> list[Path]:
    """Returns the files that are there, one that others link to only once."""
    return list({path.resolve(): path for path in paths if path.is_file()})


def _call_failure(driver: str, path: Path) -> str:
    """Returns why a call is not recorded, nothing where it is; the record is thrown away."""
    argv = ["vlanlog-doctor" if driver == "qemu" else "-", "doctor", "begin", "-"]
    with tempfile.TemporaryDirectory(prefix="vlanlog-doctor.") as folder:
        environ = {
            "LC_ALL": "C",
            "PATH": _PATH,
            "VLANLOG_SPOOL_DIR": f"{folder}/spool",
            "VLANLOG_LOG_DIR": f"{folder}/logs",
            # No daemon listens there, so that none is told.
            "VLANLOG_SOCKET": f"{folder}/socket",
        }
        why = _failure([str(path), *argv], environ, stdin=_XML if driver == "qemu" else b"")
        if why or list(Path(folder, "spool").glob("*.hook")):
            return why
        logs = Path(folder, "logs")
        said = [log.read_text(errors="replace") for log in logs.glob("*")] if logs.is_dir() else []
        return _last_line("".join(said)) or "no Python is found by it, or no vlanlog"


def _script_failure(path: Path) -> str:
    return _failure([str(path), "--help"], {"LC_ALL": "C", "PATH": _PATH}, stdin=b"")


def _failure(command: list[str], environ: dict[str, str], *, stdin: bytes) -> str:
    try:
        done = subprocess.run(
            command,
            input=stdin,
            capture_output=True,
            env=environ,
            cwd="/",
            check=False,
            timeout=_PATIENCE_S,
        )
    except OSError as error:
        return error.strerror or str(error)
    except subprocess.TimeoutExpired:
        return f"it takes more than {_PATIENCE_S:g} s"
    if done.returncode == 0:
        return ""
    return _last_line(done.stderr.decode(errors="replace")) or f"exit status {done.returncode}"


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""


def hooks_seen(view: View) -> Iterator[Finding]:
    """Asks whether a daemon that runs knows of the hooks: it looks for them only at its start.

    Source: ``virHookCall``, which looks anew at a reload, before it calls the hook ``daemon``.
    """
    name = "hooks-seen"
    found = dispatchers(view, "qemu")
    if not found:
        raise NotSeenError("there is no hook to be seen", "see the check 'hooks'")
    born_s = min(map(_born_s, found))
    running = sorted(view.processes(*CALLERS))
    if not running:
        yield passed(name, "no daemon of libvirt's runs: the next one will see the hooks")
    for pid, comm in running:
        started_s = process_start_s(view, pid)
        if started_s >= born_s:
            yield passed(name, f"{comm} (process {pid}) was started after the hooks came")
        elif _has_called(view, comm, started_s):
            yield passed(name, f"{comm} (process {pid}) has called the hooks")
        elif _was_reloaded(view, comm, born_s):
            yield passed(name, f"{comm} (process {pid}) was reloaded after the hooks came")
        else:
            yield warned(
                name,
                f"{comm} (process {pid}) runs since before the hooks came, and has called none",
                f"systemctl reload {comm}",
            )


def _born_s(path: Path) -> float:
    """Returns when the file came, in seconds since the epoch; the last change where unknown."""
    done = subprocess.run(
        ("stat", "-c", "%W", "--", path), capture_output=True, text=True, check=False
    )
    born = done.stdout.strip()
    return float(born) if born.isdigit() and int(born) else path.stat().st_ctime


def process_start_s(view: View, pid: int) -> float:
    """Returns when a process was started, in seconds since the epoch.

    Raises: NotSeenError where it has ended.
    Source: proc(5), ``starttime`` of ``/proc/PID/stat``, in clock ticks since the boot.
    """
    text = view.read_text(view.path(f"proc/{pid}/stat"))
    if not text:
        raise NotSeenError(f"process {pid} has ended meanwhile", "try again")
    ticks = int(text.rpartition(")")[2].split()[19])
    up_s = float(view.read_text(view.path("proc/uptime")).split()[0])
    return time.time() - up_s + ticks / os.sysconf("SC_CLK_TCK")


def _has_called(view: View, comm: str, since_s: float) -> bool:
    return any(fact.driver == "qemu" for fact in _calls(view, comm, since_s))


def _was_reloaded(view: View, comm: str, since_s: float) -> bool:
    calls = _calls(view, comm, since_s)
    return any((fact.driver, fact.operation) == ("daemon", "reload") for fact in calls)


def _calls(view: View, comm: str, since_s: float) -> Iterator[HookInvoked]:
    wanted = replace(
        EventFilter(), kinds=frozenset({"hook.invoked"}), since_ns=int(since_s * 1e9), limit=1000
    )
    for item in view.host.log.select(wanted):
        fact = item.event.fact
        if isinstance(fact, HookInvoked) and fact.daemon == comm:
            yield fact


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise NotSeenError(f"{path}: {error.strerror}", "run 'vlanlog doctor' as root") from error
