from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.kernel.netns import entered


@pytest.fixture
def netns() -> Iterator[None]:
    """Puts the test into a network namespace of its own."""
    with entered():
        yield
