"""``vlanlog verify``: what it says and how it ends, with heads that were kept elsewhere."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.golden import transcript
from tests.store.database import execute, tamper
from tests.store.histories import history
from vlanlog.render.head import head_line
from vlanlog.store import open_log
from vlanlog.store.log import SqlEventLog


@pytest.fixture
def log(tmp_path: Path) -> SqlEventLog:
    """Is the log that the command has, of six events."""
    log = open_log(f"sqlite:///{tmp_path}/log.db", host="host", snapshot_every=2)
    log.append(history(6, host="host"))
    return log


def verified(folder: Path, *words: str) -> tuple[str, str, int]:
    """Returns stdout, stderr and exit status."""
    text = transcript(folder, ["verify", *words]).partition("\n")[2]
    body, _, status = text.rpartition("--- exit status ")
    out, _, err = body.partition("--- stderr\n")
    return out, err, int(status)


def head_hash(log: SqlEventLog) -> str:
    head = log.head()
    assert head is not None
    return head.hash.hex()


def test_whole_log_is_told_with_its_head(tmp_path: Path, log: SqlEventLog) -> None:
    told = f"6 events, the chain holds; head 6 {head_hash(log)}\n"

    assert verified(tmp_path) == (told, "", 0)
    assert verified(tmp_path, "--quick") == (told, "", 0)


def test_logs_of_all_hosts_are_told(tmp_path: Path, log: SqlEventLog) -> None:
    other = SqlEventLog(log.engine, host="kvm\x1b2")
    other.append(history(1, host="kvm\x1b2"))
    tamper(log.engine, "UPDATE events SET payload = '{}' WHERE seq = 2 AND host = 'host'")

    out, _, status = verified(tmp_path, "--quick")
    alone = verified(tmp_path, "--quick", "--host", "kvm\x1b2")

    assert out.splitlines()[:2] == [
        "host: event 2: it is not what was written",
        f"kvm\\x1b2: 1 event, the chain holds; head 1 {head_hash(other)}",
    ]
    assert (status, alone[2]) == (1, 1)


def test_guards_that_are_gone_make_a_log_flawed(tmp_path: Path, log: SqlEventLog) -> None:
    execute(log.engine, "DROP TRIGGER events_delete")

    assert verified(tmp_path) == (
        f"6 events, the chain holds; head 6 {head_hash(log)}\n"
        "database: trigger events_delete is missing\n",
        "hint: whoever took that away could change the log: compare with a head kept elsewhere\n",
        1,
    )


def test_forged_snapshot_is_told_with_a_way_out(tmp_path: Path, log: SqlEventLog) -> None:
    execute(log.engine, "UPDATE snapshots SET state = x'00'")

    assert verified(tmp_path) == (
        "event 6: its snapshot cannot be read\n",
        "hint: states are told from it; DELETE FROM snapshots has them told from the events\n",
        1,
    )
    assert verified(tmp_path, "--quick")[2] == 0


def test_head_that_was_exported_is_met(tmp_path: Path, log: SqlEventLog) -> None:
    head = str(tmp_path / "head.json")
    verified(tmp_path, "--export-head", head)
    log.append(history(3, host="host"))

    assert verified(tmp_path, "--against", head, "--against", head) == (
        f"9 events, the chain holds, 2 known heads met; head 9 {head_hash(log)}\n", "", 0
    )  # fmt: skip


def test_exported_head_goes_to_stdout_alone(tmp_path: Path, log: SqlEventLog) -> None:
    out, err, status = verified(tmp_path, "--export-head", "-")

    fields = json.loads(out)
    assert (fields["host"], fields["seq"], fields["hash"]) == ("host", 6, head_hash(log))
    assert (err, status) == (f"6 events, the chain holds; head 6 {head_hash(log)}\n", 0)


def test_dropped_tail_differs_from_its_head(tmp_path: Path, log: SqlEventLog) -> None:
    head = str(tmp_path / "head.json")
    verified(tmp_path, "--export-head", head)
    tamper(log.engine, "DELETE FROM snapshots", "DELETE FROM events WHERE seq > 5")
    kept = (tmp_path / "head.json").read_text()

    out, _, status = verified(tmp_path, "--quick", "--against", head, "--export-head", head)

    assert out.splitlines()[0] == "event 6: the log ends here, 6 is known"
    assert (status, (tmp_path / "head.json").read_text()) == (1, kept)


def test_remade_log_differs_from_a_journal(tmp_path: Path, log: SqlEventLog) -> None:
    head = log.head()
    assert head is not None
    journal = tmp_path / "journal"
    journal.write_text(f"Nov 24 kvm1 vlanlog[1]: {head_line('host', head)}\n")
    events = [item.event for item in log.read()]
    tamper(log.engine, "DELETE FROM snapshots", "DELETE FROM events")
    log.append(events[1:])
    log.append(events[:1])

    out, _, status = verified(tmp_path, "--quick", "--against", str(journal))

    assert out.splitlines()[0] == "event 6: the hash is not the one known from elsewhere"
    assert status == 1


def test_host_that_vanished_differs_from_its_head(tmp_path: Path, log: SqlEventLog) -> None:
    head = log.head()
    assert head is not None
    journal = tmp_path / "journal"
    journal.write_text(head_line("gone", head))

    out, _, status = verified(tmp_path, "--quick", "--against", str(journal))

    assert out.splitlines()[0] == "gone: event 1: the log ends here, 6 is known"
    assert status == 1


def test_result_as_json_has_every_host(tmp_path: Path, log: SqlEventLog) -> None:
    execute(log.engine, "DROP TRIGGER events_delete")

    out, _, status = verified(tmp_path, "-o", "json")

    found = json.loads(out)
    [host] = found["hosts"]
    assert (found["database"], host["whole"], host["events"], host["flaws"], status) == (
        ["trigger events_delete is missing"], True, 6, [], 1
    )  # fmt: skip
    assert (host["head"]["seq"], host["head"]["hash"]) == (6, head_hash(log))


REFUSED = {
    "no file": (["--against", "nowhere"], 3, "nowhere: No such file or directory"),
    "no text": (["--against", "FOLDER/bytes"], 3, "FOLDER/bytes is no text"),
    "another text": (["--against", "FOLDER/other"], 2, "FOLDER/other: there is no head in it"),
    "no host": (["--host", "kvm9"], 2, "there is no log of kvm9"),
    "no folder": (
        ["--export-head", "FOLDER/no/head"], 3, "FOLDER/no/head: No such file or directory"
    ),
    "no database": (
        ["--database", "sqlite:////tmp/no-such-log.db"],
        3,
        "there is no database /tmp/no-such-log.db",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
@pytest.mark.usefixtures("log")
def test_what_cannot_be_verified_is_refused(tmp_path: Path, what: str) -> None:
    words, status, why = REFUSED[what]
    (tmp_path / "other").write_text("nothing\n")
    (tmp_path / "bytes").write_bytes(b"\xff\xff")

    _, err, found = verified(tmp_path, *(word.replace("FOLDER", str(tmp_path)) for word in words))

    assert err.splitlines()[0].startswith(f"vlanlog: error: {why}")
    assert found == status


@pytest.mark.usefixtures("log")
def test_head_of_another_host_says_nothing_of_this_one(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    journal.write_text(f"head seq=1 hash={'0' * 64} at=x host=kvm9\n")

    _, err, status = verified(tmp_path, "--host", "host", "--against", str(journal))

    assert err.startswith("vlanlog: error: a head of kvm9 says nothing of host\n")
    assert status == 2


def test_empty_log_has_no_head_to_export(tmp_path: Path) -> None:
    open_log(f"sqlite:///{tmp_path}/log.db", host="host").engine.dispose()

    assert verified(tmp_path) == ("the log is empty\n", "", 0)
    assert verified(tmp_path, "--export-head", "-")[2] == 2
