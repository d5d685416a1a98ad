"""Laws that hold for all VLANs, tables and plans."""

from __future__ import annotations

from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.properties.strategies import port_vlans, tables, vids
from vlanlog.core import codec
from vlanlog.core import event as e
from vlanlog.core.fold import advance
from vlanlog.core.observe import differences
from vlanlog.core.plan import added, additions, deleted, deletions
from vlanlog.core.state import HostState, PortTable, Seq
from vlanlog.core.vlan import PortVlans, VlanFlags, format_vids, parse_vids

BOOT = "boot"


def sealed(findings: list[tuple[e.Subject, e.Fact]]) -> list[tuple[Seq, e.Event]]:
    return [
        (
            Seq(number),
            e.Event(
                event_id=UUID(int=number),
                at_ns=number,
                host="host",
                boot_id=BOOT,
                actor=e.UNKNOWN_ACTOR,
                correlation_id=UUID(int=0),
                fact=fact,
                subject=subject,
            ),
        )
        for number, (subject, fact) in enumerate(findings, start=1)
    ]


def knowing(table: PortTable) -> HostState:
    return HostState(boot_id=BOOT, table=table)


@given(tables(), tables())
def test_fold_of_the_difference_gives_the_second_table(a: PortTable, b: PortTable) -> None:
    events = sealed(differences(knowing(a), b))
    assert advance(events, knowing(a)).table == b


@given(tables())
def test_difference_of_a_table_to_itself_is_empty(a: PortTable) -> None:
    assert differences(knowing(a), a) == []


@given(tables(), tables())
def test_fold_takes_kernel_facts_twice_without_a_change(a: PortTable, b: PortTable) -> None:
    events = sealed(differences(knowing(a), b))
    once = advance(events, knowing(a))
    attached = [item for item in events if isinstance(item[1].fact, e.VlanAdded | e.PortAttached)]
    settled = [
        item
        for item in attached
        if (port := b.ports.get(item[1].subject.ifindex or 0))  # type: ignore[call-overload]
        and _holds(port.vlans, item[1].fact)
    ]
    assert advance(settled, once).table == once.table


def _holds(vlans: PortVlans, fact: e.Fact) -> bool:
    if not isinstance(fact, e.VlanAdded):
        return True
    wanted = VlanFlags.PVID if fact.pvid else VlanFlags.TAGGED
    wanted |= VlanFlags.UNTAGGED if fact.untagged else VlanFlags.TAGGED
    return all(vlans.flags(number) == wanted for number in range(fact.first, fact.last + 1))


@given(port_vlans(), port_vlans())
def test_plan_reaches_its_target(now: PortVlans, wanted: PortVlans) -> None:
    after = deleted(added(now, additions(now, wanted)), deletions(now, wanted))
    assert after == wanted


@given(port_vlans(), port_vlans())
def test_plan_never_leaves_a_port_without_the_pvid_and_vids_that_it_keeps(
    now: PortVlans, wanted: PortVlans
) -> None:
    keeps = now.members & wanted.members
    step = now
    for item in additions(now, wanted):
        step = step.added(item)
        assert step.members & keeps == keeps
        if now.pvid is not None and wanted.pvid is not None:
            assert step.pvid in (now.pvid, wanted.pvid)
    for item in deletions(now, wanted):
        step = step.removed(item.first, item.last)
        assert step.members & keeps == keeps
        assert step.pvid == wanted.pvid or wanted.pvid is None


@given(port_vlans())
def test_plan_for_a_port_that_is_right_is_empty(now: PortVlans) -> None:
    assert (additions(now, now), deletions(now, now)) == ((), ())


@given(port_vlans())
def test_ranges_give_the_port_back(port: PortVlans) -> None:
    assert PortVlans.from_ranges(port.ranges()) == port


@given(st.sets(vids))
def test_list_of_vids_is_read_as_it_was_written(numbers: set[int]) -> None:
    bits = sum(1 << number for number in numbers)
    assert parse_vids(format_vids(bits)) == bits


@given(tables())
@settings(max_examples=50)
def test_state_is_read_from_a_snapshot_as_it_was(table: PortTable) -> None:
    state = knowing(table)
    assert codec.decode_state(codec.encode_state(state)) == state


@given(port_vlans(), port_vlans(), st.text(max_size=20), st.text(max_size=20))
def test_event_is_read_as_it_was_written(
    before: PortVlans, after: PortVlans, name: str, why: str
) -> None:
    fact = e.ProgramIntended(before=before, after=after, steps=("add vid 1",), because=why)
    [(_, event)] = sealed([(e.Subject(guest_name=name, ifindex=3), fact)])
    row = codec.encode(event)
    assert codec.decode(row) == event
    assert codec.row_from_json(codec.row_to_json(row)) == row
