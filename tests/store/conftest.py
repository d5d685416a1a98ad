"""A database of its own for each test, of either kind."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.postgres.server import Server


@pytest.fixture
def sqlite(tmp_path: Path) -> str:
    """Is the URL of a database that is not there yet."""
    return f"sqlite:///{tmp_path}/vlanlog.db"


@pytest.fixture
def postgresql(postgres: Server) -> str:
    """Is the URL of an empty database."""
    return postgres.new_database()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def url(request: pytest.FixtureRequest) -> str:
    """Is the URL of an empty database, of each kind in turn."""
    found: str = request.getfixturevalue(request.param)
    return found
