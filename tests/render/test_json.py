"""JSON that is written an item at a time."""

from __future__ import annotations

import pytest

from vlanlog.render import json


@pytest.mark.parametrize(
    "items", [[], [1], [{"a": "b\nc", "d": []}, {"e": [{"f": None}]}], [{}, [], "ä\u2028"]]
)
def test_list_by_items_is_the_list_as_a_whole(items: list[object]) -> None:
    assert "".join(json.listed(items)) == json.dumped(items)
