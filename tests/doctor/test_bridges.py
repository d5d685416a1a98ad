"""The checks of config, guests and bridges, on tables as the kernel gives them.

What the kernel does itself is in ``tests/scenes/test_doctor.py``.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.capture.hosts import DEFAULT_VLANS, guest, host_of, mac_of
from tests.doctor.examining import a_view, findings, log_of, told, write
from vlanlog.core.finding import Finding, Grade
from vlanlog.core.state import PortTable
from vlanlog.core.vlan import NO_VLANS, PortVlans, parse_vids
from vlanlog.doctor.view import View

PASS, UNKNOWN, WARN, FAIL = Grade.PASS, Grade.UNKNOWN, Grade.WARN, Grade.FAIL
BRIDGES = """\
[br0]
trunk-port = eth0
trunk-pvid =
trunk-tags = 100 200
br-pvid =
default-pvid = 0
"""
PORTS = "[veth0]\nguest = VM1\npvid = 100\n"
TRUNK = PortVlans.of(tagged=parse_vids("100,200"))
VETH0 = PortVlans.of(pvid=100)


def table_of(
    *,
    trunk: PortVlans = TRUNK,
    veth0: PortVlans = VETH0,
    default_pvid: int = 0,
    filters: bool = True,
) -> PortTable:
    table, _ = host_of(
        ("br0", default_pvid, filters),
        ports={"eth0": ("br0", "", trunk), "veth0": ("br0", "tun", veth0)},
        own={"br0": NO_VLANS},
    )
    return table


def a_host(folder: Path, table: PortTable, *, bridges: str = BRIDGES, ports: str = PORTS) -> View:
    view = a_view(folder, table)
    write(view, "hooks/conf/bridge_init.conf", bridges)
    write(view, "hooks/conf/vlan_filtering.conf", ports)
    return view


def test_host_as_it_should_be_passes(tmp_path: Path) -> None:
    view = a_host(tmp_path, table_of())
    checks = ("config", "guests", "filtering", "drift", "default-pvid", "trunk-vids")
    assert [line for check in checks for line in told(view, check)] == [
        (PASS, "/hooks/conf: 1 bridge, 1 section for ports"),
        (PASS, "0 guests of libvirt's, all known to the log"),
        (PASS, "1 bridge with VLAN filtering"),
        (PASS, "3 ports as desired"),
        (PASS, "no port has its bridge's default VLAN unasked"),
        (PASS, "trunks carry the VLANs of their bridges' ports"),
    ]


def test_every_error_of_the_config_fails(tmp_path: Path) -> None:
    view = a_host(tmp_path, table_of(), ports="[veth0]\nguest = VM1\npvid = 5000\ntaged = 1\n")
    assert [(grade, text.partition(":")[2][:1]) for grade, text in told(view, "config")] == [
        (FAIL, "3"),
        (FAIL, "4"),
    ]


def test_warning_of_the_config_is_told(tmp_path: Path) -> None:
    view = a_host(tmp_path, table_of(), ports="[veth0]\nguest =\n")
    assert [(grade, text[:35]) for grade, text in told(view, "config")] == [
        (WARN, "/hooks/conf/vlan_filtering.conf:2: ")
    ]


def test_config_that_says_nothing_is_warned_of(tmp_path: Path) -> None:
    assert findings(a_host(tmp_path, table_of(), bridges="", ports=""), "config") == [
        Finding(
            check="config",
            grade=WARN,
            text=f"{tmp_path}/hooks/conf: nothing is in force, and so nothing is set",
            hint="vlanlog capture",
        )
    ]


def run(view: View, name: str, *taps: str) -> None:
    """Has libvirt say that a guest runs on these taps."""
    owner = guest(name, *taps)
    nics = "".join(
        f"<interface type='bridge'><mac address='{nic.mac}'/><source bridge='br0'/>"
        f"<target dev='{nic.tap}'/></interface>"
        for nic in owner.nics
    )
    write(
        view,
        f"qemu/{name}.xml",
        f"<domstatus state='running'><domain><name>{name}</name><uuid>{owner.uuid}</uuid>"
        f"<devices>{nics}</devices></domain></domstatus>",
    )


def test_guest_of_which_no_hook_told_is_warned_of(tmp_path: Path) -> None:
    view = a_host(tmp_path, table_of())
    run(view, "VM1", "veth0")
    assert told(view, "guests") == [
        (WARN, "no hook has told of VM1, which runs: its ports are nobody's to vlanlog")
    ]


def test_status_file_that_cannot_be_read_is_told_as_unknown(tmp_path: Path) -> None:
    view = a_host(tmp_path, table_of())
    write(view, "qemu/VM1.xml", "<domstatus")
    [(grade, text)] = told(view, "guests")
    assert (grade, text.startswith("/qemu/VM1.xml: the XML cannot be parsed")) == (UNKNOWN, True)


def test_bridge_that_does_not_filter_fails(tmp_path: Path) -> None:
    view = a_host(tmp_path, table_of(filters=False))
    assert findings(view, "filtering") == [
        Finding(
            check="filtering",
            grade=FAIL,
            text="br0 does not filter: every port is in every VLAN",
            hint="vlanlog replay --bridge br0",
        )
    ]


def test_bridge_that_is_not_there_fails(tmp_path: Path) -> None:
    view = a_host(tmp_path, table_of(), bridges=BRIDGES.replace("br0", "br9"))
    assert told(view, "filtering") == [(FAIL, "br9 does not exist, and bridge_init.conf names it")]
    assert [(grade, text[:4]) for grade, text in told(view, "drift")] == [(FAIL, "brid")]


def test_section_for_a_port_of_a_bridge_that_does_not_filter_is_warned_of(tmp_path: Path) -> None:
    view = a_host(tmp_path, table_of(filters=False), bridges="")
    assert told(view, "filtering") == [
        (WARN, "br0 does not filter, and sections name its ports (veth0)")
    ]


def test_port_with_the_default_vlan_that_nothing_asked_for_is_warned_of(tmp_path: Path) -> None:
    table = table_of(veth0=DEFAULT_VLANS, default_pvid=1)
    view = a_host(tmp_path, table, bridges="", ports="")
    assert told(view, "default-pvid") == [
        (WARN, "br0: VLAN 1 is on veth0 by default, and nothing asked for it")
    ]


@pytest.mark.parametrize(
    ("ports", "grade"),
    [("[veth0]\nguest = VM1\npvid = 1\n", PASS), ("[veth0]\nguest = VM1\npvid = 7\n", WARN)],
)
def test_section_asks_for_the_default_vlan_or_not(tmp_path: Path, ports: str, grade: Grade) -> None:
    table = table_of(veth0=DEFAULT_VLANS, default_pvid=1)
    view = a_host(tmp_path, table, bridges="", ports=ports)
    assert [found for found, _ in told(view, "default-pvid")] == [grade]


def test_port_with_another_pvid_or_another_default_passes(tmp_path: Path) -> None:
    table = table_of(veth0=DEFAULT_VLANS, default_pvid=7)
    view = a_host(tmp_path, table, bridges="", ports="")
    assert [grade for grade, _ in told(view, "default-pvid")] == [PASS]


def test_vlan_of_a_guest_that_no_trunk_shall_carry_is_warned_of(tmp_path: Path) -> None:
    vlans = PortVlans.of(pvid=100, tagged=parse_vids("300-302"))
    ports = "[veth0]\nguest = VM1\npvid = 100\ntagged = 300-302\n"
    view = a_host(tmp_path, table_of(veth0=vlans), ports=ports)
    assert findings(view, "trunk-vids") == [
        Finding(
            check="trunk-vids",
            grade=WARN,
            text="br0: VLAN 300-302 of its ports ends at eth0",
            hint="add it to trunk-tags of [br0]; vlanlog replay",
        )
    ]


def test_vlan_of_a_guest_that_the_trunk_has_lost_fails(tmp_path: Path) -> None:
    view = a_host(tmp_path, table_of(trunk=PortVlans.of(tagged=parse_vids("200"))))
    assert told(view, "trunk-vids") == [(FAIL, "br0: VLAN 100 is on its ports, not on eth0 now")]


def test_vlan_that_a_guest_has_by_hand_counts_for_the_trunk(tmp_path: Path) -> None:
    view = a_host(tmp_path, table_of(veth0=PortVlans.of(pvid=300)), ports="")
    assert [grade for grade, _ in told(view, "trunk-vids")] == [PASS]
    run(view, "VM1", "veth0")
    assert told(view, "trunk-vids") == [(FAIL, "br0: VLAN 300 is on its ports, not on eth0 now")]


def test_default_vlan_of_a_guest_need_not_be_on_the_trunk(tmp_path: Path) -> None:
    table = table_of(veth0=DEFAULT_VLANS, default_pvid=1)
    view = a_host(tmp_path, table, bridges=BRIDGES.replace("pvid = 0", "pvid = 1"), ports="")
    run(view, "VM1", "veth0")
    assert [grade for grade, _ in told(view, "trunk-vids")] == [PASS]
    assert [grade for grade, _ in told(view, "default-pvid")] == [WARN]


def test_drift_names_what_is_not_as_desired(tmp_path: Path) -> None:
    table = table_of(veth0=DEFAULT_VLANS, default_pvid=1, filters=False)
    assert findings(a_host(tmp_path, table), "drift") == [
        Finding(
            check="drift",
            grade=FAIL,
            text="the kernel is not as desired: br0 (vlan_default_pvid 0, vlan_filtering 1), "
            "veth0 (-1 pvid 1→100)",
            hint="vlanlog diff; vlanlog replay",
        )
    ]


def test_drift_of_many_ports_is_told_in_short(tmp_path: Path) -> None:
    names = [f"veth{n}" for n in range(8)]
    table, _ = host_of(("br0", 0, True), ports=dict.fromkeys(names, ("br0", "tun", VETH0)))
    ports = "".join(f"[{name}]\nguest = VM1\npvid = 7\n" for name in names)
    [(_, text)] = told(a_host(tmp_path, table, bridges="", ports=ports), "drift")
    assert text.endswith("veth4 (-100 pvid 100→7) and 3 more")


def test_host_of_which_nothing_is_desired_says_so(tmp_path: Path) -> None:
    view = a_host(tmp_path, table_of(), bridges="", ports="")
    assert told(view, "drift") == [(PASS, "nothing is desired of any port")]


def test_guest_that_only_libvirt_knows_is_judged_by_its_section(tmp_path: Path) -> None:
    """A replay leaves it alone, and so it is no drift; its default VLAN is unasked all the same."""
    table, _ = host_of(
        ("br0", 1, True), ports={"vnet0": ("br0", "tun", DEFAULT_VLANS)}, own={"br0": NO_VLANS}
    )
    ports = f"[VM1/{mac_of('vnet0')}]\npvid = 1\n"
    view = a_host(tmp_path, table, bridges="", ports=ports)
    assert [grade for grade, _ in told(view, "default-pvid")] == [WARN]
    run(view, "VM1", "vnet0")
    assert [grade for grade, _ in told(view, "default-pvid")] == [PASS]
    assert told(view, "drift") == [(PASS, "nothing is desired of any port")]


def test_examination_makes_no_database_and_appends_nothing(tmp_path: Path) -> None:
    view = a_host(tmp_path, table_of())
    for check in ("config", "drift", "database", "chain"):
        findings(view, check)
    assert not (tmp_path / "db").exists()
    log = log_of(view)
    for check in ("config", "drift", "database", "chain", "coverage"):
        findings(view, check)
    assert log.head() is None
