"""Looks back: which events of the log a story is made of, and the lines that they make.

Must not format, nor tell: events in, ``history`` makes the lines.
"""

from __future__ import annotations

from vlanlog.lookback.filters import COVERAGE, is_wanted, wants_coverage, whole
from vlanlog.lookback.ports import beside
from vlanlog.lookback.tell import with_coverage
from vlanlog.lookback.told import last_told, told

__all__ = [
    "COVERAGE",
    "beside",
    "is_wanted",
    "last_told",
    "told",
    "wants_coverage",
    "whole",
    "with_coverage",
]
