"""Which index answers a question: what is rare is found without reading the whole log."""

from __future__ import annotations

import pytest
from sqlalchemy import event

from vlanlog.core.codec import KINDS
from vlanlog.core.query import EventFilter
from vlanlog.store import open_log
from vlanlog.store.log import SqlEventLog
from vlanlog.store.schema import RARE_KINDS


def plan(log: SqlEventLog, wanted: EventFilter) -> str:
    """Returns SQLite's plan of the statement that the filter becomes."""
    asked: list[tuple[str, tuple[object, ...]]] = []
    event.listen(
        log.engine,
        "before_cursor_execute",
        lambda _c, _cursor, statement, given, *_: asked.append((statement, given)),
    )
    list(log.select(wanted))
    statement, given = asked[-1]
    with log.engine.connect() as connection:
        found = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given)
        return " ".join(row[3] for row in found)


@pytest.mark.parametrize("kinds", [RARE_KINDS, ("host.booted",), ("config.loaded",)])
def test_rare_kinds_are_found_by_their_index(sqlite: str, kinds: tuple[str, ...]) -> None:
    log = open_log(sqlite, host="host")

    found = plan(log, EventFilter(kinds=frozenset(kinds), limit=50))

    assert "USING INDEX events_kind" in found
    assert "USING INDEX sqlite_autoindex_events_1" not in found


def test_frequent_kinds_are_read_in_the_order_of_the_log(sqlite: str) -> None:
    log = open_log(sqlite, host="host")

    found = plan(log, EventFilter(kinds=frozenset({"vlan.added", "host.booted"}), limit=50))

    assert "events_kind" not in found
    assert "TEMP B-TREE" not in found


def test_rare_kinds_are_kinds() -> None:
    assert set(RARE_KINDS) < set(KINDS)
