"""The daemon's log on a PostgreSQL server that is restarted under it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from tests.core.making import event
from tests.postgres.server import Server
from vlanlog.config import Settings, load_settings
from vlanlog.core import event as e
from vlanlog.core.event import Event
from vlanlog.daemon.keeping import KeptLog
from vlanlog.errors import BusyError
from vlanlog.host.opening import opened_log
from vlanlog.spool import Spool


class Restarts:
    """Is one database of the server, from which all sessions can be thrown out."""

    def __init__(self, server: Server) -> None:
        self.url = server.new_database()
        self._admin = server.url()
        self._name = self.url.partition("?")[0].rpartition("/")[2]

    @contextmanager
    def away(self) -> Iterator[None]:
        """Is what a client sees while the server is down: its session ends, no new one begins."""
        self._allow(connections=False)
        self.throw_out()
        try:
            yield
        finally:
            self._allow(connections=True)

    def throw_out(self) -> None:
        """Is what a client sees of a restart that is over at once."""
        with psycopg.connect(self._admin, autocommit=True) as admin:
            admin.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s",
                [self._name],
            )

    def _allow(self, *, connections: bool) -> None:
        command = sql.SQL("ALTER DATABASE {} WITH ALLOW_CONNECTIONS {}")
        with psycopg.connect(self._admin, autocommit=True) as admin:
            admin.execute(command.format(sql.Identifier(self._name), sql.Literal(connections)))


@pytest.fixture
def database(postgres: Server) -> Restarts:
    return Restarts(postgres)


@pytest.fixture
def settings(database: Restarts, tmp_path: Path) -> Settings:
    return load_settings(
        {
            "VLANLOG_DATABASE": database.url,
            "VLANLOG_SPOOL_DIR": str(tmp_path / "spool"),
            "VLANLOG_LOCK_TIMEOUT_S": "0.5",
            "VLANLOG_HOST": "host",
        },
        tmp_path,
    )


@pytest.fixture
def kept(settings: Settings) -> Iterator[KeptLog]:
    log = KeptLog(partial(opened_log, settings), Spool(settings.spool, host="host").write_events)
    yield log
    log.close()


def told(*numbers: int) -> list[Event]:
    return [event(e.DaemonStarted(), number=number) for number in numbers]


def kept_in(log: KeptLog) -> list[Event]:
    return [item.event for item in log.read() if isinstance(item.event.fact, e.DaemonStarted)]


def test_what_is_told_while_the_server_is_away_is_in_the_log_after(
    database: Restarts, kept: KeptLog
) -> None:
    kept.append(told(1))
    with database.away():
        kept.append(told(2))
        assert not kept.recover()
        kept.append(told(3))
    assert (kept.is_failing, kept.recover(), kept.is_another) == (True, True, False)
    kept.append(told(4))
    assert kept_in(kept) == told(1, 2, 3, 4)


def test_a_restart_leaves_no_room_for_another_writer(
    database: Restarts, kept: KeptLog, settings: Settings
) -> None:
    kept.append(told(1))
    database.throw_out()
    kept.append(told(2))
    if kept.is_failing:
        assert kept.recover()
    with pytest.raises(BusyError), opened_log(settings, resumed=False):
        pass
    assert kept_in(kept) == told(1, 2)
