"""The checks for others that set VLANs, on the files in which they are told to."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.capture.hosts import DEFAULT_VLANS, host_of
from tests.doctor.examining import a_view, findings, told, write
from vlanlog.core.finding import Finding, Grade
from vlanlog.doctor.view import View

PASS, UNKNOWN, WARN = Grade.PASS, Grade.UNKNOWN, Grade.WARN
UUID = "11111111-1111-4111-8111-111111111111"
MAC = "52:54:00:00:00:01"


@pytest.fixture
def view(tmp_path: Path) -> View:
    """Is a host of which br0, eth0 and veth0 are ours, and br1 and eth1 are not."""
    table, _ = host_of(
        ("br0", 1, True),
        ("br1", 1, True),
        ports={
            "eth0": ("br0", "", DEFAULT_VLANS),
            "veth0": ("br0", "tun", DEFAULT_VLANS),
            "eth1": ("br1", "", DEFAULT_VLANS),
        },
    )
    made = a_view(tmp_path, table)
    write(made, "hooks/conf/bridge_init.conf", "[br0]\ntrunk-port = eth0\n")
    write(made, "hooks/conf/vlan_filtering.conf", "[veth0]\nguest = VM1\n")
    return made


def managed(view: View) -> View:
    """Has both managers of systems run."""
    for folder in ("run/systemd/netif", "run/NetworkManager"):
        view.path(folder).mkdir(parents=True, exist_ok=True)
    return view


def test_managers_that_do_not_run_pass(view: View) -> None:
    write(view, "etc/systemd/network/a.network", "[Match]\nName=*\n[BridgeVLAN]\nVLAN=5\n")
    write(
        view,
        "etc/NetworkManager/system-connections/br0.nmconnection",
        "[connection]\ninterface-name=br0\n[bridge]\nvlan-filtering=true\n",
    )
    assert told(view, "networkd") + told(view, "networkmanager") == [
        (PASS, "systemd-networkd does not run here"),
        (PASS, "NetworkManager does not run here"),
    ]


@pytest.mark.parametrize("device", ["br0", "eth0", "veth0"])
def test_networkd_with_vlans_of_a_port_of_ours_is_warned_of(view: View, device: str) -> None:
    text = f"[Match]\nName={device}\n\n[Network]\nBridge=br0\n[BridgeVLAN]\nVLAN=5\n"
    path = write(managed(view), "usr/lib/systemd/network/50-port.network", text)
    assert findings(view, "networkd") == [
        Finding(
            check="networkd",
            grade=WARN,
            text=f"systemd-networkd sets the VLANs of {device} too, by [BridgeVLAN] of {path}",
            hint=f"take [BridgeVLAN] out of {path}; networkctl reload",
        )
    ]


@pytest.mark.parametrize(
    "files",
    [
        {"etc/systemd/network/a.network": "[Match]\nName=eth1\n[BridgeVLAN]\nVLAN=5\n"},
        {"etc/systemd/network/a.network": "[Match]\nName=eth0\n[Network]\nBridge=br0\n"},
        {"etc/systemd/network/a.network": "[Match]\nName=eth0\n# [BridgeVLAN]\n#VLAN=5\n"},
        {"etc/systemd/network/a.network": "[Match]\nName=!eth0 !br0 !veth0 *\n[BridgeVLAN]\n"},
        {"etc/systemd/network/a.netdev": "[Match]\nName=eth0\n[BridgeVLAN]\nVLAN=5\n"},
        # The first that matches a device is its file.
        {
            "etc/systemd/network/a.network": "[Match]\nName=*\n",
            "usr/lib/systemd/network/b.network": "[Match]\nName=eth0\n[BridgeVLAN]\nVLAN=5\n",
        },
        # One in /etc hides that of the same name.
        {
            "etc/systemd/network/b.network": "",
            "usr/lib/systemd/network/b.network": "[Match]\nName=eth0\n[BridgeVLAN]\nVLAN=5\n",
        },
    ],
)
def test_networkd_without_vlans_of_ours_passes(view: View, files: dict[str, str]) -> None:
    for name, text in files.items():
        write(managed(view), name, text)
    assert told(view, "networkd") == [
        (PASS, "systemd-networkd has no VLANs for these bridges"),
    ]


def test_networkd_is_warned_of_where_a_drop_in_has_the_vlans(view: View) -> None:
    write(managed(view), "usr/lib/systemd/network/a.network", "[Match]\nName=e\\\nno* eth*\n")
    write(view, "etc/systemd/network/a.network.d/x.conf", "[BridgeVLAN]\nVLAN=5\n")
    assert [grade for grade, _ in told(view, "networkd")] == [WARN]


REPLAY_AFTER = (
    """printf '#!/bin/sh\\n[ "$2" != up ] || vlanlog replay\\n' """
    ">/etc/NetworkManager/dispatcher.d/50-vlanlog; "
    "chmod 755 /etc/NetworkManager/dispatcher.d/50-vlanlog"
)
UNFILTERED = "[connection]\nid=my bridge\ntype=bridge\ninterface-name=br0\n"


@pytest.mark.parametrize(
    ("text", "does", "hint"),
    [
        (
            f"{UNFILTERED}[bridge]\nvlan-filtering=true\n",
            "sets the VLANs of br0 too",
            REPLAY_AFTER,
        ),
        (
            f"{UNFILTERED}[bridge]\nstp=false\n",
            "turns the VLAN filtering of br0 off whenever it activates it",
            REPLAY_AFTER,
        ),
        (
            UNFILTERED,
            "turns the VLAN filtering of br0 off whenever it activates it",
            REPLAY_AFTER,
        ),
        (
            "[connection]\nid=an uplink\ninterface-name=eth0\n[bridge-port]\nvlans=100,200-210\n",
            "sets the VLANs of eth0 too",
            "nmcli connection modify 'an uplink' bridge-port.vlans ''",
        ),
    ],
)
@pytest.mark.parametrize("place", ["etc", "run", "usr/lib"])
def test_networkmanager_with_a_bridge_or_vlans_of_ours_is_warned_of(
    view: View, place: str, text: str, does: str, hint: str
) -> None:
    name = f"{place}/NetworkManager/system-connections/x.nmconnection"
    path = write(managed(view), name, text)
    assert findings(view, "networkmanager") == [
        Finding(
            check="networkmanager",
            grade=WARN,
            text=f"NetworkManager {does}, by {path}",
            hint=hint,
        )
    ]


@pytest.mark.parametrize(
    "text",
    [
        "[connection]\ninterface-name=br1\n[bridge]\nvlan-filtering=true\n",
        "[connection]\ninterface-name=eth0\n[bridge-port]\n",
        "[bridge]\nvlan-filtering=true\n",
    ],
)
def test_networkmanager_without_vlans_of_ours_passes(view: View, text: str) -> None:
    write(managed(view), "run/NetworkManager/system-connections/x.nmconnection", text)
    assert told(view, "networkmanager") == [(PASS, "NetworkManager has no VLANs for these bridges")]


@pytest.mark.parametrize(
    ("script", "mode", "grade"),
    [
        ("#!/bin/sh\n/opt/vlanlog/bin/vlanlog replay --bridge br0\n", 0o755, PASS),
        ("#!/bin/sh\nvlanlog replay\n", 0o644, WARN),
        ("#!/bin/sh\n# vlanlog replay\n", 0o755, WARN),
        ("#!/bin/sh\nvlanlog state\n", 0o755, WARN),
    ],
)
def test_networkmanager_after_which_a_script_replays_passes(
    view: View, script: str, mode: int, grade: Grade
) -> None:
    write(managed(view), "etc/NetworkManager/system-connections/x.nmconnection", UNFILTERED)
    write(view, "etc/NetworkManager/dispatcher.d/50-mine", script).chmod(mode)
    assert [found for found, _ in told(view, "networkmanager")] == [grade]


def test_command_that_mends_networkmanager_does(view: View, tmp_path: Path) -> None:
    write(managed(view), "etc/NetworkManager/system-connections/x.nmconnection", UNFILTERED)
    view.path("etc/NetworkManager/dispatcher.d").mkdir()
    [found] = findings(view, "networkmanager")
    command = found.hint.replace("/etc/", f"{view.root}/etc/")
    subprocess.run(["sh", "-c", command], check=True)
    assert [grade for grade, _ in told(view, "networkmanager")] == [PASS]
    script = view.path("etc/NetworkManager/dispatcher.d/50-vlanlog")
    program = write(view, "bin/vlanlog", f"#!/bin/sh\necho $* >>{tmp_path}/called\n")
    program.chmod(0o755)
    for action in ("down", "up"):
        environ = {"PATH": f"{program.parent}:/usr/bin:/bin"}
        subprocess.run([script, "br0", action], env=environ, check=True)
    assert (tmp_path / "called").read_text() == "replay\n"


def with_ifupdown2(view: View, text: str) -> Path:
    """Has ifupdown2 on the host, with what it is told in a file that another includes."""
    view.path("usr/share/ifupdown2").mkdir(parents=True)
    write(view, "etc/network/interfaces", "auto lo\nsource-directory interfaces.d\n")
    return write(view, "etc/network/interfaces.d/bridge", text)


BRIDGE = "auto br0\niface br0 inet static\n  address 10.0.0.1/24\n  bridge-ports eth0\n"
AWARE = f"{BRIDGE}  bridge-vlan-aware yes\n"
REPLAY = "post-up vlanlog replay --bridge br0"
TURNS_OFF = "turns the VLAN filtering of br0 off"
SETS = "sets the VLANs of br0 and its ports too"


@pytest.mark.parametrize(
    ("text", "does", "lines"),
    [
        (BRIDGE, TURNS_OFF, f"bridge-vlan-aware yes; {REPLAY}"),
        (f"{BRIDGE}  bridge_vlan_aware no\n", TURNS_OFF, f"bridge-vlan-aware yes; {REPLAY}"),
        (f"{BRIDGE}  {REPLAY}\n", TURNS_OFF, "bridge-vlan-aware yes"),
        (AWARE, SETS, REPLAY),
        (f"{AWARE}  bridge-vids 100 200\n  # {REPLAY}\n", SETS, REPLAY),
        ("iface br0\n  bridge-ports none\n  bridge-vlan-aware yes\n  bridge_vids 5", SETS, REPLAY),
    ],
)
def test_ifupdown2_with_a_bridge_of_ours_is_warned_of(
    view: View, text: str, does: str, lines: str
) -> None:
    path = with_ifupdown2(view, text)
    assert findings(view, "ifupdown") == [
        Finding(
            check="ifupdown",
            grade=WARN,
            text=f"ifreload {does}, by {path}",
            hint=f"below 'iface br0' in {path}: {lines}",
        )
    ]


def test_ifupdown2_with_vlans_of_a_port_of_ours_is_warned_of(view: View) -> None:
    path = with_ifupdown2(view, "iface eth0\n  bridge-pvid 5\n  bridge-vids 5-7\n")
    assert findings(view, "ifupdown") == [
        Finding(
            check="ifupdown",
            grade=WARN,
            text=f"ifreload sets the VLANs of eth0 too, by bridge-vids, bridge-pvid of {path}",
            hint=f"take bridge-vids, bridge-pvid of eth0 out of {path}",
        )
    ]


@pytest.mark.parametrize(
    "text",
    [
        f"{AWARE}  bridge-vids 100\n  {REPLAY}\niface eth0\n  bridge-vids 5\n",
        f"{AWARE}  up /opt/vlanlog/bin/vlanlog replay\n",
        "iface br0\n  bridge-ports none\n  bridge-vlan-aware yes\n",
        "iface br1\n  bridge-ports eth1\n  bridge-vids 5\niface eth1\n  bridge-access 5\n",
        "iface br0\n  address 10.0.0.1/24\n",
    ],
)
def test_ifupdown2_that_does_no_harm_passes(view: View, text: str) -> None:
    with_ifupdown2(view, text)
    assert told(view, "ifupdown") == [
        (PASS, "/etc/network/interfaces has no VLANs for these bridges, or replays")
    ]


def test_ifupdown2_is_read_as_far_as_it_includes_files(view: View) -> None:
    with_ifupdown2(view, "iface veth0\n  bridge-access 5\n")
    write(view, "etc/network/interfaces", "source /etc/network/more/*.conf\n")
    write(view, "etc/network/more/a.conf", "iface eth0\n\\\n  bridge-access 5\n")
    write(view, "etc/network/more/b.txt", "iface veth0\n  bridge-access 5\n")
    assert [text.split(" too")[0] for _, text in told(view, "ifupdown")] == [
        "ifreload sets the VLANs of eth0"
    ]


def test_host_without_ifupdown2_passes(view: View) -> None:
    write(view, "etc/network/interfaces", BRIDGE)
    assert told(view, "ifupdown") == [(PASS, "ifupdown2 is not on this host")]


def test_files_that_include_each_other_are_read_to_an_end(view: View) -> None:
    with_ifupdown2(view, "source bridge\n")
    assert [grade for grade, _ in told(view, "ifupdown")] == [PASS]


def runs(view: View, tap: str, vlan: str) -> None:
    """Has libvirt say that VM1 runs, with a <vlan> of its own."""
    write(
        view,
        "qemu/VM1.xml",
        f"<domstatus state='running'><domain><name>VM1</name><uuid>{UUID}</uuid><devices>"
        f"<interface type='bridge'><mac address='{MAC}'/><source bridge='br0'/>{vlan}"
        f"<target dev='{tap}'/></interface></devices></domain></domstatus>",
    )


def test_nic_whose_vlans_libvirt_and_the_config_set_is_warned_of(view: View) -> None:
    runs(view, "veth0", "<vlan trunk='yes'><tag id='5'/><tag id='6'/></vlan>")
    assert findings(view, "native-vlan") == [
        Finding(
            check="native-vlan",
            grade=WARN,
            text=f"VM1/{MAC}: libvirt sets <vlan> trunk 5,6, "
            "and so [veth0] is not carried out there",
            hint="take <vlan> out: virsh edit VM1; or the section",
        )
    ]


@pytest.mark.parametrize(("tap", "vlan"), [("veth0", ""), ("veth9", "<vlan><tag id='5'/></vlan>")])
def test_nic_whose_vlans_only_one_sets_passes(view: View, tap: str, vlan: str) -> None:
    runs(view, tap, vlan)
    assert told(view, "native-vlan") == [
        (PASS, "no NIC that the config names has its VLANs from libvirt")
    ]
