"""Checks of what confines libvirt's daemon: AppArmor and SELinux.

Must not load or change a rule.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from vlanlog.core.finding import Finding, failed, passed, unknown, warned
from vlanlog.doctor.hooks import CALLERS, dispatchers
from vlanlog.doctor.view import NotSeenError, View

PROFILES = {"libvirtd": "usr.sbin.libvirtd", "virtqemud": "usr.sbin.virtqemud"}
UNCONFINED_FROM = ("/bin", "/sbin", "/usr/bin", "/usr/sbin")
"""What libvirt's own profiles run without confinement: ``/usr/bin/* PUx``.

Source: src/security/apparmor/usr.sbin.libvirtd.in.
"""

_INSTALL = "vlanlog install"
_PYTHON_LINE = re.compile(r"^PYTHON=(.*)$", re.MULTILINE)
_MODULES = "var/lib/selinux"


def apparmor(view: View) -> Iterator[Finding]:
    """Asks whether AppArmor lets libvirt's daemon run the hooks' interpreter."""
    name = "apparmor"
    enabled = view.read_text(view.path("sys/module/apparmor/parameters/enabled")).strip()
    if enabled != "Y":
        yield passed(name, "AppArmor is not in force here")
        return
    profiles = view.read_text(view.path("sys/kernel/security/apparmor/profiles"))
    enforced = [
        daemon
        for daemon in PROFILES
        if re.search(rf"^(/usr/sbin/)?{daemon} \(enforce\)$", profiles, re.MULTILINE)
    ]
    if not enforced:
        yield passed(name, "AppArmor confines no daemon of libvirt's")
        return
    programs = interpreters(view)
    faults = [
        failed(name, f"the profile of {daemon} does not let it run {program}", _INSTALL)
        for daemon in enforced
        for program in programs
        if str(program.parent) not in UNCONFINED_FROM and not _is_allowed(view, daemon, program)
    ]
    shown = ", ".join(map(str, programs))
    yield from faults or [passed(name, f"{' and '.join(enforced)} may run {shown}")]


def interpreters(view: View) -> list[Path]:
    """Returns the programs that the dispatchers run, as AppArmor sees them: links followed.

    Raises: NotSeenError where there is no dispatcher.
    """
    found = [path for driver in ("qemu", "daemon") for path in dispatchers(view, driver)]
    if not found:
        raise NotSeenError("there is no hook whose interpreter could be asked for", "")
    named = set()
    for path in found:
        line = _PYTHON_LINE.search(view.read_text(path))
        program = line[1].strip("'\"") if line else ""
        named.add(Path(program or "/usr/bin/python3"))
    return sorted({Path(os.path.realpath(path)) for path in named})


def _is_allowed(view: View, daemon: str, program: Path) -> bool:
    local = view.read_text(view.path(f"etc/apparmor.d/local/{PROFILES[daemon]}"))
    lines = [line.strip() for line in local.splitlines()]
    return any(str(program) in line for line in lines if not line.startswith("#"))


def selinux(view: View) -> Iterator[Finding]:
    """Asks whether SELinux lets libvirt's daemon run the hooks."""
    name = "selinux"
    if view.read_text(view.path("sys/fs/selinux/enforce")).strip() != "1":
        yield passed(name, "SELinux is not in force here")
        return
    domains = {
        comm: view.read_text(view.path(f"proc/{pid}/attr/current")).strip("\0\n")
        for pid, comm in view.processes(*CALLERS)
    }
    if not domains:
        yield unknown(name, "no daemon of libvirt's runs: in which domain is not known", "")
        return
    if _has_module(view):
        yield passed(name, "vlanlog's module is loaded")
        return
    for comm, context in sorted(domains.items()):
        domain = context.split(":")[2] if context.count(":") >= 2 else ""
        # The policy of RHEL 9 and older; it is not confined.
        if domain == "virtd_t":
            yield passed(name, f"{comm} runs as {domain}, which may run the hooks")
        else:
            yield warned(
                name,
                f"{comm} runs as {domain or 'an unknown domain'}, and vlanlog's module is missing",
                _INSTALL,
            )


def _has_module(view: View) -> bool:
    """Tells whether a policy has the module.

    Source: semodule(8): the policy store is /var/lib/selinux/TYPE/active/modules/PRIORITY/NAME.
    """
    stores = view.listed(view.path(_MODULES))
    return any(
        module.name.startswith("vlanlog")
        for store in stores
        for priority in view.listed(store / "active" / "modules")
        for module in view.listed(priority)
    )
