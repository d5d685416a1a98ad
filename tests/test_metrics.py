"""``vlanlog metrics``: what it writes is what Prometheus reads, and the example alerts heed it."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.cli.golden import transcript
from tests.daemon.serving import served
from tests.fetched import program, tree_with
from tests.store.histories import happening, history
from vlanlog.core import event as e
from vlanlog.metrics import Family, Reading, Sample, Type, families
from vlanlog.render.prometheus import text
from vlanlog.store import open_log
from vlanlog.store.log import SqlEventLog

EXAMPLES = Path(__file__).parents[1] / "docs" / "examples"
Figures = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture
def log(tmp_path: Path) -> SqlEventLog:
    """Is the log that the command has, of three events."""
    log = open_log(f"sqlite:///{tmp_path}/log.db", host="host")
    told: list[e.Fact] = [e.HostBooted(), e.GapOpened(reason="lost"), e.VlanAdded(first=1, last=1)]
    log.append([happening(fact, host="host", number=n) for n, fact in enumerate(told)])
    return log


def figures(written: str) -> Figures:
    """Returns what Prometheus' own parser reads."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(written)
        for sample in family.samples
    }


def ran(folder: Path, *words: str, **more: str) -> tuple[Figures, str, int]:
    """Returns the figures, stderr and exit status."""
    more = {"VLANLOG_SOCKET": str(folder / "socket"), **more}
    told = transcript(folder, ["metrics", *words], **more).partition("\n")[2]
    body, _, status = told.rpartition("--- exit status ")
    out, _, err = body.partition("--- stderr\n")
    return figures(out), err, int(status)


def of(name: str, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    return f"vlanlog_{name}", frozenset(labels.items())


def test_text_is_what_prometheus_reads() -> None:
    hostile = 'a "quoted"\\path\nand a line'
    family = Family(
        name="vlanlog_things_total",
        type=Type.COUNTER,
        help="Things\\ of\na kind.",
        samples=(
            Sample(value=12345678901234567, labels=(("kind", hostile), ("of", "ä"))),
            Sample(value=0.1),
        ),
    )

    [read] = text_string_to_metric_families(text([family]))

    assert (read.name, read.type, read.documentation) == (
        "vlanlog_things", "counter", "Things\\ of\na kind."
    )  # fmt: skip
    assert [(s.name, s.labels, s.value) for s in read.samples] == [
        ("vlanlog_things_total", {"kind": hostile, "of": "ä"}, 12345678901234567),
        ("vlanlog_things_total", {}, 0.1),
    ]
    assert "12345678901234567\n" in text([family])


def test_a_family_without_samples_is_left_out() -> None:
    assert text([Family(name="vlanlog_x", type=Type.GAUGE, help="X.", samples=())]) == ""


def test_what_could_not_be_read_is_not_there() -> None:
    nothing = Reading(version="1.2", daemon_up=False, database=None, drift=None, spool=None)

    assert figures(text(families(nothing))) == {
        of("build_info", version="1.2"): 1,
        of("daemon_up"): 0,
        of("database_up"): 0,
        of("drift_known"): 0,
        of("spool_readable"): 0,
    }


def test_figures_of_a_log_are_told(tmp_path: Path, log: SqlEventLog) -> None:
    (tmp_path / "spool" / "bad").mkdir(parents=True)
    # Only what its name says is a spool file counts; a reading takes nothing in.
    for name, size, at in (("1.hook", 10, 500), ("2.events", 7, 300), ("3.hook.tmp", 9, 100)):
        (tmp_path / "spool" / name).write_bytes(bytes(size))
        os.utime(tmp_path / "spool" / name, (at, at))
    for name in ("0.hook", "0.hook.why"):
        (tmp_path / "spool" / "bad" / name).touch()

    found, err, status = ran(tmp_path)

    size = sum((tmp_path / name).stat().st_size for name in ("log.db", "log.db-wal"))
    assert found.pop(of("database_size_bytes")) == size
    assert found.pop(of("build_info", version="0.1.0")) == 1
    assert found.pop(of("database_schema_version")) >= 3
    assert found == {
        of("daemon_up"): 0,
        of("database_up"): 1,
        of("events_total", kind="host.booted"): 1,
        of("events_total", kind="vlan.added"): 1,
        of("events_total", kind="watch.gap_opened"): 1,
        of("foreign_changes_total"): 0,
        of("gaps_total"): 1,
        of("gap_seconds_total"): 0,
        of("gap_open"): 1,
        of("gap_open_timestamp_seconds"): 1_700_000_001,
        of("last_event_timestamp_seconds"): 1_700_000_002,
        of("drift_known"): 1,
        of("drift", of="port"): 0,
        of("drift", of="bridge"): 0,
        of("drift", of="missing"): 0,
        of("config_errors"): 0,
        of("spool_readable"): 1,
        of("spool_files"): 2,
        of("spool_size_bytes"): 17,
        of("spool_oldest_timestamp_seconds"): 300,
        of("spool_set_aside_files"): 1,
    }
    assert (err, status) == ("", 0)
    assert log.head() == open_log(f"sqlite:///{tmp_path}/log.db", host="host").head()


def test_log_is_added_up_once(tmp_path: Path, log: SqlEventLog) -> None:
    ran(tmp_path)
    kept = json.loads((tmp_path / "tally.json").read_text())
    kept["foreign"] = 41
    (tmp_path / "tally.json").write_text(json.dumps(kept))
    log.append([happening(e.DaemonStarted(), host="host")])

    found, _, _ = ran(tmp_path)

    assert kept["seq"] == 3
    assert found[of("foreign_changes_total")] == 41
    assert found[of("events_total", kind="daemon.started")] == 1


@pytest.mark.parametrize("content", ["", '{"seq": "x"}', "\0"])
def test_a_tally_that_cannot_be_read_is_made_anew(
    tmp_path: Path, log: SqlEventLog, content: str
) -> None:
    assert log.head()
    (tmp_path / "tally.json").write_text(content)

    found, err, status = ran(tmp_path)

    assert (found[of("gaps_total")], err, status) == (1, "", 0)


def test_config_errors_are_counted(tmp_path: Path, log: SqlEventLog) -> None:
    assert log.head()
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "vlan_filtering.conf").write_text("[veth0]\nguest = VM1\ntagged = 4095\n")

    found, _, status = ran(tmp_path)

    assert (found[of("config_errors")], status) == (1, 0)


def test_without_a_database_the_rest_is_told(tmp_path: Path) -> None:
    found, err, status = ran(tmp_path)

    assert (found[of("database_up")], found[of("drift_known")], found[of("spool_files")]) == (
        0, 0, 0
    )  # fmt: skip
    assert (err, status) == ("vlanlog: there is no database FOLDER/log.db\n", 1)
    assert not (tmp_path / "log.db").exists()


def test_a_database_that_is_not_there_gets_no_folder(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/none/log.db"

    _, err, status = ran(tmp_path, VLANLOG_DATABASE=url)

    assert (err, status) == ("vlanlog: there is no database FOLDER/none/log.db\n", 1)
    assert not (tmp_path / "none").exists()


def test_a_spool_that_cannot_be_read_is_told(tmp_path: Path, log: SqlEventLog) -> None:
    assert log.head()
    (tmp_path / "spool").touch()

    found, err, status = ran(tmp_path)

    assert found[of("spool_readable")] == 0
    assert of("spool_files") not in found
    assert "the spool FOLDER/spool cannot be read: Not a directory" in err
    assert status == 1


def test_a_daemon_that_answers_is_up(tmp_path: Path, log: SqlEventLog) -> None:
    assert log.head()
    ended = threading.Event()

    def go_round() -> None:
        while not ended.is_set():
            daemon.round(0.05)

    with served(tmp_path / "socket") as daemon:
        turning = threading.Thread(target=go_round)
        turning.start()
        try:
            found, _, _ = ran(tmp_path)
        finally:
            ended.set()
            turning.join()

    assert found[of("daemon_up")] == 1


def test_textfile_is_for_everyone_to_read(tmp_path: Path, log: SqlEventLog) -> None:
    assert log.head()
    file = tmp_path / "out" / "vlanlog.prom"
    file.parent.mkdir()
    before = os.umask(0o077)
    try:
        told, _, status = ran(tmp_path, "-o", str(file))
    finally:
        os.umask(before)

    assert (told, status) == ({}, 0)
    assert figures(file.read_text())[of("database_up")] == 1
    assert file.stat().st_mode & 0o777 == 0o644
    assert list(file.parent.iterdir()) == [file]


def promtool(*words: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
    command = [program(tree_with("prometheus"), "promtool"), *words]
    return subprocess.run(
        command, input=given, cwd=EXAMPLES, capture_output=True, text=True, check=False
    )


def test_figures_are_named_as_prometheus_has_it(tmp_path: Path, log: SqlEventLog) -> None:
    log.append(history(100, host="host"))
    ran(tmp_path, "-o", str(tmp_path / "vlanlog.prom"))

    ended = promtool("check", "metrics", given=(tmp_path / "vlanlog.prom").read_text())

    assert (ended.stdout, ended.stderr, ended.returncode) == ("", "", 0)


def test_example_alerts_are_rules() -> None:
    ended = promtool("check", "rules", "vlanlog.rules.yml")

    assert (ended.returncode, "SUCCESS: 10 rules found" in ended.stdout) == (0, True)


def test_each_example_alert_fires_when_it_should() -> None:
    ended = promtool("test", "rules", "vlanlog.rules.test.yml")

    assert (ended.returncode, "SUCCESS" in ended.stdout) == (0, True), ended.stdout


def test_example_alerts_ask_for_figures_that_are_written(tmp_path: Path, log: SqlEventLog) -> None:
    (tmp_path / "spool").mkdir()
    (tmp_path / "spool" / "1.hook").touch()
    assert log.head()
    rules = (EXAMPLES / "vlanlog.rules.yml").read_text()
    asked = {word for word in rules.replace("(", " ").replace("[", " ").split()
             if word.startswith("vlanlog_")}  # fmt: skip

    found, _, _ = ran(tmp_path)

    assert {word.rstrip(")") for word in asked} - {name for name, _ in found} == set()
