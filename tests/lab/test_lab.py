"""Shows what the lab's kernel and root can do, and that they are cut off from the host's."""

import json
import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .inside import require_lab

pytestmark = pytest.mark.kernel
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def _run(command: str) -> str:
    done = subprocess.run(command.split(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout


@pytest.fixture(autouse=True)
def _lab() -> None:
    require_lab()


@pytest.fixture
def bridge() -> Iterator[str]:
    """A filtering bridge `labbr` with the port `labp0`."""
    _run("ip link add labbr type bridge vlan_filtering 1 vlan_default_pvid 0")
    _run("ip link add labp0 type veth peer name labp1")
    _run("ip link set labp0 master labbr")
    yield "labbr"
    _run("ip link del labp0")
    _run("ip link del labbr")


def test_a_bridge_filters_vlans(bridge: str) -> None:
    _run("bridge vlan add dev labp0 vid 100 pvid untagged")
    _run("bridge vlan add dev labp0 vid 200-201")
    ports = {port["ifname"]: port["vlans"] for port in json.loads(_run("bridge -j vlan show"))}
    assert ports["labp0"] == [
        {"vlan": 100, "flags": ["PVID", "Egress Untagged"]},
        {"vlan": 200},
        {"vlan": 201},
    ]
    assert bridge not in ports


def test_a_tap_joins_a_bridge(bridge: str) -> None:
    _run("ip tuntap add labtap mode tap")
    _run(f"ip link set labtap master {bridge}")
    assert f"master {bridge}" in _run("ip link show labtap")
    _run("ip link del labtap")


def test_a_network_namespace_has_links_of_its_own() -> None:
    _run("ip netns add labns")
    _run("ip link add labv0 type veth peer name labv1 netns labns")
    assert "labv1" in _run("ip -n labns link")
    assert "labv1:" not in _run("ip link")
    _run("ip link del labv0")
    _run("ip netns del labns")


def test_a_fresh_lab_has_only_loopback_and_it_is_up() -> None:
    _run("ip netns add labfresh")
    fresh = {link["ifname"] for link in json.loads(_run("ip -n labfresh -j link"))}
    _run("ip netns del labfresh")
    assert fresh == {"lo"}
    assert "LOOPBACK,UP" in _run("ip link show lo")


def test_sqlite_writes_ahead_on_the_overlay(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    with sqlite3.connect(path) as writer, sqlite3.connect(path) as reader:
        assert writer.execute("PRAGMA journal_mode = WAL").fetchone() == ("wal",)
        writer.execute("PRAGMA synchronous = FULL")
        writer.execute("CREATE TABLE t (x)")
        writer.executemany("INSERT INTO t VALUES (?)", [(n,) for n in range(100)])
        writer.commit()
        assert reader.execute("SELECT count(*) FROM t").fetchone() == (100,)


def test_a_bind_mount_on_boot_id_stands_for_a_reboot(tmp_path: Path) -> None:
    before = _BOOT_ID.read_text()
    other = tmp_path / "boot_id"
    other.write_text("00000000-0000-4000-8000-000000000000\n")
    _run(f"mount --bind {other} {_BOOT_ID}")
    during = _BOOT_ID.read_text()
    _run(f"umount {_BOOT_ID}")
    assert (during, _BOOT_ID.read_text()) == (other.read_text(), before)


@pytest.mark.usefixtures("bridge")
def test_without_net_admin_root_may_not_change_vlans() -> None:
    command = "setpriv --bounding-set -net_admin bridge vlan add dev labp0 vid 300"
    done = subprocess.run(command.split(), capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "Operation not permitted" in done.stderr
    assert "300" not in _run("bridge vlan show dev labp0")


def test_every_folder_takes_writes_and_none_of_them_is_the_hosts() -> None:
    kinds = {}
    for folder in ("/", "/etc", "/var/lib", "/usr", "/root", "/tmp", str(Path.cwd())):
        probe = Path(folder, "written-in-the-lab")
        probe.write_text("x")
        kinds[folder] = _run(f"stat --file-system --format=%T {probe}").strip()
        probe.unlink()
    assert set(kinds.values()) == {"overlayfs"}


def test_the_system_folders_are_there() -> None:
    assert socket.gethostname() == "vlanlog-lab"
    assert os.path.ismount("/sys/fs/cgroup")
    assert Path("/sys/fs/cgroup/cgroup.controllers").exists()
    assert Path("/dev/net/tun").is_char_device()
    # A pseudo-terminal, a shared-memory file, and no remains of the host's /run.
    assert os.openpty()
    assert os.access("/dev/shm", os.W_OK)
    assert not Path("/run/systemd").exists()


def test_orphans_are_reaped() -> None:
    shown = subprocess.run(
        (
            "sh",
            "-c",
            "(sleep 0.1 &) ; sleep 0.5; sed -n 's/^State:[[:space:]]*//p' /proc/[0-9]*/status",
        ),
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Z" not in shown.stdout


@pytest.mark.skipif(os.environ.get("VLANLOG_LAB") != "uml", reason="one lab in another is enough")
def test_the_native_back_end_works_where_the_kernel_does(tmp_path: Path) -> None:
    script = "ip link add labbr type bridge vlan_filtering 1 && ls -d /sys/class/net/l* && exit 5"
    runner = str(Path(__file__).with_name("run.py"))
    done = subprocess.run(
        (sys.executable, runner, "--backend", "native", "--", "sh", "-c", script),
        env={**os.environ, "VLANLOG_LAB_CACHE": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (5, "")
    assert done.stdout.split() == ["/sys/class/net/labbr", "/sys/class/net/lo"]
    assert "labbr" not in _run("ip link")
