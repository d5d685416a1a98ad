"""Which NIC or port an operator's word means, and what it should carry by now."""

from __future__ import annotations

import pytest

from tests.core.making import (
    MAC1,
    MAC2,
    VM1,
    VM2,
    bridge,
    device,
    guest,
    in_force,
    nic,
    port,
    port_entry,
    table,
)
from vlanlog.core import event as e
from vlanlog.core.state import Assignee, Assignment, HostState, Seq
from vlanlog.core.vlan import NO_VLANS
from vlanlog.errors import UsageError
from vlanlog.host.commands.target import Target, wish_target

MAC4 = "52:54:00:00:00:04"
TAP = device("vnet0", 2, port(pvid=1))
LONE = device("lone", 3, port(pvid=1))
KERNEL = table(bridge("br0", 1), TAP, LONE)


def wish(assignee: Assignee, *, since: int = 9) -> Assignment:
    return Assignment(assignee=assignee, vlans=port("7"), reason="r", since=Seq(since))


def state(*assigned: Assignment) -> HostState:
    return HostState(
        guests={
            VM1: guest(VM1, "VM1", nic(MAC1, tap="vnet0", alias="net0")),
            VM2: guest(
                VM2,
                "VM2",
                nic(MAC2, tap="veth2", alias="net0"),
                nic(MAC4, alias="ua-LAN"),
                running=False,
            ),
        },
        config=in_force(
            port_entry("VM1/*", port("200", pvid=100)),
            port_entry("veth2", port(pvid=300), of="VM2"),
            port_entry("*", port(pvid=9)),
        ),
        assignments=assigned,
    )


OF_VM1 = e.Subject(
    guest_uuid=VM1, guest_name="VM1", mac=MAC1, bridge="br0", port="vnet0", ifindex=2
)


@pytest.mark.parametrize(
    "text", ["vnet0", "VM1/net0", f"VM1/{MAC1}", f"VM1/{MAC1.upper()}", f"{VM1}/net0"]
)
def test_running_guests_nic_is_meant_by_any_of_its_names(text: str) -> None:
    assert wish_target(state(), KERNEL, text) == Target(
        subject=OF_VM1, port=TAP, desired=port("200", pvid=100)
    )


@pytest.mark.parametrize("text", ["veth2", "VM2/net0", f"VM2/{MAC2}"])
def test_stopped_guests_nic_is_meant_without_a_port(text: str) -> None:
    assert wish_target(state(), KERNEL, text) == Target(
        subject=e.Subject(guest_uuid=VM2, guest_name="VM2", mac=MAC2, port="veth2"),
        port=None,
        desired=port(pvid=300),
    )


def test_stopped_guests_nic_gets_what_the_wildcard_says_on_its_bridge() -> None:
    assert wish_target(state(), KERNEL, "VM2/ua-LAN").desired == port(pvid=9)


@pytest.mark.parametrize(("since", "vlans"), [(9, port("7")), (0, port(pvid=300))])
def test_stopped_guests_nic_gets_the_newest_of_wish_and_section(since: int, vlans: object) -> None:
    assigned = wish(Assignee(guest_uuid=VM2, mac=MAC2), since=since)

    assert wish_target(state(assigned), KERNEL, "VM2/net0").desired == vlans


def test_port_of_no_guest_is_meant_by_its_name_alone() -> None:
    assert wish_target(state(), KERNEL, "lone") == Target(
        subject=e.Subject(bridge="br0", port="lone"), port=LONE, desired=port(pvid=1)
    )


def test_port_that_is_gone_is_known_by_its_wish() -> None:
    found = wish_target(state(wish(Assignee(port="gone0"))), KERNEL, "gone0")

    assert found == Target(subject=e.Subject(port="gone0"), port=None, desired=port("7"))


# A guest that is not known must never be taken for another one with the same alias.
@pytest.mark.parametrize(
    "text", ["VM9/net0", f"VM9/{MAC1}", "/net0", "VM1/net7", "VM1/ua-LAN", "VM2/ua-lan", "veth0"]
)
def test_what_names_nothing_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        wish_target(state(), KERNEL, text)

    assert caught.value.message == f"no port and no NIC is called {text!r}"


def test_near_names_are_the_hint() -> None:
    with pytest.raises(UsageError) as caught:
        wish_target(state(), KERNEL, "vnet1")

    assert caught.value.hint == "did you mean vnet0?"


def test_nothing_is_desired_of_a_nic_that_nothing_names() -> None:
    known = HostState(guests={VM2: guest(VM2, "VM2", nic(MAC2), running=False)})

    assert wish_target(known, KERNEL, f"VM2/{MAC2}").desired == NO_VLANS
