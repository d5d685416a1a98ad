"""Near names for a word that names nothing."""

from __future__ import annotations

import pytest

from vlanlog.host.commands.names import suggestion

MANY = [f"guest{number:03}" for number in range(1000)]


@pytest.mark.parametrize(
    ("given", "names", "told"),
    [
        ("web2", ["VM1", "web1"], "did you mean web1?"),
        ("vm1", ["VM1", "br0", "web1"], "did you mean VM1?"),
        ("WEB1", ["VM1", "Web1", "web1"], "did you mean Web1, web1?"),
        ("xyz", ["VM1", "web1"], "the log knows VM1, web1"),
        ("xyz", MANY, f"the log knows {', '.join(MANY[:8])} and 992 more"),
        ("xyz", [], "the log knows none yet"),
    ],
)
def test_near_names_are_told_else_those_that_there_are(
    given: str, names: list[str], told: str
) -> None:
    assert suggestion(given, names) == told
