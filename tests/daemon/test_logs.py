"""What is read on stderr, by people and by the journal."""

from __future__ import annotations

import io
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import pytest

from vlanlog.daemon.logs import is_journal, log_to

_logger = logging.getLogger("vlanlog.daemon.example")


@contextmanager
def logging_to(
    stream: TextIO, environ: dict[str, str], level: int = logging.INFO
) -> Iterator[None]:
    """Logs to the stream until the block ends, then as before."""
    root = logging.getLogger()
    before, level_before = root.handlers[:], root.level
    root.handlers[:] = []
    try:
        log_to(stream, environ, level)
        yield
    finally:
        root.handlers[:] = before
        root.setLevel(level_before)


@pytest.fixture
def stream(tmp_path: Path) -> Iterator[TextIO]:
    with (tmp_path / "stderr").open("w+", encoding="utf-8") as file:
        yield file


def journal(stream: TextIO) -> dict[str, str]:
    """Returns the environment in which the stream is the journal's."""
    found = os.fstat(stream.fileno())
    return {"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"}


def text(stream: TextIO) -> str:
    stream.seek(0)
    return stream.read()


def _say_all() -> None:
    _logger.debug("one")
    _logger.info("two %s", "words")
    _logger.warning("three")
    _logger.error("four")
    _logger.critical("five")


def test_people_read_who_says_it_and_how_bad_it_is(stream: TextIO) -> None:
    with logging_to(stream, {}):
        _say_all()
    assert text(stream).splitlines() == [
        "vlanlog daemon: info: two words",
        "vlanlog daemon: warning: three",
        "vlanlog daemon: error: four",
        "vlanlog daemon: critical: five",
    ]


def test_journal_reads_priorities(stream: TextIO) -> None:
    with logging_to(stream, journal(stream), logging.DEBUG):
        _say_all()
    said = ["<7>one", "<6>two words", "<4>three", "<3>four", "<2>five"]
    assert text(stream).splitlines() == said


def _fail() -> None:
    try:
        raise ValueError("first\nsecond")
    except ValueError:
        _logger.exception("a bug")


def test_every_line_of_a_trace_has_the_priority_of_its_message(stream: TextIO) -> None:
    with logging_to(stream, journal(stream)):
        _fail()
    first, *_, last = lines = text(stream).splitlines()
    assert (first, last, {line[:3] for line in lines}) == ("<3>a bug", "<3>second", {"<3>"})


def test_trace_follows_its_message(stream: TextIO) -> None:
    with logging_to(stream, {}):
        _fail()
    first, second, *_, last = text(stream).splitlines()
    assert (first, second, last) == (
        "vlanlog daemon: error: a bug",
        "Traceback (most recent call last):",
        "second",
    )


def test_name_of_a_guest_begins_no_line_of_its_own(stream: TextIO) -> None:
    with logging_to(stream, journal(stream)):
        _logger.warning("guest %s", "VM\n<0>on fire\x1b[31m\udcff ä")
    assert text(stream) == "<4>guest VM\\n<0>on fire\\x1b[31m\\udcff ä\n"


def test_stream_is_the_journal_only_by_device_and_inode(stream: TextIO) -> None:
    right = journal(stream)
    device, inode = right["JOURNAL_STREAM"].split(":")
    wrong = [{}, {"JOURNAL_STREAM": ""}, {"JOURNAL_STREAM": f"{device}:{int(inode) + 1}"}]
    assert [is_journal(stream, environ) for environ in (right, *wrong)] == [
        True,
        False,
        False,
        False,
    ]


def test_stream_without_a_file_is_not_the_journal() -> None:
    assert not is_journal(io.StringIO(), {"JOURNAL_STREAM": "1:2"})
