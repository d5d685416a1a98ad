"""The host's own kernel as a back end: namespaces, where it can filter VLANs and we are root."""

import os
import sys

from .cache import scratch_folder
from .job import Job, write_job
from .process import run_to_end
from .uml import write_init

_NAMESPACES = ("--net", "--mount", "--pid", "--uts", "--ipc", "--cgroup")


def run_natively(job: Job, *, timeout_s: float | None) -> int:
    """Runs a job in fresh namespaces of the host's kernel; returns the command's exit status.

    Raises: EndedError.
    """
    with scratch_folder("run") as run_folder:
        write_job(run_folder, job)
        write_init(run_folder)
        init = (os.path.realpath(sys.executable), "-ISB", str(run_folder / "init"))
        unshare = ("unshare", *_NAMESPACES, "--fork", "--kill-child", "--propagation", "private")
        return run_to_end(
            (*unshare, *init),
            environment=dict(os.environ),
            log=None,
            pipes={},
            interactive=job.interactive,
            timeout_s=timeout_s,
        )
