"""What a bad value says: all that is wrong with it, at once."""

from __future__ import annotations

import pytest

from vlanlog.config.fault import BadValueError
from vlanlog.config.values import vids


@pytest.mark.parametrize(
    ("text", "found", "expected"),
    [
        ("100,4095", "vid 4095 is out of range", "1-4094"),
        (
            "0 x,5000",
            "vid 0 is out of range; 'x' is not a vid or a range; vid 5000 is out of range",
            "1-4094; e.g. 100 or 300-310",
        ),
        ("300-200", "range 300-200 runs backwards", "200-300"),
    ],
)
def test_list_of_vids_names_every_bad_item(text: str, found: str, expected: str) -> None:
    with pytest.raises(BadValueError) as caught:
        vids(text)

    assert (caught.value.found, caught.value.expected) == (found, expected)
