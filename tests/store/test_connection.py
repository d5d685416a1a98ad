"""The connections that appends take: one for each thread, none when the engine is disposed of."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.store.histories import happening, history
from vlanlog.core import event as e
from vlanlog.store import open_log
from vlanlog.store.log import SqlEventLog


def test_threads_of_one_process_append_at_once(url: str) -> None:
    log = open_log(url, host="host", timeout_s=60, snapshot_every=10)

    def append(number: int) -> list[int]:
        return [
            seq
            for _ in range(20)
            for seq in log.append([happening(e.DaemonStarted(), host="host", number=number)])
        ]

    with ThreadPoolExecutor(4) as threads:
        seqs = [seq for found in threads.map(append, range(4)) for seq in found]

    assert (sorted(seqs), log.verify()) == (list(range(1, 81)), None)


def test_database_is_one_file_when_the_engine_is_disposed_of(tmp_path: Path, sqlite: str) -> None:
    log = open_log(sqlite, host="host")
    log.append(history(9, host="host"))

    log.engine.dispose()

    assert [file.name for file in tmp_path.iterdir()] == ["vlanlog.db"]


def test_many_hosts_of_one_engine_take_turns(url: str) -> None:
    engine = open_log(url, host="host").engine
    logs = [SqlEventLog(engine, host=f"host-{number}") for number in range(40)]

    heads = [log.append(history(2, host=log.host)) for log in logs * 2]

    assert heads == [[1, 2]] * 40 + [[3, 4]] * 40


def test_log_can_be_used_when_the_engine_was_disposed_of(url: str) -> None:
    log = open_log(url, host="host")
    log.append(history(3, host="host"))

    log.engine.dispose()

    assert (log.append(history(1, host="host")), log.verify()) == ([4], None)
