"""What the runner hands to the lab's process 1: a JSON file in a folder made for one run.

Process 1 imports this early: it must import little.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One command to run in the lab.

    Shape: paths are absolute; `tree` is the folder of extra packages, if any; `modules` are in
    the order of loading; `consoles` are the terminals for standard output and error, none where
    the command inherits the runner's own.
    """

    backend: str
    command: tuple[str, ...]
    folder: str
    environment: dict[str, str]
    writable: tuple[str, ...]
    tree: str | None
    modules: tuple[str, ...]
    consoles: tuple[str, ...]
    interactive: bool
    window: tuple[int, int]
    libvirt: bool


def write_job(run_folder: Path, job: Job) -> None:
    """Leaves a job for read_job."""
    (run_folder / "job.json").write_text(json.dumps(asdict(job)))


def read_job(run_folder: Path) -> Job:
    """Returns the job that write_job left."""
    fields = json.loads((run_folder / "job.json").read_text())
    for name in ("command", "writable", "modules", "consoles", "window"):
        fields[name] = tuple(fields[name])
    return Job(**fields)
