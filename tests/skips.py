"""A pytest plugin: a test that is skipped, or expected to fail, fails the run.

What is not run proves nothing, and a suite in which half is skipped looks as green as a whole one.
Must not know any test; those few that may be left out say why in words that are listed here.
"""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest

# The reason that a test gives, and whether it holds here.
ALLOWED = {
    "only root can become another user": os.geteuid() != 0,
    "one lab in another is enough": os.environ.get("VLANLOG_LAB") != "uml",
}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turns the report of a skip into that of a failure."""
    report = yield
    expected_to_fail = getattr(report, "wasxfail", None)
    if expected_to_fail is not None:
        # Left in place, pytest would go on to count the test as an xfail.
        del report.wasxfail
        report.outcome = "failed"
        report.longrepr = f"expected to fail: {expected_to_fail or 'no reason given'}"
    elif report.skipped and not _is_allowed(report.longrepr):
        report.outcome = "failed"
        report.longrepr = f"skipped: {_reason(report.longrepr)}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Does the same for a module that skips itself."""
    report = yield
    if report.skipped:
        report.outcome = "failed"
        report.longrepr = f"skipped: {_reason(report.longrepr)}"
    return report


def _is_allowed(longrepr: object) -> bool:
    return ALLOWED.get(_reason(longrepr), False)


def _reason(longrepr: object) -> str:
    text = str(longrepr[2]) if isinstance(longrepr, tuple) else str(longrepr)
    return text.removeprefix("Skipped: ")
