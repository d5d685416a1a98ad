"""What a host has that an install depends on: libvirt, systemd, AppArmor, SELinux, other hooks.

Must not change anything, and must not run what lies in an image.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from vlanlog.install.author import Author, author_of
from vlanlog.install.layout import DRIVERS, UNIT, UNIT_FILE, shipped_texts
from vlanlog.install.manifest import Manifest
from vlanlog.install.tree import Form, InstallError, Tree

LIBVIRTS = "/etc/libvirt/hooks"
"""Where libvirt looks for hooks; it is compiled in."""

DROP_INS_SINCE = (6, 5, 0)
_PROFILES = ("usr.sbin.libvirtd", "usr.sbin.virtqemud")
_DAEMONS = ("libvirtd", "virtqemud")
_LIBRARIES = ("/usr/lib", "/usr/lib64", "/lib", "/lib64", "/usr/local/lib", "/usr/local/lib64")
_LIBRARY = re.compile(r"libvirt\.so\.0\.(\d+)\.(\d+)")
# From there both of libvirt's profiles let programs run unconfined; from nowhere else any.
_RUNS_UNCONFINED = ("/bin", "/sbin", "/usr/bin", "/usr/sbin")
_SELINUX_ON = re.compile(r"^\s*SELINUX\s*=\s*(enforcing|permissive)\s*$", re.MULTILINE)
_SELINUX_TYPE = re.compile(r"^\s*SELINUXTYPE\s*=\s*([\w-]+)\s*$", re.MULTILINE)

Version = tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Is what a host has.

    Shape: libvirt is None where none is found; drop_ins are the drivers whose hook is someone
    else's; rules are the files in which AppArmor takes a rule, for the program that was asked
    for; daemons are libvirt's that run; unseen are the drivers that those have no hook of.
    """

    libvirt: Version | None
    drop_ins: frozenset[str]
    unit: bool
    rules: tuple[str, ...]
    selinux: bool
    daemons: tuple[str, ...]
    unseen: tuple[str, ...]


def site(tree: Tree, hooks: str, manifest: Manifest | None, program: str) -> Site:
    """Returns what the host has.

    Raises: InstallError where a hook is someone else's, and libvirt too old for two.
    """
    libvirt = libvirt_version(tree)
    foreign = frozenset(driver for driver in DRIVERS if _is_foreign(tree, hooks, driver))
    if foreign and (libvirt is None or libvirt < DROP_INS_SINCE):
        raise _no_second_hook(tree, hooks, foreign, libvirt)
    return Site(
        libvirt=libvirt,
        drop_ins=foreign,
        unit=_takes_unit(tree, manifest),
        rules=_rules(tree, program),
        selinux=_has_hook_type(tree),
        daemons=() if tree.is_image else _running(),
        unseen=tuple(driver for driver in DRIVERS if not _has_hook(tree, hooks, driver)),
    )


def libvirt_version(tree: Tree) -> Version | None:
    """Returns libvirt's version by the name of its library, which nothing has to be run for.

    Source: ``meson.build``: the library's version is 0, 1000 * major + minor, micro.
    """
    found = [
        _LIBRARY.fullmatch(name)
        for folder in _LIBRARIES
        for below in (folder, *(f"{folder}/{name}" for name in _triplets(tree, folder)))
        for name in tree.names(below)
    ]
    versions = [
        (int(match[1]) // 1000, int(match[1]) % 1000, int(match[2])) for match in found if match
    ]
    return max(versions, default=None)


def _triplets(tree: Tree, folder: str) -> list[str]:
    return [name for name in tree.names(folder) if "-linux-" in name]


def _is_foreign(tree: Tree, hooks: str, driver: str) -> bool:
    path = f"{hooks}/{driver}"
    if tree.found(path).form not in (Form.FILE, Form.LINK):
        return False
    return author_of(tree.read_through(path).content, shipped_texts()) is Author.OTHER


def _no_second_hook(
    tree: Tree, hooks: str, drivers: frozenset[str], libvirt: Version | None
) -> InstallError:
    version = ".".join(map(str, libvirt)) if libvirt else "of an unknown version"
    lines = [f"{tree.place(f'{hooks}/{name}')} is someone else's hook" for name in sorted(drivers)]
    return InstallError(
        "\n".join((*lines, f"libvirt is {version}, and runs a second hook only since 6.5.0")),
        hint="nothing was done; move it to a script of its own in "
        f"{hooks}/qemu_start_begin.d/ or another such folder, or upgrade libvirt",
    )


def _takes_unit(tree: Tree, manifest: Manifest | None) -> bool:
    """Tells whether systemd is there, and no package has brought the unit."""
    folders = ("/usr/lib/systemd/system", "/lib/systemd/system")
    if any(UNIT in tree.names(folder) for folder in folders):
        return False
    known = manifest is not None and manifest.of(UNIT_FILE) is not None
    places = (*folders, "/etc/systemd/system", "/run/systemd/system")
    return known or any(tree.found(tree.inside(place)).form is Form.FOLDER for place in places)


def _rules(tree: Tree, program: str) -> tuple[str, ...]:
    if str(PurePosixPath(program).parent) in _RUNS_UNCONFINED:
        return ()
    there = set(tree.names("/etc/apparmor.d"))
    return tuple(f"/etc/apparmor.d/local/{name}" for name in _PROFILES if name in there)


def _has_hook_type(tree: Tree) -> bool:
    """Tells whether SELinux is on and its policy is one in which hooks have a type of their own.

    In an older policy libvirt's daemon is not confined, and neither are its hooks.
    """
    config = tree.read_through("/etc/selinux/config").content.decode(errors="replace")
    kind = _SELINUX_TYPE.search(config)
    if not _SELINUX_ON.search(config) or not kind:
        return False
    contexts = f"/etc/selinux/{kind[1]}/contexts/files/file_contexts"
    return b":virt_hook_t:" in tree.read_through(contexts).content


def _running() -> tuple[str, ...]:
    """Returns which of libvirt's daemons that run guests are there.

    Source: proc(5), ``/proc/PID/comm``.
    """
    names = set()
    for comm in Path("/proc").glob("[0-9]*/comm"):
        try:
            names.add(comm.read_text().strip())
        except OSError:
            # It has ended meanwhile.
            continue
    return tuple(name for name in _DAEMONS if name in names)


def _has_hook(tree: Tree, hooks: str, driver: str) -> bool:
    paths = [f"{hooks}/{driver}"]
    paths += [f"{hooks}/{driver}.d/{name}" for name in tree.names(f"{hooks}/{driver}.d")]
    found = [tree.read_through(path) for path in paths]
    return any(item.form is Form.FILE and item.mode & 0o111 for item in found)
