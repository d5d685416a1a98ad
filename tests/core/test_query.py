"""What a filter means: which actors and which vids an event is chosen by."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from tests.core.making import port
from vlanlog.core import event as e
from vlanlog.core.query import EventFilter, concerns, matches
from vlanlog.core.vlan import parse_vids

ROOT = e.Actor(source=e.ActorSource.OPERATOR, uid=0, user="root", command="vlanlog set vnet0")
SOMETHING = e.Event(
    event_id=UUID(int=1),
    at_ns=0,
    host="kvm-a",
    boot_id="boot-1",
    actor=ROOT,
    correlation_id=UUID(int=2),
    fact=e.VlanAdded(first=200, last=300),
)


@pytest.mark.parametrize(
    ("fact", "vids"),
    [
        (e.VlanAdded(first=200, last=300), "200-300"),
        (e.VlanRemoved(first=200, last=300), "200-300"),
        # What an intent leaves alone is none of its business, what changes its flags is.
        (e.ProgramIntended(before=port("5,9", pvid=1), after=port("5,6", pvid=1)), "6,9"),
        (e.ProgramIntended(before=port("5", pvid=1), after=port("1", pvid=5)), "1,5"),
        (e.ProgramIntended(before=port("1,5"), after=port("5", pvid=1)), "1"),
        (
            e.ProgramFinished(intent=UUID(int=1), outcome=e.Outcome.DONE, found=port("7", pvid=1)),
            "1,7",
        ),
        (e.ProgramFinished(intent=UUID(int=1), outcome=e.Outcome.FAILED), ""),
        (e.AssignmentSet(vlans=port("7", pvid=1), reason=""), "1,7"),
        (e.PortAttached(), ""),
    ],
)
def test_fact_concerns_the_vids_that_it_says_something_of(fact: e.Fact, vids: str) -> None:
    mask = parse_vids(vids)

    assert [vid for vid in range(1, 4095) if concerns(fact, 1 << vid)] == [
        vid for vid in range(1, 4095) if mask >> vid & 1
    ]


@pytest.mark.parametrize(
    ("vids", "found"), [("200", True), ("100,300-310", True), ("100-199,301", False), ("", True)]
)
def test_one_of_several_vids_is_enough(vids: str, found: bool) -> None:
    assert matches(EventFilter(vids=parse_vids(vids)), SOMETHING) is found


@pytest.mark.parametrize(
    ("by", "found"),
    [(("ann",), False), (("ann", "root"), True), (("set vnet0",), True), ((), True)],
)
def test_one_of_several_actors_is_enough(by: tuple[str, ...], found: bool) -> None:
    assert matches(EventFilter(by=by), SOMETHING) is found


def test_every_kind_of_filter_must_apply() -> None:
    wanted = EventFilter(by=("root",), vids=1 << 200, kinds=frozenset({"vlan.added"}), since_ns=0)
    others = [
        replace(wanted, by=("ann",)),
        replace(wanted, vids=1 << 199),
        replace(wanted, kinds=frozenset({"vlan.removed"})),
        replace(wanted, since_ns=1),
        replace(wanted, subjects=(e.Subject(port="vnet0"),)),
    ]

    assert [matches(item, SOMETHING) for item in (wanted, *others)] == [True, *[False] * 5]
