"""Whose a port is: by its tap's name, and where libvirt makes names up, by its MAC as well."""

from __future__ import annotations

import pytest

from tests.core.making import BOOT, MAC1, VM1, guest, hooked, nic, numbered
from vlanlog.core.fold import advance
from vlanlog.core.state import HostState, IfIndex, Port, tap_mac


@pytest.mark.parametrize(
    ("name", "mac", "owned"),
    [
        ("vnet0", tap_mac(MAC1), True),
        ("vnet0", "fe:54:00:99:99:99", False),
        ("vnet0", None, True),
        ("vnet1", tap_mac(MAC1), False),
        ("veth0", "02:00:00:00:00:01", True),
    ],
)
def test_made_up_name_with_another_mac_is_another_guests(
    name: str, mac: str | None, owned: bool
) -> None:
    nics = (nic(MAC1, tap="vnet0"), nic("52:54:00:00:00:07", tap="veth0"))
    started = numbered([hooked(VM1, "VM1", "started", *nics)])
    owners = advance(started, HostState(boot_id=BOOT)).owners()
    port = Port(ifindex=IfIndex(5), name=name, bridge="br0", mac=mac)

    owner = owners.of(port)

    expected = (guest(VM1, "VM1", *nics), nics[name == "veth0"]) if owned else None
    assert owner == expected


def test_tap_mac_is_the_nics_with_another_first_byte() -> None:
    found = [tap_mac("52:54:00:00:00:01"), tap_mac("fe:54:00:00:00:01")]

    assert found == ["fe:54:00:00:00:01", "fa:54:00:00:00:01"]
