"""Rows of a story that goes on: one layout for all that come."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from tests.render.test_table import HOSTILE, NAMES, story
from vlanlog.render import stream


@pytest.mark.parametrize("width", [40, 71, 72, 80, 132, 300])
@pytest.mark.parametrize("guests", [True, False])
@pytest.mark.parametrize("name", NAMES, ids=["short", "hostile", "wide", "long"])
def test_rows_are_no_wider_than_the_terminal(name: str, guests: bool, width: int) -> None:
    form = stream.layout(width=width, guests=guests, utc=True)
    rows = [stream.heading(form), *stream.rows(story(name), form)]

    assert max(cell_len(line) for row in rows for line in row.split("\n")) <= width


@pytest.mark.parametrize("width", [110, None])
def test_columns_stand_where_the_heading_says(width: int | None) -> None:
    form = stream.layout(width=width, guests=True, utc=True)
    where = [0]
    for column in form.widths[:-1]:
        where.append(where[-1] + column + 2)

    head = stream.heading(form)
    rows = stream.rows(story("VM1"), form)

    titles = ["WHEN", "GUEST", "WHAT", "BY", "WHY"]
    assert [head.index(title) for title in titles] == where
    assert {row[where[1] : where[1] + 5] for row in rows} == {"VM1  ", "     "}


def test_reason_stands_below_where_the_terminal_is_narrow() -> None:
    form = stream.layout(width=80, guests=True, utc=True)

    change = stream.rows(story("VM1")[-2:-1], form)

    assert [stream.heading(form), *change] == [
        "WHEN                 GUEST     WHAT                             BY\n"
        "                                 WHY",
        "1970-01-01 00:00:01  VM1       VM1 +5                           unknown\n"
        "                                 VM1",
    ]


def test_row_at_a_pipe_is_one_line_however_long() -> None:
    form = stream.layout(width=None, guests=True, utc=True)

    rows = stream.rows(story("x" * 300), form)

    assert not any("\n" in row for row in rows)
    assert any("x" * 300 in row for row in rows)


@pytest.mark.parametrize("width", [None, 80])
def test_wide_letters_push_no_column(width: int | None) -> None:
    form = stream.layout(width=width, guests=True, utc=True)

    [row] = stream.rows(story("日本")[:1], form)

    before, what, _ = row.partition("host booted")
    assert (cell_len(before), what) == (sum(form.widths[:2]) + 4, "host booted")


@pytest.mark.parametrize("width", [None, 80])
def test_hostile_name_never_reaches_the_terminal(width: int | None) -> None:
    form = stream.layout(width=width, guests=True, utc=True)

    for row in stream.rows(story(HOSTILE), form):
        assert all(line.isprintable() for line in row.split("\n"))


@pytest.mark.parametrize("width", [80, 132])
def test_colour_is_in_the_heading_alone(width: int) -> None:
    form = stream.layout(width=width, guests=True, utc=True)

    assert "\x1b[1m" in stream.heading(form, colour=True)
    assert "\x1b" not in stream.heading(form)
