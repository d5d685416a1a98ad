"""Whether this process may change VLANs, asked before an intent is recorded.

Must not change anything to find out.
"""

from __future__ import annotations

from pathlib import Path

from vlanlog.errors import KernelError

CAP_NET_ADMIN = 12
"""Source: linux/capability.h; ``rtnl_bridge_setlink`` asks for it."""

_STATUS = Path("/proc/self/status")


def require_net_admin() -> None:
    """Returns where the process has CAP_NET_ADMIN.

    Raises: KernelError.
    Source: proc(5), ``CapEff`` of ``/proc/PID/status``.
    """
    for line in _STATUS.read_text(encoding="ascii", errors="replace").splitlines():
        name, _, value = line.partition(":")
        if name == "CapEff" and not int(value, 16) >> CAP_NET_ADMIN & 1:
            raise KernelError(
                "this process may not change VLANs: it lacks CAP_NET_ADMIN",
                hint="run it as root; 'vlanlog replay --dry-run' shows what it would change",
            )
