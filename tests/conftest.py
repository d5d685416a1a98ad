"""What more than one folder of tests needs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.postgres.server import Server, running_server
from tests.skips import pytest_make_collect_report, pytest_runtest_makereport

__all__ = ["pytest_make_collect_report", "pytest_runtest_makereport"]

# How long an example takes depends on the machine: a user-mode kernel is slow.
settings.register_profile(
    "vlanlog", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("vlanlog")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what waits for a database server, so that ``make check`` can leave it out."""
    for item in items:
        if isinstance(item, pytest.Function) and "postgres" in item.fixturenames:
            item.add_marker("postgresql")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """Is a PostgreSQL server; a machine that has none and can fetch none fails the test."""
    with running_server() as server:
        yield server
