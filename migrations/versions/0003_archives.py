"""Archives: stretches of a log that are in files, and may go from ``events``.

Must not import anything of the application.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_SQLITE = (
    "DROP TRIGGER events_delete",
    """\
CREATE TRIGGER events_delete BEFORE DELETE ON events
WHEN NOT EXISTS (
  SELECT 1 FROM archives WHERE host = OLD.host AND OLD.seq BETWEEN first_seq AND last_seq)
BEGIN SELECT RAISE(ABORT, 'events: the log is only ever appended to'); END""",
    # What json_extract does not find is NULL, which <> would pass over.
    """\
CREATE TRIGGER archives_insert BEFORE INSERT ON archives
WHEN NEW.last_seq NOT BETWEEN NEW.first_seq AND NEW.event_seq - 1
  OR NEW.first_seq IS NOT (
    SELECT coalesce(max(last_seq), 0) + 1 FROM archives WHERE host = NEW.host)
  OR NOT EXISTS (
    SELECT 1 FROM events WHERE host = NEW.host AND seq = NEW.event_seq
    AND kind = 'log.archived' AND version = NEW.version AND payload = NEW.payload)
  OR json_extract(NEW.payload, '$.first') IS NOT NEW.first_seq
  OR json_extract(NEW.payload, '$.last') IS NOT NEW.last_seq
  OR json_extract(NEW.payload, '$.hash') IS NOT (
    SELECT lower(hex(hash)) FROM events WHERE host = NEW.host AND seq = NEW.last_seq)
BEGIN SELECT RAISE(ABORT, 'archives: an archive is what the log tells of it'); END""",
    """\
CREATE TRIGGER archives_update BEFORE UPDATE ON archives
BEGIN SELECT RAISE(ABORT, 'archives: the log is only ever appended to'); END""",
    """\
CREATE TRIGGER archives_delete BEFORE DELETE ON archives
BEGIN SELECT RAISE(ABORT, 'archives: the log is only ever appended to'); END""",
)

_POSTGRESQL = (
    """\
CREATE FUNCTION vlanlog_let_go() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (
    SELECT 1 FROM archives WHERE host = OLD.host AND OLD.seq BETWEEN first_seq AND last_seq
  ) THEN
    RAISE EXCEPTION 'events: the log is only ever appended to'
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN OLD;
END $$""",
    """\
CREATE FUNCTION vlanlog_archive() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.last_seq NOT BETWEEN NEW.first_seq AND NEW.event_seq - 1
    OR NEW.first_seq IS DISTINCT FROM (
      SELECT coalesce(max(last_seq), 0) + 1 FROM archives WHERE host = NEW.host)
    OR NOT EXISTS (
      SELECT 1 FROM events WHERE host = NEW.host AND seq = NEW.event_seq
      AND kind = 'log.archived' AND version = NEW.version AND payload = NEW.payload)
    OR NEW.payload::jsonb ->> 'first' IS DISTINCT FROM NEW.first_seq::text
    OR NEW.payload::jsonb ->> 'last' IS DISTINCT FROM NEW.last_seq::text
    OR NEW.payload::jsonb ->> 'hash' IS DISTINCT FROM (
      SELECT encode(hash, 'hex') FROM events WHERE host = NEW.host AND seq = NEW.last_seq)
  THEN
    RAISE EXCEPTION 'archives: an archive is what the log tells of it'
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$""",
    "DROP TRIGGER events_refuse ON events",
    """\
CREATE TRIGGER events_refuse BEFORE UPDATE OR TRUNCATE ON events
FOR EACH STATEMENT EXECUTE FUNCTION vlanlog_refuse()""",
    """\
CREATE TRIGGER events_delete BEFORE DELETE ON events
FOR EACH ROW EXECUTE FUNCTION vlanlog_let_go()""",
    """\
CREATE TRIGGER archives_insert BEFORE INSERT ON archives
FOR EACH ROW EXECUTE FUNCTION vlanlog_archive()""",
    """\
CREATE TRIGGER archives_refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON archives
FOR EACH STATEMENT EXECUTE FUNCTION vlanlog_refuse()""",
)


def upgrade() -> None:
    """Brings the schema to this revision."""
    op.create_table(
        "archives",
        sa.Column("host", sa.Text, primary_key=True),
        sa.Column("first_seq", _BIG, nullable=False),
        sa.Column("last_seq", _BIG, primary_key=True, autoincrement=False),
        sa.Column("event_seq", _BIG, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("subjects_until", _BIG, nullable=False),
        sa.Column("format", sa.Integer, nullable=False),
        sa.Column("state", sa.LargeBinary, nullable=False),
        sqlite_strict=True,
    )
    archived = sa.text("kind = 'log.archived'")
    op.create_index(
        "events_archived",
        "events",
        ["host", "seq"],
        sqlite_where=archived,
        postgresql_where=archived,
    )
    for statement in {"sqlite": _SQLITE, "postgresql": _POSTGRESQL}[op.get_bind().dialect.name]:
        op.execute(statement)
