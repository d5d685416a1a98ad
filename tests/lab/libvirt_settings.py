"""Writes the settings with which libvirtd runs in the lab, where no install script has run.

Must only run inside the lab's own root.
"""

from pathlib import Path

_QEMU = """\
# There is no user libvirt-qemu, no AppArmor, no udev and no systemd in the lab.
security_driver = "none"
user = "root"
group = "root"
cgroup_controllers = []
namespaces = []
remember_owner = 0
stdio_handler = "file"
"""
_LIBVIRTD = """\
unix_sock_group = "root"
unix_sock_rw_perms = "0777"
auth_unix_ro = "none"
auth_unix_rw = "none"
log_outputs = "2:file:/var/log/libvirt/libvirtd.log"
"""
_FOLDERS = (
    "/etc/libvirt/hooks",
    "/etc/libvirt/qemu/networks/autostart",
    "/var/cache/libvirt/qemu",
    "/var/lib/libvirt/qemu",
    "/var/log/libvirt/qemu",
    "/run/libvirt",
)


def write_settings() -> None:
    """Writes qemu.conf and libvirtd.conf and makes the folders that the packages' scripts make."""
    for folder in _FOLDERS:
        Path(folder).mkdir(parents=True, exist_ok=True)
    Path("/etc/libvirt/qemu.conf").write_text(_QEMU)
    Path("/etc/libvirt/libvirtd.conf").write_text(_LIBVIRTD)
