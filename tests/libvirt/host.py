"""A KVM host in the lab: bridges, vlanlog's hooks as an installer lays them down, and libvirtd.

Must not compare anything.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import vlanlog
from tests.lab.domain import Nic, domain_xml
from tests.lab.errors import LabError
from tests.lab.inside import require_lab
from tests.lab.libvirtd import HOOKS, Libvirtd

PROJECT = Path(__file__).parents[2]
HOOK_PY = Path(vlanlog.__path__[0]) / "hook.py"
CONF = HOOKS / "conf"
LOGS = HOOKS / "logs"
DATA = Path("/var/lib/vlanlog")
DATABASE = DATA / "vlanlog.db"
SPOOL = DATA / "spool"
_QEMU_LOGS = Path("/var/log/libvirt/qemu")
_VLANLOG = Path(sys.executable).with_name("vlanlog")
# Under the user-mode kernel a command takes 2 s on a machine with nothing else to do.
_DEADLINE_S = 90.0

BRIDGES = """\
[DEFAULT]
trunk-pvid = 1
br-pvid = 1

[br0]
trunk-port = eth0
trunk-pvid = 1
trunk-tags = 100 200 300
br-pvid = 1
br-tags = 200
"""
PORTS = """\
[DEFAULT]
pvid = 1

[veth0]
guest = VM1
pvid = 100
tagged = 200,300

[veth1]
guest = VM2
pvid = 1
tagged = 100 200

[veth2]
guest = VM2
pvid = 300
"""

Vlans = dict[str, list[str]]
"""What each port carries, as a reader of ``bridge vlan show`` would say it."""

REFERENCE: Vlans = {
    "br0": ["1 pvid untagged", "200"],
    "eth0": ["1 pvid untagged", "100", "200", "300"],
}
"""What BRIDGES says of br0 itself and of its trunk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """Is a guest that libvirt knows."""

    name: str
    uuid: str
    nics: tuple[Nic, ...]


@dataclass(slots=True, kw_only=True)
class Host:
    """Is the lab as a host whose operator works with virsh, kill, editors and vlanlog."""

    daemon: Libvirtd = field(default_factory=Libvirtd)
    guests: list[Guest] = field(default_factory=list)
    up: bool = False

    def start_libvirtd(self) -> None:
        """Starts libvirtd, and waits until it has reconnected to all guests."""
        self.daemon.start()
        self.up = True
        for guest in self.guests:
            if self.state(guest) != "shut off":
                # Has to wait for libvirt's job on the guest, which ends after its hook `reconnect`.
                self.daemon.virsh("iothreadinfo", guest.uuid, "--live")

    def stop_libvirtd(self) -> None:
        """Stops libvirtd; guests go on."""
        self.daemon.stop()
        self.up = False

    def define(self, name: str, *nics: Nic, acpi: bool = False, disk: Path | None = None) -> Guest:
        """Makes a guest known to libvirt; it does not run yet. Hot plug needs ACPI."""
        guest = Guest(name=name, uuid=str(uuid4()), nics=nics)
        self.daemon.define(domain_xml(name, nics, uuid=guest.uuid, acpi=acpi, disk=disk))
        self.guests.append(guest)
        return guest

    def started(self, name: str, *nics: Nic, acpi: bool = False) -> Guest:
        """Makes a guest and starts it.

        Raises: LabError with virsh's words when it does not start.
        """
        guest = self.define(name, *nics, acpi=acpi)
        self.start(guest)
        return guest

    def start(self, guest: Guest) -> None:
        """Starts a guest; libvirt has then run all its hooks.

        Raises: LabError with virsh's words when it does not start.
        """
        self.daemon.virsh("start", guest.uuid)

    def refusal(self, guest: Guest) -> str:
        """Returns virsh's words on a start that fails, nothing on one that does not."""
        try:
            self.start(guest)
        except LabError as error:
            return str(error)
        return ""

    def stop(self, guest: Guest) -> None:
        """Ends a guest; libvirt has then run all its hooks."""
        self.daemon.virsh("destroy", guest.uuid)

    def stop_all(self) -> None:
        """Ends every guest that runs."""
        for guest in self.guests:
            if self.state(guest) != "shut off":
                self.stop(guest)

    def state(self, guest: Guest) -> str:
        """Returns libvirt's word for what the guest does."""
        return self.daemon.virsh("domstate", guest.uuid).strip()

    def reload(self) -> None:
        """Has libvirtd reload, and waits until the hook `daemon reload` has ended."""
        before = len(self.reloads())
        self.daemon.reload()
        wait_until(lambda: len(self.reloads()) > before, "the hook `daemon reload` to end")

    def reloads(self) -> list[dict[str, Any]]:
        """Returns how bridge_init.py ended at each reload so far."""
        ended = self.history("--kind", "hook.script_finished")
        return [
            item["payload"]
            for item in ended
            if (item["payload"]["hook"], item["payload"]["script"])
            == ("daemon_reload", "bridge_init.py")
        ]

    def vlanlog(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs a command of vlanlog with its defaults."""
        return subprocess.run(
            (_VLANLOG, *arguments), capture_output=True, text=True, check=False, cwd="/"
        )

    def history(self, *arguments: str) -> list[dict[str, Any]]:
        """Returns what ``vlanlog history`` tells.

        Raises: LabError when it fails.
        """
        done = self.vlanlog("history", "-o", "json", *arguments)
        if done.returncode != 0:
            raise LabError(f"vlanlog history: {done.stderr}", hint="see the words before")
        return events_told(done.stdout)

    def add_script(self, path: str, text: str) -> Path:
        """Puts a script of someone else into the hooks folder; text is of sh."""
        script = HOOKS / path
        script.parent.mkdir(exist_ok=True)
        script.write_text(f"#!/bin/sh\n{text}\n")
        script.chmod(0o755)
        return script

    def reset(self, *, bridges: str = BRIDGES, ports: str = PORTS) -> None:
        """Makes a host on which nothing has happened yet, libvirtd's first start included."""
        self.close()
        for folder in (HOOKS, DATA, _QEMU_LOGS):
            shutil.rmtree(folder, ignore_errors=True)
        _QEMU_LOGS.mkdir(parents=True)
        _make_links()
        lay_down()
        write_conf(bridges=bridges, ports=ports)
        self.start_libvirtd()

    def close(self) -> None:
        """Ends guests and libvirtd, and takes bridges and ports away."""
        if self.guests and not self.up:
            self.start_libvirtd()
        self.stop_all()
        for guest in self.guests:
            self.daemon.virsh("undefine", guest.uuid)
        self.guests.clear()
        self.stop_libvirtd()
        for name in ("br0", "br1", "eth0", "other0"):
            subprocess.run(("ip", "link", "del", name), capture_output=True, check=False)


def _make_links() -> None:
    ip("link add br0 type bridge")
    ip("link add eth0 type dummy")
    ip("link set eth0 master br0 up")
    ip("link set br0 up")


def lay_down() -> None:
    """Lays down hooks and conf as an installer does: a copy that names its interpreter."""
    require_lab()
    shutil.copytree(PROJECT / "hooks", HOOKS, symlinks=True)
    shutil.copytree(PROJECT / "conf", CONF)
    for shim in (HOOKS / "qemu", HOOKS / "daemon"):
        _write_line(shim, "PYTHON=", f"PYTHON={sys.executable}")
        _write_line(shim, "HOOK=", f"HOOK={HOOK_PY}")
    for script in HOOKS.glob("*.d/*.py"):
        if not script.is_symlink():
            _write_line(script, 'PYTHON=""', f'PYTHON="{sys.executable}"')


@contextmanager
def watched() -> Iterator[Path]:
    """Has ``vlanlog daemon`` run for a while; yields the file with what it says.

    Raises: TimeoutError where it does not come up.
    """
    said = Path("/run/vlanlog-daemon.log")
    with said.open("wb") as stream:
        process = subprocess.Popen((_VLANLOG, "daemon", "--verbose"), stderr=stream, cwd="/")
    try:
        wait_until(lambda: "watching" in said.read_text(), "`vlanlog daemon` to watch")
        yield said
    finally:
        process.terminate()
        process.wait(_DEADLINE_S)


def without_interpreter() -> AbstractContextManager[None]:
    """Has the shim of guests name an interpreter that is not there, for a while."""
    return _rewritten(HOOKS / "qemu", f"PYTHON={sys.executable}", "PYTHON=/no/python")


@contextmanager
def _rewritten(file: Path, old: str, new: str) -> Iterator[None]:
    _write_line(file, old, new)
    try:
        yield
    finally:
        _write_line(file, new, old)


def write_conf(*, bridges: str | None = None, ports: str | None = None) -> None:
    """Writes the two files of config, as an operator's editor does."""
    for name, text in (("bridge_init.conf", bridges), ("vlan_filtering.conf", ports)):
        if text is not None:
            (CONF / name).write_text(text)


def _write_line(file: Path, old: str, new: str) -> None:
    lines = file.read_text().splitlines()
    lines[lines.index(old)] = new
    file.write_text("\n".join(lines) + "\n")


def ip(command: str) -> None:
    """Runs ip(8).

    Raises: CalledProcessError.
    """
    subprocess.run(("ip", *command.split()), check=True)


def bridge(command: str) -> None:
    """Runs bridge(8).

    Raises: CalledProcessError.
    """
    subprocess.run(("bridge", *command.split()), check=True)


def kernel_vlans() -> Vlans:
    """Returns all that ``bridge -j vlan show`` says."""
    shown = subprocess.run(
        ("bridge", "-j", "vlan", "show"), capture_output=True, text=True, check=True
    )
    return vlans_shown(shown.stdout)


def vlans_shown(text: str) -> Vlans:
    """Returns what ``bridge -j vlan show`` printed."""
    ports = json.loads(text)
    return {port["ifname"]: [_told(vlan) for vlan in port["vlans"]] for port in ports}


def _told(vlan: dict[str, Any]) -> str:
    words = [str(vlan["vlan"])]
    words += [f"to {vlan['vlanEnd']}"] if "vlanEnd" in vlan else []
    words += ["pvid"] if "PVID" in vlan.get("flags", ()) else []
    words += ["untagged"] if "Egress Untagged" in vlan.get("flags", ()) else []
    return " ".join(words)


def events_told(text: str) -> list[dict[str, Any]]:
    """Returns what ``vlanlog history -o json`` printed."""
    found: list[dict[str, Any]] = json.loads(text)
    return found


def words_of_hook(said: str) -> str:
    """Returns what the hook said to libvirt, out of virsh's words on a failed start."""
    return said.partition(" unexpected exit status 1: ")[2].partition("\n")[0]


def qemu_pid(guest: Guest) -> int:
    """Returns the process that runs the guest.

    Raises: FileNotFoundError where none does.
    """
    return int(Path(f"/run/libvirt/qemu/{guest.name}.pid").read_text())


def qemu_starts(guest: Guest) -> int:
    """Returns how often libvirt has run QEMU for the guest, by the log that it keeps of that."""
    log = _QEMU_LOGS / f"{guest.name}.log"
    return log.read_text().count(": starting up libvirt version") if log.exists() else 0


def wait_until(holds: Callable[[], bool], what: str) -> None:
    """Returns as soon as it holds.

    Raises: TimeoutError.
    """
    deadline = time.monotonic() + _DEADLINE_S
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {_DEADLINE_S:g} s for {what}")
        time.sleep(0.2)
