"""The head of the log in the journal: what somebody else keeps, and verify reads back."""

from __future__ import annotations

import logging

import pytest

from tests.fakes.log import MemoryEventLog
from tests.store.histories import history
from vlanlog.core.query import Head
from vlanlog.daemon.witness import Witness
from vlanlog.errors import StoreError
from vlanlog.render.head import KnownHead, heads_in


@pytest.fixture(autouse=True)
def _heard(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "vlanlog.daemon.witness")


def levels_and_lines(caplog: pytest.LogCaptureFixture) -> list[tuple[int, str]]:
    return [(record.levelno, record.getMessage()) for record in caplog.records]


def test_witness_tells_where_the_log_ends_now(caplog: pytest.LogCaptureFixture) -> None:
    log = MemoryEventLog()
    witness = Witness(log, host="kvm 1")

    log.append(history(3, host="kvm 1"))
    witness.tell()
    log.append(history(2, host="kvm 1"))
    witness.tell()

    told = [heads_in(line) for _, line in levels_and_lines(caplog)]
    third, fifth = list(log.read())[2::2]
    assert told == [
        (KnownHead(host="kvm 1", seq=item.seq, hash=item.hash),) for item in (third, fifth)
    ]
    assert {level for level, _ in levels_and_lines(caplog)} == {logging.INFO}


def test_witness_of_an_empty_log_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    Witness(MemoryEventLog(), host="host").tell()

    assert levels_and_lines(caplog) == []


class _Failing:
    def head(self) -> Head | None:
        raise StoreError("the event log cannot be read", hint="")


def test_witness_says_that_a_head_cannot_be_told(caplog: pytest.LogCaptureFixture) -> None:
    Witness(_Failing(), host="host").tell()

    why = "the log's head cannot be told: the event log cannot be read"
    assert levels_and_lines(caplog) == [(logging.WARNING, why)]
