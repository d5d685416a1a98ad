"""The big log of the benchmark is one that the program could have written."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import text

from tests.benchmarks.crowded_log import HOST, build
from vlanlog.core.fold import fold
from vlanlog.core.state import Seq
from vlanlog.store import open_log
from vlanlog.store.snapshots import unpacked


def test_crowded_log_is_whole_and_its_snapshots_are_true(tmp_path: Path) -> None:
    build(tmp_path / "vlanlog.db", 24_500, guests=20)
    log = open_log(f"sqlite:///{tmp_path}/vlanlog.db", host=HOST)

    with log.engine.connect() as connection:
        kept = {
            seq: unpacked(state)
            for seq, state in connection.execute(text("SELECT seq, state FROM snapshots"))
        }
        triggers = connection.scalar(
            text("SELECT count(*) FROM sqlite_schema WHERE type = 'trigger'")
        )

    assert log.verify() is None
    assert list(kept) == [*range(2000, 14_000, 2000), *range(14_000, 25_000, 1000)]
    assert kept == {seq: fold(log.read(until=Seq(seq))) for seq in kept}
    assert triggers == 9
