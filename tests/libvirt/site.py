"""More KVM hosts within the lab, each with its own network, name, files and libvirtd.

Run as a program, it is such a host until its standard input ends. Must not compare anything.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.lab.errors import LabError
from tests.lab.inside import require_lab
from tests.lab.libvirtd import daemon_name, socket_path
from tests.libvirt.host import Host, Vlans, events_told, vlans_shown

SITES = Path("/srv")
"""Is where all sites see each other's files, by the name of the site."""

_VLANLOG = str(Path(sys.executable).with_name("vlanlog"))
_OWN = (
    *("/etc/libvirt", "/run", "/var/cache/libvirt", "/var/lib/libvirt", "/var/lib/vlanlog"),
    "/var/log/libvirt",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Is a host that runs; pid is of the process in whose namespaces it is."""

    name: str
    pid: int

    @property
    def uri(self) -> str:
        """How its libvirt is reached from another site."""
        return f"qemu+unix:///system?socket={SITES}/{self.name}{socket_path()}"

    @property
    def conf(self) -> Path:
        """The folder of its config, as seen from anywhere."""
        return SITES / self.name / "etc/libvirt/hooks/conf"

    def run(self, *command: str) -> str:
        """Runs a command there and returns what it prints.

        Raises: LabError with what it said when it fails.
        """
        enter = ("nsenter", "--target", str(self.pid), "--net", "--mount", "--uts", "--")
        done = subprocess.run((*enter, *command), capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise LabError(
                f"{self.name}: {' '.join(command)}: {done.stderr.strip()}", hint="see its logs"
            )
        return done.stdout

    def virsh(self, *arguments: str) -> str:
        """Runs virsh there.

        Raises: LabError.
        """
        return self.run("virsh", "--connect", "qemu:///system", *arguments)

    def define(self, xml: str) -> None:
        """Makes a guest known to its libvirtd."""
        file = SITES / "guest.xml"
        file.write_text(xml)
        self.virsh("define", str(file))

    def migrate(self, guest: str, to: Site) -> None:
        """Moves a running guest.

        Raises: LabError with virsh's words where it stays.
        """
        stream = f"unix://{SITES}/stream-{uuid4()}"
        options = ("--live", "--persistent", "--undefinesource", "--migrateuri", stream)
        self.virsh("migrate", *options, guest, to.uri)

    def carried(self) -> Vlans:
        """Returns all that ``bridge -j vlan show`` says there."""
        return vlans_shown(self.run("bridge", "-j", "vlan", "show"))

    def history(self, *arguments: str) -> list[dict[str, Any]]:
        """Returns what ``vlanlog history`` tells there."""
        return events_told(self.vlanlog("history", "-o", "json", *arguments))

    def vlanlog(self, *arguments: str) -> str:
        """Runs a command of vlanlog there.

        Raises: LabError.
        """
        return self.run(_VLANLOG, *arguments)


@contextmanager
def site(name: str) -> Iterator[Site]:
    """Gives a host with bridges, hooks and libvirtd, on which nothing has happened yet."""
    require_lab()
    apart = ("unshare", "--net", "--mount", "--uts", "--propagation", "private")
    command = (*apart, sys.executable, "-m", "tests.libvirt.site", name)
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        if process.stdout.readline() != "ready\n":
            raise LabError(f"the site {name} did not come up", hint="see the output before")
        yield Site(name=name, pid=process.pid)


def _settle(name: str) -> None:
    socket.sethostname(name)
    for folder in _OWN:
        own = SITES / name / folder[1:]
        if folder == "/run":
            own.mkdir(parents=True)
        else:
            Path(folder).mkdir(parents=True, exist_ok=True)
            shutil.copytree(folder, own, symlinks=True)
        subprocess.run(("mount", "--bind", own, folder), check=True)
    # What /sys shows of the network is that of the namespace that mounted it.
    subprocess.run(("mount", "-t", "sysfs", "sysfs", "/sys"), check=True)
    subprocess.run(("ip", "link", "set", "lo", "up"), check=True)
    Path("/run/libvirt").mkdir()
    with Path(f"/etc/libvirt/{daemon_name()}.conf").open("a") as file:
        file.write(f'host_uuid = "{uuid4()}"\n')


def main(name: str) -> None:
    """Is the site until standard input ends."""
    require_lab()
    _settle(name)
    host = Host()
    host.reset()
    print("ready", flush=True)
    sys.stdin.read()
    for guest in host.daemon.virsh("list", "--name").split():
        host.daemon.virsh("destroy", guest)
    host.close()


if __name__ == "__main__":
    main(sys.argv[1])
