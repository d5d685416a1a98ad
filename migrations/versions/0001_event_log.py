"""The event log, its subjects and its snapshots.

Must not import anything of the application: what it writes today must be written the same in
ten years. Must not batch ``events``: Alembic would drop its triggers without a word.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_NAMES = ("guest_uuid", "guest_name", "mac", "bridge", "port")

# INSERT OR REPLACE deletes the row that it replaces without firing a DELETE trigger, but not
# before the INSERT trigger: that one sees to all three keys, place, event_id and rowid.
_SQLITE = (
    """\
CREATE TRIGGER events_insert BEFORE INSERT ON events
WHEN NEW.seq <> (SELECT seq + 1 FROM events WHERE host = NEW.host ORDER BY seq DESC LIMIT 1)
  OR EXISTS (SELECT 1 FROM events WHERE event_id = NEW.event_id)
  OR EXISTS (SELECT 1 FROM events WHERE rowid = NEW.rowid)
BEGIN SELECT RAISE(ABORT, 'events: an event is appended once, behind the last one'); END""",
    """\
CREATE TRIGGER events_update BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'events: the log is only ever appended to'); END""",
    """\
CREATE TRIGGER events_delete BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'events: the log is only ever appended to'); END""",
    """\
CREATE TRIGGER subjects_insert BEFORE INSERT ON subjects
WHEN EXISTS (SELECT 1 FROM subjects WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'subjects: the log is only ever appended to'); END""",
    """\
CREATE TRIGGER subjects_update BEFORE UPDATE ON subjects
BEGIN SELECT RAISE(ABORT, 'subjects: the log is only ever appended to'); END""",
    """\
CREATE TRIGGER subjects_delete BEFORE DELETE ON subjects
BEGIN SELECT RAISE(ABORT, 'subjects: the log is only ever appended to'); END""",
)

_POSTGRESQL = (
    """\
CREATE FUNCTION vlanlog_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '%: the log is only ever appended to', TG_TABLE_NAME
    USING ERRCODE = 'integrity_constraint_violation';
END $$""",
    """\
CREATE FUNCTION vlanlog_append() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.seq <> (SELECT seq + 1 FROM events WHERE host = NEW.host ORDER BY seq DESC LIMIT 1) THEN
    RAISE EXCEPTION 'events: an event is appended once, behind the last one'
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$""",
    """\
CREATE TRIGGER events_insert BEFORE INSERT ON events
FOR EACH ROW EXECUTE FUNCTION vlanlog_append()""",
    """\
CREATE TRIGGER events_refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON events
FOR EACH STATEMENT EXECUTE FUNCTION vlanlog_refuse()""",
    """\
CREATE TRIGGER subjects_refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON subjects
FOR EACH STATEMENT EXECUTE FUNCTION vlanlog_refuse()""",
)


_RARE_KINDS = (
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


def upgrade() -> None:
    """Brings the schema to this revision."""
    _create_subjects()
    _create_events()
    op.create_table(
        "snapshots",
        sa.Column("host", sa.Text, primary_key=True),
        sa.Column("seq", _BIG, primary_key=True, autoincrement=False),
        sa.Column("at_ns", _BIG, nullable=False),
        sa.Column("format", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sqlite_strict=True,
    )
    for statement in {"sqlite": _SQLITE, "postgresql": _POSTGRESQL}[op.get_bind().dialect.name]:
        op.execute(statement)


def _create_subjects() -> None:
    op.create_table(
        "subjects",
        sa.Column("id", _BIG, primary_key=True),
        sa.Column("host", sa.Text, nullable=False),
        *(sa.Column(name, sa.Text) for name in _NAMES),
        sqlite_strict=True,
    )
    for name in _NAMES:
        named = sa.text(f"{name} IS NOT NULL")
        op.create_index(
            f"subjects_{name}", "subjects", [name], sqlite_where=named, postgresql_where=named
        )


def _create_events() -> None:
    op.create_table(
        "events",
        sa.Column("seq", _BIG, nullable=False, autoincrement=False),
        sa.Column("event_id", sa.LargeBinary, nullable=False),
        sa.Column("at_ns", _BIG, nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("boot_id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("correlation_id", sa.LargeBinary, nullable=False),
        *(sa.Column(name, sa.Text) for name in _NAMES),
        sa.Column("ifindex", sa.Integer),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("subject", _BIG, sa.ForeignKey("subjects.id", name="events_subject_id")),
        sa.Column("prev_hash", sa.LargeBinary, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("host", "seq"),
        sa.UniqueConstraint("event_id", name="events_event_id"),
        sqlite_strict=True,
    )
    named = sa.text("subject IS NOT NULL")
    op.create_index(
        "events_subject", "events", ["subject", "seq"], sqlite_where=named, postgresql_where=named
    )
    rare = sa.text(f"kind IN ({', '.join(repr(kind) for kind in _RARE_KINDS)})")
    op.create_index(
        "events_kind",
        "events",
        ["host", "kind", "seq"],
        sqlite_where=rare,
        postgresql_where=rare,
    )
    op.create_index("events_at_ns", "events", ["host", "at_ns", "seq"])
