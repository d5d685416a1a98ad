"""Finds out by doing whether the host's kernel will do for the lab.

All is done in a child process with namespaces of its own: the host sees nothing of it.
"""

import os
import socket
import struct
from pathlib import Path

from . import syscalls

_CLONE_NEWNS, _CLONE_NEWNET = 0x00020000, 0x40000000
_RTM_NEWLINK, _RTM_GETVLAN = 16, 114
_NLM_F_REQUEST, _NLM_F_ACK, _NLM_F_DUMP, _NLM_F_CREATE = 1, 4, 0x300, 0x400
_NLMSG_ERROR = 2
_IFLA_IFNAME, _IFLA_LINKINFO, _IFLA_INFO_KIND, _IFLA_INFO_DATA = 3, 18, 1, 2
_IFLA_BR_VLAN_FILTERING = 7


def why_not_native() -> str | None:
    """Returns what the host's kernel lacks for the lab, or nothing when it will do."""
    outlet, inlet = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(inlet, (_try() or "").encode())
        os._exit(0)
    os.close(inlet)
    with os.fdopen(outlet, "rb") as file:
        reason = file.read().decode()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return reason or (None if status == 0 else "the probe died")


def _try() -> str | None:
    try:
        if os.geteuid() != 0:
            return "not root"
        syscalls.unshare(_CLONE_NEWNS | _CLONE_NEWNET)
        _try_bridge()
        _try_overlay()
    except Exception as e:
        return str(e) or type(e).__name__
    return None


def _try_overlay() -> None:
    syscalls.mount("none", "/", None, syscalls.MS_REC | syscalls.MS_PRIVATE)
    syscalls.mount("probe", "/sys", "tmpfs")
    for name in ("lower", "upper", "work", "root"):
        Path("/sys", name).mkdir()
    options = "lowerdir=/sys/lower,upperdir=/sys/upper,workdir=/sys/work"
    syscalls.mount("probe", "/sys/root", "overlay", 0, options)


def _try_bridge() -> None:
    filtering = _attribute(_IFLA_BR_VLAN_FILTERING, b"\1")
    kind = _attribute(_IFLA_INFO_KIND, b"bridge\0")
    link = _attribute(_IFLA_IFNAME, b"probe0\0") + _attribute(
        _IFLA_LINKINFO, kind + _attribute(_IFLA_INFO_DATA, filtering)
    )
    create = _NLM_F_REQUEST | _NLM_F_ACK | _NLM_F_CREATE
    dump = _NLM_F_REQUEST | _NLM_F_DUMP
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as sock:
        _ask(sock, _RTM_NEWLINK, create, bytes(16) + link, "a bridge with vlan_filtering")
        # struct br_vlan_msg: family, padding, ifindex.
        vlans = struct.pack("=BxxxI", socket.AF_BRIDGE, 0)
        _ask(sock, _RTM_GETVLAN, dump, vlans, "a dump of a bridge's VLANs")


def _ask(sock: socket.socket, kind: int, flags: int, body: bytes, what: str) -> None:
    sock.send(struct.pack("=IHHII", 16 + len(body), kind, flags, 1, 0) + body)
    answer = sock.recv(65536)
    if struct.unpack_from("=H", answer, 4)[0] == _NLMSG_ERROR:
        number = -struct.unpack_from("=i", answer, 16)[0]
        if number:
            raise OSError(number, f"{what}: {os.strerror(number)}")


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)
