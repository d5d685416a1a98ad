"""vlanlog comes to a host whose guests run: what is there is captured, kept, and then watched."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field

import pytest

from tests.lab.domain import Nic
from tests.lab.libvirtd import HOOKS
from tests.libvirt.host import DATA, Host, Vlans, bridge, ip, kernel_vlans, lay_down, wait_until

pytestmark = pytest.mark.libvirt

MACS = [f"52:54:00:00:00:0{number}" for number in range(1, 4)]
BY_HAND = """\
vlan del vid 300 dev eth0
vlan add vid 100 dev eth0
vlan add vid 200-210 dev eth0
vlan add vid 200 dev br0 self
vlan add vid 100 dev vnet0 pvid untagged
vlan del vid 1 dev vnet0
vlan add vid 200 dev veth0
vlan add vid 205 dev vnet1 pvid untagged
vlan add vid 206-208 dev vnet1
vlan del vid 1 dev vnet1
"""
BRIDGE = """\
# trunk eth0: by --trunk
[br0]
trunk-port = eth0
trunk-pvid = 1
trunk-tags = 100 200-210
br-pvid = 1
br-tags = 200
default-pvid = 1
"""
PORTS = f"""\
# vnet0 in br0
[VM1/{MACS[0]}]
pvid = 100

# veth0 in br0
[VM1/{MACS[1]}]
pvid = 1
tagged = 200

# vnet1 in br0
[my vm/{MACS[2]}]
pvid = 205
tagged = 206-208
"""
UNPLANNED = "Plan: 0 to add, 0 to remove, {} ports unchanged.\n"


@dataclass(kw_only=True)
class Adopted:
    """Is what was seen on the way."""

    captured: str = ""
    carried: list[Vlans] = field(default_factory=list)
    planned: list[str] = field(default_factory=list)
    doctor: list[dict[str, str]] = field(default_factory=list)
    drift: str = ""


def grades(host: Host) -> dict[str, str]:
    """Returns by check its grade, of those that bear on guests and hooks."""
    checks = ("hooks", "hooks-seen", "guests", "drift")
    words = [word for check in checks for word in ("--check", check)]
    lines = host.vlanlog("doctor", *words, "-o", "jsonl").stdout.splitlines()
    return {item["check"]: item["grade"] for item in map(json.loads, lines)}


@pytest.fixture(scope="module")
def adopted(host: Host) -> Adopted:
    """A host of its own life so far: no hook of vlanlog's, VLANs set by hand."""
    host.stop_libvirtd()
    for folder in (HOOKS, DATA):
        shutil.rmtree(folder, ignore_errors=True)
    ip("link set br0 type bridge vlan_filtering 1")
    host.start_libvirtd()
    host.started(
        "VM1", Nic(bridge="br0", mac=MACS[0]), Nic(bridge="br0", mac=MACS[1], target="veth0")
    )
    host.started("my vm", Nic(bridge="br0", mac=MACS[2]))
    for line in BY_HAND.splitlines():
        bridge(line)
    seen = Adopted(carried=[kernel_vlans()])
    lay_down()
    seen.captured = host.vlanlog("capture", "--trunk", "eth0", "-o", "-").stdout
    host.vlanlog("capture", "--trunk", "eth0", "--force")
    seen.planned.append(host.vlanlog("replay", "--dry-run").stdout)
    seen.doctor.append(grades(host))
    host.stop_libvirtd()
    host.start_libvirtd()
    wait_until(lambda: len(host.history("--kind", "hook.invoked")) >= 3, "both hooks `reconnect`")
    seen.carried.append(kernel_vlans())
    seen.planned.append(host.vlanlog("replay", "--dry-run").stdout)
    seen.doctor.append(grades(host))
    bridge("vlan del vid 207 dev vnet1")
    seen.drift = host.vlanlog("replay", "--dry-run").stdout
    return seen


def test_files_describe_bridge_trunk_and_the_guests_by_mac(adopted: Adopted) -> None:
    first, _, second = adopted.captured.partition("\n# vlan_filtering.conf\n")
    bridges, ports = (text.partition("\n\n")[2].strip() + "\n" for text in (first, second))
    assert (bridges, ports) == (BRIDGE, PORTS)


def test_replay_plans_nothing_before_and_after_the_guests_are_met(adopted: Adopted) -> None:
    assert adopted.planned == [UNPLANNED.format(2), UNPLANNED.format(5)]


def test_guests_keep_their_vlans_when_libvirtd_reconnects_to_them(adopted: Adopted) -> None:
    before, after = adopted.carried
    assert after == before


def test_doctor_tells_of_unseen_hooks_and_unmet_guests_until_then(adopted: Adopted) -> None:
    assert adopted.doctor == [
        {"hooks": "pass", "hooks-seen": "warn", "guests": "warn", "drift": "pass"},
        {"hooks": "pass", "hooks-seen": "pass", "guests": "pass", "drift": "pass"},
    ]


def test_what_was_captured_is_what_a_replay_puts_back(adopted: Adopted) -> None:
    row, plan = adopted.drift.splitlines()[1:]
    assert row.split(None, 1) == ["vnet1", f"my vm  +207    vlan_filtering.conf [my vm/{MACS[2]}]"]
    assert plan == "Plan: 1 to add, 0 to remove, 4 ports unchanged."
