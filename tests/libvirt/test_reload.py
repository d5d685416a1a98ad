"""``kill -HUP libvirtd`` with guests running: the kernel is put right, the files read anew."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.lab.domain import Nic
from tests.libvirt.host import (
    BRIDGES,
    CONF,
    PORTS,
    REFERENCE,
    Host,
    Vlans,
    bridge,
    ip,
    kernel_vlans,
    write_conf,
)

pytestmark = pytest.mark.libvirt

MAC = "52:54:00:00:00:04"
ALL_PORTS = f"{PORTS}\n[VM3/{MAC}]\npvid = 42\ntagged = 200-202\n"
UNNAMED: Vlans = {"other0": ["1 pvid untagged", "77"]}
GUESTS: Vlans = {
    "veth0": ["100 pvid untagged", "200", "300"],
    "vnet0": ["42 pvid untagged", "200", "201", "202"],
}


@pytest.fixture(scope="module")
def with_guests(host: Host) -> Host:
    ip("link add other0 type dummy")
    ip("link set other0 master br0 up")
    bridge("vlan add dev other0 vid 77")
    write_conf(ports=ALL_PORTS)
    host.started("VM1", Nic(bridge="br0", target="veth0", mac="52:54:00:00:00:01"))
    host.started("VM3", Nic(bridge="br0", mac=MAC))
    return host


@pytest.fixture
def guests(with_guests: Host) -> Host:
    """Is the host with its files as they were at first, and in force."""
    write_conf(bridges=BRIDGES, ports=ALL_PORTS)
    if kernel_vlans() != {**REFERENCE, **UNNAMED, **GUESTS}:
        with_guests.reload()
    return with_guests


def test_reload_restores_what_was_flushed(guests: Host) -> None:
    _flush("br0", "eth0", "veth0", "vnet0")
    assert kernel_vlans() == UNNAMED
    guests.reload()
    assert kernel_vlans() == {**REFERENCE, **UNNAMED, **GUESTS}
    assert guests.reloads()[-1]["exit_status"] == 0


def test_reload_records_a_flush_as_a_strangers_and_the_repair_as_its_own(guests: Host) -> None:
    _flush("veth0")
    guests.reload()
    newest = guests.history("VM1", "-n", "8")
    told = [
        (event["kind"], event["actor"]["source"], event["payload"].get("first")) for event in newest
    ]
    assert told == [
        ("vlan.removed", "unknown", 100),
        ("vlan.removed", "unknown", 200),
        ("vlan.removed", "unknown", 300),
        ("program.intended", "hook", None),
        ("vlan.added", "hook", 100),
        ("vlan.added", "hook", 200),
        ("vlan.added", "hook", 300),
        ("program.finished", "hook", None),
    ]


def test_reload_takes_edited_files_in(guests: Host) -> None:
    write_conf(
        bridges=BRIDGES.replace("br-tags = 200", "br-tags = 300"),
        ports=ALL_PORTS.replace("tagged = 200,300", "tagged = 200,400"),
    )
    guests.reload()
    assert kernel_vlans() == {
        **REFERENCE,
        **UNNAMED,
        **GUESTS,
        "br0": ["1 pvid untagged", "300"],
        "veth0": ["100 pvid untagged", "200", "400"],
    }


def test_reload_keeps_the_last_good_content_of_a_broken_file(guests: Host) -> None:
    broken = ALL_PORTS.replace("tagged = 200,300", "tagged = 4095")
    line = broken.splitlines().index("tagged = 4095") + 1
    error = f"{CONF}/vlan_filtering.conf:{line}: [veth0] tagged: vid 4095 is out of range"
    write_conf(ports=broken)
    _flush("veth0", "vnet0")
    guests.reload()
    assert kernel_vlans() == {**REFERENCE, **UNNAMED, **GUESTS}
    end = guests.reloads()[-1]
    assert (end["exit_status"], f"vlanlog: {error}" in end["log_tail"]) == (1, True)
    (rejected,) = guests.history("--kind", "config.rejected")
    assert [text.partition(",")[0] for text in rejected["payload"]["errors"]] == [error]


def _flush(*ports: str) -> None:
    shown = subprocess.run(
        ("bridge", "-j", "vlan", "show"), capture_output=True, text=True, check=True
    )
    for port in json.loads(shown.stdout):
        if port["ifname"] in ports:
            own = "self" if port["ifname"] == "br0" else "master"
            for vlan in port["vlans"]:
                bridge(f"vlan del dev {port['ifname']} vid {vlan['vlan']} {own}")
