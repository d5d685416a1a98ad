"""Tables: no wider than the terminal, and no guest's name steers it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.core.making import (
    MAC1,
    VM1,
    bridge,
    device,
    event,
    guest,
    nic,
    on_port,
    port,
    raw,
    table,
)
from tests.core.samples import FACTS
from vlanlog.core import event as e
from vlanlog.core.desired import PortWish
from vlanlog.core.plan import additions, deletions
from vlanlog.core.program import BridgePlan, Plan, PortPlan
from vlanlog.core.state import HostState, Seq
from vlanlog.history import Line
from vlanlog.render import table as render

HOSTILE = 'VM\x1b[31m\x1b]0;x\x07\n\r\u202e日本語"ä'
KERNEL = table(
    bridge("br0", 1),
    device("br0", 1, port(pvid=1)),
    device("vnet0", 2, port("200,300-310", pvid=100)),
    device("eth0", 3, raw("1-4", untagged="1,4", pvid=1)),
)
NAMES = ("VM1", HOSTILE, "日本語のとても長い仮想マシンの名前" * 3, "x" * 300)


def state(name: str) -> HostState:
    return HostState(guests={VM1: guest(VM1, name, nic(MAC1, tap="vnet0"))})


def todo(name: str) -> Plan:
    tap = KERNEL.ports[Seq(2)]  # type: ignore[index]
    goal = port("7,9-4094", pvid=5)
    subject = e.Subject(guest_name=name, port="vnet0", ifindex=2)
    wish = PortWish(
        port=tap, vlans=goal, because=f"vlan_filtering.conf [{name}/*]", subject=subject
    )
    item = PortPlan(wish=wish, adds=additions(tap.vlans, goal), deletes=deletions(tap.vlans, goal))
    own = BridgePlan(bridge=KERNEL.bridges["br0"], default_pvid=0, filtering=True, because=name)
    return Plan(bridges=(own,), ports=(item,), unchanged=3, missing=(name,))


def story(name: str) -> list[Line]:
    subject = e.Subject(guest_name=name, port=name, bridge=name)
    told = [Line(seq=Seq(n), event=event(fact, subject)) for n, fact in enumerate(FACTS)]
    change = Line(
        seq=Seq(99),
        event=event(e.VlanAdded(first=5, last=5), subject),
        before=port(pvid=1),
        after=port("5", pvid=1),
        why=name,
    )
    asked = event(e.AssignmentSet(vlans=port("5"), reason=name), on_port("vnet0", 2))
    return [*told, change, Line(seq=Seq(100), event=asked)]


def drawn(name: str, width: int | None) -> list[str]:
    return [
        render.state(state(name), KERNEL, width=width),
        render.plan(todo(name), width=width),
        render.history(story(name), width=width, utc=True),
        render.history(story(name), width=width, utc=True, guests=True, hosts=True),
        render.differences([("vnet0", name, "+5 -1 pvid 1→none")], width=width),
        render.finished([name], done=1, messages=2),
    ]


def test_state_lists_ports_by_bridge_with_itself_first() -> None:
    assert render.state(state("VM1"), KERNEL, width=None).splitlines() == [
        "BRIDGE  PORT   GUEST  MAC                PVID  TAGGED       UNTAGGED",
        "br0     br0    self                      1     -",
        "br0     eth0                             1     2-3          4",
        "br0     vnet0  VM1    52:54:00:00:00:01  100   200,300-310",
    ]


def test_state_without_further_untagged_vids_has_no_column_for_them() -> None:
    kernel = table(bridge("br0", 1), device("br0", 1, raw("5", pvid=5)))

    assert render.state(HostState(), kernel, width=None).splitlines() == [
        "BRIDGE  PORT  GUEST  MAC  PVID      TAGGED",
        "br0     br0   self        5 tagged  -",
    ]


def test_plan_ends_with_its_count() -> None:
    assert render.plan(todo("VM1"), width=None).splitlines() == [
        "PORT   GUEST  CHANGE                                                  BECAUSE",
        "br0           vlan_default_pvid 0  vlan_filtering 1                   VM1",
        "vnet0  VM1    +7,9-99,101-199,201-299,311-4094 100 tagged pvid 100→5  "
        "vlan_filtering.conf [VM1/*]",
        "missing: VM1",
        "Plan: 4076 to add, 0 to remove, 3 ports unchanged.",
    ]


def test_plan_with_nothing_to_do_is_its_count() -> None:
    assert render.plan(Plan(unchanged=1), width=80) == (
        "Plan: 0 to add, 0 to remove, 1 port unchanged."
    )


def test_end_of_a_replay_says_what_was_left() -> None:
    assert render.finished(["vnet0: no (left as it was)"], done=1, messages=2).splitlines() == [
        "Done: 1 port programmed with 2 messages, re-read.",
        "left undone: vnet0: no (left as it was)",
    ]


def test_end_of_a_replay_that_had_nothing_to_send_says_so() -> None:
    assert render.finished([], done=0, messages=0) == "Nothing was sent."


@pytest.mark.parametrize("width", [40, 80, 132])
@pytest.mark.parametrize("name", NAMES, ids=["short", "hostile", "wide", "long"])
def test_table_is_no_wider_than_the_terminal(name: str, width: int) -> None:
    tables = [text for text in drawn(name, width)[:5] if "Plan:" not in text]
    lines = [line for text in tables for line in text.splitlines()]

    assert max(cell_len(line) for line in lines) <= width


def told(*events: e.Event, why: str, width: int, guests: bool = False) -> list[str]:
    lines = [
        Line(seq=Seq(n), event=item, before=port(pvid=1), after=port("200", pvid=1), why=why)
        for n, item in enumerate(events)
    ]
    return render.history(lines, width=width, utc=True, guests=guests).split("\n")


def test_reason_stands_below_where_a_story_is_wider_than_the_terminal() -> None:
    subject = e.Subject(port="vnet3", guest_name="VM1")
    change = event(e.VlanAdded(first=200, last=200), subject)
    why = "assignment: ticket 42: lab segments for the new team"

    assert told(change, why=why, width=80, guests=True) == [
        "WHEN                 GUEST  WHAT        BY",
        "                              WHY",
        "1970-01-01 00:00:01  VM1    vnet3 +200  unknown",
        "                              assignment: ticket 42: lab segments for the new",
        "                              team",
    ]
    assert told(change, why=why, width=88) == [
        "WHEN                 WHAT        BY       WHY",
        "1970-01-01 00:00:01  vnet3 +200  unknown  assignment: ticket 42: lab segments for the",
        "                                          new team",
    ]
    assert told(change, why="ticket 42", width=80) == [
        "WHEN                 WHAT        BY       WHY",
        "1970-01-01 00:00:01  vnet3 +200  unknown  ticket 42",
    ]


@pytest.mark.parametrize("width", [60, 80, 132])
def test_time_is_never_torn_apart(width: int) -> None:
    told = story("x" * 30)

    text = render.history(told, width=width, utc=True, guests=True, hosts=width >= 80)

    assert text.count("1970-01-01 00:00:01") == len(told)


@pytest.mark.parametrize("width", [None, 80])
def test_hostile_name_never_reaches_the_terminal(width: int | None) -> None:
    for text in drawn(HOSTILE, width):
        assert all(line.isprintable() for line in text.split("\n"))


def test_hostile_name_makes_no_line_of_its_own() -> None:
    [head, row] = render.differences([("vnet0", HOSTILE, "+5 -1 pvid 1→none")], width=None).split(
        "\n"
    )

    assert (head.split(), row.split()[0]) == (["PORT", "GUEST", "CHANGE"], "vnet0")


def test_square_brackets_are_no_markup() -> None:
    text = render.differences([("vnet0", "[red]VM[/red]:smile:", "+5")], width=None)

    assert "[red]VM[/red]:smile:" in text


def test_colour_is_in_the_heading_alone() -> None:
    rows = [("vnet0", HOSTILE, "+5 -1 pvid 1→none")]

    plain = render.differences(rows, width=80).split("\n")
    coloured = render.differences(rows, width=80, colour=True).split("\n")

    assert ("\x1b[1m" in coloured[0], "\x1b" in "".join(coloured[1:])) == (True, False)
    assert plain[1:] == coloured[1:]


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: type(fact).__name__)
def test_every_fact_has_words(fact: e.Fact) -> None:
    line = Line(seq=Seq(1), event=event(fact, e.Subject(port="vnet0", bridge="br0")))

    [_, row] = render.history([line], width=None, utc=True).split("\n")

    assert row.startswith("1970-01-01 00:00:01  ")


CELLS = st.text(st.characters(categories=["L", "N", "P", "Zs"]), max_size=12) | st.text(
    st.sampled_from("ab 1-,"), max_size=12
)


@given(
    rows=st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=5),
    width=st.none() | st.integers(min_value=10, max_value=60),
)
def test_rows_are_drawn_alike_whether_all_fit_or_one_does_not(
    rows: list[tuple[str, str, str]], width: int | None
) -> None:
    head = ("PORT", "GUEST", "CHANGE")
    coloured = render.drawn(head, rows, width=width, colour=True)

    lines = re.sub(r"\x1b\[[0-9;]*m", "", coloured).split("\n")

    assert render.drawn(head, rows, width=width) == "\n".join(line.rstrip() for line in lines)
