"""Hosts as folders: what an install finds there, and all that is there, to be compared whole.

Must not compare anything.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from vlanlog.install.run import Outcome, install, uninstall
from vlanlog.install.step import Step
from vlanlog.install.tree import Tree

HOOKS = "/etc/libvirt/hooks"
LONG_AGO_NS = 1_500_000_000_123_456_789

Entry = tuple[str, int, int, int, bytes, int]
"""Is type, mode, owner, group, content or target, and of files and links the time of change."""

# In the shape of the published design, whose dispatchers and scripts these are not.
DISPATCHER = """\
#!/bin/bash
PHASE=${{2}}{more}
SCRIPT_DIR="/etc/libvirt/hooks/{driver}_${{PHASE}}.d"
CONFIG_DIR="/etc/libvirt/hooks/conf"
LOGS_DIR="/etc/libvirt/hooks/logs"
[[ -d $SCRIPT_DIR ]] && cd "$SCRIPT_DIR" || exit 0
mkdir -p "$LOGS_DIR"
for name in *; do
    [[ -x $name ]] && ./$name {argument} "$CONFIG_DIR/${{name%.*}}.conf" >"$LOGS_DIR/$name.log" 2>&1
done
exit 0
"""
SCRIPT = """\
#!/usr/bin/python
from pyroute2 import IPRoute

def manage_vlans(ipr, port_index, vids):
    pass
"""
BRIDGES = "[br0]\ntrunk-port = eth0\ntrunk-tags = 100 200 300\nbr-tags = 200\n"
PORTS = "[veth0]\nguest = VM1\npvid = 100\ntagged = 200 300\n"


def put(root: Path, path: str, text: str | bytes, *, mode: int = 0o644) -> Path:
    """Writes a file of long ago; the folders that lead to it are made."""
    place = root / path.lstrip("/")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(text.encode() if isinstance(text, str) else text)
    place.chmod(mode)
    os.utime(place, ns=(LONG_AGO_NS, LONG_AGO_NS))
    return place


def put_link(root: Path, path: str, target: str) -> Path:
    """Makes a link of long ago."""
    place = root / path.lstrip("/")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(target)
    os.utime(place, ns=(LONG_AGO_NS, LONG_AGO_NS), follow_symlinks=False)
    return place


def plain_host(root: Path, *, libvirt: str = "9.0.0", multiarch: str = "x86_64-linux-gnu") -> Path:
    """Makes a host with systemd, and libvirt unless its version is empty."""
    (root / "etc/systemd/system").mkdir(parents=True)
    (root / "var/lib").mkdir(parents=True)
    if libvirt:
        major, minor, micro = map(int, libvirt.split("."))
        name = f"libvirt.so.0.{major * 1000 + minor}.{micro}"
        put(root, f"/usr/lib/{multiarch}/{name}".replace("//", "/"), b"\x7fELF")
        (root / "etc/libvirt/hooks").mkdir(parents=True)
    return root


def kvmvlan_host(root: Path) -> Path:
    """Makes a host that runs the published design, with scripts and links of its operator's."""
    put_kvmvlan(plain_host(root))
    return root


def put_kvmvlan(root: Path) -> None:
    """Lays the published design down, and what its operator has added."""
    more = "_${3}"
    put(
        root,
        f"{HOOKS}/qemu",
        DISPATCHER.format(driver="qemu", more=more, argument="$1"),
        mode=0o755,
    )
    put(
        root,
        f"{HOOKS}/daemon",
        DISPATCHER.format(driver="daemon", more="", argument="$2"),
        mode=0o750,
    )
    put(root, f"{HOOKS}/daemon_start.d/bridge_init.py", SCRIPT, mode=0o755)
    put(root, f"{HOOKS}/qemu_started_begin.d/vlan_filtering.py", SCRIPT, mode=0o700)
    put_link(root, f"{HOOKS}/daemon_reload.d/bridge_init.py", "../daemon_start.d/bridge_init.py")
    put_link(
        root,
        f"{HOOKS}/qemu_reconnect_begin.d/vlan_filtering.py",
        f"{HOOKS}/qemu_started_begin.d/vlan_filtering.py",
    )
    put(root, f"{HOOKS}/qemu_started_begin.d/50-mine.sh", "#!/bin/sh\nexit 0\n", mode=0o755)
    put_link(root, f"{HOOKS}/qemu_started_begin.d/60-again.py", "vlan_filtering.py")
    put(root, f"{HOOKS}/conf/bridge_init.conf", BRIDGES)
    put(root, f"{HOOKS}/conf/vlan_filtering.conf", PORTS, mode=0o600)
    put(root, f"{HOOKS}/logs/daemon_start_bridge_init.log", "it was so\n")


def entries(root: Path) -> dict[str, Entry]:
    """Returns all that is below a root, by path."""
    found = {}
    for place in sorted(root.rglob("*")):
        state = place.lstat()
        kind = stat.filemode(state.st_mode)[0]
        content = bytes(place.readlink()) if kind == "l" else b""
        content = place.read_bytes() if kind == "-" else content
        told = state.st_mtime_ns if kind in "-l" else 0
        mode = stat.S_IMODE(state.st_mode)
        found[f"/{place.relative_to(root)}"] = (
            kind, mode, state.st_uid, state.st_gid, content, told
        )  # fmt: skip
    return found


def laid(root: Path, *, dry_run: bool = False, force: bool = False, hooks: str = HOOKS) -> Outcome:
    """Installs into a root."""
    return install(
        Tree(root), hooks, python=None, force=force, enable=False, dry_run=dry_run
    )  # fmt: skip


def taken(root: Path, *, dry_run: bool = False, purge: bool = False) -> Outcome:
    """Uninstalls from a root."""
    outcome = uninstall(Tree(root), purge=purge, dry_run=dry_run, agreed=lambda _: True)
    assert outcome is not None
    return outcome


def told(steps: Sequence[Step]) -> dict[str, str]:
    """Returns what is done to each path, in a word."""
    return {step.path: str(step.action) for step in steps}


def without_times(found: dict[str, Entry]) -> dict[str, tuple[str, int, int, int, bytes]]:
    return {path: entry[:5] for path, entry in found.items()}
