"""What more than one folder of tests needs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.postgres.server import Server, running_server
from tests.shards import pytest_addoption, pytest_ignore_collect
from tests.skips import pytest_make_collect_report, pytest_runtest_makereport

__all__ = [
    "pytest_addoption",
    "pytest_ignore_collect",
    "pytest_make_collect_report",
    "pytest_runtest_makereport",
]

_FOLDER = Path(__file__).parent
# Browsers, many processes, large logs and long walks: three quarters of the time of all that needs
# no lab. `make check` does without.
_SLOW = (
    "browser",
    "cli/test_archive.py",
    "cli/test_ask.py",
    "cli/test_at_archived.py",
    "cli/test_blame_fleet.py",
    "cli/test_export.py",
    "cli/test_following.py",
    "cli/test_history_hosts.py",
    "cli/test_history_tail.py",
    "cli/test_newer_database.py",
    "cli/test_state_fleet.py",
    "cli/test_verify_archived.py",
    "completions/test_completions.py",
    "config/test_round_trip.py",
    "doctor/test_hooks.py",
    "hook/test_deadlines.py",
    "hook/test_recording.py",
    "hook/test_scripts.py",
    "hook/test_spool.py",
    "host/test_commands_wire.py",
    "install/test_command.py",
    "install/test_interrupted.py",
    "properties",
    "store/test_archiving.py",
    "store/test_bounds.py",
    "store/test_crowded_log.py",
    "store/test_processes.py",
    "store/test_select.py",
    "store/test_wheel.py",
    "test_lookback.py",
    "test_shards.py",
)

# How long an example takes depends on the machine: a user-mode kernel is slow.
settings.register_profile(
    "vlanlog", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("vlanlog")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what ``make check`` leaves out: what waits for a database server, and what is slow."""
    for item in items:
        if str(item.path.relative_to(_FOLDER)).startswith(_SLOW):
            item.add_marker("slow")
        if isinstance(item, pytest.Function) and "postgres" in item.fixturenames:
            item.add_marker("postgresql")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """Is a PostgreSQL server; a machine that has none and can fetch none fails the test."""
    with running_server() as server:
        yield server
