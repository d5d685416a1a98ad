"""A libvirtd to test hooks with, inside the lab: needs `run.py --libvirt`.

With `--libvirt modular` it is virtqemud, which calls the same hooks.

Must never start outside the lab, where it would be the host's own.
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from .errors import LabError
from .inside import LIBVIRT_DAEMON, require_lab

HOOKS = Path("/etc/libvirt/hooks")
LOG = Path("/var/log/libvirt/libvirtd.log")
_PROGRAM = os.environ.get(LIBVIRT_DAEMON, "libvirtd")
# Under the user-mode kernel a start takes 2 s, and QEMU's own 20 s, on a machine with nothing else.
_DEADLINE_S = 120.0


class Libvirtd:
    """A running libvirtd: `virsh`, `reload` and `stop` are what tests do with it."""

    def __init__(self, *, options: tuple[str, ...] = ()) -> None:
        self._command = (_PROGRAM, *options)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The daemon's process id."""
        if self._process is None:
            raise LabError("libvirtd is not running", hint="call start() first")
        return self._process.pid

    def start(self) -> None:
        """Starts the daemon and waits until it answers; the hook `daemon start` has then run.

        Raises: LabError when it does not come up.
        """
        require_lab()
        if not has_libvirtd():
            raise LabError("there is no libvirtd in this lab", hint="give run.py --libvirt")
        socket = socket_path()
        socket.unlink(missing_ok=True)
        self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + _DEADLINE_S
        while self._process.poll() is None and time.monotonic() < deadline:
            if socket.exists() and _virsh("uri").returncode == 0:
                return
            time.sleep(0.1)
        self.stop()
        log = LOG.read_text()[-2000:] if LOG.exists() else ""
        raise LabError(f"libvirtd did not come up:\n{log}", hint="is --libvirt given?")

    def reload(self) -> None:
        """Has the daemon read its settings anew: it runs the hook `daemon reload`, later."""
        os.kill(self.pid, signal.SIGHUP)

    def stop(self) -> None:
        """Stops the daemon and waits for its end; guests go on."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_DEADLINE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def ends_within(self, seconds: float) -> bool:
        """Tells whether the daemon ended by itself, and its hook `daemon shutdown` with it."""
        try:
            if self._process is not None:
                self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        self._process = None
        return True

    def virsh(self, *arguments: str) -> str:
        """Runs virsh and returns what it prints.

        Raises: LabError with what it said when it fails.
        """
        done = _virsh(*arguments)
        if done.returncode != 0:
            raise LabError(
                f"virsh {' '.join(arguments)}: {done.stderr.strip()}", hint=f"look at {LOG}"
            )
        return done.stdout

    def define(self, xml: str) -> None:
        """Defines a guest from its XML."""
        self.virsh("define", "--file", str(_written(xml)))

    def attach(self, guest: str, device_xml: str) -> None:
        """Plugs a device into a running guest."""
        self.virsh("attach-device", guest, "--live", "--file", str(_written(device_xml)))


@contextmanager
def libvirtd(hooks: Mapping[str, str] | None = None) -> Iterator[Libvirtd]:
    """Gives a libvirtd started with these hooks (name: script), and stops it and its guests."""
    if hooks is not None:
        write_hooks(hooks)
    daemon = Libvirtd()
    daemon.start()
    try:
        yield daemon
    finally:
        for guest in _virsh("list", "--all", "--name").stdout.split():
            _virsh("destroy", guest)
            _virsh("undefine", guest)
        daemon.stop()


def has_libvirtd() -> bool:
    """Tells whether this is a lab with libvirt."""
    return shutil.which("libvirtd") is not None


def daemon_name() -> str:
    """Returns the name of this lab's daemon, as hooks see it: libvirtd or virtqemud."""
    return Path(_PROGRAM).name


def socket_path() -> Path:
    """Returns where this lab's daemon is asked."""
    name = "libvirt" if daemon_name() == "libvirtd" else daemon_name()
    return Path(f"/run/libvirt/{name}-sock")


def libvirt_version() -> tuple[int, ...]:
    """Returns the version of this lab's libvirt: 9.0 and 11.3 call hooks with other words."""
    done = subprocess.run((_PROGRAM, "--version"), capture_output=True, text=True, check=True)
    return tuple(int(number) for number in done.stdout.split()[-1].split("."))


def write_hooks(hooks: Mapping[str, str]) -> None:
    """Makes /etc/libvirt/hooks hold exactly these scripts; libvirtd looks for them at its start."""
    require_lab()
    shutil.rmtree(HOOKS, ignore_errors=True)
    HOOKS.mkdir(parents=True)
    for name, script in hooks.items():
        (HOOKS / name).write_text(script)
        (HOOKS / name).chmod(0o755)


def _virsh(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = ("virsh", "--connect", "qemu:///system", *arguments)
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=_DEADLINE_S)


def _written(xml: str) -> Path:
    path = Path("/run/vlanlog-lab.xml")
    path.write_text(xml)
    return path
