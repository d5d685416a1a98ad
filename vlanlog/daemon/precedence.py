"""Gives the daemon precedence over those who wait for it.

Must not fail the daemon: without the right to it, the daemon runs as it is.
"""

from __future__ import annotations

import os

_NICE = -10


def take_precedence() -> None:
    """Raises the process's priority, unless whoever started it has set one.

    A libvirtd that is restarted runs the hooks of all guests at once. On few CPUs they would
    keep the daemon, which all of them wait for, from answering any in time.
    """
    if os.getpriority(os.PRIO_PROCESS, 0):
        return
    try:
        os.setpriority(os.PRIO_PROCESS, 0, _NICE)
    except PermissionError:
        return
