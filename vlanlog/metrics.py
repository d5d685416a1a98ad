"""What a monitoring system is told of a host: figures of the log and of what it found, as families.

Must not read anything, and must not know how a figure is written down.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from uuid import UUID

from vlanlog.core import event as e

_NS = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Is what the events of one host add up to, as far as ``seq``.

    Units: gap_ns is the length of the gaps that are closed; gap_since_ns is when the open one
    began, None where there is none.
    Shape: hash is that of the event ``seq``, in hex: a tally of another log is known by it;
    arrived is the correlation and the ifindex of the last port that joined a bridge.
    """

    seq: int = 0
    hash: str = ""
    kinds: Mapping[str, int] = field(default_factory=dict)
    foreign: int = 0
    gaps: int = 0
    gap_ns: int = 0
    gap_since_ns: int | None = None
    arrived: tuple[UUID, int | None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """Is the database that answered.

    Units: last_ns is the time of the last event, ns since the epoch, None for an empty log.
    """

    size_bytes: int
    schema: int
    last_ns: int | None
    tally: Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """Is how far the kernel is from what is desired.

    Units: ports and bridges that differ, things that are named and are not there, lines of
    the config files that are wrong.
    """

    ports: int
    bridges: int
    missing: int
    config_errors: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """Is what waits in the spool.

    Units: oldest_ns is ns since the epoch, None where nothing waits; set_aside counts files
    that could not be read.
    """

    files: int
    size_bytes: int
    oldest_ns: int | None
    set_aside: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Is all that was found of a host; None is what could not be read."""

    version: str
    daemon_up: bool
    database: Database | None
    drift: Drift | None
    spool: Backlog | None


class Type(StrEnum):
    """Is the type of a family, in the words of the exposition format."""

    COUNTER = "counter"
    GAUGE = "gauge"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Is one figure with what tells it from the others of its family."""

    value: float
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Is the figures of one name, with what they mean.

    Source: prometheus.io/docs/practices/naming.
    """

    name: str
    type: Type
    help: str
    samples: tuple[Sample, ...]


def added_up(tally: Tally, events: Iterable[e.Event]) -> Tally:
    """Returns the tally with the gaps and the foreign changes of more events, in their order.

    What a port carries as it joins is no change; ``report`` and ``history`` tell it with the
    joining too.
    """
    for event in events:
        tally = _with(tally, event)
    return tally


def _with(tally: Tally, event: e.Event) -> Tally:
    key = (event.correlation_id, event.subject.ifindex)
    match event.fact:
        case e.PortAttached():
            return replace(tally, arrived=key)
        case e.VlanAdded(cause=None) | e.VlanRemoved(cause=None) if key != tally.arrived:
            foreign = event.actor.source in (e.ActorSource.KERNEL, e.ActorSource.UNKNOWN)
            return replace(tally, foreign=tally.foreign + foreign)
        case e.GapOpened() as fact if tally.gap_since_ns is None:
            since_ns = event.at_ns if fact.since_ns is None else fact.since_ns
            return replace(tally, gaps=tally.gaps + 1, gap_since_ns=since_ns)
        case e.GapClosed() if tally.gap_since_ns is not None:
            # A clock that was set back must not take a counter back.
            length_ns = max(0, event.at_ns - tally.gap_since_ns)
            return replace(tally, gap_ns=tally.gap_ns + length_ns, gap_since_ns=None)
        case _:
            return tally


def families(found: Reading) -> tuple[Family, ...]:
    """Returns what is told of a host; what could not be read is not there, and a gauge says so."""
    return (
        _info(found.version),
        _gauge("daemon_up", "Whether the daemon answers.", found.daemon_up),
        _gauge("database_up", "Whether the event log could be read.", found.database is not None),
        *(_of_database(found.database) if found.database else ()),
        _gauge("drift_known", "Whether kernel and log could be compared.", found.drift is not None),
        *(_of_drift(found.drift) if found.drift else ()),
        _gauge("spool_readable", "Whether the spool could be read.", found.spool is not None),
        *(_of_spool(found.spool) if found.spool else ()),
    )


def _info(version: str) -> Family:
    return Family(
        name="vlanlog_build_info",
        type=Type.GAUGE,
        help="The version of vlanlog; always 1.",
        samples=(Sample(value=1, labels=(("version", version),)),),
    )


def _of_database(database: Database) -> Iterator[Family]:
    yield _gauge("database_size_bytes", "Room that the database takes.", database.size_bytes)
    yield _gauge("database_schema_version", "Revision of the schema.", database.schema)
    yield from _of_log(database.tally)
    if database.last_ns is not None:
        told = "When the log's last event happened, since the epoch."
        yield _gauge("last_event_timestamp_seconds", told, database.last_ns / _NS)


def _of_log(tally: Tally) -> Iterator[Family]:
    kinds = sorted(tally.kinds.items())
    yield Family(
        name="vlanlog_events_total",
        type=Type.COUNTER,
        help="Events of this host's log.",
        samples=tuple(Sample(value=n, labels=(("kind", kind),)) for kind, n in kinds),
    )
    told = "VLANs, or ranges of them, added or removed on a port that no intent explains."
    yield _counter("foreign_changes_total", told, tally.foreign)
    yield _counter("gaps_total", "Stretches of time that were not watched.", tally.gaps)
    told = "Length of the stretches that were not watched, the open one left out."
    yield _counter("gap_seconds_total", told, tally.gap_ns / _NS)
    since_ns = tally.gap_since_ns
    yield _gauge("gap_open", "Whether the log says that nobody watches now.", since_ns is not None)
    if since_ns is not None:
        told = "When the open gap began, since the epoch."
        yield _gauge("gap_open_timestamp_seconds", told, since_ns / _NS)


def _of_drift(drift: Drift) -> Iterator[Family]:
    counts = (("bridge", drift.bridges), ("missing", drift.missing), ("port", drift.ports))
    yield Family(
        name="vlanlog_drift",
        type=Type.GAUGE,
        help="Ports and bridges that differ from what is desired, and named ones that are missing.",
        samples=tuple(Sample(value=number, labels=(("of", what),)) for what, number in counts),
    )
    yield _gauge("config_errors", "Errors in the config files.", drift.config_errors)


def _of_spool(spool: Backlog) -> Iterator[Family]:
    yield _gauge("spool_files", "Files that wait to be taken into the log.", spool.files)
    yield _gauge("spool_size_bytes", "Room that these files take.", spool.size_bytes)
    told = "Files that could not be read and lie in the spool's folder bad."
    yield _gauge("spool_set_aside_files", told, spool.set_aside)
    if spool.oldest_ns is not None:
        told = "Since when the oldest of these files waits, since the epoch."
        yield _gauge("spool_oldest_timestamp_seconds", told, spool.oldest_ns / _NS)


def _gauge(name: str, told: str, value: float) -> Family:
    return _single(name, Type.GAUGE, told, value)


def _counter(name: str, told: str, value: float) -> Family:
    return _single(name, Type.COUNTER, told, value)


def _single(name: str, kind: Type, told: str, value: float) -> Family:
    return Family(name=f"vlanlog_{name}", type=kind, help=told, samples=(Sample(value=value),))
