"""Tells a database which events may concern a vid, so that it passes the others by.

Must not decide: ``core.query.concerns`` has the last word, and nothing that it takes is passed by.
"""

from __future__ import annotations

from sqlalchemy import JSON, ColumnElement, Integer, and_, case, cast, func, or_

from vlanlog.core.vlan import runs
from vlanlog.store.schema import events

RANGES = ("vlan.added", "vlan.removed")
"""The kinds whose payload has ``first`` and ``last``."""

LISTS = {"assignment.set": ("vlans", "members"), "program.finished": ("found", "members")}
"""The kinds whose payload has a list of vids, and where."""


def may_concern(dialect: str, vids: int) -> ColumnElement[bool]:
    """Returns the condition on an event that may concern one of the vids (bits).

    Source: sqlite.org/json1.html, postgresql.org/docs/current/functions-json.html.
    """
    ranges = list(runs(vids))
    lowest, highest = ranges[0][0], ranges[-1][1]
    first, last = (cast(_inside(dialect, end), Integer) for end in ("first", "last"))
    terms = [and_(events.c.kind.in_(RANGES), _read(dialect, first <= highest, last >= lowest))]
    for kind, path in LISTS.items():
        terms.append(and_(events.c.kind == kind, _lists(dialect, path, lowest, highest)))
    return or_(*terms, events.c.kind == "program.intended")


def _lists(dialect: str, path: tuple[str, ...], lowest: int, highest: int) -> ColumnElement[bool]:
    """Returns the condition on a list that may have a vid: its number, or any range."""
    listed = _inside(dialect, *path)
    if lowest != highest:
        return _read(dialect, listed.is_not(None))
    return _read(dialect, or_(listed.contains(str(lowest)), listed.contains("-")))


def _inside(dialect: str, *path: str) -> ColumnElement[str]:
    if dialect == "sqlite":
        return func.json_extract(events.c.payload, "$." + ".".join(path))
    return func.json_extract_path_text(cast(events.c.payload, JSON), *path)


def _read(dialect: str, *terms: ColumnElement[bool]) -> ColumnElement[bool]:
    """Returns the conditions, of which SQLite makes an error where a payload is no JSON any more.

    Whoever reads the event says more of that.
    """
    if dialect != "sqlite":
        return and_(*terms)
    return case((func.json_valid(events.c.payload) == 1, and_(*terms)), else_=True)
