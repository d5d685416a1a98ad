"""A browser for all tests of this folder, and pages for it to open."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.chromium import Browser, chromium


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Is a headless Chromium; a machine that has none and can fetch none fails the test."""
    with chromium(tmp_path_factory.mktemp("chromium")) as running:
        yield running


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """Is where a page may be put."""
    return tmp_path / "page.html"
