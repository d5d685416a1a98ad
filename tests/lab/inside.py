"""Lets tests refuse to touch a kernel that is not the lab's; imported inside the lab."""

import os

from .errors import LabError

LIBVIRT_DAEMON = "VLANLOG_LAB_LIBVIRT_DAEMON"
"""Names the variable with the program that is to be libvirt's daemon, if that is not libvirtd."""


def require_lab() -> str:
    """Returns the lab's back end, `uml` or `native`.

    Raises: LabError outside the lab, where a test would change the host's own network.
    """
    backend = os.environ.get("VLANLOG_LAB")
    if backend is None:
        raise LabError(
            "this test changes the kernel's network and only runs in the lab",
            hint="python3 tests/lab/run.py -- pytest -m kernel",
        )
    return backend
