"""``state -o json`` beside ``bridge -j vlan show``: what reads the one reads the other."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.golden import transcript
from tests.kernel.netns import bridge, index, ip, ip_batch, run
from tests.kernel.requests import UNTAGGED, programmed
from vlanlog.kernel.wire import RTM_SETLINK

pytestmark = [pytest.mark.kernel, pytest.mark.usefixtures("netns")]

PVID_TAGGED = 2
MORE = ["bridge", "guest", "guest_uuid", "mac"]
"""Are the keys that ``bridge`` does not have."""


def dummies(*names: str, of: str = "br0") -> list[str]:
    return [
        line
        for name in names
        for line in (f"link add {name} type dummy", f"link set {name} master {of}")
    ]


def fresh() -> None:
    """Makes two bridges, one of them with VLAN filtering and no default PVID."""
    ip_batch(
        (
            "link add br0 type bridge vlan_filtering 1",
            "link add br1 type bridge vlan_filtering 1 vlan_default_pvid 0",
            *dummies("d0", "d1"),
            *dummies("d2", of="br1"),
        )
    )


def no_bridge() -> None:
    ip_batch(("link add d0 type dummy",))


def without_filtering() -> None:
    ip_batch(("link add br0 type bridge", *dummies("d0")))


def every_vid() -> None:
    fresh()
    bridge("vlan", "add", "vid", "2-4094", "dev", "d0")
    bridge("vlan", "add", "vid", "1-4094", "dev", "br1", "self")


def every_flag() -> None:
    fresh()
    programmed(RTM_SETLINK, index("d0"), (UNTAGGED, 7), (UNTAGGED, 8), (0, 9), (PVID_TAGGED, 10))
    bridge("vlan", "add", "vid", "20", "dev", "d1", "pvid", "untagged")
    bridge("vlan", "add", "vid", "21", "dev", "d1", "pvid", "untagged")
    bridge("vlan", "add", "vid", "300-310", "dev", "d2", "untagged")
    bridge("vlan", "add", "vid", "305", "dev", "d2")


def nothing_left() -> None:
    fresh()
    for name in ("d0", "d1"):
        bridge("vlan", "del", "vid", "1", "dev", name)
    bridge("vlan", "del", "vid", "1", "dev", "br0", "self")


def numbers_out_of_order() -> None:
    fresh()
    ip_batch(
        (
            "link add d9 index 900 type dummy",
            "link add d8 index 800 type dummy",
            "link set d9 master br0",
            "link set d8 master br1",
            "link set d0 name zz0",
            "link set d1 master br1",
        )
    )
    bridge("vlan", "add", "vid", "5", "dev", "d8")


def devices_of_all_kinds() -> None:
    fresh()
    ip_batch(
        (
            "link add v0 type veth peer name v1",
            "link set v0 master br0",
            "link set v1 master br1",
            "link add link d0 name d0.7 type vlan id 7",
            "link set d0.7 master br1",
            "link add bond0 type bond",
            "link set bond0 master br0",
            "tuntap add tap0 mode tap",
            "link set tap0 master br0",
        )
    )


def drawn(seed: int) -> Callable[[], None]:
    """Returns what gives ports VLANs at random, a few of them twice with other flags."""

    def make() -> None:
        fresh()
        chance = random.Random(seed)
        for name in ("br0", "br1", "d0", "d1", "d2"):
            own = ["self"] if name.startswith("br") else []
            for _ in range(chance.randint(0, 6)):
                first = chance.choice((1, 2, 100, 4000, chance.randint(1, 4000)))
                last = first + chance.choice((0, 0, 1, 5, 94))
                vids = f"{first}-{last}" if last > first else str(first)
                flags = chance.choice(([], [], ["untagged"]))
                bridge("vlan", "add", "vid", vids, "dev", name, *flags, *own)
            if chance.random() < 0.5:
                vid = str(chance.randint(1, 4094))
                flags = chance.choice((["pvid"], ["pvid", "untagged"]))
                bridge("vlan", "add", "vid", vid, "dev", name, *flags, *own)

    return make


HOSTS: dict[str, Callable[[], None]] = {
    **{
        made.__name__: made
        for made in (
            fresh, no_bridge, without_filtering, every_vid, every_flag, nothing_left,
            numbers_out_of_order, devices_of_all_kinds,
        )
    },
    **{f"drawn {seed}": drawn(seed) for seed in range(5)},
}  # fmt: skip


def told(folder: Path, *words: str) -> Any:
    out = transcript(folder, ["state", "-o", "json", *words]).partition("\n")[2]
    text, _, end = out.rpartition("---")
    assert end == " exit status 0\n", out
    return json.loads(text)


def like_bridge(ports: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns what is told without what ``bridge`` does not tell; the keys in their order."""
    assert all(list(port) == ["ifname", *MORE, "vlans"] for port in ports)
    return [{"ifname": port["ifname"], "vlans": port["vlans"]} for port in ports]


def by_number(shown: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns the ports by ifindex: in what order the kernel met them, no log tells."""
    return sorted(shown, key=lambda port: index(port["ifname"]))


def typed(value: object) -> str:
    """Returns the value as text, the order of keys and the kinds of numbers among it."""
    return json.dumps(value)


@pytest.mark.parametrize("host", HOSTS)
def test_state_is_told_as_bridge_shows_it(tmp_path: Path, host: str) -> None:
    HOSTS[host]()
    shown = [
        json.loads(run("bridge", "-j", *words, "vlan", "show"))
        for words in ((), ("-compressvlans",))
    ]
    # Makes the log know what the kernel carries; without config files it changes nothing.
    recorded = transcript(tmp_path, ["replay"])
    assert recorded.endswith("exit status 0\n"), recorded

    kernel, observed = (
        [
            like_bridge(told(tmp_path, "--layer", layer, *words))
            for words in ((), ("--compressvlans",))
        ]
        for layer in ("kernel", "observed")
    )
    assert [typed(item) for item in kernel] == [typed(item) for item in shown]
    assert [typed(item) for item in observed] == [typed(by_number(item)) for item in shown]


SCRIPTS = {
    '.[] | select(.ifname=="d0") | .vlans[].vlan': lambda shown: [
        item["vlan"] for port in shown if port["ifname"] == "d0" for item in port["vlans"]
    ],
    '.[] | select(.vlans[].flags // [] | index("PVID")) | .ifname': lambda shown: [
        port["ifname"]
        for port in shown
        for item in port["vlans"]
        if "PVID" in item.get("flags", [])
    ],
}


def answered(script: str, shown: Any) -> list[Any]:
    """Returns what the script makes of it: by jq where there is one."""
    if shutil.which("jq") is None:
        return SCRIPTS[script](shown)
    done = subprocess.run(
        ["jq", "-c", script], input=json.dumps(shown), capture_output=True, text=True, check=True
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("script", SCRIPTS)
def test_script_for_bridge_reads_state_unchanged(tmp_path: Path, script: str) -> None:
    every_flag()
    bridge("vlan", "add", "vid", "100-103", "dev", "d0")
    shown = json.loads(run("bridge", "-j", "vlan", "show"))

    found = answered(script, told(tmp_path, "--layer", "kernel"))

    assert found == answered(script, shown) == SCRIPTS[script](shown)
    assert found


def test_port_that_left_is_no_longer_told(tmp_path: Path) -> None:
    fresh()
    transcript(tmp_path, ["replay"])
    ip("link", "set", "d0", "nomaster")
    transcript(tmp_path, ["replay"])

    ports = told(tmp_path, "--layer", "observed")

    assert [port["ifname"] for port in ports] == ["br0", "d1"]
