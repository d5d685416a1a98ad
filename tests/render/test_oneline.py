"""One line for each line of a story: whole in a pipe, cut on a terminal."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.cells import cell_len

from tests.core.making import event, port
from tests.core.samples import FACTS
from tests.render.test_table import HOSTILE, NAMES, story
from vlanlog.core import event as e
from vlanlog.core.state import Seq
from vlanlog.history import Line
from vlanlog.render import oneline

CHANGE = Line(
    seq=Seq(1234),
    event=replace(
        event(
            e.VlanAdded(first=5, last=5),
            e.Subject(guest_name="VM1", port="vnet0", bridge="br0"),
            number=7,
            actor=e.Actor(source=e.ActorSource.OPERATOR, uid=0, user="root"),
        ),
        host="kvm-a",
    ),
    before=port("100", pvid=100),
    after=port("200,300-310", pvid=101),
    why="CHG-1",
)


def row(line: Line, *, width: int | None = None, guests: bool = False, hosts: bool = False) -> str:
    return oneline.row(line, width=width, guests=guests, hosts=hosts, utc=True)


def test_columns_of_a_pipe_are_always_the_same() -> None:
    assert row(CHANGE).split("\t") == [
        "1234", "1970-01-01 00:00:07", "kvm-a", "VM1",
        "vnet0 +200,300-310 -100 pvid 100→101", "root", "CHG-1",
    ]  # fmt: skip
    assert row(Line(seq=Seq(1), event=event(e.DaemonStopped()))).split("\t") == [
        "1", "1970-01-01 00:00:01", "host", "-", "daemon stopped", "unknown", "found by a re-read",
    ]  # fmt: skip
    assert len(oneline.FIELDS) == 7


def test_line_of_a_terminal_has_the_columns_of_the_table() -> None:
    rows = [
        row(CHANGE, width=120),
        row(CHANGE, width=120, guests=True),
        row(CHANGE, width=120, guests=True, hosts=True),
    ]

    rest = "vnet0 +200,300-310 -100 pvid 100→101  root  CHG-1"
    assert rows == [
        f"1234  1970-01-01 00:00:07  {rest}",
        f"1234  1970-01-01 00:00:07  VM1  {rest}",
        f"1234  1970-01-01 00:00:07  kvm-a  VM1  {rest}",
    ]


@pytest.mark.parametrize("width", [20, 40, 80])
@pytest.mark.parametrize("name", NAMES, ids=["short", "hostile", "wide", "long"])
def test_line_of_a_terminal_is_cut_at_its_width(name: str, width: int) -> None:
    rows = [row(line, width=width, guests=True, hosts=True) for line in story(name)]

    assert max(map(cell_len, rows)) <= width
    assert all(text.isprintable() for text in rows)
    whole = [row(line, width=5000, guests=True, hosts=True) for line in story(name)]
    cut = [a for a, b in zip(rows, whole, strict=True) if a != b]
    assert cut
    assert all(text.endswith("…") for text in cut)


def test_line_that_just_fits_is_not_cut() -> None:
    whole = row(CHANGE, width=500)

    assert row(CHANGE, width=len(whole)) == whole
    assert row(CHANGE, width=len(whole) - 1) == f"{whole[:-2]}…"


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: type(fact).__name__)
def test_every_fact_is_one_line_of_seven_columns(fact: e.Fact) -> None:
    subject = e.Subject(guest_name=HOSTILE, port=HOSTILE, bridge=HOSTILE)

    text = row(Line(seq=Seq(1), event=event(fact, subject), why=HOSTILE))

    assert len(text.split("\t")) == 7
    assert text.replace("\t", "").isprintable()
