"""What ``--at`` takes: a time, or an event by its number or its id."""

from __future__ import annotations

from uuid import UUID

import pytest

from vlanlog.cli.options import moment, moment_or_event
from vlanlog.core.state import Seq
from vlanlog.errors import UsageError
from vlanlog.host.place import At

ID = "019aa5b2-8f11-7c3e-9d4a-0123456789ab"

MOMENTS = {
    "@1762178400": At(at_ns=1_762_178_400_000_000_000),
    "2026-11-03 14:00 UTC": At(at_ns=1_793_714_400_000_000_000),
    "#1": At(seq=Seq(1)),
    " #1234 ": At(seq=Seq(1234)),
    ID: At(event_id=UUID(ID)),
    ID.upper(): At(event_id=UUID(ID)),
}


@pytest.mark.parametrize("text", MOMENTS)
def test_moment_is_a_time_or_an_event(text: str) -> None:
    assert moment_or_event(text) == MOMENTS[text]


def test_time_is_the_same_as_everywhere() -> None:
    assert moment_or_event("2026-11-03 14:00", utc=True) == At(
        at_ns=moment("2026-11-03 14:00", utc=True)
    )


@pytest.mark.parametrize("text", ["#", "#0", "#-1", "#1.5", "#x", "# 1", "#٣", "#" + "9" * 30])
def test_what_is_no_number_is_no_event(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        moment_or_event(text)

    assert (caught.value.message, caught.value.hint) == (
        f"{text!r} is no event", "'#1234' is the one that history -o json shows with the seq 1234"
    )  # fmt: skip


@pytest.mark.parametrize("text", ["", "1234", ID[:-1], f"{{{ID}}}", ID.replace("-", "")])
def test_what_is_neither_is_no_time(text: str) -> None:
    with pytest.raises(UsageError, match="is not a time"):
        moment_or_event(text)
