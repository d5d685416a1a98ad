"""What a log covers, in words."""

from __future__ import annotations

import pytest

from tests.fakes.log import MemoryEventLog
from tests.report.scribe import Scribe
from vlanlog.host.covers import covers

AT_NS = 1_762_178_400_000_000_000  # 2025-11-03 14:00 UTC


def test_covers_is_from_the_first_event_to_the_last() -> None:
    scribe = Scribe()
    scribe.at(AT_NS).watched()
    scribe.at(AT_NS + 86_400_000_000_000).watched()

    assert covers(scribe.log, utc=True) == (
        "the log covers 2025-11-03 14:00:00 to 2025-11-04 14:00:00 UTC"
    )


@pytest.mark.usefixtures("in_berlin")
def test_covers_is_told_in_the_local_zone() -> None:
    scribe = Scribe()
    scribe.at(AT_NS).watched()

    assert covers(scribe.log) == "the log covers 2025-11-03 15:00:00 to 2025-11-03 15:00:00"


def test_covers_says_that_a_log_is_empty() -> None:
    assert covers(MemoryEventLog()) == "the log is empty"
