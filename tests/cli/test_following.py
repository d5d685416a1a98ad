"""``watch`` and ``history -f`` as processes: what they write, and how they end."""

from __future__ import annotations

import json
import re
import signal
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from tests.cli.following import Writer, following
from tests.core.making import MAC1, VM1, hooked, nic, on_port
from tests.postgres.server import Server
from tests.store.database import tamper
from tests.store.processes import children
from vlanlog.core import event as e
from vlanlog.core.observe import Finding
from vlanlog.core.state import ConfigRole
from vlanlog.spool import Spool
from vlanlog.store import open_log
from vlanlog.store.engine import open_engine

UNWATCHED = "vlanlog: no daemon is running: only what hooks and commands record will show\n"
VNET0 = replace(on_port("vnet0", 7), guest_uuid=VM1, guest_name="VM1", mac=MAC1)
STARTED: list[Finding] = [
    (e.NO_SUBJECT, e.HostBooted()),
    hooked(VM1, "VM1", "start", nic(MAC1, tap="vnet0")),
    (VNET0, e.PortAttached()),
    (VNET0, e.VlanAdded(first=1, last=1, pvid=True, untagged=True)),
]
CHANGED: list[Finding] = [
    (VNET0, e.VlanAdded(first=100, last=100, pvid=True, untagged=True)),
    (VNET0, e.VlanRemoved(first=1, last=1)),
    (VNET0, e.VlanAdded(first=300, last=310)),
]


def loaded(file: str) -> Finding:
    return e.NO_SUBJECT, e.ConfigLoaded(role=ConfigRole.PORTS, file=file, digest=file)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Is the URL of an empty database, of each kind in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/log.db"
    server: Server = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.fixture
def writer(tmp_path: Path) -> Writer:
    """Appends to the log that the commands read."""
    return Writer(f"sqlite:///{tmp_path}/log.db")


def test_watch_shows_what_was_and_each_line_that_comes(tmp_path: Path, url: str) -> None:
    writer = Writer(url)
    writer.tell(*STARTED)

    with following(tmp_path, "watch", VLANLOG_DATABASE=url) as watch:
        watch.until("joined")
        writer.tell(*CHANGED)
        watch.until("300-310")
        writer.tell(loaded("c"))
        watch.until("config c loaded")
        status = watch.interrupted()

    cells = [re.split(r"  +", line) for line in watch.stdout.splitlines()]
    assert (cells, watch.stderr, status) == (
        [
            ["WHEN", "GUEST", "WHAT", "BY", "WHY"],
            ["2023-11-14 22:13:21", "host booted", "root", "another boot id"],
            ["2023-11-14 22:13:22", "VM1", "qemu start begin", "root"],
            ["2023-11-14 22:13:23", "VM1", "vnet0 joined br0: pvid 1", "root"],
            ["2023-11-14 22:13:25", "VM1", "vnet0 +300-310 -1 pvid 1→100", "root"],
            ["2023-11-14 22:13:28", "config c loaded", "root"],
        ],
        UNWATCHED,
        130,
    )


def test_watch_at_a_pipe_keeps_its_columns(tmp_path: Path, writer: Writer) -> None:
    writer.tell(*STARTED)

    with following(tmp_path, "watch") as watch:
        watch.until("joined")
        writer.tell(*CHANGED)
        watch.until("300-310")
        watch.interrupted()

    rows = watch.stdout.splitlines()
    where = [rows[0].index(title) for title in ("WHEN", "GUEST", "WHAT", "BY")]
    found = [[row[at:].split("  ")[0] for at in where] for row in rows[3:]]
    assert found == [
        ["2023-11-14 22:13:23", "VM1", "vnet0 joined br0: pvid 1", "root"],
        ["2023-11-14 22:13:25", "VM1", "vnet0 +300-310 -1 pvid 1→100", "root"],
    ]


def test_watch_fits_a_terminal_and_keeps_its_columns(tmp_path: Path, writer: Writer) -> None:
    writer.tell(*STARTED)

    with following(tmp_path, "watch", terminal=True) as watch:
        watch.until("joined")
        writer.tell(*CHANGED)
        watch.until("+300-310")
        writer.tell(loaded("of-a-long-name.conf"))
        watch.until("loaded")
        watch.interrupted()

    assert watch.stdout.splitlines() == [
        "WHEN                 GUEST     WHAT                             BY",
        "                                 WHY",
        "2023-11-14 22:13:21            host booted                      root",
        "                                 another boot id",
        "2023-11-14 22:13:22  VM1       qemu start begin                 root",
        "2023-11-14 22:13:23  VM1       vnet0 joined br0: pvid 1         root",
        "2023-11-14 22:13:25  VM1       vnet0 +300-310 -1 pvid 1→100     root",
        "2023-11-14 22:13:28            config of-a-long-name.conf       root",
        "                               loaded",
    ]


def test_history_of_a_guest_goes_on_with_its_own_lines(tmp_path: Path, writer: Writer) -> None:
    writer.tell(*STARTED)

    with following(tmp_path, "history", "VM1", "-f", "-n", "1") as history:
        history.until("joined")
        writer.tell((on_port("eth0", 2), e.VlanAdded(first=7, last=7)), *CHANGED)
        history.until("300-310")
        history.interrupted()

    assert history.stdout.splitlines() == [
        "WHEN                 WHAT                                      BY                WHY",
        "2023-11-14 22:13:23  vnet0 joined br0: pvid 1                  root",
        "2023-11-14 22:13:26  vnet0 +300-310 -1 pvid 1→100              root",
    ]


def test_history_of_a_vid_goes_on_with_its_lines(tmp_path: Path, writer: Writer) -> None:
    with following(tmp_path, "history", "-f", "--vlan", "305") as history:
        history.until("WHY")
        writer.tell(*STARTED)
        writer.tell(*CHANGED)
        history.until("300-310")
        history.interrupted()

    assert [line.split()[2:5] for line in history.stdout.splitlines()[1:]] == [
        ["VM1", "vnet0", "+300-310"]
    ]


def test_guest_that_is_not_there_yet_is_waited_for(tmp_path: Path, writer: Writer) -> None:
    with following(tmp_path, "history", "VM1", "-f", "-o", "jsonl") as history:
        history.until_said("waiting for it")
        writer.tell(*STARTED)
        history.until('"vlan.added"')
        status = history.interrupted()

    kinds = [json.loads(line)["kind"] for line in history.stdout.splitlines()]
    assert (kinds, history.stderr, status) == (
        ["hook.invoked", "port.attached", "vlan.added"],
        f"{UNWATCHED}vlanlog: nothing in the log is called 'VM1' yet: waiting for it\n"
        "hint: the log knows none yet\n",
        130,
    )


def test_daemon_that_watches_is_no_remark(tmp_path: Path, writer: Writer) -> None:
    writer.tell((e.NO_SUBJECT, e.GapClosed(reason="the watch began")))

    with following(tmp_path, "watch") as watch:
        watch.until("-- recorded again --")
        watch.interrupted()

    assert watch.stderr == ""


def test_events_of_two_writers_all_come_in_order(tmp_path: Path, url: str) -> None:
    Writer(url).tell(loaded("c"))

    with (
        following(tmp_path, "watch", "-n", "1", "-o", "jsonl", VLANLOG_DATABASE=url) as watch,
        children(2, "append", url, "host", "40") as writers,
    ):
        watch.until("\n")
        for process in writers:
            process.go()
        said = sorted(line.split()[1] for process in writers for line in process.rest()[:-1])
        watch.until('"seq": 81,')
        watch.interrupted()

    found = [json.loads(line) for line in watch.stdout.splitlines()]
    assert [item["seq"] for item in found] == list(range(1, 82))
    assert sorted(item["event_id"] for item in found[1:]) == said


def test_what_hooks_spool_shows_without_a_daemon(tmp_path: Path) -> None:
    other = Writer(f"sqlite:///{tmp_path}/other.db")
    other.tell(hooked(VM1, "VM1", "start", nic(MAC1)))

    open_log(f"sqlite:///{tmp_path}/log.db", host="host")

    with following(tmp_path, "watch", "-o", "jsonl") as watch:
        watch.until_said("no daemon")
        spool = Spool(tmp_path / "spool", host="host")
        spool.write_events([item.event for item in other.log.read()])
        watch.until("hook.invoked")
        watch.interrupted()

    kinds = [json.loads(line)["kind"] for line in watch.stdout.splitlines()]
    assert (kinds, spool.pending()) == (["host.booted", "hook.invoked"], [])


def test_reader_that_goes_away_ends_the_watch_at_once(tmp_path: Path, writer: Writer) -> None:
    writer.tell(*STARTED)

    with following(tmp_path, "watch") as watch:
        watch.until("joined")
        watch.close_stdout()
        status = watch.ended()

    assert (status, watch.stderr) == (141, UNWATCHED)


def test_database_that_is_gone_for_a_while_is_waited_for(tmp_path: Path, writer: Writer) -> None:
    writer.tell(*STARTED)
    file, aside = tmp_path / "log.db", tmp_path / "aside.db"

    with following(tmp_path, "watch", "-n", "1", "-o", "jsonl") as watch:
        watch.until("vlan.added")
        writer.checkpoint()
        file.rename(aside)
        watch.until_said("waiting for it")
        was_made = file.exists()
        aside.rename(file)
        watch.until_said("answers again")
        writer.tell(loaded("c"))
        watch.until("config.loaded")
        status = watch.interrupted()

    assert (status, was_made, len(watch.stdout.splitlines())) == (130, False, 2)
    assert watch.stderr.count("waiting for it") == 1


@pytest.mark.postgresql
def test_server_that_is_away_for_a_while_is_waited_for(tmp_path: Path, postgres: Server) -> None:
    url = postgres.new_database()
    writer = Writer(url)
    writer.tell(*STARTED)
    writer.log.engine.dispose()
    name = url.partition("?")[0].rpartition("/")[2]

    with (
        following(tmp_path, "watch", "-n", "1", "-o", "jsonl", VLANLOG_DATABASE=url) as watch,
        psycopg.connect(postgres.url(), autocommit=True) as server,
    ):
        watch.until("vlan.added")
        server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false".encode())
        server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,)
        )
        watch.until_said("waiting for it")
        server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true".encode())
        watch.until_said("answers again")
        writer.tell(loaded("c"))
        watch.until("config.loaded")
        status = watch.interrupted()

    assert (status, len(watch.stdout.splitlines())) == (130, 2)


def test_newer_schema_ends_the_watch_with_the_way_out(tmp_path: Path, writer: Writer) -> None:
    writer.tell(*STARTED)
    file, aside = tmp_path / "log.db", tmp_path / "aside.db"

    with following(tmp_path, "watch") as watch:
        watch.until("joined")
        writer.checkpoint()
        file.rename(aside)
        watch.until_said("waiting for it")
        newer = open_engine(f"sqlite:///{aside}")
        tamper(newer, "UPDATE alembic_version SET version_num = '9999'")
        newer.dispose()
        aside.rename(file)
        status = watch.ended()

    assert status == 3
    assert watch.stderr.splitlines()[-1] == (
        "hint: a newer vlanlog wrote it: pip install --upgrade vlanlog"
    )


def test_another_log_in_its_place_ends_the_watch(tmp_path: Path, writer: Writer) -> None:
    writer.tell(*STARTED)
    other = Writer(f"sqlite:///{tmp_path}/other.db")
    other.tell(*STARTED, loaded("c"))
    other.checkpoint()

    with following(tmp_path, "watch") as watch:
        watch.until("joined")
        for name in tmp_path.glob("log.db-*"):
            name.unlink()
        (tmp_path / "other.db").rename(tmp_path / "log.db")
        status = watch.ended()

    assert (status, watch.stderr.splitlines()[-2:]) == (
        3,
        [
            "vlanlog: error: this is not the log that was followed: its event 4 is gone",
            "hint: was a backup brought back? see 'vlanlog verify', then begin again",
        ],
    )


def test_watch_never_holds_the_writer_lock(tmp_path: Path, writer: Writer) -> None:
    with following(tmp_path, "watch") as watch:
        watch.until("WHY")
        with children(1, "hold", f"sqlite:///{tmp_path}/log.db", "host") as (holder,):
            writer.tell(*STARTED)
            watch.until("joined")
            holder.go()
        status = watch.interrupted()

    assert (status, "joined br0: pvid 1" in watch.stdout) == (signal.SIGINT + 128, True)


def test_watch_at_a_terminal_that_hangs_up_ends(tmp_path: Path, writer: Writer) -> None:
    writer.tell(*STARTED)

    with following(tmp_path, "watch", terminal=True) as watch:
        watch.until("joined")
        watch.close_stdout()
        status = watch.ended()

    assert (status, watch.stderr) == (141, UNWATCHED)
