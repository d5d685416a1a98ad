CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);

CREATE TABLE subjects (
	id INTEGER NOT NULL, 
	host TEXT NOT NULL, 
	guest_uuid TEXT, 
	guest_name TEXT, 
	mac TEXT, 
	bridge TEXT, 
	port TEXT, 
	PRIMARY KEY (id)
)
 STRICT;

CREATE INDEX subjects_guest_uuid ON subjects (guest_uuid) WHERE guest_uuid IS NOT NULL;

CREATE INDEX subjects_guest_name ON subjects (guest_name) WHERE guest_name IS NOT NULL;

CREATE INDEX subjects_mac ON subjects (mac) WHERE mac IS NOT NULL;

CREATE INDEX subjects_bridge ON subjects (bridge) WHERE bridge IS NOT NULL;

CREATE INDEX subjects_port ON subjects (port) WHERE port IS NOT NULL;

CREATE TABLE events (
	seq INTEGER NOT NULL, 
	event_id BLOB NOT NULL, 
	at_ns INTEGER NOT NULL, 
	host TEXT NOT NULL, 
	boot_id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	version INTEGER NOT NULL, 
	actor TEXT NOT NULL, 
	correlation_id BLOB NOT NULL, 
	guest_uuid TEXT, 
	guest_name TEXT, 
	mac TEXT, 
	bridge TEXT, 
	port TEXT, 
	ifindex INTEGER, 
	payload TEXT NOT NULL, 
	subject INTEGER, 
	prev_hash BLOB NOT NULL, 
	hash BLOB NOT NULL, 
	PRIMARY KEY (host, seq), 
	CONSTRAINT events_event_id UNIQUE (event_id), 
	CONSTRAINT events_subject_id FOREIGN KEY(subject) REFERENCES subjects (id)
)
 STRICT;

CREATE INDEX events_subject ON events (subject, seq) WHERE subject IS NOT NULL;

CREATE INDEX events_kind ON events (host, kind, seq) WHERE kind IN ('assignment.cleared', 'assignment.set', 'config.loaded', 'config.rejected', 'daemon.started', 'daemon.stopped', 'guest.unprogrammed', 'host.booted', 'replay.finished', 'replay.started', 'watch.gap_closed', 'watch.gap_opened');

CREATE INDEX events_at_ns ON events (host, at_ns, seq);

CREATE TRIGGER events_insert BEFORE INSERT ON events
WHEN NEW.seq <> (SELECT seq + 1 FROM events WHERE host = NEW.host ORDER BY seq DESC LIMIT 1)
  OR EXISTS (SELECT 1 FROM events WHERE event_id = NEW.event_id)
  OR EXISTS (SELECT 1 FROM events WHERE rowid = NEW.rowid)
BEGIN SELECT RAISE(ABORT, 'events: an event is appended once, behind the last one'); END;

CREATE TRIGGER events_update BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'events: the log is only ever appended to'); END;

CREATE TRIGGER subjects_insert BEFORE INSERT ON subjects
WHEN EXISTS (SELECT 1 FROM subjects WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'subjects: the log is only ever appended to'); END;

CREATE TRIGGER subjects_update BEFORE UPDATE ON subjects
BEGIN SELECT RAISE(ABORT, 'subjects: the log is only ever appended to'); END;

CREATE TRIGGER subjects_delete BEFORE DELETE ON subjects
BEGIN SELECT RAISE(ABORT, 'subjects: the log is only ever appended to'); END;

CREATE TABLE snapshots (
	host TEXT NOT NULL, 
	seq INTEGER NOT NULL, 
	at_ns INTEGER NOT NULL, 
	format INTEGER NOT NULL, 
	state BLOB NOT NULL, 
	PRIMARY KEY (host, seq)
)
 STRICT;

CREATE TABLE archives (
	host TEXT NOT NULL, 
	first_seq INTEGER NOT NULL, 
	last_seq INTEGER NOT NULL, 
	event_seq INTEGER NOT NULL, 
	version INTEGER NOT NULL, 
	payload TEXT NOT NULL, 
	subjects_until INTEGER NOT NULL, 
	format INTEGER NOT NULL, 
	state BLOB NOT NULL, 
	PRIMARY KEY (host, last_seq)
)
 STRICT;

CREATE INDEX events_archived ON events (host, seq) WHERE kind = 'log.archived';

CREATE TRIGGER events_delete BEFORE DELETE ON events
WHEN NOT EXISTS (
  SELECT 1 FROM archives WHERE host = OLD.host AND OLD.seq BETWEEN first_seq AND last_seq)
BEGIN SELECT RAISE(ABORT, 'events: the log is only ever appended to'); END;

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
BEGIN SELECT RAISE(ABORT, 'archives: an archive is what the log tells of it'); END;

CREATE TRIGGER archives_update BEFORE UPDATE ON archives
BEGIN SELECT RAISE(ABORT, 'archives: the log is only ever appended to'); END;

CREATE TRIGGER archives_delete BEFORE DELETE ON archives
BEGIN SELECT RAISE(ABORT, 'archives: the log is only ever appended to'); END;
