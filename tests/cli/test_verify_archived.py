"""``vlanlog verify`` of a log whose beginning is in files, and of the files themselves."""

from __future__ import annotations

import json
import lzma
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from tests.cli.golden import transcript
from tests.report import sample
from tests.store.database import execute, tamper
from vlanlog.core.query import Head
from vlanlog.core.state import Seq
from vlanlog.render.head import head_line
from vlanlog.store import open_log
from vlanlog.store.log import SqlEventLog

FIRST, SECOND = FILES = (
    f"archive/kvm-a-{1:012d}-{24:012d}.jsonl.xz",
    f"archive/kvm-a-{25:012d}-{58:012d}.jsonl.xz",
)
NOWHERE = ("--database", "sqlite:////tmp/no-such-log.db")
ALONE = "vlanlog: there is no database here: the files are checked by themselves\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Is a folder with the sample's log; what is older than its last noon is in two files."""
    folder = tmp_path_factory.mktemp("made", numbered=False)
    log = open_log(f"sqlite:///{folder}/log.db", host="kvm-a")
    log.append([item.event for item in sample.log().log.read()])
    log.engine.dispose()
    for before in ("2026-11-02 15:00", "2026-11-03 12:00"):
        words = ("archive", "--before", before, "-o", f"{folder}/archive")
        told = transcript(folder, words, VLANLOG_HOST="kvm-a")
        assert told.endswith("exit status 0\n"), told
    return folder


@pytest.fixture
def log(tmp_path: Path, made: Path) -> SqlEventLog:
    """Is a copy of that log; it goes on naming the files where they were made."""
    shutil.copy(made / "log.db", tmp_path)
    shutil.copytree(made / "archive", tmp_path / "archive")
    return open_log(f"sqlite:///{tmp_path}/log.db", host="kvm-a")


def verified(folder: Path, *words: str) -> tuple[str, str, int]:
    """Returns stdout, stderr and exit status; FOLDER in the words is the folder."""
    given = ["verify", *(word.replace("FOLDER", str(folder)) for word in words)]
    text = transcript(folder, given, VLANLOG_HOST="kvm-a").partition("\n")[2]
    body, _, status = text.rpartition("--- exit status ")
    out, _, err = body.partition("--- stderr\n")
    return out, re.sub(r"\S+/made/", "FOLDER/", err), int(status)


def of_files(*files: str) -> list[str]:
    return [word for file in files for word in ("--archive", f"FOLDER/{file}")]


def end_of(log: SqlEventLog) -> Head:
    head = log.head()
    assert head is not None
    return head


def told_of(log: SqlEventLog, heads: str = "") -> str:
    end = end_of(log)
    events = f"{end.seq - 58} events behind 58 archived"
    return f"{events}, the chain holds{heads}; head {end.seq} {end.hash.hex()}\n"


def holds(file: str, first: int, last: int, more: str = " and joins the log") -> str:
    events = f"{last - first + 1} events ({first}-{last}) of kvm-a"
    return f"FOLDER/{file}: {events}, the chain holds{more}\n"


def journal(folder: Path, *, seq: int, forged: bool = False) -> str:
    """Writes a journal with the head that the log had at an event of the first file."""
    lines = lzma.decompress((folder / FIRST).read_bytes()).splitlines()
    hexes = {item.get("seq"): item["hash"] for item in map(json.loads, lines) if "hash" in item}
    link = bytes(32) if forged else bytes.fromhex(hexes[seq])
    text = head_line("kvm-a", Head(seq=Seq(seq), hash=link, at_ns=0))
    (folder / "journal").write_text(f"{text}\n")
    return "FOLDER/journal"


def test_log_tells_how_much_is_archived(tmp_path: Path, log: SqlEventLog) -> None:
    assert verified(tmp_path) == (told_of(log), "", 0)


def test_files_are_checked_and_join_the_log(tmp_path: Path, log: SqlEventLog) -> None:
    out, err, status = verified(tmp_path, *of_files(*FILES))

    assert out == told_of(log) + holds(FIRST, 1, 24) + holds(SECOND, 25, 58)
    assert (err, status) == ("", 0)


@pytest.mark.usefixtures("log")
def test_files_are_checked_without_a_database(tmp_path: Path) -> None:
    assert verified(tmp_path, *of_files(SECOND), *NOWHERE) == (holds(SECOND, 25, 58, ""), ALONE, 0)


def test_result_as_json_has_the_files(tmp_path: Path, log: SqlEventLog) -> None:
    out, _, status = verified(tmp_path, *of_files(FIRST), "-o", "json")
    lines = verified(tmp_path, *of_files(FIRST), "-o", "jsonl")[0].splitlines()

    found = json.loads(out)
    [host], [file] = found["hosts"], found["archives"]
    assert [(item["first"], item["last"]) for item in host["archived"]] == [(1, 24), (25, 58)]
    assert file == {
        "file": f"FOLDER/{FIRST}",
        "whole": True,
        "host": "kvm-a",
        "first": 1,
        "last": 24,
        "events": 24,
        "hash": host["archived"][0]["hash"],
        "heads_met": [],
        "flaws": [],
    }
    assert (status, json.loads(lines[-1])) == (0, file)
    assert host["events"] == end_of(log).seq - 58


def edited(data: bytes) -> bytes:
    return lzma.compress(lzma.decompress(data).replace(b"666", b"667"))


def without_a_line(data: bytes) -> bytes:
    lines = lzma.decompress(data).splitlines(keepends=True)
    return lzma.compress(b"".join([*lines[:9], *lines[10:]]))


def swapped(data: bytes) -> bytes:
    lines = lzma.decompress(data).splitlines(keepends=True)
    return lzma.compress(b"".join([*lines[:9], lines[10], lines[9], *lines[11:]]))


def cut_short(data: bytes) -> bytes:
    return lzma.compress(b"".join(lzma.decompress(data).splitlines(keepends=True)[:-3]))


def packed_anew(data: bytes) -> bytes:
    return lzma.compress(lzma.decompress(data), preset=0)


SPOILED: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "edited": (edited, "line 22: event 21: it is not what was written"),
    "without a line": (without_a_line, "line 10: event 10: what follows 8 is missing"),
    "swapped": (swapped, "line 10: event 10: what follows 8 is missing"),
    "cut short": (cut_short, "line 24: the end is missing: the file was cut short"),
    "half there": (
        lambda data: data[:1000],
        "it cannot be unpacked: Compressed file ended before the end-of-stream marker was reached",
    ),
    "unpacked": (lzma.decompress, "it cannot be unpacked: Input format not supported by decoder"),
    "packed anew": (
        packed_anew,
        "the events are those that were archived, but the file was written anew",
    ),
}


@pytest.mark.parametrize("how", SPOILED)
def test_file_that_was_changed_is_named(tmp_path: Path, log: SqlEventLog, how: str) -> None:
    spoil, why = SPOILED[how]
    (tmp_path / FIRST).write_bytes(spoil((tmp_path / FIRST).read_bytes()))

    out, err, status = verified(tmp_path, *of_files(*FILES))

    assert out == f"{told_of(log)}FOLDER/{FIRST}: {why}\n{holds(SECOND, 25, 58)}"
    assert (err, status) == ("", 1)


def test_file_of_another_log_is_strange(tmp_path: Path, log: SqlEventLog) -> None:
    other = tmp_path / "other"
    other.mkdir()
    again = open_log(f"sqlite:///{other}/log.db", host="kvm-a")
    items = [item.event for item in sample.log().log.read()]
    again.append([*items[1:24], items[0], *items[24:]])
    words = ("archive", "--before", "2026-11-02 15:00", "-o", f"{other}/archive")
    assert transcript(other, words, VLANLOG_HOST="kvm-a").endswith("exit status 0\n")
    [strange] = (other / "archive").glob("*.xz")

    out, _, status = verified(tmp_path, "--archive", str(strange))

    why = "it is of another log of kvm-a: its events are not those archived here"
    assert out.splitlines()[1:] == [f"{str(strange).replace(str(tmp_path), 'FOLDER')}: {why}"]
    assert status == 1
    del log


def test_export_that_ends_elsewhere_is_no_archive(tmp_path: Path, log: SqlEventLog) -> None:
    export = ("export", "-o", f"{tmp_path}/rest.jsonl.xz")
    assert transcript(tmp_path, export, VLANLOG_HOST="kvm-a").endswith("exit status 0\n")

    out, _, status = verified(tmp_path, *of_files("rest.jsonl.xz"))

    why = f"no archive of kvm-a ends with its last event {end_of(log).seq}"
    assert (out, status) == (f"{told_of(log)}FOLDER/rest.jsonl.xz: {why}\n", 1)


@pytest.mark.usefixtures("log")
def test_selection_is_no_archive(tmp_path: Path) -> None:
    export = ("export", "web01", "-o", f"{tmp_path}/web01.jsonl.xz")
    assert transcript(tmp_path, export, VLANLOG_HOST="kvm-a").endswith("exit status 0\n")

    out, _, status = verified(tmp_path, *of_files("web01.jsonl.xz"), *NOWHERE)

    why = "it is a selection: its chain has holes"
    assert (out, status) == (f"FOLDER/web01.jsonl.xz: {why}\n", 1)


def test_file_is_of_the_host_that_is_asked_for(tmp_path: Path, log: SqlEventLog) -> None:
    other = SqlEventLog(log.engine, host="kvm-b")
    other.append(
        [
            replace(item.event, host="kvm-b", event_id=UUID(int=item.seq))
            for item in sample.log().log.read()
        ]
    )

    out, _, status = verified(tmp_path, "--host", "kvm-b", *of_files(FIRST))

    assert out.splitlines()[1:] == [f"FOLDER/{FIRST}: it is of the host kvm-a, not of kvm-b"]
    assert status == 1


def test_file_whose_host_has_no_log_is_strange(tmp_path: Path, log: SqlEventLog) -> None:
    empty = open_log(f"sqlite:///{tmp_path}/empty.db", host="kvm-z")
    empty.engine.dispose()

    out, _, status = verified(tmp_path, *of_files(FIRST), "--database", "sqlite:///FOLDER/empty.db")

    why = "it is of the host kvm-a, of which there is no log here"
    assert (out, status) == (f"the log is empty\nFOLDER/{FIRST}: {why}\n", 1)
    del log


def test_head_in_a_file_that_is_not_looked_at_is_not_met(tmp_path: Path, log: SqlEventLog) -> None:
    out, err, status = verified(tmp_path, "--against", journal(tmp_path, seq=20))

    assert (out, status) == (told_of(log), 1)
    assert err == (
        "vlanlog: 1 known head of kvm-a could not be compared: the event is archived\n"
        f"hint: check the file too: --archive FOLDER/{FIRST}\n"
    )


def test_head_in_a_file_is_met_there(tmp_path: Path, log: SqlEventLog) -> None:
    words = ("--against", journal(tmp_path, seq=20), *of_files(FIRST))

    met = holds(FIRST, 1, 24, " and joins the log, 1 known head met")
    assert verified(tmp_path, *words) == (told_of(log) + met, "", 0)
    met = holds(FIRST, 1, 24, ", 1 known head met")
    assert verified(tmp_path, *words, *NOWHERE) == (met, ALONE, 0)


def test_head_at_the_end_of_a_file_is_met_by_the_log(tmp_path: Path, log: SqlEventLog) -> None:
    words = ("--against", journal(tmp_path, seq=24))

    assert verified(tmp_path, *words) == (told_of(log, ", 1 known head met"), "", 0)


@pytest.mark.parametrize("more", [(), NOWHERE])
@pytest.mark.usefixtures("log")
def test_head_that_differs_from_the_file_is_a_flaw(tmp_path: Path, more: tuple[str, ...]) -> None:
    words = ("--against", journal(tmp_path, seq=20, forged=True), *of_files(FIRST), *more)

    out, err, status = verified(tmp_path, *words)

    assert out.splitlines()[-1] == f"FOLDER/{FIRST}: event 20 is known with another hash"
    assert (err, status) == (ALONE if more else "", 1)


@pytest.mark.usefixtures("log")
def test_head_in_none_of_the_files_is_not_met(tmp_path: Path) -> None:
    words = ("--against", journal(tmp_path, seq=20), *of_files(SECOND), *NOWHERE)

    assert verified(tmp_path, *words) == (
        holds(SECOND, 25, 58, ""),
        f"{ALONE}vlanlog: 1 known head of kvm-a could not be compared: in none of the files\n",
        1,
    )


REFUSED: dict[str, tuple[tuple[str, ...], int, str]] = {
    "no file": (("--archive", "FOLDER/no"), 3, "FOLDER/no: No such file or directory"),
    "a folder": (("--archive", "FOLDER/archive"), 3, "FOLDER/archive: Is a directory"),
    "no log to export of": (
        ("--archive", f"FOLDER/{FIRST}", "--export-head", "-", *NOWHERE),
        2,
        "there is no database, so no head to export",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
@pytest.mark.usefixtures("log")
def test_what_cannot_be_checked_is_refused(tmp_path: Path, what: str) -> None:
    words, status, why = REFUSED[what]

    _, err, found = verified(tmp_path, *words)

    assert (f"vlanlog: error: {why}" in err.splitlines(), found) == (True, status)


OTHER_FILE = "UPDATE archives SET payload = replace(payload, '.jsonl.xz', '.other')"

ATTACKS: dict[str, tuple[tuple[str, ...], str]] = {
    "a row that says another file": (
        (f"{OTHER_FILE} WHERE last_seq = 58",),
        "event 58: the archive that ends here is not what the log tells of it",
    ),
    "an older row that says another file": (
        (f"{OTHER_FILE} WHERE last_seq = 24",),
        "event 24: the archive that ends here is not what the log tells of it",
    ),
    "a state that was forged": (
        ("UPDATE archives SET state = (SELECT state FROM archives WHERE last_seq = 24)",),
        "event 58: the state behind what is archived is not the one that was archived",
    ),
    "the newest row gone": (
        ("DELETE FROM archives WHERE last_seq = 58",),
        "event 59: what follows 24 is missing",
    ),
    "all rows gone": (("DELETE FROM archives",), "event 59: what follows 0 is missing"),
    "an event behind the archive gone": (
        ("DELETE FROM events WHERE seq = 59",),
        "event 60: what follows 58 is missing",
    ),
    "a row that covers more": (
        (
            "DELETE FROM events WHERE seq = 59",
            "UPDATE archives SET last_seq = 59 WHERE last_seq = 58",
        ),
        "event 60: it is not chained to 59",
    ),
    "what tells of the archive gone": (
        ("DELETE FROM events WHERE seq = (SELECT max(seq) FROM events)",),
        "event 58: the archive that ends here is not what the log tells of it",
    ),
}


@pytest.mark.parametrize("what", ATTACKS)
def test_attack_on_what_is_archived_is_named(tmp_path: Path, log: SqlEventLog, what: str) -> None:
    statements, told = ATTACKS[what]
    tamper(log.engine, *statements)

    out, _, status = verified(tmp_path)

    assert (out.splitlines()[0], status) == (told, 1)


def test_archive_that_never_was_is_named(tmp_path: Path, log: SqlEventLog) -> None:
    execute(
        log.engine,
        "DROP TRIGGER archives_insert",
        "INSERT INTO archives SELECT host, 59, 60, event_seq, version, payload, subjects_until,"
        " format, state FROM archives WHERE last_seq = 58",
    )

    out, _, status = verified(tmp_path)

    assert (out.splitlines()[0][:9], status) == ("event 60:", 1)
