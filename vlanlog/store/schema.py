"""The tables as SQLAlchemy Core knows them, for the statements that the store makes.

Must not create them: migrations/ does, indexes and triggers included, and a test holds the columns
together. A partial index declared here would load PostgreSQL's dialect for SQLite too: 50 ms.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

HEAD = "0003"
"""The newest revision in migrations/versions, held in code because Alembic takes 0.3 s to load."""

# A STRICT table knows no BIGINT; SQLite's INTEGER has 64 bits anyway.
_Big = BigInteger().with_variant(Integer(), "sqlite")

RARE_KINDS = (
    "assignment.cleared",
    "assignment.set",
    "config.loaded",
    "config.rejected",
    "daemon.started",
    "daemon.stopped",
    "guest.unprogrammed",
    "host.booted",
    "replay.finished",
    "replay.started",
    "watch.gap_closed",
    "watch.gap_opened",
)
"""The kinds that the index ``events_kind`` holds.

The others make up nearly all of a log: to find them in order, the log itself is read, and an
append that keeps no index of kinds for them writes a page less.
"""

metadata = MetaData()

subjects = Table(
    "subjects",
    metadata,
    Column("id", _Big, primary_key=True),
    Column("host", Text, nullable=False),
    Column("guest_uuid", Text),
    Column("guest_name", Text),
    Column("mac", Text),
    Column("bridge", Text),
    Column("port", Text),
)
"""Each combination of names that events are about, once for each host.

Guests, NICs and ports are few and events are many: one index over ``events.subject`` does the
work of five over texts, each of which would cost an append more than all else.
"""

events = Table(
    "events",
    metadata,
    Column("seq", _Big, nullable=False, autoincrement=False),
    Column("event_id", LargeBinary, nullable=False),
    Column("at_ns", _Big, nullable=False),
    Column("host", Text, nullable=False),
    Column("boot_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("actor", Text, nullable=False),
    Column("correlation_id", LargeBinary, nullable=False),
    Column("guest_uuid", Text),
    Column("guest_name", Text),
    Column("mac", Text),
    Column("bridge", Text),
    Column("port", Text),
    Column("ifindex", Integer),
    Column("payload", Text, nullable=False),
    Column("subject", _Big, ForeignKey("subjects.id", name="events_subject_id")),
    Column("prev_hash", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    PrimaryKeyConstraint("host", "seq"),
    UniqueConstraint("event_id", name="events_event_id"),
)
"""The log: seq, the columns of ``core.codec.Row`` in its order, subject, and the chain's link."""

snapshots = Table(
    "snapshots",
    metadata,
    Column("host", Text, primary_key=True),
    Column("seq", _Big, primary_key=True, autoincrement=False),
    Column("at_ns", _Big, nullable=False),
    Column("format", Integer, nullable=False),
    Column("state", LargeBinary, nullable=False),
)
"""The fold of the log at some seqs: what may be thrown away, for the log gives it again."""

archives = Table(
    "archives",
    metadata,
    Column("host", Text, primary_key=True),
    Column("first_seq", _Big, nullable=False),
    Column("last_seq", _Big, primary_key=True, autoincrement=False),
    Column("event_seq", _Big, nullable=False),
    Column("version", Integer, nullable=False),
    Column("payload", Text, nullable=False),
    Column("subjects_until", _Big, nullable=False),
    Column("format", Integer, nullable=False),
    Column("state", LargeBinary, nullable=False),
)
"""The stretches that are in files: for each the event that tells of it, and the fold at its end."""
