"""A host on which a scene is played: a network namespace, a hooks folder, a log, the command line.

Must not compare anything, and must not call vlanlog but as libvirt and operators do.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.kernel.netns import bridge, ip, ip_batch, run
from tests.scenes.guests import NO_TAPS, Guest

SOURCES = Path(__file__).parents[2]
VLANLOG = Path(sys.executable).with_name("vlanlog")

BRIDGES = """\
[br0]
trunk-port = eth0
trunk-pvid = 1
trunk-tags = 100 200 300
br-pvid = 1
br-tags = 200
"""
PORTS = """\
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
TRUNK = "1 PVID Egress Untagged, 100, 200, 300"
SELF = "1 PVID Egress Untagged, 200"
VETH0 = "100 PVID Egress Untagged, 200, 300"
VETH1 = "1 PVID Egress Untagged, 100, 200"
VETH2 = "300 PVID Egress Untagged"
REFERENCE = {"br0": SELF, "eth0": TRUNK, "veth0": VETH0, "veth1": VETH1, "veth2": VETH2}

_WITH_BOOT_ID = 'mount --bind "$0" /proc/sys/kernel/random/boot_id && exec "$@"'


@dataclass(frozen=True)
class Ended:
    """Is how a command came out."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Stage:
    """Is the network namespace in which it was made, and a folder for everything else."""

    folder: Path
    boot_id: Path | None = None
    taps: dict[str, Guest] = field(default_factory=dict)

    def __post_init__(self) -> None:
        shutil.copytree(SOURCES / "hooks", self.hooks)
        shutil.copytree(SOURCES / "conf", self.conf)
        (self.conf / "vlanlog.conf").write_text(
            f"[vlanlog]\ndatabase = {self.database}\nspool = {self.spool}\n"
            f"socket = {self.folder}/socket\n"
        )
        self.configure(BRIDGES, PORTS)

    @property
    def hooks(self) -> Path:
        return self.folder / "hooks"

    @property
    def conf(self) -> Path:
        return self.hooks / "conf"

    @property
    def database(self) -> Path:
        return self.folder / "vlanlog.db"

    @property
    def spool(self) -> Path:
        return self.folder / "spool"

    def configure(self, bridges: str, ports: str) -> None:
        """Writes the two files as an operator does."""
        (self.conf / "bridge_init.conf").write_text(bridges)
        (self.conf / "vlan_filtering.conf").write_text(ports)

    # The host's devices.

    def add_bridge(self, name: str = "br0", *ports: str) -> None:
        """Makes a bridge as a distribution does: no filtering, default PVID 1."""
        ip_batch(
            (
                f"link add {name} address 52:54:00:ff:00:{len(name):02x} type bridge",
                f"link set {name} up",
                *(f"link set {port} master {name}" for port in ports),
            )
        )

    def add_reference_host(self) -> None:
        """Makes br0 with its uplink eth0."""
        self.add_device("eth0")
        self.add_bridge("br0", "eth0")

    def add_device(self, name: str) -> None:
        ip("link", "add", name, "up", "type", "dummy")

    def flush(self, *ports: str) -> None:
        """Takes all VLANs from ports, the bridges' own ports among them."""
        for port in ports:
            own = ["self"] if port.startswith("br") else []
            bridge("vlan", "del", "vid", "1-4094", "dev", port, *own)

    # What libvirt does.

    def daemon_starts(self) -> None:
        self._must(self.hook("daemon", "-", "start", "-", "start"))

    def daemon_reloads(self) -> None:
        self._must(self.hook("daemon", "-", "reload", "begin", "SIGHUP"))

    def start(self, guest: Guest, made_up: Mapping[str, str] = NO_TAPS) -> None:
        """Starts a guest: taps come between prepare and start, up and in their bridge."""
        self._must(self.call(guest, "prepare", "begin", guest.resting_xml()))
        for tap, nic in guest.taps(made_up).items():
            ip_batch(
                (
                    f"tuntap add dev {tap} mode tap",
                    f"link set {tap} address {nic.host_mac} master {nic.bridge} up",
                )
            )
            self.taps[tap] = guest
        self._must(self.call(guest, "start", "begin", guest.live_xml(made_up)))
        self._must(self.call(guest, "started", "begin", guest.live_xml(made_up)))

    def stop(self, guest: Guest) -> None:
        """Stops a guest: its taps are gone before the first hook is called."""
        for tap in [name for name, owner in self.taps.items() if owner == guest]:
            ip("link", "del", tap)
            del self.taps[tap]
        self._must(self.call(guest, "stopped", "end", guest.resting_xml()))
        self._must(self.call(guest, "release", "end", guest.resting_xml()))

    def reboot(self) -> None:
        """Leaves nothing but the files: no devices, no hook is called, a new boot id."""
        for device in json.loads(run("ip", "-j", "link")):
            # With a veth its peer goes too; only lo cannot be deleted.
            if device["ifname"] != "lo":
                subprocess.run(["ip", "link", "del", device["ifname"]], check=True)
        self.taps.clear()
        self.boot_id = self.folder / "boot_id"
        self.boot_id.write_text(f"{uuid.uuid4()}\n")

    def call(self, guest: Guest, operation: str, sub_operation: str, xml: bytes) -> Ended:
        return self.hook("qemu", guest.name, operation, sub_operation, "-", xml=xml)

    def hook(self, driver: str, *argv: str, xml: bytes = b"") -> Ended:
        """Calls a hook with libvirt's argv and a daemon's few environment variables."""
        return self._run([str(self.hooks / driver), *argv], stdin=xml)

    def _must(self, ended: Ended) -> None:
        if ended.status:
            logs = "\n".join(path.read_text() for path in (self.hooks / "logs").iterdir())
            raise AssertionError(f"the hook says {ended.status}: {ended.err}{logs}")

    # What an operator does.

    def vlanlog(self, *argv: str, under: Sequence[str] = ()) -> Ended:
        """Runs the command line, ``under`` another command that takes away rights."""
        return self._run([*under, str(VLANLOG), *argv])

    def booted(self, command: list[str]) -> list[str]:
        """Returns the command so that it sees the boot id of the last reboot."""
        if self.boot_id is None:
            return command
        return ["unshare", "--mount", "sh", "-c", _WITH_BOOT_ID, str(self.boot_id), *command]

    def _run(self, command: list[str], stdin: bytes = b"") -> Ended:
        environment = {
            "PATH": os.environ["PATH"],
            "LC_ALL": "C.UTF-8",
            "VLANLOG_PYTHON": sys.executable,
            "VLANLOG_HOOKS_DIR": str(self.hooks),
        }
        done = subprocess.run(
            self.booted(command),
            input=stdin,
            capture_output=True,
            check=False,
            env=environment,
            cwd="/",
        )
        return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())

    # What is there.

    def carried(self) -> dict[str, str]:
        """Returns what ``bridge vlan show`` says: by port its ranges, each with its flags."""
        shown = json.loads(run("bridge", "-j", "-compressvlans", "vlan", "show"))
        return {
            port["ifname"]: ", ".join(
                " ".join([_vids(item), *item.get("flags", [])]) for item in port["vlans"]
            )
            for port in shown
        }

    def switches(self) -> dict[str, tuple[int, int]]:
        """Returns by bridge its vlan_filtering and vlan_default_pvid."""
        shown = json.loads(run("ip", "-j", "-d", "link", "show", "type", "bridge"))
        data = {link["ifname"]: link["linkinfo"]["info_data"] for link in shown}
        return {
            name: (item["vlan_filtering"], item["vlan_default_pvid"]) for name, item in data.items()
        }

    def kept(self) -> tuple[list[str], dict[str, bytes]]:
        """Returns every row of the database as SQL, and every file of the spool."""
        database = sqlite3.connect(self.database)
        try:
            rows = list(database.iterdump())
        finally:
            database.close()
        return rows, {path.name: path.read_bytes() for path in self.spool.iterdir()}


def _vids(item: dict[str, Any]) -> str:
    last = item.get("vlanEnd")
    return f"{item['vlan']}-{last}" if last else str(item["vlan"])
