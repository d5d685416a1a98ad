"""Checks of the kernel, and of what this process may do with it.

Must not try anything out: a kernel that lacks a feature says so when it is asked.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from vlanlog.core.finding import Finding, failed, passed, unknown, warned
from vlanlog.doctor.view import View
from vlanlog.errors import KernelError
from vlanlog.kernel.rights import require_net_admin
from vlanlog.render.words import count

ANNOUNCING = (5, 6)
"""The first kernel that announces single VLANs: ``br_vlan_notify``, f545923b4a6b."""


def kernel(view: View) -> Iterator[Finding]:
    """Asks whether the kernel's bridges know VLANs, and announce them."""
    name = "kernel"
    try:
        bridges = len(view.kernel.bridges)
    except KernelError as error:
        yield failed(name, error.message, error.hint)
        return
    release = os.uname().release
    if not bridges:
        yield unknown(
            name,
            f"Linux {release}: there is no bridge to be asked",
            "ip link add br0 type bridge; vlanlog doctor --check kernel",
        )
        return
    if version(release) < ANNOUNCING:
        yield warned(
            name,
            f"Linux {release} does not announce single VLANs: the daemon hears whole lists",
            "boot Linux 5.6 or newer",
        )
        return
    yield passed(name, f"Linux {release}, {count(bridges, 'bridge')}: VLANs can be filtered")


def version(release: str) -> tuple[int, int]:
    """Returns the two numbers with which a kernel's release begins."""
    found = re.match(r"(\d+)\.(\d+)", release)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def rights(_: View) -> Iterator[Finding]:
    """Asks whether this process may change VLANs and read what root alone may."""
    name = "rights"
    try:
        require_net_admin()
    except KernelError as error:
        yield warned(name, f"{error.message}; less can be examined", "run 'vlanlog doctor' as root")
        return
    if os.geteuid():
        yield warned(name, "not root: less can be examined", "run 'vlanlog doctor' as root")
        return
    yield passed(name, "root, with CAP_NET_ADMIN")
