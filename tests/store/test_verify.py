"""What the chain finds when someone took the triggers away: the first bad event, and why."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import text

from tests.store.database import tamper
from tests.store.histories import GUESTS, MACS, happening
from tests.store.test_append_only import copied
from vlanlog.core import codec
from vlanlog.core import event as e
from vlanlog.core.query import ChainFlaw, Head
from vlanlog.core.state import Seq
from vlanlog.store import open_log
from vlanlog.store.log import SqlEventLog

VM1 = e.Subject(guest_uuid=GUESTS[0], guest_name="VM1", mac=MACS[0], bridge="br0", port="vnet0")
VM2 = e.Subject(guest_uuid=GUESTS[1], guest_name="VM2", mac=MACS[1], bridge="br0", port="vnet1")
SUBJECTS = (e.NO_SUBJECT, VM1, VM2, e.NO_SUBJECT, VM1, VM2, VM2, VM1)

REWRITTEN = "it is not what was written"
MISFILED = "it is filed under another subject, so that history does not find it"


def story(host: str) -> list[e.Event]:
    return [
        replace(
            happening(e.VlanAdded(first=100 + number, last=200), host=host, number=number),
            subject=subject,
        )
        for number, subject in enumerate(SUBJECTS)
    ]


@pytest.fixture
def log(url: str) -> SqlEventLog:
    """Is a log of eight events; another host's in the same database has three."""
    other = open_log(url, host="other")
    other.append(story("other")[:3])
    log = SqlEventLog(other.engine, host="host")
    log.append(story("host"))
    return log


TAMPERINGS = {
    "a fact": (
        ["UPDATE events SET payload = payload || ' ' WHERE seq = 3 AND host = 'host'"],
        ChainFlaw(seq=Seq(3), why=REWRITTEN),
    ),
    "a name": (
        ["UPDATE events SET guest_name = 'VM2' WHERE seq = 5 AND host = 'host'"],
        ChainFlaw(seq=Seq(5), why=REWRITTEN),
    ),
    "a link": (
        ["UPDATE events SET prev_hash = hash WHERE seq = 5 AND host = 'host'"],
        ChainFlaw(seq=Seq(5), why="it is not chained to 4"),
    ),
    "deletion": (
        ["DELETE FROM events WHERE seq = 4 AND host = 'host'"],
        ChainFlaw(seq=Seq(5), why="what follows 3 is missing"),
    ),
    "deletion of the first": (
        ["DELETE FROM events WHERE seq = 1 AND host = 'host'"],
        ChainFlaw(seq=Seq(2), why="what follows 0 is missing"),
    ),
    "deletion, closed up": (
        [
            "DELETE FROM events WHERE seq = 4 AND host = 'host'",
            "UPDATE events SET seq = seq + 100 WHERE seq > 4 AND host = 'host'",
            "UPDATE events SET seq = seq - 101 WHERE seq > 100 AND host = 'host'",
        ],
        ChainFlaw(seq=Seq(4), why="it is not chained to 3"),
    ),
    "swap": (
        [
            "UPDATE events SET seq = 103 WHERE seq = 3 AND host = 'host'",
            "UPDATE events SET seq = 3 WHERE seq = 4 AND host = 'host'",
            "UPDATE events SET seq = 4 WHERE seq = 103 AND host = 'host'",
        ],
        ChainFlaw(seq=Seq(3), why="it is not chained to 2"),
    ),
    "insertion": (
        [
            "UPDATE events SET seq = seq + 100 WHERE seq > 3 AND host = 'host'",
            "UPDATE events SET seq = seq - 99 WHERE seq > 100 AND host = 'host'",
            copied("4", ":new_id", after="WHERE seq = 3 AND host = 'host'"),
        ],
        ChainFlaw(seq=Seq(4), why="it is not chained to 3"),
    ),
    "a subject's name": (
        ["UPDATE subjects SET guest_name = 'VM3' WHERE guest_name = 'VM2' AND host = 'host'"],
        ChainFlaw(seq=Seq(3), why=MISFILED),
    ),
    "a subject of no host": (
        ["UPDATE subjects SET host = 'nowhere' WHERE guest_name = 'VM1' AND host = 'host'"],
        ChainFlaw(seq=Seq(2), why=MISFILED),
    ),
    "another subject": (
        [
            "UPDATE events SET subject = (SELECT id FROM subjects WHERE guest_name = 'VM2'"
            " AND host = 'host') WHERE seq = 5 AND host = 'host'"
        ],
        ChainFlaw(seq=Seq(5), why=MISFILED),
    ),
    "no subject": (
        ["UPDATE events SET subject = NULL WHERE seq = 8 AND host = 'host'"],
        ChainFlaw(seq=Seq(8), why=MISFILED),
    ),
}


@pytest.mark.parametrize("what", TAMPERINGS)
def test_chain_finds_what_was_tampered_with(log: SqlEventLog, what: str) -> None:
    statements, flaw = TAMPERINGS[what]

    tamper(log.engine, *statements, new_id=bytes(16))

    assert (log.verify(), SqlEventLog(log.engine, host="other").verify()) == (flaw, None)


def test_chain_that_nobody_touched_holds(log: SqlEventLog) -> None:
    known = log.head()
    log.append(story("host"))

    assert (log.verify(), log.verify(known=known)) == (None, None)


def test_chain_of_an_empty_log_holds(sqlite: str) -> None:
    assert open_log(sqlite, host="host").verify() is None


def test_forged_event_breaks_the_chain_behind_it(log: SqlEventLog) -> None:
    third = list(log.read())[2]
    forged = replace(third.event, fact=e.VlanAdded(first=9, last=9))
    row = codec.encode(forged)
    values = {"payload": row.payload, "hash": codec.chained(third.prev_hash, 3, row)}

    tamper(
        log.engine,
        "UPDATE events SET payload = :payload, hash = :hash WHERE seq = 3 AND host = 'host'",
        **values,
    )

    assert log.verify() == ChainFlaw(seq=Seq(4), why="it is not chained to 3")


def test_tail_that_was_cut_off_differs_from_a_known_head(log: SqlEventLog) -> None:
    known = log.head()

    tamper(log.engine, "DELETE FROM events WHERE seq > 6 AND host = 'host'")

    assert (log.verify(), log.verify(known=known)) == (
        None,
        ChainFlaw(seq=Seq(7), why="the log ends here, 8 is known"),
    )


def test_log_that_was_emptied_differs_from_a_known_head(log: SqlEventLog) -> None:
    known = log.head()

    tamper(log.engine, "DELETE FROM events WHERE host = 'host'")

    assert log.verify(known=known) == ChainFlaw(seq=Seq(1), why="the log ends here, 8 is known")


def test_log_that_was_chained_anew_differs_from_a_known_head(log: SqlEventLog) -> None:
    known = log.head()
    events = [item.event for item in log.read()]
    tamper(log.engine, "DELETE FROM events WHERE host = 'host'")

    log.append([events[0], *events[2:], happening(e.DaemonStarted(), host="host")])

    assert (log.verify(), log.verify(known=known)) == (
        None,
        ChainFlaw(seq=Seq(8), why="the hash is not the one known from elsewhere"),
    )


def test_hosts_of_one_database_have_their_own_seqs_and_chains(log: SqlEventLog) -> None:
    other = SqlEventLog(log.engine, host="other")
    other.append(story("other")[:1])
    log.append(story("host")[:1])
    alone = list(other.read())

    links, prev_hash = [], codec.GENESIS
    for seq, item in enumerate(alone, start=1):
        prev_hash = codec.chained(prev_hash, seq, codec.encode(item.event))
        links.append(prev_hash)

    assert [item.seq for item in log.read()] == list(range(1, 10))
    assert [(item.seq, item.hash, item.event.host) for item in alone] == [
        (seq, link, "other") for seq, link in enumerate(links, start=1)
    ]
    head = Head(seq=Seq(4), hash=links[-1], at_ns=alone[-1].event.at_ns)
    assert (other.head(), other.verify(), log.verify()) == (head, None, None)


def test_log_refuses_an_event_of_another_host(log: SqlEventLog) -> None:
    with pytest.raises(ValueError, match="the log of host was handed an event of another host"):
        log.append(story("other"))

    with log.engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM events")) == 11
