"""Builds virtqemud, the modular daemon of QEMU guests, which Debian does not package.

It is made of the source of the libvirt whose packages a tree has, and runs with their libraries
and drivers. Must not install anything.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from .apt import backports_source_apt, host_apt
from .cache import cached, scratch_folder
from .errors import LabError
from .tree import package_tree, within

_TOOLS = (
    *("gcc", "libc6-dev", "meson", "ninja-build", "pkg-config", "libxml2-utils", "xsltproc"),
    *("libacl1-dev", "libglib2.0-dev", "libgnutls28-dev", "libjson-c-dev", "libnl-3-dev"),
    *("libnl-route-3-dev", "libtirpc-dev", "libxml2-dev"),
)
# As Debian's packages are built, as far as the daemon alone goes.
_OPTIONS = (
    *("--prefix=/usr", "--sysconfdir=/etc", "--localstatedir=/var", "-Drunstatedir=/run"),
    *("-Dauto_features=disabled", "-Ddocs=disabled", "-Dtests=disabled", "-Djson_c=enabled"),
    *("-Dlibnl=enabled", "-Ddriver_remote=enabled", "-Ddriver_libvirtd=enabled"),
    *("-Ddriver_qemu=enabled", "--buildtype=plain"),
)
_SHOWN_LINES = 20


def virtqemud(tree: Path) -> Path:
    """Returns a virtqemud for the libvirt of this tree of newer packages.

    Raises: LabError when the source cannot be fetched, is of another version, or does not build.
    """
    version = _version(tree)
    how = hashlib.sha256(" ".join((*_TOOLS, *_OPTIONS)).encode()).hexdigest()[:12]
    folder = cached(f"virtqemud-{version}-{how}", lambda new, _final: _build(new, version))
    return folder / "virtqemud"


def _version(tree: Path) -> str:
    """Returns the version by the name of the library: libvirt.so.0.11003.0 is that of 11.3.0."""
    names = [path.name for path in tree.glob("usr/lib/*/libvirt.so.0.*")]
    if len(names) != 1:
        raise LabError(f"{tree} has no libvirt: {names}", hint="delete the lab's cache")
    number, patch = names[0].removeprefix("libvirt.so.0.").split(".")
    return f"{int(number) // 1000}.{int(number) % 1000}.{patch}"


def _build(folder: Path, version: str) -> None:
    tools = package_tree(_TOOLS)
    with scratch_folder("virtqemud") as scratch:
        source = _source(scratch, version)
        print(f"lab: building virtqemud {version}, once …", file=sys.stderr, flush=True)
        build = str(scratch / "build")
        _run(tools, ("meson", "setup", *_OPTIONS, build, str(source)))
        _run(tools, ("ninja", "-C", build, "src/virtqemud"))
        shutil.copy2(scratch / "build" / "src" / "virtqemud", folder)


def _source(scratch: Path, version: str) -> Path:
    own, newer = scratch / "own", scratch / "newer"
    own.mkdir()
    newer.mkdir()
    archive = backports_source_apt(newer, host_apt(own)).download_upstream("libvirt")
    with tarfile.open(archive) as tar:
        tar.extractall(scratch, filter="data")
    source = scratch / f"libvirt-{version}"
    if not source.is_dir():
        raise LabError(
            f"the mirror's source is {archive.name}, its package {version}",
            hint="delete the lab's folder backports-… so that the packages are fetched anew",
        )
    return source


def _run(tools: Path, command: tuple[str, ...]) -> None:
    environment = {**os.environ, "CC": "gcc", "LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        (*within(tools), *command), env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-_SHOWN_LINES:])
        raise LabError(f"{command[0]} failed:\n{tail}", hint="look at the options in virtqemud.py")
