"""The checks of hooks and of what confines libvirt's daemon, on files that are really there."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.core.making import event
from tests.doctor.examining import (
    a_view,
    as_nobody,
    findings,
    lay_down,
    log_of,
    process,
    told,
    tree_of,
    write,
)
from vlanlog.core.event import HookInvoked
from vlanlog.core.finding import Finding, Grade
from vlanlog.doctor.view import View

OWN_PYTHON = f'PYTHON="{sys.executable}"'
PASS, UNKNOWN, WARN, FAIL = Grade.PASS, Grade.UNKNOWN, Grade.WARN, Grade.FAIL


@pytest.fixture
def view(tmp_path: Path) -> View:
    """Is a host with vlanlog's hooks."""
    made = a_view(tmp_path)
    lay_down(made)
    return made


def edit(name: str, old: str, new: str) -> Callable[[Path], None]:
    def doing(hooks: Path) -> None:
        text = (hooks / name).read_text()
        assert old in text
        (hooks / name).write_text(text.replace(old, new, 1))

    return doing


def test_hooks_that_are_there_pass(view: View) -> None:
    assert told(view, "hooks") == [(PASS, "/hooks: dispatchers and scripts are there")]


def test_hooks_that_lie_as_drop_ins_pass(view: View) -> None:
    hooks = view.settings.hooks
    for driver in ("qemu", "daemon"):
        (hooks / f"{driver}.d").mkdir()
        (hooks / driver).rename(hooks / f"{driver}.d" / "vlanlog")
    (hooks / "qemu").write_text("#!/bin/sh\necho someone else\n")
    assert [grade for grade, _ in told(view, "hooks")] == [PASS]


@pytest.mark.parametrize(
    ("spoil", "text", "hint"),
    [
        (
            lambda hooks: (hooks / "qemu").unlink(),
            "/hooks/qemu is not vlanlog's: libvirt calls nothing of it for 'qemu'",
            "vlanlog install",
        ),
        (
            lambda hooks: (hooks / "daemon").write_text("#!/bin/bash\n"),
            "/hooks/daemon is not vlanlog's: libvirt calls nothing of it for 'daemon'",
            "vlanlog install",
        ),
        (
            lambda hooks: (hooks / "qemu").chmod(0o644),
            "/hooks/qemu is not executable",
            "chmod 755 /hooks/qemu",
        ),
        (
            lambda hooks: (hooks / "qemu").chmod(0o757),
            "/hooks/qemu may be changed by anyone, and runs as root",
            "chmod 755 /hooks/qemu",
        ),
        (
            edit("qemu", "#!/bin/sh", "#!/no/sh"),
            "/hooks/qemu: its interpreter /no/sh cannot be run",
            "vlanlog install",
        ),
        (
            edit("daemon_start.d/bridge_init.py", "#!/bin/sh", "# sh"),
            "/hooks/daemon_start.d/bridge_init.py does not begin with #!",
            "vlanlog install --force",
        ),
        (
            lambda hooks: (hooks / "qemu_reconnect_begin.d/vlan_filtering.py").unlink(),
            "/hooks/qemu_reconnect_begin.d/vlan_filtering.py is missing: VLANs are not set there",
            "vlanlog install",
        ),
    ],
)
def test_hook_that_libvirt_cannot_run_fails(
    view: View, spoil: Callable[[Path], None], text: str, hint: str
) -> None:
    spoil(view.settings.hooks)
    root = str(view.root)
    assert [
        (item.grade, item.text.replace(root, ""), item.hint.replace(root, ""))
        for item in findings(view, "hooks")
    ] == [(FAIL, text, hint)]


def test_hooks_that_run_pass_and_leave_nothing_behind(view: View) -> None:
    before = tree_of(view.root)
    assert told(view, "hook-call") == [(PASS, "dispatchers record a call, and scripts start")]
    assert tree_of(view.root) == before


def test_dispatcher_without_its_interpreter_fails(view: View) -> None:
    edit("qemu", OWN_PYTHON, "PYTHON=/no/python")(view.settings.hooks)
    assert told(view, "hook-call") == [
        (FAIL, "/hooks/qemu records nothing: no Python is found by it, or no vlanlog")
    ]


def test_dispatcher_that_fails_is_quoted(view: View) -> None:
    (view.settings.hooks / "daemon").write_text(
        "#!/bin/sh\n# vlanlog/hook.py\necho first >&2\necho 'it broke' >&2\nexit 3\n"
    )
    assert told(view, "hook-call") == [(FAIL, "/hooks/daemon records nothing: it broke")]


def test_script_whose_python_lacks_vlanlog_fails(view: View) -> None:
    name = "daemon_start.d/bridge_init.py"
    edit(name, OWN_PYTHON, 'PYTHON="/bin/false"')(view.settings.hooks)
    assert told(view, "hook-call") == [(FAIL, f"/hooks/{name} cannot be run: exit status 1")]


def test_script_that_two_folders_have_is_told_once(view: View) -> None:
    name = "qemu_start_begin.d/vlan_filtering.py"
    edit(name, OWN_PYTHON, 'PYTHON="/bin/false"')(view.settings.hooks)
    assert told(view, "hook-call") == [(FAIL, f"/hooks/{name} cannot be run: exit status 1")]


def test_hooks_that_another_user_may_not_see_are_unknown() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        hidden = a_view(Path(folder))
        lay_down(hidden)
        hidden.settings.hooks.chmod(0o700)
        with as_nobody():
            found = [findings(hidden, check) for check in ("hooks", "hook-call", "hooks-seen")]
    assert [(item.grade, item.hint) for [item] in found] == [
        (UNKNOWN, "run 'vlanlog doctor' as root")
    ] * 3


def test_hooks_are_not_run_where_there_are_none(tmp_path: Path) -> None:
    assert told(a_view(tmp_path), "hook-call") == [(UNKNOWN, "there is no hook to be run")]


def invoked(
    *, driver: str = "qemu", daemon: str = "libvirtd", operation: str = "start"
) -> HookInvoked:
    return HookInvoked(
        driver=driver,
        operation=operation,
        sub_operation="begin",
        extra="-",
        object="VM1",
        daemon=daemon,
    )


def test_daemon_that_started_after_the_hooks_came_sees_them(view: View) -> None:
    process(view, 7, "virtqemud", age_s=-5)
    assert told(view, "hooks-seen") == [
        (PASS, "virtqemud (process 7) was started after the hooks came")
    ]


def test_daemon_that_started_before_the_hooks_came_is_warned_of(view: View) -> None:
    process(view, 7, "libvirtd", age_s=5000)
    assert findings(view, "hooks-seen") == [
        Finding(
            check="hooks-seen",
            grade=WARN,
            text="libvirtd (process 7) runs since before the hooks came, and has called none",
            hint="systemctl reload libvirtd",
        )
    ]


@pytest.mark.parametrize(
    ("ago_s", "words", "grade"),
    [
        (100, {}, PASS),
        (6000, {}, WARN),
        (100, {"daemon": "virtnetworkd"}, WARN),
        (100, {"driver": "daemon"}, WARN),
    ],
)
def test_daemon_that_has_called_the_hooks_since_its_start_sees_them(
    view: View, ago_s: int, words: dict[str, str], grade: Grade
) -> None:
    process(view, 7, "libvirtd", age_s=5000)
    happened = replace(event(invoked(**words)), at_ns=time.time_ns() - ago_s * 10**9)
    log_of(view).append([happened])
    assert [item.grade for item in findings(view, "hooks-seen")] == [grade]


@pytest.mark.parametrize(
    ("ago_s", "words", "grade"),
    [
        (0, {}, PASS),
        # Before the hooks came, by another daemon, and with no look for them.
        (100, {}, WARN),
        (0, {"daemon": "virtnetworkd"}, WARN),
        (0, {"operation": "start"}, WARN),
    ],
)
def test_daemon_that_was_reloaded_since_the_hooks_came_sees_them(
    view: View, ago_s: int, words: dict[str, str], grade: Grade
) -> None:
    process(view, 7, "libvirtd", age_s=5000)
    reload = invoked(**{"driver": "daemon", "operation": "reload", **words})
    log_of(view).append([replace(event(reload), at_ns=time.time_ns() - ago_s * 10**9)])
    assert [item.grade for item in findings(view, "hooks-seen")] == [grade]


def test_daemon_that_does_not_run_will_see_the_hooks(view: View) -> None:
    process(view, 7, "virtnetworkd", age_s=5000)
    assert told(view, "hooks-seen") == [
        (PASS, "no daemon of libvirt's runs: the next one will see the hooks")
    ]


def enforce(view: View, *profiles: str) -> None:
    write(view, "sys/module/apparmor/parameters/enabled", "Y\n")
    write(view, "sys/kernel/security/apparmor/profiles", "".join(f"{p}\n" for p in profiles))


def name_interpreter(view: View, python: str) -> None:
    for driver in ("qemu", "daemon"):
        edit(driver, OWN_PYTHON, f"PYTHON={python}")(view.settings.hooks)


def test_host_without_apparmor_passes(view: View) -> None:
    assert told(view, "apparmor") == [(PASS, "AppArmor is not in force here")]


def test_profile_that_only_complains_passes(view: View) -> None:
    enforce(view, "libvirtd (complain)", "virt-aa-helper (enforce)")
    assert told(view, "apparmor") == [(PASS, "AppArmor confines no daemon of libvirt's")]


@pytest.mark.parametrize("profile", ["libvirtd", "/usr/sbin/libvirtd", "virtqemud"])
def test_interpreter_that_apparmor_does_not_let_run_fails(view: View, profile: str) -> None:
    enforce(view, f"{profile} (enforce)")
    name_interpreter(view, "/opt/vlanlog/bin/python9")
    daemon = profile.rpartition("/")[2]
    text = f"the profile of {daemon} does not let it run /opt/vlanlog/bin/python9"
    assert told(view, "apparmor") == [(FAIL, text)]
    local = f"etc/apparmor.d/local/usr.sbin.{daemon}"
    write(view, local, "# /opt/vlanlog/bin/python9 PUx,\n")
    assert told(view, "apparmor") == [(FAIL, text)]
    write(view, local, '"/opt/vlanlog/bin/python9" PUx,\n')
    assert told(view, "apparmor") == [(PASS, f"{daemon} may run /opt/vlanlog/bin/python9")]


def test_interpreter_that_links_to_the_distributions_passes(view: View) -> None:
    enforce(view, "libvirtd (enforce)")
    link = view.root / "python"
    link.symlink_to("/usr/bin/env")
    name_interpreter(view, str(link))
    program = os.path.realpath("/usr/bin/env")
    assert told(view, "apparmor") == [(PASS, f"libvirtd may run {program}")]


def test_host_without_selinux_passes(view: View) -> None:
    write(view, "sys/fs/selinux/enforce", "0")
    assert told(view, "selinux") == [(PASS, "SELinux is not in force here")]


@pytest.mark.parametrize(
    ("context", "grade", "text"),
    [
        ("system_u:system_r:virtd_t:s0", PASS, "runs as virtd_t, which may run the hooks"),
        (
            "system_u:system_r:virtqemud_t:s0-s0:c0.c1023\0",
            WARN,
            "runs as virtqemud_t, and vlanlog's module is missing",
        ),
        ("", WARN, "runs as an unknown domain, and vlanlog's module is missing"),
    ],
)
def test_domain_of_the_daemon_decides_under_selinux(
    view: View, context: str, grade: Grade, text: str
) -> None:
    write(view, "sys/fs/selinux/enforce", "1")
    process(view, 7, "virtqemud", context=context)
    assert told(view, "selinux") == [(grade, f"virtqemud {text}")]


def test_module_that_is_loaded_passes_under_selinux(view: View) -> None:
    write(view, "sys/fs/selinux/enforce", "1")
    process(view, 7, "virtqemud", context="system_u:system_r:virtqemud_t:s0")
    write(view, "var/lib/selinux/targeted/active/modules/400/vlanlog_hooks/cil", "")
    assert told(view, "selinux") == [(PASS, "vlanlog's module is loaded")]


def test_domain_is_unknown_where_no_daemon_runs(view: View) -> None:
    write(view, "sys/fs/selinux/enforce", "1")
    assert told(view, "selinux") == [
        (UNKNOWN, "no daemon of libvirt's runs: in which domain is not known")
    ]
