"""What an install makes of what a host has: libvirt, other hooks, systemd, AppArmor, SELinux."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.install.hosts import HOOKS, entries, laid, plain_host, put, put_link, taken, told
from vlanlog.install.aftermath import after_install
from vlanlog.install.layout import SELINUX_MODULE, UNIT_FILE
from vlanlog.install.manifest import read_manifest
from vlanlog.install.site import LIBVIRTS, Site, libvirt_version, site
from vlanlog.install.step import Action, Step
from vlanlog.install.tree import InstallError, Tree

STRANGER = "#!/bin/sh\nexit 0\n"
PROFILE = "/etc/apparmor.d/usr.sbin.libvirtd"
RULES = "/etc/apparmor.d/local/usr.sbin.libvirtd"


@pytest.mark.parametrize(
    ("version", "multiarch", "found"),
    [
        ("9.0.0", "x86_64-linux-gnu", (9, 0, 0)),
        ("11.3.0", "aarch64-linux-gnu", (11, 3, 0)),
        ("6.4.1", "../lib64", (6, 4, 1)),
        ("", "", None),
    ],
)
def test_libvirts_version_is_that_of_its_library(
    tmp_path: Path, version: str, multiarch: str, found: object
) -> None:
    plain_host(tmp_path, libvirt=version, multiarch=multiarch)
    put_link(tmp_path, "/usr/lib/libvirt.so.0", "libvirt.so.0.1.2.3")
    put(tmp_path, "/usr/lib/libvirt-qemu.so.0.12000.0", "")
    assert libvirt_version(Tree(tmp_path)) == found


def test_newest_library_counts_where_an_old_one_was_left(tmp_path: Path) -> None:
    plain_host(tmp_path, libvirt="9.0.0")
    put(tmp_path, "/usr/lib64/libvirt.so.0.6004.0", "")
    assert libvirt_version(Tree(tmp_path)) == (9, 0, 0)


@pytest.mark.parametrize(("theirs", "ours"), [("qemu", "daemon"), ("daemon", "qemu")])
def test_hook_of_someone_else_stays_and_vlanlogs_is_a_drop_in(
    tmp_path: Path, theirs: str, ours: str
) -> None:
    put(plain_host(tmp_path), f"{HOOKS}/{theirs}", STRANGER, mode=0o755)
    before = entries(tmp_path)
    done = laid(tmp_path)
    after = entries(tmp_path)
    drop_in = after[f"{HOOKS}/{theirs}.d/vlanlog"][4].decode()
    assert after[f"{HOOKS}/{theirs}"] == before[f"{HOOKS}/{theirs}"]
    assert f"\nDRIVER={theirs}\n" in drop_in
    assert f"\nFOLDER={HOOKS}\n" in drop_in
    assert "\nFOLDER=\n" in after[f"{HOOKS}/{ours}"][4].decode()
    assert f"{HOOKS}/{theirs} is someone else's and stays" in done.remarks[1]
    assert not [step for step in laid(tmp_path).steps if step.changes]
    taken(tmp_path)
    assert entries(tmp_path) == before


@pytest.mark.parametrize(("libvirt", "word"), [("6.4.0", "6.4.0"), ("", "of an unknown version")])
def test_hook_of_someone_else_is_refused_where_libvirt_runs_only_one(
    tmp_path: Path, libvirt: str, word: str
) -> None:
    put(plain_host(tmp_path, libvirt=libvirt), f"{HOOKS}/qemu", STRANGER, mode=0o755)
    before = entries(tmp_path)
    with pytest.raises(InstallError) as told_error:
        laid(tmp_path, force=True)
    assert told_error.value.message == (
        f"{tmp_path}{HOOKS}/qemu is someone else's hook\n"
        f"libvirt is {word}, and runs a second hook only since 6.5.0"
    )
    assert entries(tmp_path) == before


def test_hook_that_takes_the_place_of_vlanlogs_gets_a_drop_in_beside_it(tmp_path: Path) -> None:
    laid(plain_host(tmp_path))
    put(tmp_path, f"{HOOKS}/qemu", STRANGER, mode=0o755)
    steps = told(laid(tmp_path).steps)
    assert [steps[f"{HOOKS}/{name}"] for name in ("qemu.d/vlanlog", "qemu")] == ["new", "kept"]


def test_drop_in_goes_when_the_hook_of_someone_else_has_gone(tmp_path: Path) -> None:
    place = put(plain_host(tmp_path), f"{HOOKS}/qemu", STRANGER, mode=0o755)
    laid(tmp_path)
    place.unlink()
    steps = told(laid(tmp_path).steps)
    assert [steps[f"{HOOKS}/{name}"] for name in ("qemu", "qemu.d/vlanlog", "qemu.d")] == [
        "new", "removed", "removed",
    ]  # fmt: skip


def test_unit_of_a_package_is_left_to_it(tmp_path: Path) -> None:
    put(plain_host(tmp_path), "/usr/lib/systemd/system/vlanlog.service", "[Unit]\n")
    assert UNIT_FILE not in told(laid(tmp_path).steps)


def test_host_without_systemd_gets_no_unit(tmp_path: Path) -> None:
    put(tmp_path, "/usr/lib/libvirt.so.0.9000.0", "")
    done = laid(tmp_path)
    assert UNIT_FILE not in told(done.steps)
    assert [str(command) for command in done.aftermath.left] == ["vlanlog replay --dry-run"]


@pytest.mark.parametrize("text", ["", "# mine\n", "# mine, not ended", None])
def test_rule_of_apparmor_comes_and_goes_without_a_trace(tmp_path: Path, text: str | None) -> None:
    put(plain_host(tmp_path), PROFILE, "profile libvirtd {}\n")
    if text is not None:
        put(tmp_path, RULES, text, mode=0o640)
    before = entries(tmp_path)
    laid(tmp_path)
    rule = entries(tmp_path)[RULES]
    assert rule[4].decode().startswith(text or "")
    lines = rule[4].decode().splitlines()
    assert [lines[-4], lines[-1]] == ["# vlanlog: begin", "# vlanlog: end"]
    assert lines[-2] == f'"{sys.executable}" PUx,'
    assert rule[1] == (0o644 if text is None else 0o640)
    assert not [step for step in laid(tmp_path).steps if step.changes]
    taken(tmp_path)
    assert {p: e for p, e in entries(tmp_path).items() if p != "/etc/apparmor.d/local"} == {
        p: e for p, e in before.items() if p != "/etc/apparmor.d/local"
    }


def test_rule_goes_and_what_was_added_beside_it_stays(tmp_path: Path) -> None:
    put(plain_host(tmp_path), PROFILE, "profile libvirtd {}\n")
    put(tmp_path, RULES, "# one\n")
    laid(tmp_path)
    place = tmp_path / RULES.lstrip("/")
    place.write_text(f"{place.read_text()}# two\n")
    assert told(laid(tmp_path).steps)[RULES] == "same"
    taken(tmp_path)
    assert place.read_text() == "# one\n# two\n"


def test_rule_that_someone_changed_is_theirs(tmp_path: Path) -> None:
    put(plain_host(tmp_path), PROFILE, "profile libvirtd {}\n")
    laid(tmp_path)
    place = tmp_path / RULES.lstrip("/")
    place.write_text(place.read_text().replace("PUx", "Px"))
    changed = place.read_text()
    assert told(taken(tmp_path).steps)[RULES] == "kept"
    assert place.read_text() == changed


def test_interpreter_of_the_system_needs_no_rule(tmp_path: Path) -> None:
    put(plain_host(tmp_path), PROFILE, "profile libvirtd {}\n")
    programs = {"/usr/bin/python3.11": (), "/opt/python/bin/python3.12": (RULES,)}
    found = {name: site(Tree(tmp_path), HOOKS, None, name).rules for name in programs}
    assert found == programs


SELINUX = "SELINUX=enforcing\nSELINUXTYPE=targeted\n"
CONTEXTS = "/etc/selinux/targeted/contexts/files/file_contexts"
LABEL = "/etc/libvirt/hooks(/.*)?\tsystem_u:object_r:virt_hook_t:s0\n"


@pytest.mark.parametrize(
    ("config", "contexts", "wanted"),
    [
        (SELINUX, LABEL, True),
        (SELINUX.replace("enforcing", "permissive"), LABEL, True),
        (SELINUX.replace("enforcing", "disabled"), LABEL, False),
        (SELINUX, "/etc/libvirt(/.*)?\tsystem_u:object_r:virt_etc_t:s0\n", False),
        ("", LABEL, False),
    ],
)
def test_module_of_selinux_is_for_policies_that_have_a_type_of_hooks(
    tmp_path: Path, config: str, contexts: str, wanted: bool
) -> None:
    put(plain_host(tmp_path), "/etc/selinux/config", config)
    put(tmp_path, CONTEXTS, contexts)
    done = laid(tmp_path)
    words = [command.words[0] for command in done.aftermath.left]
    assert (SELINUX_MODULE in told(done.steps)) is wanted
    assert words.count("semodule") == words.count("restorecon") == int(wanted)


def _site(*daemons: str, unseen: tuple[str, ...] = ("daemon", "qemu"), unit: bool = True) -> Site:
    return Site(
        libvirt=(9, 0, 0),
        drop_ins=frozenset(),
        unit=unit,
        rules=(),
        selinux=False,
        daemons=daemons,
        unseen=unseen,
    )


def _new(*paths: str) -> list[Step]:
    return [Step(action=Action.NEW, path=path) for path in paths]


HOOK_STEPS = _new(f"{LIBVIRTS}/qemu", f"{LIBVIRTS}/daemon")


def _reloaded(host: Site, steps: list[Step], hooks: str = LIBVIRTS) -> list[tuple[str, str]]:
    found = after_install(Tree(), host, hooks, steps, enable=False)
    return [(command.words[-1], command.why) for command in found.left if "hook" in command.why]


def test_daemons_that_saw_no_hook_are_to_be_reloaded() -> None:
    why = "it has not seen that there is a hook (daemon, qemu)"
    assert _reloaded(_site("virtqemud", "libvirtd"), HOOK_STEPS) == [
        ("virtqemud", why),
        ("libvirtd", why),
    ]


@pytest.mark.parametrize(
    ("host", "steps", "hooks"),
    [
        (_site("libvirtd", unseen=()), HOOK_STEPS, LIBVIRTS),
        (_site(), HOOK_STEPS, LIBVIRTS),
        (_site("libvirtd"), [], LIBVIRTS),
        (_site("libvirtd"), _new("/srv/hooks/qemu"), "/srv/hooks"),
    ],
)
def test_no_daemon_is_to_be_reloaded_for_nothing(host: Site, steps: list[Step], hooks: str) -> None:
    assert _reloaded(host, steps, hooks) == []


def test_drop_in_beside_a_hook_that_cannot_be_run_wants_a_reload() -> None:
    steps = _new(f"{LIBVIRTS}/qemu.d/vlanlog")
    assert len(_reloaded(_site("libvirtd", unseen=("qemu",)), steps)) == 1


def test_hook_counts_as_seen_only_where_it_can_be_run(tmp_path: Path) -> None:
    put(plain_host(tmp_path), f"{HOOKS}/qemu.d/other", STRANGER, mode=0o755)
    put(tmp_path, f"{HOOKS}/daemon", "a note")
    tree = Tree(tmp_path)
    assert site(tree, HOOKS, read_manifest(tree), "/usr/bin/python3").unseen == ("daemon",)


@pytest.mark.parametrize(
    ("action", "enable", "words"),
    [
        (Action.NEW, True, ["daemon-reload", "enable --now vlanlog.service"]),
        (Action.SAME, True, ["daemon-reload", "enable --now vlanlog.service"]),
        (Action.SAME, False, []),
        (
            Action.UPGRADED,
            True,
            ["daemon-reload", "enable --now vlanlog.service", "restart vlanlog.service"],
        ),
    ],
)
def test_unit_is_started_only_where_it_is_asked_for(
    action: Action, enable: bool, words: list[str]
) -> None:
    steps = [Step(action=action, path=UNIT_FILE)]
    found = after_install(Tree(), _site(), LIBVIRTS, steps, enable=enable)
    assert [" ".join(command.words[1:]) for command in found.at_once] == words
    assert [command for command in found.left if command.words[0] == "systemctl"] == []
