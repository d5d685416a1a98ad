"""Adoption on a host in memory: which ports get a wish, and what is left."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.core.making import MAC1, MAC2, VM1, VM2, hooked, nic, port
from tests.host.commanding import PORTS, Commanded, granted, refused
from vlanlog.core import event as e
from vlanlog.core.desired import desired
from vlanlog.core.program import Scope, plan
from vlanlog.core.vlan import PortVlans
from vlanlog.host.commands.adopt import UNNAMED
from vlanlog.host.commands.answer import AdoptAnswer, Adoption, Failure
from vlanlog.host.commands.carry import performed, rehearsed
from vlanlog.host.commands.request import AdoptRequest, UnsetRequest

DRIFT = port("200,666", pvid=100)
ALL = AdoptRequest(reason="r", everything=True)
OF_VM1 = e.Subject(
    guest_uuid=VM1, guest_name="VM1", mac=MAC1, bridge="br0", port="vnet0", ifindex=4
)


@pytest.fixture
def place(tmp_path: Path) -> Commanded:
    return Commanded(tmp_path)


def drift(place: Commanded, name: str, vlans: PortVlans) -> None:
    place.site.kernel.set_vlans(name, vlans)


def adopt(place: Commanded, request: AdoptRequest) -> AdoptAnswer:
    outcome = performed(place.host, request, refused)
    assert isinstance(outcome.answer, AdoptAnswer), outcome
    return outcome.answer


def names(answer: AdoptAnswer) -> list[str]:
    return [item.port.name for item in answer.ports]


def left(place: Commanded) -> bool:
    """Tells whether anything is to be done."""
    kernel = place.site.kernel.read()
    return bool(plan(desired(place.site.state, kernel), kernel, Scope()))


def test_port_that_differs_gets_a_wish_with_the_reason(place: Commanded) -> None:
    drift(place, "vnet0", DRIFT)

    answer = adopt(place, AdoptRequest(reason="ticket 7", targets=("vnet0",)))

    [found] = answer.ports
    assert found == Adoption(
        port=found.port,
        subject=OF_VM1,
        desired=port("200", pvid=100),
        instead_of="vlan_filtering.conf [VM1/*]",
    )
    assert found.port.vlans == DRIFT
    assert place.site.facts("assignment.set") == [e.AssignmentSet(vlans=DRIFT, reason="ticket 7")]
    assert not left(place)


def test_adoption_sends_nothing_and_needs_no_right(place: Commanded) -> None:
    drift(place, "vnet0", DRIFT)

    adopt(place, ALL)

    assert (place.site.kernel.steps, place.site.kernel.carried()["vnet0"]) == ([], DRIFT)


def test_all_is_every_port_that_differs_of_those_that_something_names(place: Commanded) -> None:
    drift(place, "vnet0", DRIFT)
    drift(place, "br0", port("5", pvid=1))
    drift(place, "lone", port("6", pvid=1))

    assert names(adopt(place, ALL)) == ["br0", "vnet0"]
    assert not left(place)


def test_bridge_is_its_ports_alone(place: Commanded) -> None:
    place.site.kernel.add_bridge("br1", vlan_filtering=True)
    place.configure(PORTS, "[br0]\nbr-pvid = 1\n[br1]\nbr-pvid = 5\n")
    drift(place, "vnet0", DRIFT)

    assert names(adopt(place, AdoptRequest(reason="r", bridge="br1"))) == ["br1"]
    assert names(adopt(place, AdoptRequest(reason="r", bridge="br0"))) == ["vnet0"]


def test_port_that_nothing_names_is_adopted_where_it_is_named_itself(place: Commanded) -> None:
    [found] = adopt(place, AdoptRequest(reason="r", targets=("lone",))).ports

    subject = e.Subject(bridge="br0", port="lone")
    assert found == Adoption(port=found.port, subject=subject, desired=None, instead_of=UNNAMED)
    assert names(adopt(place, AdoptRequest(reason="r", targets=("lone",)))) == []


def test_port_named_in_several_ways_is_adopted_once(place: Commanded) -> None:
    drift(place, "vnet0", DRIFT)

    targets = ("vnet0", "VM1/net0", f"VM1/{MAC1}")

    assert names(adopt(place, AdoptRequest(reason="r", targets=targets))) == ["vnet0"]
    assert len(place.site.facts("assignment.set")) == 1


def test_nothing_is_recorded_where_nothing_differs(place: Commanded) -> None:
    assert adopt(place, ALL) == AdoptAnswer()
    assert place.site.facts("assignment.set") == []


def test_config_errors_are_told_with_what_was_adopted(place: Commanded) -> None:
    place.configure("[VM1/*]\npvid = 5000\n")
    drift(place, "vnet0", DRIFT)

    outcome = performed(place.host, ALL, granted)

    path = place.conf / "vlan_filtering.conf"
    line = f"{path}:2: [VM1/*] pvid: vid 5000 is out of range, expected 1-4094"
    assert isinstance(outcome.answer, AdoptAnswer)
    assert (names(outcome.answer), outcome.answer.config_errors, outcome.notes) == (
        ["vnet0"],
        (line,),
        (line,),
    )


def test_adoption_is_withdrawn_by_unset(place: Commanded) -> None:
    drift(place, "vnet0", DRIFT)
    adopt(place, ALL)

    performed(place.host, UnsetRequest(target="vnet0", reason="back"), granted)

    assert place.site.kernel.carried()["vnet0"] == port("200", pvid=100)


def test_rehearsal_tells_the_same_and_records_no_wish(place: Commanded) -> None:
    drift(place, "vnet0", DRIFT)

    told = rehearsed(place.host, ALL)

    assert place.site.facts("assignment.set") == []
    assert told.answer == adopt(place, ALL)


@pytest.mark.parametrize(
    ("request_", "steps"),
    [
        (ALL, ("vlan_filtering 1",)),
        (AdoptRequest(reason="r", bridge="br0"), ("vlan_filtering 1",)),
        (AdoptRequest(reason="r", targets=("br0",)), ("vlan_filtering 1",)),
        (AdoptRequest(reason="r", targets=("vnet0",)), ()),
    ],
)
def test_switches_of_a_bridge_that_is_meant_are_told_and_left(
    place: Commanded, request_: AdoptRequest, steps: tuple[str, ...]
) -> None:
    kernel = place.site.kernel
    kernel.set_vlan_filtering(kernel.read().bridges["br0"].ifindex, on=False)

    answer = adopt(place, request_)

    assert tuple(step for item in answer.switches for step in item.steps) == steps
    assert kernel.read().bridges["br0"].vlan_filtering is False


NIC_AT_REST = Failure(
    message=f"VM2/{MAC2} has no port now: it carries nothing that could be adopted",
    hint="start its guest, or say what it shall carry with 'vlanlog set'",
    exit_code=2,
)
TWO_WAYS = Failure(
    message="TARGET, --bridge and --all exclude each other",
    hint="give one or several TARGETs, --bridge BRIDGE, or --all",
    exit_code=2,
)


@pytest.mark.parametrize(
    ("request_", "failure"),
    [
        (AdoptRequest(reason="r", targets=("vnet0", f"VM2/{MAC2}")), NIC_AT_REST),
        (AdoptRequest(reason="r", targets=("vnet0",), everything=True), TWO_WAYS),
        (AdoptRequest(reason="r", bridge="br0", everything=True), TWO_WAYS),
    ],
)
def test_what_cannot_be_adopted_is_refused_as_a_whole(
    place: Commanded, request_: AdoptRequest, failure: Failure
) -> None:
    place.site.told(hooked(VM2, "VM2", "stopped", nic(MAC2)))
    drift(place, "vnet0", DRIFT)

    outcome = performed(place.host, request_, granted)

    assert (outcome.answer, outcome.failure) == (None, failure)
    assert place.site.facts("assignment.set") == []


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (AdoptRequest(reason="r", targets=("vnet1",)), "no port and no NIC is called 'vnet1'"),
        (AdoptRequest(reason="r", bridge="br1"), "no bridge is called 'br1'"),
    ],
)
def test_name_that_is_not_known_gets_near_ones(
    place: Commanded, request_: AdoptRequest, message: str
) -> None:
    near = {"vnet1": "vnet0", "br1": "br0"}[(*request_.targets, request_.bridge or "")[0]]

    assert performed(place.host, request_, granted).failure == Failure(
        message=message, hint=f"did you mean {near}?", exit_code=2
    )
