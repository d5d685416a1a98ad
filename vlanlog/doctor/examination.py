"""The checks by their names, in the order in which they are done, and one round of them.

Must not know what they look for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping

from vlanlog.core.finding import Finding, unknown
from vlanlog.doctor import bridges, confinement, hooks, ifupdown, kernel, others, record
from vlanlog.doctor.view import NotSeenError, View, as_root
from vlanlog.errors import UsageError, VlanlogError

Check = Callable[[View], Iterator[Finding]]

CHECKS: Mapping[str, Check] = {
    "rights": kernel.rights,
    "kernel": kernel.kernel,
    "hooks": hooks.hooks,
    "hook-call": hooks.hook_call,
    "hooks-seen": hooks.hooks_seen,
    "apparmor": confinement.apparmor,
    "selinux": confinement.selinux,
    "config": bridges.config,
    "guests": bridges.guests,
    "filtering": bridges.filtering,
    "drift": bridges.drift,
    "default-pvid": bridges.default_pvid,
    "trunk-vids": bridges.trunk_vids,
    "sub-interfaces": bridges.sub_interfaces,
    "networkd": others.networkd,
    "networkmanager": others.networkmanager,
    "ifupdown": ifupdown.ifupdown,
    "native-vlan": others.native_vlan,
    "database": record.database,
    "disk": record.disk,
    "spool": record.spool,
    "chain": record.chain,
    "daemon": record.daemon,
    "coverage": record.coverage,
}
"""What is checked; each name stays, docs/doctor.md has a paragraph of it."""


def examined(view: View, names: Collection[str] = ()) -> Iterator[Finding]:
    """Yields what the checks found, all of them where none is named, in their order.

    Raises: UsageError for a name of none.
    """
    if strangers := [name for name in names if name not in CHECKS]:
        raise UsageError(
            f"there is no check {strangers[0]!r}", hint=f"there are: {', '.join(CHECKS)}"
        )
    for name, check in CHECKS.items():
        if not names or name in names:
            yield from found(name, check, view)


def found(name: str, check: Check, view: View) -> Iterator[Finding]:
    """Yields what one check found; that it could not be done is a finding, too."""
    try:
        yield from check(view)
    except NotSeenError as error:
        yield unknown(name, error.text, error.hint)
    except VlanlogError as error:
        yield unknown(name, error.message, error.hint)
    except OSError as error:
        yield unknown(name, f"{error.filename}: {error.strerror}", as_root(error))
