"""The interpreter that the hooks shall run, and where it has vlanlog.

Must not take one on trust that can be run: what cannot import vlanlog refuses every guest later.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from vlanlog.install.tree import Form, InstallError, Tree

_DEADLINE_S = 60.0
# What a script of the hooks imports where no daemon answers, which is more than the hooks need.
_PROGRAM = "import vlanlog, vlanlog.cli.scripts; print(vlanlog.__path__[0])"
_SITES = ("lib/python3*/site-packages", "lib/python3*/dist-packages", "lib/python3/dist-packages")


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """Is a Python that has vlanlog.

    Shape: python is not resolved, for a venv's is a link that knows its packages by its own
    place; program is what the link leads to in the end; hook_py is empty where it is not known.
    """

    python: str
    program: str
    hook_py: str
    remarks: tuple[str, ...] = ()


def interpreter(tree: Tree, given: str | None) -> Interpreter:
    """Returns the interpreter that is named, or this one.

    In an image it is not run: it may be of another architecture.
    Raises: InstallError where it cannot import vlanlog as the hooks do.
    """
    python = str(Path(given).absolute()) if given else sys.executable
    if not python:
        raise InstallError("this Python does not know its own path", hint="name it with --python")
    return _of_image(tree, python, named=given is not None) if tree.is_image else _of_host(python)


def _of_host(python: str) -> Interpreter:
    # -I as in the hooks: neither PYTHONPATH nor a user's own packages are there for libvirt.
    try:
        done = subprocess.run(
            (python, "-I", "-c", _PROGRAM),
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            timeout=_DEADLINE_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InstallError(f"{python} cannot be run: {error}", hint=_HINT) from error
    if done.returncode != 0:
        said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise InstallError(f"{python} cannot import vlanlog: {said}", hint=_HINT)
    hook_py = f"{done.stdout.strip()}/hook.py"
    program = os.path.realpath(python)
    return Interpreter(
        python=python, program=program, hook_py=hook_py, remarks=_exposed(program, hook_py)
    )


_HINT = (
    "install vlanlog for the whole system: in a venv, by pipx or as a package, not with "
    "'pip install --user'; or name the interpreter with --python"
)


def _exposed(*paths: str) -> tuple[str, ...]:
    """Returns a remark for each file that others than root can change: root runs it."""
    told = []
    for path in paths:
        for place in (Path(path), *Path(path).parents):
            state = place.stat()
            # In a folder like /tmp nobody can replace what is another's.
            writable = state.st_mode & 0o022 and not (place.is_dir() and state.st_mode & 0o1000)
            if state.st_uid != 0 or writable:
                told.append(
                    f"{place} can be changed by others than root, and root runs {path} "
                    "whenever a guest starts"
                )
                break
    return tuple(told)


def _of_image(tree: Tree, python: str, *, named: bool) -> Interpreter:
    program = tree.inside(python)
    found = tree.found(program)
    if found.form is Form.FILE and found.mode & 0o111:
        hook_py = next(_hook_pys(tree, python), "")
        if not hook_py:
            raise InstallError(f"{tree.place(python)} has no vlanlog", hint=_IMAGE_HINT)
        return Interpreter(python=python, program=program, hook_py=hook_py)
    if named:
        raise InstallError(f"{tree.place(python)} is no interpreter", hint=_IMAGE_HINT)
    own = str(Path(__file__).parents[1] / "hook.py")
    remark = f"{python} is not in {tree.root} yet; name another with --python"
    return Interpreter(python=python, program=program, hook_py=own, remarks=(remark,))


_IMAGE_HINT = "install vlanlog into the image first, then name its interpreter with --python"


def _hook_pys(tree: Tree, python: str) -> Iterator[str]:
    prefix = PurePosixPath(python).parent.parent
    place = tree.place(tree.inside(str(prefix)))
    for pattern in _SITES:
        for found in sorted(place.glob(f"{pattern}/vlanlog/hook.py")):
            yield str(prefix / found.relative_to(place))
