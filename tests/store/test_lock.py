"""The lock of a whole use case: one holder at a time, who is named, and whose death frees it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.postgres.server import Server
from tests.store.processes import children
from vlanlog.errors import StoreError
from vlanlog.store.engine import open_engine
from vlanlog.store.lock import writer_lock

HINT = "let it end, or look at what it waits for; then try again"


def taken(url: str, host: str = "host", *, timeout_s: float = 10) -> str:
    """Returns the word that the lock was taken, after letting go of it."""
    with writer_lock(open_engine(url), host=host, timeout_s=timeout_s):
        return "taken"


def refused(url: str, host: str = "host") -> tuple[str, str]:
    with pytest.raises(StoreError) as raised:
        taken(url, host, timeout_s=0.05)
    return raised.value.message, raised.value.hint


def test_lock_of_sqlite_names_its_holder(sqlite: str) -> None:
    with children(1, "hold", sqlite, "host") as (holder,):
        found = refused(sqlite)

    assert found == (
        f"the event log is in use by process {holder.pid}, for more than 0.05 s",
        HINT,
    )


def test_lock_of_postgresql_names_its_holder(postgresql: str) -> None:
    with children(1, "hold", postgresql, "host") as (holder,):
        message, hint = refused(postgresql)

    assert message.startswith(
        f"the event log is in use by vlanlog {holder.pid} on this machine (server process "
    )
    assert (message.endswith("), for more than 0.05 s"), hint) == (True, HINT)


def test_lock_of_postgresql_names_no_holder_in_another_database(postgres: Server) -> None:
    here, elsewhere = postgres.new_database(), postgres.new_database()
    with children(1, "hold", elsewhere, "host"), children(1, "hold", here, "host") as (holder,):
        message, _ = refused(here)

    assert f"vlanlog {holder.pid} " in message


def test_lock_is_free_again_when_its_holder_ends(url: str) -> None:
    with children(1, "hold", url, "host") as (holder,):
        holder.go()
        assert holder.rest() == ["exit 0"]

        # PostgreSQL's server needs a moment to see that the client is gone.
        assert taken(url) == "taken"


def test_lock_is_free_again_when_its_holder_is_killed(url: str) -> None:
    with children(1, "hold", url, "host") as (holder,):
        holder.kill()

        assert taken(url) == "taken"


def test_lock_is_free_again_after_an_error_inside(url: str) -> None:
    engine = open_engine(url)
    with pytest.raises(ZeroDivisionError), writer_lock(engine, host="host", timeout_s=1):
        raise ZeroDivisionError

    assert taken(url) == "taken"


def test_lock_that_is_waited_for_is_taken_when_it_is_free(url: str) -> None:
    with children(1, "hold", url, "host") as (holder,):
        refused(url)
        holder.go()

        assert taken(url) == "taken"


def test_hosts_of_one_postgresql_do_not_wait_for_each_other(postgresql: str) -> None:
    with children(1, "hold", postgresql, "another"):
        assert taken(postgresql, timeout_s=0) == "taken"


def test_lock_file_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "vlanlog.db.lock").mkdir()

    assert refused(f"sqlite:///{tmp_path}/vlanlog.db") == (
        f"lock file {tmp_path}/vlanlog.db.lock cannot be opened: Is a directory",
        f"run as root, or look at: ls -ld {tmp_path} {tmp_path}/vlanlog.db.lock",
    )
