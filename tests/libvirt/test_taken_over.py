"""vlanlog's own command on a host with a real libvirtd: over kvmvlan, beside a stranger's hook."""

from __future__ import annotations

import json
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.install.hosts import PORTS, Entry, entries, put, put_kvmvlan
from tests.lab.domain import Nic
from tests.lab.libvirtd import HOOKS, daemon_name
from tests.libvirt.host import (
    DATA,
    DATABASE,
    REFERENCE,
    Host,
    Vlans,
    kernel_vlans,
    wait_until,
    words_of_hook,
)
from tests.libvirt.story import operations, script_ends

pytestmark = pytest.mark.libvirt

ROOT = Path("/")
RAN = Path("/run/taken-over")
LOCAL_RULES = Path("/etc/apparmor.d/local")
WATCHED = (HOOKS, DATA, Path("/etc/systemd/system"), LOCAL_RULES)
VM1 = Nic(bridge="br0", target="veth0", mac="52:54:00:00:00:01")
VM2 = Nic(bridge="br0", target="veth1", mac="52:54:00:00:00:02")
VM1_CARRIES: Vlans = {"veth0": ["100 pvid untagged", "200", "300"]}
BROKEN = "\n[veth1]\nguest = VM2\npvid = 5000\n"
STRANGER = f'#!/bin/sh\ncat >/dev/null\necho "stranger $1 $2" >>{RAN}\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenOver:
    """Is what was seen of a kvmvlan host before, with and after vlanlog."""

    before: dict[str, Entry]
    installed: str
    carried: Vlans
    ran: list[str]
    told: list[str]
    removed: str
    after: dict[str, Entry]
    ran_after: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class BesideStranger:
    """Is what was seen of a host whose hook ``qemu`` is someone else's."""

    installed: str
    carried: Vlans
    ran: list[str]
    ends: list[tuple[str | None, str, str, int | None]]
    refusal: str
    hooks_left: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fresh:
    """Is what was seen of a host that had no hook when libvirtd started."""

    installed: str
    unseen: str
    seen: list[str]
    doctor: list[str]
    carried: Vlans
    again: str
    removed: str
    state: str


def _empty(host: Host) -> None:
    host.stop_all()
    host.stop_libvirtd()
    for folder in (HOOKS, DATA):
        shutil.rmtree(folder, ignore_errors=True)
    RAN.unlink(missing_ok=True)


def _seen() -> dict[str, Entry]:
    """Returns all that is on the host where an install writes, but for the scripts' logs."""
    found = {}
    for folder in WATCHED:
        below = entries(folder) if folder.exists() else {}
        found.update({f"{folder}{path}": entry for path, entry in below.items()})
    return {path: item for path, item in found.items() if not path.startswith(f"{HOOKS}/logs/")}


def _done(host: Host, *words: str) -> str:
    done = host.vlanlog(*words)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def _hooks_seen(host: Host) -> str:
    """Returns what the doctor says of the daemon, without its process' number."""
    lines = host.vlanlog("doctor", "--check", "hooks-seen", "-o", "jsonl").stdout.splitlines()
    [item] = map(json.loads, lines)
    return re.sub(r" \(process \d+\)", "", f"{item['grade']}: {item['text']}")


def _ran() -> list[str]:
    lines = RAN.read_text().splitlines() if RAN.exists() else []
    RAN.unlink(missing_ok=True)
    return lines


@pytest.fixture(scope="module")
def taken_over(host: Host) -> TakenOver:
    _empty(host)
    put_kvmvlan(ROOT)
    for hook in ("qemu_started_begin", "qemu_stopped_end"):
        script = f'#!/bin/sh\necho "{hook} $1 ${{2##*/}}" >>{RAN}\n'
        put(ROOT, f"{HOOKS}/{hook}.d/50-mine.sh", script, mode=0o755)
    host.start_libvirtd()
    before = _seen()
    installed = _done(host, "install")
    guest = host.started("VM1", VM1)
    host.reload()
    carried, ran = kernel_vlans(), _ran()
    told = operations(host.history("VM1"))
    removed = _done(host, "uninstall", "--purge", "--yes")
    after = _seen()
    host.stop(guest)
    return TakenOver(
        before=before,
        installed=installed,
        carried=carried,
        ran=ran,
        told=told,
        removed=removed,
        after=after,
        ran_after=_ran(),
    )


@pytest.fixture(scope="module")
def beside_stranger(host: Host, taken_over: TakenOver) -> BesideStranger:
    del taken_over
    _empty(host)
    put_kvmvlan(ROOT)
    put(ROOT, f"{HOOKS}/qemu", STRANGER, mode=0o755)
    host.start_libvirtd()
    installed = _done(host, "install")
    host.start(host.guests[0])
    carried = kernel_vlans()
    with (HOOKS / "conf/vlan_filtering.conf").open("a") as conf:
        conf.write(BROKEN)
    refusal = words_of_hook(host.refusal(host.define("VM2", VM2)))
    ran, ends = _ran(), script_ends(host.history())
    _done(host, "uninstall")
    left = sorted(place.name for place in HOOKS.iterdir())
    return BesideStranger(
        installed=installed,
        carried=carried,
        ran=ran,
        ends=ends,
        refusal=refusal,
        hooks_left=left,
    )


@pytest.fixture(scope="module")
def fresh(host: Host, beside_stranger: BesideStranger) -> Fresh:
    del beside_stranger
    _empty(host)
    HOOKS.mkdir()
    host.start_libvirtd()
    guest = host.guests[0]
    installed = _done(host, "install")
    put(ROOT, f"{HOOKS}/conf/vlan_filtering.conf", PORTS)
    host.start(guest)
    host.stop(guest)
    unseen = host.vlanlog("history").stderr
    doctor = [_hooks_seen(host)]
    host.daemon.reload()
    wait_until(lambda: "daemon reload" in host.vlanlog("history").stdout, "that hook to be called")
    doctor.append(_hooks_seen(host))
    host.start(guest)
    seen, carried = operations(host.history("VM1")), kernel_vlans()["veth0"]
    again = _done(host, "install")
    host.stop(guest)
    removed = _done(host, "uninstall")
    host.start(guest)
    return Fresh(
        installed=installed,
        unseen=unseen,
        seen=seen,
        doctor=doctor,
        carried={"veth0": carried},
        again=again,
        removed=removed,
        state=host.state(guest),
    )


def test_guest_carries_what_kvmvlans_files_say(taken_over: TakenOver) -> None:
    assert taken_over.carried == {**REFERENCE, **VM1_CARRIES}


def test_operators_own_script_runs_as_before(taken_over: TakenOver) -> None:
    assert taken_over.ran == ["qemu_started_begin VM1 50-mine.conf"]


def test_hooks_are_seen_without_a_reload_where_there_were_some(taken_over: TakenOver) -> None:
    assert taken_over.told == ["prepare", "start", "started"]
    assert "it has not seen that there is a hook" not in taken_over.installed


def test_install_says_whose_files_it_replaced(taken_over: TakenOver) -> None:
    rows = [line.split(maxsplit=2) for line in taken_over.installed.splitlines()]
    replaced = {row[1]: row[2] for row in rows if row[0] == "replaced"}
    assert replaced == dict.fromkeys(
        (
            f"{HOOKS}/daemon",
            f"{HOOKS}/qemu",
            f"{HOOKS}/daemon_start.d/bridge_init.py",
            f"{HOOKS}/qemu_started_begin.d/vlan_filtering.py",
        ),
        f"kvmvlan's, with changes; kept below {DATA}/backup/1",
    )


def test_uninstall_leaves_each_byte_as_it_was(taken_over: TakenOver) -> None:
    assert taken_over.after == taken_over.before


def test_kvmvlan_serves_again_after_the_uninstall(taken_over: TakenOver) -> None:
    assert taken_over.ran_after == ["qemu_stopped_end VM1 50-mine.conf"]


def test_vlanlog_serves_beside_a_strangers_hook(beside_stranger: BesideStranger) -> None:
    assert beside_stranger.carried == {**REFERENCE, **VM1_CARRIES}
    assert [end for end in beside_stranger.ends if end[0] == "VM1"] == [
        ("VM1", "qemu_start_begin", "vlan_filtering.py", 0),
        ("VM1", "qemu_started_begin", "50-mine.sh", 0),
        ("VM1", "qemu_started_begin", "60-again.py", 0),
        ("VM1", "qemu_started_begin", "vlan_filtering.py", 0),
    ]


def test_strangers_hook_is_called_as_ever(beside_stranger: BesideStranger) -> None:
    calls = ["VM1 prepare", "VM1 start", "VM1 started"]
    calls += ["VM2 prepare", "VM2 start", "VM2 stopped", "VM2 release"]
    assert beside_stranger.ran == [f"stranger {call}" for call in calls]


def test_vlanlog_refuses_a_guest_beside_a_strangers_hook(beside_stranger: BesideStranger) -> None:
    assert beside_stranger.refusal.startswith("vlanlog: error: VM2: start refused: ")


def test_install_says_that_the_strangers_hook_stays(beside_stranger: BesideStranger) -> None:
    line = f"{HOOKS}/qemu is someone else's and stays; vlanlog is called after it, as"
    assert f"vlanlog: {line} {HOOKS}/qemu.d/vlanlog\n" in beside_stranger.installed


def test_uninstall_leaves_the_strangers_hook(beside_stranger: BesideStranger) -> None:
    assert "qemu" in beside_stranger.hooks_left
    assert "qemu.d" not in beside_stranger.hooks_left


def test_libvirtd_without_a_hook_is_to_be_reloaded(fresh: Fresh) -> None:
    reload = f"pkill -HUP -x {daemon_name()}"
    line = f"    {reload}    # it has not seen that there is a hook (daemon, qemu)\n"
    assert line in fresh.installed
    assert line not in fresh.again


def test_hooks_are_called_after_that_reload_alone(fresh: Fresh) -> None:
    # Not a record is anywhere: the first one would make the database.
    assert fresh.unseen.startswith(f"vlanlog: error: there is no database {DATABASE}\n")
    assert fresh.seen == ["prepare", "start", "started"]
    assert fresh.carried == VM1_CARRIES


def test_doctor_wants_that_reload_and_is_content_with_it(fresh: Fresh) -> None:
    assert fresh.doctor == [
        f"warn: {daemon_name()} runs since before the hooks came, and has called none",
        f"pass: {daemon_name()} was reloaded after the hooks came",
    ]


def test_interpreter_outside_of_usr_bin_gets_a_rule_of_apparmor(fresh: Fresh) -> None:
    program = Path(sys.executable).resolve()
    is_named = f"{LOCAL_RULES}/usr.sbin.libvirtd" in fresh.installed
    assert is_named is (str(program.parent) != "/usr/bin")


def test_guests_start_without_hooks_after_an_uninstall(fresh: Fresh) -> None:
    assert fresh.state == "running"
