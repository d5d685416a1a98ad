"""Every attack that plain SQL can make on a log, triggers dropped: verify names the first event."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.store.database import execute, tamper
from tests.store.histories import happening, history
from tests.store.test_append_only import copied
from tests.store.test_verify import REWRITTEN, story
from vlanlog.core import codec
from vlanlog.core import event as e
from vlanlog.core.query import ChainFlaw, Head
from vlanlog.core.state import HostState, Seq
from vlanlog.store import open_log
from vlanlog.store.guards import lost_guards
from vlanlog.store.log import SqlEventLog
from vlanlog.store.snapshots import packed
from vlanlog.store.verify import Audit, audited, hosts_met

HERE = "host = 'host'"

FORGED = "its snapshot is not what the events up to it add up to"
OF_NOTHING = "a snapshot is kept of an event that is not there"


@pytest.fixture
def log(url: str) -> SqlEventLog:
    """Is a log of eight events with snapshots at 4 and 8; another host has three events."""
    other = open_log(url, host="other")
    other.append(story("other")[:3])
    log = SqlEventLog(other.engine, host="host", snapshot_every=4)
    log.append(story("host")[:4])
    log.append(story("host")[4:])
    return log


def flaws(log: SqlEventLog, host: str = "host") -> list[tuple[int, str]]:
    """Returns all flaws by place."""
    return [(flaw.seq, flaw.why) for flaw in audited(log.engine, host).flaws]


COLUMNS = {
    "event_id": ":new_id",
    "at_ns": "at_ns + 1",
    "boot_id": "'another'",
    "kind": "'vlan.removed'",
    "version": "version + 1",
    "actor": '\'{"source":"operator","user":"root"}\'',
    "correlation_id": ":new_id",
    "guest_uuid": "'another'",
    "guest_name": "'another'",
    "mac": "'another'",
    "bridge": "'another'",
    "port": "'another'",
    "ifindex": "99",
    "payload": "'{}'",
    "hash": "prev_hash",
}


def test_columns_are_all_attacked() -> None:
    assert {*COLUMNS} == {*codec.Row._fields, "hash"} - {"host"}


@pytest.mark.parametrize("column", COLUMNS)
def test_edit_of_a_column_is_named(log: SqlEventLog, column: str) -> None:
    values = {"new_id": bytes(16)} if column.endswith("_id") and "new" in COLUMNS[column] else {}

    tamper(
        log.engine, f"UPDATE events SET {column} = {COLUMNS[column]} WHERE seq = 5 AND {HERE}",
        **values,
    )  # fmt: skip

    assert flaws(log) == [(5, REWRITTEN)]


def test_edit_that_empties_a_column_is_named(log: SqlEventLog) -> None:
    tamper(log.engine, f"UPDATE events SET mac = NULL, subject = NULL WHERE seq = 5 AND {HERE}")

    assert flaws(log) == [(5, REWRITTEN)]


def test_link_that_was_edited_is_named(log: SqlEventLog) -> None:
    tamper(log.engine, f"UPDATE events SET prev_hash = hash WHERE seq = 5 AND {HERE}")

    assert flaws(log) == [(5, "it is not chained to 4")]


@pytest.mark.parametrize("seq", [1, 4, 7])
def test_deletion_is_named_by_what_follows(log: SqlEventLog, seq: int) -> None:
    tamper(log.engine, f"DELETE FROM events WHERE seq = {seq} AND {HERE}")

    assert flaws(log) == [(seq + 1, f"what follows {seq - 1} is missing")]


def test_deletion_of_the_last_leaves_its_snapshot(log: SqlEventLog) -> None:
    tamper(log.engine, f"DELETE FROM events WHERE seq = 8 AND {HERE}")

    assert flaws(log) == [(8, OF_NOTHING)]


def test_tail_that_was_dropped_leaves_its_names(log: SqlEventLog) -> None:
    tamper(
        log.engine, "DELETE FROM snapshots", f"DELETE FROM events WHERE seq > 1 AND {HERE}"
    )  # fmt: skip

    assert flaws(log) == [(2, "the log ends here, but subjects are kept of which no event tells")]


@pytest.mark.parametrize("left", [6, 7])
def test_tail_that_was_dropped_without_a_trace_shows_against_a_head(
    log: SqlEventLog, left: int
) -> None:
    head = log.head()
    assert head is not None
    tamper(log.engine, "DELETE FROM snapshots", f"DELETE FROM events WHERE seq > {left} AND {HERE}")

    known = audited(log.engine, "host", known=[(head.seq, head.hash)])

    flaw = ChainFlaw(seq=Seq(left + 1), why="the log ends here, 8 is known")
    assert (flaws(log), known.flaws, known.events) == ([], (flaw,), left)


def test_log_that_was_emptied_leaves_its_names(log: SqlEventLog) -> None:
    tamper(log.engine, "DELETE FROM snapshots", f"DELETE FROM events WHERE {HERE}")

    assert hosts_met(log.engine) == ("host", "other")
    assert flaws(log) == [(1, "the log ends here, but subjects are kept of which no event tells")]


def test_swap_of_what_two_events_say_is_named(log: SqlEventLog) -> None:
    items = list(log.read())
    third, sixth = (codec.encode(items[number].event).payload for number in (2, 5))
    change = "UPDATE events SET payload = "

    tamper(
        log.engine,
        f"{change}:sixth WHERE seq = 3 AND {HERE}",
        f"{change}:third WHERE seq = 6 AND {HERE}",
        third=third,
        sixth=sixth,
    )

    assert flaws(log) == [(3, REWRITTEN)]


@pytest.mark.parametrize("seq", [0, -7, -(2**63)])
def test_insertion_before_the_first_is_named(log: SqlEventLog, seq: int) -> None:
    tamper(
        log.engine, copied(":seq", ":new_id", after=f"WHERE seq = 3 AND {HERE}"),
        new_id=bytes(16), seq=seq,
    )  # fmt: skip

    assert flaws(log) == [(seq, "a log begins with the event 1")]


def test_insertion_behind_the_last_is_named(log: SqlEventLog) -> None:
    tamper(
        log.engine, copied("9", ":new_id", after=f"WHERE seq = 3 AND {HERE}"), new_id=bytes(16)
    )  # fmt: skip

    assert flaws(log) == [(9, "it is not chained to 8")]


def test_insertion_far_away_is_named(log: SqlEventLog) -> None:
    tamper(
        log.engine, copied("70", ":new_id", after=f"WHERE seq = 3 AND {HERE}"), new_id=bytes(16)
    )  # fmt: skip

    assert flaws(log) == [(70, "what follows 8 is missing")]


def test_clock_that_was_set_back_is_no_attack(url: str) -> None:
    log = open_log(url, host="host", snapshot_every=10)
    log.append([replace(event, at_ns=-event.at_ns) for event in story("host")])
    log.append(history(40, host="host"))

    assert flaws(log) == []


def test_log_that_was_chained_anew_shows_against_a_head(log: SqlEventLog) -> None:
    third, eighth = list(log.read())[2::5]
    forged = [item.event for item in log.read()]
    forged[3] = replace(forged[3], at_ns=forged[3].at_ns - 1)
    tamper(log.engine, "DELETE FROM snapshots", f"DELETE FROM events WHERE {HERE}")
    log.append(forged)
    known = [(third.seq, third.hash), (eighth.seq, eighth.hash)]

    assert (flaws(log), audited(log.engine, "host", known=known).flaws) == (
        [], (ChainFlaw(seq=Seq(8), why="the hash is not the one known from elsewhere"),)
    )  # fmt: skip


def test_heads_of_one_place_must_agree(log: SqlEventLog) -> None:
    third = list(log.read())[2]
    known = [(third.seq, third.hash), (third.seq, bytes(32))]

    assert audited(log.engine, "host", known=known).flaws == (
        ChainFlaw(seq=Seq(3), why="the hash is not the one known from elsewhere"),
    )


def test_host_that_was_renamed_breaks_its_chain(log: SqlEventLog) -> None:
    tamper(log.engine, f"UPDATE events SET host = 'elsewhere' WHERE {HERE}")

    assert hosts_met(log.engine) == ("elsewhere", "host", "other")
    assert flaws(log, "elsewhere") == [(1, REWRITTEN)]
    assert flaws(log)[:1] == [(4, OF_NOTHING)]


def test_event_that_was_moved_to_another_host_breaks_both_chains(log: SqlEventLog) -> None:
    tamper(log.engine, f"UPDATE events SET host = 'other', seq = 4 WHERE seq = 5 AND {HERE}")

    assert (flaws(log), flaws(log, "other")) == (
        [(6, "what follows 4 is missing")],
        [(4, "it is not chained to 3")],
    )


def test_subject_of_another_host_is_misfiled(log: SqlEventLog) -> None:
    tamper(
        log.engine,
        "UPDATE events SET subject = (SELECT id FROM subjects WHERE guest_name = 'VM1'"
        " AND host = 'host') WHERE host = 'other' AND seq = 2",
    )

    assert flaws(log, "other")[0][0] == 2


@pytest.mark.parametrize("seq", [4, 8])
def test_forged_snapshot_is_named(log: SqlEventLog, seq: int) -> None:
    forged = replace(log.state(at_seq=Seq(seq)), boot_id="another")
    execute(
        log.engine,
        f"UPDATE snapshots SET state = :state WHERE seq = {seq}",
        state=packed(forged),
    )
    lies = SqlEventLog(log.engine, host="host").state(at_seq=Seq(seq))

    assert (lies, flaws(log)) == (forged, [(seq, FORGED)])


def test_snapshots_forged_in_accord_are_all_named(url: str) -> None:
    log = open_log(url, host="host", snapshot_every=1)
    log.append(story("host")[:1])
    for event in story("host")[1:]:
        log.append([event])
    for seq in range(3, 9):
        forged = replace(log.state(at_seq=Seq(seq)), boot_id="another")
        execute(
            log.engine,
            f"UPDATE snapshots SET state = :state WHERE seq = {seq}",
            state=packed(forged),
        )

    assert flaws(log) == [(seq, FORGED) for seq in range(3, 9)]


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("UPDATE snapshots SET state = :state WHERE seq = 4", [(4, "its snapshot cannot be read")]),
        ("UPDATE snapshots SET seq = 6 WHERE seq = 4", [(6, FORGED)]),
        ("UPDATE snapshots SET seq = -1 WHERE seq = 4", [(-1, OF_NOTHING)]),
        ("UPDATE snapshots SET seq = 100 WHERE seq = 4", [(100, OF_NOTHING)]),
        ("UPDATE snapshots SET at_ns = at_ns + 1 WHERE seq = 8", [(8, FORGED)]),
        ("UPDATE snapshots SET host = 'third' WHERE seq = 4", []),
        ("UPDATE snapshots SET format = 1, state = :state WHERE seq = 4", []),
        ("DELETE FROM snapshots", []),
    ],
)
def test_snapshot_that_was_changed_is_named(
    log: SqlEventLog, change: str, found: list[tuple[int, str]]
) -> None:
    execute(log.engine, change, **({"state": b"what is this"} if ":state" in change else {}))

    assert flaws(log) == found


def test_snapshot_of_a_host_without_a_log_is_named(log: SqlEventLog) -> None:
    execute(log.engine, "UPDATE snapshots SET host = 'third' WHERE seq = 4")

    assert "third" in hosts_met(log.engine)
    assert flaws(log, "third") == [(4, OF_NOTHING)]


def test_audit_tells_how_far_the_chain_holds(log: SqlEventLog) -> None:
    fourth = list(log.read())[3]
    tamper(log.engine, f"UPDATE events SET payload = '{{}}' WHERE seq = 5 AND {HERE}")

    assert audited(log.engine, "host") == Audit(
        host="host",
        events=4,
        head=Head(seq=Seq(4), hash=fourth.hash, at_ns=fourth.event.at_ns),
        flaws=(ChainFlaw(seq=Seq(5), why=REWRITTEN),),
    )


def test_chain_alone_does_not_look_at_snapshots(log: SqlEventLog) -> None:
    execute(log.engine, "UPDATE snapshots SET state = :state", state=packed(HostState()))

    assert audited(log.engine, "host", compare_snapshots=False).flaws == ()


def test_names_that_come_while_the_log_is_walked_are_no_attack(sqlite: str) -> None:
    log = open_log(sqlite, host="host")
    log.append([happening(e.DaemonStarted(), host="host") for _ in range(1500)])
    coming = [replace(story("host")[0], subject=e.Subject(guest_name="new"))]

    def append(_: int) -> None:
        log.append(coming)

    found = audited(log.engine, "host", tick=append)

    assert (found.flaws, found.events) == ((), 1501)


def test_guards_of_a_new_database_are_all_there(url: str) -> None:
    assert lost_guards(open_log(url, host="host").engine) == ()


def test_guards_that_were_dropped_are_named_on_sqlite(sqlite: str) -> None:
    engine = open_log(sqlite, host="host").engine
    execute(
        engine,
        "DROP TRIGGER events_delete",
        "DROP TRIGGER subjects_update",
        "CREATE TRIGGER subjects_update BEFORE UPDATE ON subjects BEGIN SELECT 1; END",
        "CREATE TRIGGER quiet BEFORE INSERT ON events BEGIN SELECT RAISE(IGNORE); END",
        "CREATE TABLE notes (a TEXT)",
    )

    assert lost_guards(engine) == (
        "trigger events_delete is missing",
        "trigger subjects_update is not the one that vlanlog made",
        "trigger quiet is not vlanlog's",
    )


def test_table_that_was_made_anew_without_its_keys_is_named(sqlite: str) -> None:
    engine = open_log(sqlite, host="host").engine
    execute(engine, "DROP TABLE snapshots", "CREATE TABLE snapshots (host, seq, at_ns, state)")

    assert lost_guards(engine) == ("table snapshots is not the one that vlanlog made",)


@pytest.mark.postgresql
def test_guards_that_were_dropped_are_named_on_postgresql(postgresql: str) -> None:
    engine = open_log(postgresql, host="host").engine
    execute(
        engine,
        "DROP TRIGGER events_insert ON events",
        "ALTER TABLE subjects DISABLE TRIGGER USER",
        "CREATE FUNCTION quiet() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$",
        "CREATE TRIGGER quiet BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION quiet()",
    )

    assert lost_guards(engine) == (
        "trigger events_insert is missing",
        "trigger subjects_refuse is disabled",
        "trigger quiet is not vlanlog's",
    )
