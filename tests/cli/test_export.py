"""``vlanlog export`` and ``import``: what goes out comes in again, byte for byte, or not at all."""

from __future__ import annotations

import gzip
import json
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.golden import transcript
from tests.store.database import contents, tamper
from tests.store.histories import GUESTS, history
from vlanlog.core import export
from vlanlog.spool import Spool
from vlanlog.store import open_log
from vlanlog.store.log import SqlEventLog


@pytest.fixture
def log(tmp_path: Path) -> SqlEventLog:
    """Is the log that the command has, of 40 events."""
    log = open_log(f"sqlite:///{tmp_path}/log.db", host="host", snapshot_every=1000)
    log.append(history(40, host="host"))
    return log


def said(folder: Path, *words: str) -> tuple[str, str, int]:
    """Returns stdout, stderr and exit status; FOLDER in the words is the folder."""
    given = [word.replace("FOLDER", str(folder)) for word in words]
    text = transcript(folder, given).partition("\n")[2]
    body, _, status = text.rpartition("--- exit status ")
    out, _, err = body.partition("--- stderr\n")
    return out, err, int(status)


def exported(folder: Path, *words: str) -> bytes:
    """Returns what the command writes to a file, which has to be all that it leaves behind."""
    before = {path.name for path in folder.iterdir()}
    assert said(folder, "export", "-o", "FOLDER/file", *words)[2] == 0
    left = {path.name for path in folder.iterdir()} - before
    assert left - {"stdout", "stderr", "log.db.lock"} <= {"file"}
    return (folder / "file").read_bytes()


def rows(log: SqlEventLog) -> list[tuple[object, ...]]:
    """Returns the events without the ids of their subjects, which are the database's own."""
    return [row[:16] + row[17:] for row in contents(log.engine)["events"]]


def elsewhere(folder: Path) -> SqlEventLog:
    return open_log(f"sqlite:///{folder}/other.db", host="host")


OTHER = ("--database", "sqlite:///FOLDER/other.db")


@pytest.mark.parametrize("suffix", ["jsonl", "jsonl.gz", "jsonl.xz"])
def test_whole_log_comes_in_again_as_it_was(tmp_path: Path, log: SqlEventLog, suffix: str) -> None:
    head = log.head()
    assert head is not None

    went = said(tmp_path, "export", "-o", f"FOLDER/log.{suffix}")
    came = said(tmp_path, "import", f"FOLDER/log.{suffix}", *OTHER)

    assert went == ("", "vlanlog: 40 events of host: the log\n", 0)
    assert came == (f"host: 40 new events; head 40 {head.hash.hex()}\n", "", 0)
    assert rows(elsewhere(tmp_path)) == rows(log)
    assert said(tmp_path, "verify", *OTHER) == said(tmp_path, "verify")


def test_file_is_compressed_as_it_is_called(tmp_path: Path, log: SqlEventLog) -> None:
    del log
    plain = exported(tmp_path)
    said(tmp_path, "export", "-o", "FOLDER/a.gz")
    said(tmp_path, "export", "-o", "FOLDER/a.xz")

    assert gzip.decompress((tmp_path / "a.gz").read_bytes()) == plain
    assert lzma.decompress((tmp_path / "a.xz").read_bytes()) == plain


def test_export_without_a_file_goes_to_stdout(tmp_path: Path, log: SqlEventLog) -> None:
    del log

    assert said(tmp_path, "export")[0].encode() == exported(tmp_path)


def test_daily_export_brings_what_is_new(tmp_path: Path, log: SqlEventLog) -> None:
    said(tmp_path, "export", "-o", "FOLDER/one")
    said(tmp_path, "import", "FOLDER/one", *OTHER)
    log.append(history(5, host="host"))
    said(tmp_path, "export", "-o", "FOLDER/two")
    head = log.head()
    assert head is not None

    answers = [said(tmp_path, "import", f"FOLDER/{name}", *OTHER)[0] for name in ("two", "one")]

    assert answers == [
        f"host: 5 new events; head 45 {head.hash.hex()}\n",
        f"host: no news; head 45 {head.hash.hex()}\n",
    ]
    assert rows(elsewhere(tmp_path)) == rows(log)


def test_what_follows_a_head_is_a_file_of_its_own(tmp_path: Path, log: SqlEventLog) -> None:
    said(tmp_path, "export", "-o", "FOLDER/one")
    said(tmp_path, "verify", "--export-head", "FOLDER/head")
    log.append(history(5, host="host"))

    went = said(tmp_path, "export", "--after", "FOLDER/head", "-o", "FOLDER/two")
    early = said(tmp_path, "import", "FOLDER/two", *OTHER)
    came = said(tmp_path, "import", "FOLDER/one", "FOLDER/two", *OTHER)

    assert went[1] == "vlanlog: 5 events of host: what follows\n"
    assert (early[2], came[2]) == (3, 0)
    assert early[1].startswith("vlanlog: error: it begins behind event 40 of host")
    assert rows(elsewhere(tmp_path)) == rows(log)


def test_selection_carries_places_and_hashes(tmp_path: Path, log: SqlEventLog) -> None:
    mine = [item for item in log.read() if item.event.subject.guest_uuid == GUESTS[0]]

    written = exported(tmp_path, "VM ä", "--until", "2030-01-01")
    header, links = export.read(written.splitlines(keepends=True))

    assert header.selection == "VM ä, until 2030-01-01"
    assert [(link.seq, link.prev_hash, link.hash) for link in links] == [
        (item.seq, item.prev_hash, item.hash) for item in mine
    ]
    assert 0 < len(mine) < 40


def test_selections_are_combined(tmp_path: Path, log: SqlEventLog) -> None:
    wanted = [
        item.seq
        for item in log.read()
        if item.event.subject.guest_uuid == GUESTS[0] and item.event.subject.bridge == "br0"
    ]

    written = exported(tmp_path, "VM ä", "--bridge", "br0")
    by_kind = exported(tmp_path, "--kind", "vlan.added", "--kind", "port.attached")

    _, links = export.read(written.splitlines(keepends=True))
    assert [link.seq for link in links] == wanted
    _, links = export.read(by_kind.splitlines(keepends=True))
    assert {link.row.kind for link in links} == {"vlan.added", "port.attached"}


def test_selection_is_not_imported(tmp_path: Path, log: SqlEventLog) -> None:
    del log
    exported(tmp_path, "VM ä")

    _, err, status = said(tmp_path, "import", "FOLDER/file", *OTHER)

    assert err.splitlines()[0] == (
        "vlanlog: error: FOLDER/file is a selection (VM ä): its chain has holes"
    )
    assert (status, rows(elsewhere(tmp_path))) == (2, [])


def test_csv_has_a_line_for_each_event(tmp_path: Path, log: SqlEventLog) -> None:
    del log
    by_name = said(tmp_path, "export", "-o", "FOLDER/log.csv")
    by_format = exported(tmp_path, "--format", "csv")

    assert by_name[1] == "vlanlog: 40 events of host: the log\n"
    assert (tmp_path / "log.csv").read_bytes() == by_format
    assert len(by_format.splitlines()) == 41


SPOILED: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "an edit": (
        lambda text: text.replace(b'"boot_id":"boot-0"', b'"boot_id":"boot-9"', 1),
        "line 2: event 1: it is not what was written",
    ),
    "a line less": (
        lambda text: b"\n".join(line for line in text.split(b"\n") if b'"seq":9,' not in line),
        "line 10: event 10: what follows 8 is missing",
    ),
    "cut short": (lambda text: text[:-400], "line 41: the file is cut short here"),
    "cut at a line": (
        lambda text: b"".join(text.splitlines(keepends=True)[:20]),
        "line 21: the end is missing: the file was cut short",
    ),
    "of something else": (
        lambda _: b"PK\x03\x04", "line 1: this is not the beginning of an export of vlanlog"
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", SPOILED)
def test_spoiled_file_is_refused_with_its_line(tmp_path: Path, log: SqlEventLog, what: str) -> None:
    del log
    spoil, why = SPOILED[what]
    (tmp_path / "file").write_bytes(spoil(exported(tmp_path)))

    _, err, status = said(tmp_path, "import", "FOLDER/file", *OTHER)

    assert err.splitlines()[0] == f"vlanlog: error: FOLDER/file, {why}; nothing was imported"
    assert (status, rows(elsewhere(tmp_path))) == (3, [])


@pytest.mark.parametrize("suffix", ["gz", "xz"])
def test_compressed_file_that_is_cut_short_is_refused(
    tmp_path: Path, log: SqlEventLog, suffix: str
) -> None:
    del log
    said(tmp_path, "export", "-o", f"FOLDER/file.{suffix}")
    packed = tmp_path / f"file.{suffix}"
    packed.write_bytes(packed.read_bytes()[:-300])

    _, err, status = said(tmp_path, "import", f"FOLDER/file.{suffix}", *OTHER)

    assert err.startswith(f"vlanlog: error: FOLDER/file.{suffix} cannot be unpacked: ")
    assert (status, rows(elsewhere(tmp_path))) == (3, [])


def test_flawed_log_is_not_exported_as_whole(tmp_path: Path, log: SqlEventLog) -> None:
    (tmp_path / "file").write_text("of yesterday")
    tamper(log.engine, "UPDATE events SET payload = payload || ' ' WHERE seq = 5")

    _, err, status = said(tmp_path, "export", "-o", "FOLDER/file")

    assert err.splitlines()[0] == (
        "vlanlog: error: the log is flawed: event 5: it is not what was written"
    )
    assert (status, (tmp_path / "file").read_text()) == (3, "of yesterday")
    assert list(tmp_path.glob(".file*")) == []


def test_log_of_another_host_is_refused_over_this_one(tmp_path: Path, log: SqlEventLog) -> None:
    del log
    exported(tmp_path)
    elsewhere(tmp_path).append(history(3, host="host", seed=7))

    _, err, status = said(tmp_path, "import", "FOLDER/file", *OTHER)

    assert err.splitlines()[0] == (
        "vlanlog: error: it is another log of host: its event 3 is not the one that is here"
    )
    assert status == 3


def test_only_host_of_a_database_from_elsewhere_is_meant(tmp_path: Path) -> None:
    far = open_log(f"sqlite:///{tmp_path}/log.db", host="far")
    far.append(history(2, host="far"))
    alone = said(tmp_path, "export", "-o", "FOLDER/file")
    SqlEventLog(far.engine, host="farther").append(history(1, host="farther"))

    among = said(tmp_path, "export", "-o", "FOLDER/file")
    named = said(tmp_path, "export", "-o", "FOLDER/file", "--host", "farther")

    assert (alone[1], among[2], named[1]) == (
        "vlanlog: 2 events of far: the log\n", 2, "vlanlog: 1 event of farther: the log\n"
    )  # fmt: skip
    assert among[1] == (
        "vlanlog: error: there is no log of host\nhint: name a host with --host: far, farther\n"
    )


REFUSED = {
    "a guest that is not known": (["VM b"], 2, "nothing in the log is called 'VM b'"),
    "a kind that is not known": (["--kind", "vlan.changed"], 2, "unknown kind vlan.changed"),
    "a selection behind a head": (
        ["VM ä", "--after", "FOLDER/head"], 2, "what follows a head is not selected from"
    ),
    "a head of another host": (
        ["--after", "FOLDER/far"], 2, "FOLDER/far holds no head of host"
    ),
    "a head of another log": (
        ["--after", "FOLDER/other"], 3, "the log does not have the event 3 of FOLDER/other"
    ),
    "no head": (["--after", "FOLDER/none"], 2, "FOLDER/none: there is no head in it"),
    "no folder": (["-o", "FOLDER/no/file"], 3, "FOLDER/no/file: No such file or directory"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_exported_is_refused(tmp_path: Path, log: SqlEventLog, what: str) -> None:
    del log
    words, status, why = REFUSED[what]
    line = "head seq=3 hash={} at=x host={}\n"
    (tmp_path / "other").write_text(line.format("0" * 64, "host"))
    (tmp_path / "far").write_text(line.format("0" * 64, "far"))
    (tmp_path / "head").write_text(line.format("0" * 64, "host"))
    (tmp_path / "none").write_text("nothing\n")

    _, err, found = said(tmp_path, "export", *words)

    assert err.splitlines()[0].startswith(f"vlanlog: error: {why}")
    assert found == status


def test_what_waits_in_the_spool_is_exported_too(tmp_path: Path, log: SqlEventLog) -> None:
    Spool(tmp_path / "spool", host="host").write_events(history(1, host="host"))

    lines = exported(tmp_path).splitlines()

    assert json.loads(lines[-2])["seq"] > 40
    assert list((tmp_path / "spool").iterdir()) == []
    assert len(list(log.read())) == len(lines) - 2
