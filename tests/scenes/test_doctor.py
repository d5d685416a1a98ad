"""A host is examined on a real kernel: what passes, and what each thing that is wrong is called."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import pytest

from tests.doctor.examining import as_nobody
from tests.kernel.netns import bridge, ip, ip_batch, run
from tests.scenes.flow import End
from tests.scenes.guests import VM1, VM2
from tests.scenes.resident import watched
from tests.scenes.stage import Stage
from tests.scenes.status import tell_of
from vlanlog.config import load_settings
from vlanlog.core.finding import Grade
from vlanlog.doctor.examination import examined as checks
from vlanlog.doctor.view import View

pytestmark = pytest.mark.kernel

Seen = dict[str, list[tuple[str, str]]]


def examined(stage: Stage, *words: str) -> Seen:
    """Returns by check the grade and the text of each finding."""
    ended = stage.vlanlog("doctor", "-o", "json", *words)
    whole = ended.json
    assert ended.status == {"pass": 0, "unknown": 1, "warn": 1, "fail": 3}[whole["worst"]]
    found: Seen = {}
    for item in whole["findings"]:
        assert (item["hint"] == "") == (item["grade"] == "pass"), item
        found.setdefault(item["check"], []).append((item["grade"], item["text"]))
    return found


def only(stage: Stage, check: str) -> tuple[str, str]:
    """Returns the one finding of a check."""
    [finding] = examined(stage, "--check", check)[check]
    return finding


def hint(stage: Stage, check: str) -> str:
    [item] = stage.vlanlog("doctor", "--check", check, "-o", "jsonl").out.splitlines()
    found: Any = json.loads(item)["hint"]
    return str(found)


@pytest.fixture
def host(reference: Stage) -> Stage:
    """Is the reference host with both guests, and hooks that name their interpreter."""
    for path in (*reference.hooks.glob("*.d/*.py"), reference.hooks / "qemu"):
        if not path.is_symlink():
            named = path.read_text().replace('\nPYTHON=""\n', f'\nPYTHON="{sys.executable}"\n')
            path.write_text(named.replace("\nPYTHON=\n", f'\nPYTHON="{sys.executable}"\n'))
    daemon = reference.hooks / "daemon"
    daemon.write_text(daemon.read_text().replace("\nPYTHON=\n", f'\nPYTHON="{sys.executable}"\n'))
    for guest in (VM1, VM2):
        reference.start(guest)
        tell_of(reference, guest)
    return reference


def test_host_as_it_should_be_passes_every_check(host: Stage) -> None:
    with watched(host):
        before = host.carried(), host.switches(), host.kept()
        found = examined(host)
        assert (host.carried(), host.switches(), host.kept()) == before
    grades = {check: {grade for grade, _ in items} for check, items in found.items()}
    assert {check: of for check, of in grades.items() if of != {"pass"}} == {}
    assert [text for _, text in found["drift"]] == ["5 ports as desired"]
    assert found["kernel"][0][1].endswith("1 bridge: VLANs can be filtered")


def test_default_vlan_drift_and_a_trunk_that_lost_a_vlan_are_found_and_mended(host: Stage) -> None:
    bridge("vlan", "del", "vid", "300", "dev", "eth0")
    ip_batch(["tuntap add dev other0 mode tap", "link set other0 master br0"])
    assert only(host, "default-pvid") == (
        "warn",
        "br0: VLAN 1 is on other0 by default, and nothing asked for it",
    )
    assert only(host, "trunk-vids") == ("fail", "br0: VLAN 300 is on its ports, not on eth0 now")
    assert only(host, "drift") == ("fail", "the kernel is not as desired: eth0 (+300)")
    assert hint(host, "trunk-vids") == "vlanlog replay --bridge br0"
    assert host.vlanlog("replay", "--bridge", "br0").status == 0
    assert {only(host, check)[0] for check in ("trunk-vids", "drift")} == {"pass"}


def test_bridge_that_no_longer_filters_is_found_and_mended_as_the_hint_says(host: Stage) -> None:
    ip("link", "set", "br0", "type", "bridge", "vlan_filtering", "0")
    assert only(host, "filtering") == ("fail", "br0 does not filter: every port is in every VLAN")
    assert host.vlanlog(*hint(host, "filtering").split()[1:]).status == 0
    assert only(host, "filtering") == ("pass", "1 bridge with VLAN filtering")


def test_vlan_devices_on_ports_and_bridges_are_told_by_what_they_take(host: Stage) -> None:
    ip_batch(
        [
            "link add link eth0 name eth0.100 up type vlan id 100",
            "link add link eth0 name eth0.77 up type vlan id 77",
            "link add link eth0 name eth0.78 type vlan id 78",
            "link add link br0 name br0.200 up type vlan id 200",
            "link add link br0 name br0.5 up type vlan id 5",
        ]
    )
    assert sorted(examined(host, "--check", "sub-interfaces")["sub-interfaces"]) == [
        ("fail", "eth0.100 takes VLAN 100 from eth0 before br0 sees it"),
        ("warn", "br0.5 gets nothing: br0 itself is not in VLAN 5"),
        ("warn", "eth0.77 takes VLAN 77 from eth0 before br0 sees it"),
    ]


def test_vlan_device_does_take_its_vlan_before_the_bridge(host: Stage) -> None:
    """What the check says of the kernel, seen: the guest gets nothing while up0.100 is there."""
    ip_batch(
        [
            "link add up0 type veth peer name wire0",
            "link add veth8 type veth peer name inside0",
            *(f"link set {name} up" for name in ("wire0", "inside0")),
            *(f"link set {name} master br0 up" for name in ("up0", "veth8")),
            "link add link wire0 name wire0.100 up type vlan id 100",
        ]
    )
    bridge("vlan", "add", "vid", "100", "dev", "up0")
    bridge("vlan", "add", "vid", "100", "dev", "veth8", "pvid", "untagged")
    outside, inside = End("wire0.100"), End("inside0")
    outside.send(inside, 1)
    ip(*["link", "add", "link", "up0", "name", "up0.100", "up", "type", "vlan", "id", "100"])
    outside.send(inside, 2)
    assert only(host, "sub-interfaces") == (
        "fail",
        "up0.100 takes VLAN 100 from up0 before br0 sees it",
    )
    ip(*hint(host, "sub-interfaces").partition("and: ip ")[2].split())
    outside.send(inside, 3)
    ends = time.monotonic() + 10
    while 3 not in inside.seen and time.monotonic() < ends:
        inside.drain()
    assert inside.seen == {1, 3}


def test_user_without_rights_is_told_what_could_not_be_looked_at(host: Stage) -> None:
    for path in (host.folder, *host.folder.parents[:2]):
        path.chmod(0o755)
    host.database.chmod(0o600)
    host.spool.chmod(0o700)
    # What Python loads on the way may lie where only root gets to.
    _grades(host)
    with as_nobody():
        found = _grades(host)
    looked_at = {check for check, grade in found.items() if grade is not Grade.UNKNOWN}
    assert {check: found[check] for check in looked_at} == {
        **dict.fromkeys(
            ("kernel", "hooks", "hooks-seen", "apparmor", "selinux", "disk"), Grade.PASS
        ),
        **dict.fromkeys(("networkd", "networkmanager", "ifupdown"), Grade.PASS),
        **dict.fromkeys(("rights", "daemon"), Grade.WARN),
    }


def _grades(host: Stage) -> dict[str, Grade]:
    view = View(settings=load_settings({}, host.hooks))
    with view.stack:
        return {item.check: item.grade for item in checks(view)}


def test_daemon_and_coverage_follow_the_daemon(host: Stage) -> None:
    assert only(host, "daemon")[0] == "warn"
    assert only(host, "coverage")[0] == "warn"
    with watched(host) as resident:
        assert only(host, "daemon") == (
            "pass",
            f"process {resident.pid} answers on {host.folder}/socket",
        )
        assert only(host, "coverage")[0] == "pass"
    assert only(host, "coverage")[1].startswith("nobody watches now: the last event is of ")


def test_disk_that_is_full_and_one_that_is_read_only_fail(host: Stage) -> None:
    small = host.folder / "small"
    small.mkdir()
    run("mount", "-t", "tmpfs", "-o", "size=2m", "none", str(small))
    try:
        database = f"sqlite:///{small}/log.db"
        ended = host.vlanlog("doctor", "--check", "disk", "--database", database)
        assert (ended.status, f"{small}: 2 MiB are free" in ended.out) == (3, True)
        run("mount", "-o", "remount,ro", str(small))
        ended = host.vlanlog("doctor", "--check", "disk", "--database", database)
        assert (ended.status, f"{small} is mounted read-only" in ended.out) == (3, True)
    finally:
        run("umount", str(small))
