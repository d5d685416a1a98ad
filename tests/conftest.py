"""What more than one folder of tests needs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.postgres.server import Server, running_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """Is a PostgreSQL server; a machine that has none and can fetch none fails the test."""
    with running_server() as server:
        yield server
