"""Runs a PostgreSQL server in a folder of its own, as root too, though PostgreSQL refuses uid 0."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.postgres.binaries import Binaries, binaries

_NOBODY = 65534
_START_S = 60


class Server:
    """Hands out databases on a running server."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@/{database}?host={self._folder}"

    def new_database(self) -> str:
        """Returns the URL of an empty database."""
        self._count += 1
        name = f"test{self._count}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return self.url(name)


@contextmanager
def running_server() -> Iterator[Server]:
    """Yields a server that ends with the block, or with the process that asked for it."""
    programs = binaries()
    # A socket's path must be short, so that it cannot lie in pytest's own folders.
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    try:
        prefix = _unprivileged(folder)
        if prefix[:1] == ["setpriv"]:
            programs = programs.copied(folder / "programs")
        _create(programs, prefix, folder)
        process = _started(programs, prefix, folder)
        try:
            server = Server(folder)
            _wait(server, process, folder / "log")
            yield server
        finally:
            # Fast shutdown: SIGTERM would wait for clients that forgot to leave.
            process.send_signal(signal.SIGINT)
            process.wait(timeout=30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unprivileged(folder: Path) -> list[str]:
    """Returns what to run PostgreSQL's programs under, so that they do not see uid 0.

    In a user namespace of its own root keeps its files, so that no folder need be opened to
    others; where there are no such namespaces, nobody gets the data folder.
    """
    if os.geteuid() != 0:
        return []
    namespace = ["unshare", "--user", f"--map-user={_NOBODY}"]
    if subprocess.run([*namespace, "true"], capture_output=True, check=False).returncode == 0:
        return namespace
    os.chown(folder, _NOBODY, _NOBODY)
    ids = f"--reuid={_NOBODY}", f"--regid={_NOBODY}"
    return ["setpriv", *ids, "--clear-groups"]


def _create(programs: Binaries, prefix: list[str], folder: Path) -> None:
    command = [
        *prefix, str(programs.folder / "initdb"), "--pgdata", str(folder / "data"), "--no-sync",
        "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C.UTF-8",
    ]  # fmt: skip
    done = subprocess.run(
        command, env=programs.environment(), cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"initdb failed:\n{done.stdout}{done.stderr}")


def _started(programs: Binaries, prefix: list[str], folder: Path) -> subprocess.Popen[bytes]:
    # A run that is killed takes its server along.
    prefix = [*prefix, "setpriv", "--pdeathsig", "INT"]
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(folder),
        "fsync": "off",
        "full_page_writes": "off",
        "timezone": "GMT",
        "log_timezone": "GMT",
    }
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    command = [*prefix, str(programs.folder / "postgres"), "-D", str(folder / "data"), *options]
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            command, env=programs.environment(), cwd=folder, stdout=log, stderr=log
        )


def _wait(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_S
    while True:
        try:
            psycopg.connect(server.url()).close()
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text()}") from None
            time.sleep(0.05)
        else:
            return
