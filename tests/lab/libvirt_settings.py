"""Writes the settings with which libvirtd runs in the lab, where no install script has run.

Must only run inside the lab's own root.
"""

from pathlib import Path

from .domain import write_firmware

_QEMU = """\
# There is no user libvirt-qemu, no AppArmor, no udev and no systemd in the lab.
security_driver = "none"
user = "root"
group = "root"
cgroup_controllers = []
namespaces = []
remember_owner = 0
stdio_handler = "file"
seccomp_sandbox = 0
"""
_LIBVIRTD = """\
unix_sock_group = "root"
unix_sock_rw_perms = "0777"
auth_unix_ro = "none"
auth_unix_rw = "none"
log_outputs = "2:file:/var/log/libvirt/libvirtd.log"
"""
# Else libvirt 11 and newer do not start where neither nft nor iptables is there.
_NETWORK = 'firewall_backend = "none"\n'
# libvirtd looks this user up even though qemu.conf names another.
_USER = "libvirt-qemu:x:64055:64055::/var/lib/libvirt:/usr/sbin/nologin\n"
_GROUP = "libvirt-qemu:x:64055:\n"
_FOLDERS = (
    "/etc/libvirt/hooks",
    "/var/cache/libvirt/qemu",
    "/var/lib/libvirt/qemu",
    "/var/log/libvirt/qemu",
    "/run/libvirt",
)


def write_settings() -> None:
    """Writes the settings of QEMU and the daemons, and makes what the packages' scripts make."""
    for folder in _FOLDERS:
        Path(folder).mkdir(parents=True, exist_ok=True)
    Path("/etc/libvirt/qemu.conf").write_text(_QEMU)
    for name in ("libvirtd.conf", "virtqemud.conf"):
        Path("/etc/libvirt", name).write_text(_LIBVIRTD)
    Path("/etc/libvirt/network.conf").write_text(_NETWORK)
    _add_line(Path("/etc/passwd"), _USER)
    _add_line(Path("/etc/group"), _GROUP)
    write_firmware()
    # The network `default` would want dnsmasq and a firewall.
    for link in Path("/etc/libvirt/qemu/networks/autostart").glob("*"):
        link.unlink()


def _add_line(file: Path, line: str) -> None:
    name = line.partition(":")[0]
    text = file.read_text()
    if not any(known.startswith(f"{name}:") for known in text.splitlines()):
        file.write_text(f"{text.rstrip()}\n{line}")
