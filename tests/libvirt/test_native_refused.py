"""A native ``<vlan>`` on a bridge before libvirt 11: libvirt itself refuses the guest."""

from __future__ import annotations

import pytest

from tests.lab.domain import Nic
from tests.libvirt.host import REFERENCE, Host, kernel_vlans, qemu_starts
from tests.libvirt.story import lines

pytestmark = pytest.mark.libvirt


def test_guest_with_a_native_vlan_does_not_start(host: Host) -> None:
    nic = Nic(bridge="br0", target="tap1", vlan="<vlan><tag id='43'/></vlan>")
    guest = host.define("VM1", nic)
    assert "vlan tag not supported for this connection type" in host.refusal(guest)
    assert (host.state(guest), qemu_starts(guest), kernel_vlans()) == ("shut off", 0, REFERENCE)
    assert lines(host.history("VM1")) == [
        "prepare begin - of libvirtd",
        "stopped end - of libvirtd",
        "release end - of libvirtd",
    ]
