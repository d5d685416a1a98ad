"""An operator's wish for a NIC whose VLANs libvirt itself sets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.core.making import MAC1, VM1, hooked, nic
from tests.host.commanding import Commanded, granted
from vlanlog.core.vlan import PortVlans
from vlanlog.host.commands.answer import Failure, Outcome
from vlanlog.host.commands.carry import performed
from vlanlog.host.commands.request import SetRequest


@pytest.mark.parametrize("later", [False, True])
def test_set_is_refused_and_not_recorded(tmp_path: Path, later: bool) -> None:
    place = Commanded(tmp_path)
    native = replace(nic(MAC1, tap="vnet0", alias="net0"), native_vlan="42")
    place.site.told(hooked(VM1, "VM1", "started", native))
    request = SetRequest(target="vnet0", reason="r", pvid="7", later=later)

    assert performed(place.host, request, granted) == Outcome(
        failure=Failure(
            message=f"VM1/{MAC1} has its VLANs from libvirt itself: <vlan> 42 in the domain's XML",
            hint="change it there, or take <vlan> out: virsh edit VM1",
            exit_code=2,
        )
    )
    carried = place.site.kernel.carried()["vnet0"]
    assert (place.site.state.assignments, carried) == ((), PortVlans.of(pvid=100, tagged=1 << 200))
