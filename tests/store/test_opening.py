"""What is said of a database that cannot be used: the cause, and what to do next."""

from __future__ import annotations

import os
import pickle
import resource
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.postgres.server import Server
from tests.store.histories import history
from vlanlog.errors import EXIT_ENVIRONMENT, StoreError
from vlanlog.store import open_log
from vlanlog.store.engine import open_engine, without_password
from vlanlog.store.upgrade import ensure_schema

NOBODY = 65534

only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


def refused(url: str) -> tuple[str, str]:
    """Returns the message and the hint with which the log cannot be used."""
    with pytest.raises(StoreError) as raised:
        use(url)
    assert raised.value.exit_code == EXIT_ENVIRONMENT
    return raised.value.message, raised.value.hint


def use(url: str) -> None:
    open_log(url, host="host", timeout_s=0.2).append(history(3, host="host"))


def in_child(prepare: Callable[[], None], url: str) -> tuple[str, str]:
    """Returns the same of a child that has less rights or less space."""
    reader, writer = os.pipe()
    if (pid := os.fork()) == 0:
        try:
            prepare()
            os.write(writer, pickle.dumps(refused(url)))
        except BaseException as e:
            os.write(writer, pickle.dumps(repr(e)))
        finally:
            os._exit(0)
    os.close(writer)
    os.waitpid(pid, 0)
    with os.fdopen(reader, "rb") as answers:
        told: tuple[str, str] = pickle.load(answers)
    return told


def become_nobody() -> None:
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)


@pytest.fixture
def open_folder(tmp_path: Path) -> Path:
    """Is a folder that others may enter, so that what they meet is what the test put there."""
    shared = Path(tempfile.gettempdir()).resolve()
    for folder in (tmp_path, *tmp_path.parents):
        if shared not in folder.parents:
            break
        folder.chmod(0o755)
    return tmp_path


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("vlanlog.db", "'vlanlog.db' is not a database URL"),
        ("mysql://root@host/vlanlog", "no event log can be kept in 'mysql'"),
        ("sqlite://", "a database in memory keeps nothing"),
        ("sqlite:///:memory:", "a database in memory keeps nothing"),
    ],
)
def test_url_that_names_no_database(url: str, message: str) -> None:
    assert refused(url) == (
        message,
        "give a URL such as sqlite:////var/lib/vlanlog/vlanlog.db"
        " or postgresql://user@host/vlanlog",
    )


def test_folder_of_a_database_is_made_but_not_its_parents(tmp_path: Path) -> None:
    use(f"sqlite:///{tmp_path}/new/vlanlog.db")

    assert refused(f"sqlite:///{tmp_path}/no/such/vlanlog.db") == (
        f"database {tmp_path}/no/such/vlanlog.db cannot be made: there is no {tmp_path}/no",
        f"make the folder first: mkdir -p {tmp_path}/no/such",
    )


def test_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    assert refused(f"sqlite:///{tmp_path}/file/vlanlog.db") == (
        f"database {tmp_path}/file/vlanlog.db cannot be made: {tmp_path}/file: File exists",
        "run as root, or name a folder in VLANLOG_DATABASE that this user may write",
    )


def test_engine_that_makes_none_makes_none_where_it_has_just_gone(tmp_path: Path) -> None:
    file = tmp_path / "50% off #1.db"
    use(f"sqlite:///{file}")
    engine = open_engine(f"sqlite:///{file}", makes=False)
    file.rename(tmp_path / "aside.db")

    with pytest.raises(StoreError, match="cannot be opened"):
        ensure_schema(engine)

    engine.dispose()
    assert not file.exists()


@only_root
def test_folder_that_must_not_be_made(open_folder: Path) -> None:
    file = open_folder / "new" / "vlanlog.db"

    assert in_child(become_nobody, f"sqlite:///{file}") == (
        f"database {file} cannot be made: {file.parent}: Permission denied",
        "run as root, or name a folder in VLANLOG_DATABASE that this user may write",
    )


@only_root
def test_database_that_must_not_be_made(open_folder: Path) -> None:
    file = open_folder / "vlanlog.db"

    assert in_child(become_nobody, f"sqlite:///{file}") == (
        f"database {file} cannot be opened (unable to open database file)",
        f"does the folder exist, and may this user write there? ls -ld {open_folder} {file}",
    )


@only_root
def test_database_that_must_not_be_written(open_folder: Path) -> None:
    file = open_folder / "vlanlog.db"
    use(f"sqlite:///{file}")
    file.chmod(0o644)

    message, hint = in_child(become_nobody, f"sqlite:///{file}")

    assert message.startswith(f"database {file} cannot be ")
    assert hint.endswith(f"ls -ld {open_folder} {file}")


def test_database_that_another_process_holds(tmp_path: Path, sqlite: str) -> None:
    use(sqlite)
    holder = sqlite3.connect(tmp_path / "vlanlog.db")
    holder.execute("BEGIN IMMEDIATE")

    assert refused(sqlite) == (
        f"database {tmp_path}/vlanlog.db is locked by another process (database is locked)",
        f"try again, or find the process that holds it: fuser {tmp_path}/vlanlog.db",
    )


def test_database_that_cannot_grow(tmp_path: Path, sqlite: str) -> None:
    log = open_log(sqlite, host="host")
    log.append(history(3, host="host"))
    with log.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count=1")

    with pytest.raises(StoreError) as raised:
        log.append(history(500, host="host"))

    assert (raised.value.message, raised.value.hint) == (
        f"database {tmp_path}/vlanlog.db cannot grow: the disk is full (database or disk is full)",
        f"free space: df {tmp_path}",
    )
    assert (len(list(log.read())), log.verify()) == (3, None)


def test_disk_that_takes_no_more(tmp_path: Path, sqlite: str) -> None:
    use(sqlite)
    size = (tmp_path / "vlanlog.db").stat().st_size

    def bound_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size // 64, size // 64))

    assert in_child(bound_files, sqlite) == (
        f"database {tmp_path}/vlanlog.db cannot be read or written: the disk answers with an"
        " error, or is full (disk I/O error)",
        f"look at: dmesg | tail; df {tmp_path}",
    )
    assert open_log(sqlite, host="host").verify() is None


def test_file_that_is_no_database(tmp_path: Path, sqlite: str) -> None:
    file = tmp_path / "vlanlog.db"
    file.write_bytes(b"what is this?" * 1000)

    assert refused(sqlite) == (
        f"database {file} is not a database (file is not a database)",
        "is the URL right? else put the file aside and bring back a backup",
    )
    assert file.read_bytes() == b"what is this?" * 1000


def test_database_that_is_damaged(tmp_path: Path, sqlite: str) -> None:
    log = open_log(sqlite, host="host")
    log.append(history(500, host="host"))
    log.engine.dispose()
    file = tmp_path / "vlanlog.db"
    with file.open("r+b") as data:
        data.seek(4096)
        data.write(b"\xff" * (file.stat().st_size - 4096))

    assert refused(sqlite) == (
        f"database {file} is damaged (database disk image is malformed)",
        "put it aside with its -wal and -shm files, bring back a backup, then run: vlanlog verify",
    )


def test_error_does_not_show_a_password(tmp_path: Path) -> None:
    url = f"postgresql://vlanlog:secret@/vlanlog?host={tmp_path}"

    shown = " ".join((*refused(url), without_password(url)))

    assert ("vlanlog:***@" in shown, "secret" in shown) == (True, False)


def test_postgresql_that_is_not_there(tmp_path: Path) -> None:
    message, hint = refused(f"postgresql://vlanlog@/vlanlog?host={tmp_path}")

    assert "does not answer" in message
    assert hint == "is the server up? pg_isready -h HOST -p PORT"


def test_postgresql_without_such_a_database(postgres: Server) -> None:
    message, hint = refused(postgres.url("nowhere"))

    assert "does not exist" in message
    assert hint == "create it: createdb nowhere"


def test_postgresql_without_such_a_user(postgresql: str) -> None:
    message, hint = refused(postgresql.replace("postgres@", "nobody@"))

    assert "refuses this user" in message
    assert hint == "look at user and password in the URL, and at pg_hba.conf"


def test_postgresql_that_another_session_holds(postgresql: str) -> None:
    use(postgresql)
    holder = open_engine(postgresql)
    with holder.connect() as connection:
        connection.exec_driver_sql("LOCK TABLE events IN ACCESS EXCLUSIVE MODE")

        message, hint = refused(postgresql)

    assert "is locked by another session" in message
    assert hint == "try again, or look at pg_stat_activity"


def test_postgresql_that_only_reads(postgresql: str) -> None:
    use(postgresql)

    message, hint = refused(f"{postgresql}&options=-cdefault_transaction_read_only=on")

    assert "only reads" in message
    assert hint == "use the primary server's URL"
