"""What a report says, before it is written down.

Must not compute: the modules beside this one do.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from vlanlog.core.event import LogArchived
from vlanlog.core.query import ChainFlaw, Head
from vlanlog.core.vlan import NO_VLANS, PortVlans, Vid
from vlanlog.history import Line


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Is the time that is asked about.

    Units: ns since the epoch, UTC; since_ns is included, until_ns is not.
    """

    since_ns: int
    until_ns: int

    @property
    def length_ns(self) -> int:
        """Returns how long it is. Units: ns."""
        return self.until_ns - self.since_ns


class Unseen(StrEnum):
    """Tells why a stretch of time was not watched."""

    GAP = "gap"
    """The log says that changes may have gone unseen."""
    NEVER = "nobody watched yet"
    """The log has events, but no daemon had watched by then."""
    BEFORE = "before the log"
    OPEN = "after the last event"
    """No daemon runs now, so that nothing vouches for what follows the log's last event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Is a time in which changes may have gone unseen on a host.

    Units: ns since the epoch, UTC.
    """

    host: str
    from_ns: int
    to_ns: int
    why: Unseen
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plug:
    """Is where a NIC is plugged in, and what that port carries."""

    host: str
    port: str
    bridge: str
    vlans: PortVlans = NO_VLANS


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Is how long something held, and the rows of the table that began and ended it.

    Units: ns since the epoch, UTC.
    Shape: a row is None where no row tells of it: it held before the period, or holds on.
    """

    from_ns: int
    to_ns: int
    begun: int | None = None
    ended: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """Is a time in which a NIC was plugged in at one port."""

    span: Span
    host: str
    port: str
    bridge: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Native:
    """Is a time in which a NIC's untagged traffic went to one vid.

    Units: vid 1-4094.
    Shape: tagged says that the vid leaves with a tag all the same.
    """

    span: Span
    pvid: Vid
    tagged: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """Is a time in which a port carried all vids of its lane, none of them as PVID."""

    span: Span
    untagged: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """Is the story of the vids that were always carried alike.

    Shape: bit n of vids stands for vid n; times in order, not overlapping.
    """

    vids: int
    times: tuple[Membership, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NicStory:
    """Is one NIC over the period.

    Shape: stays, natives and lanes in order of time, lanes by their first vid; foreign holds
    the rows of foreign changes.
    """

    mac: str
    alias: str
    stays: tuple[Stay, ...]
    natives: tuple[Native, ...]
    lanes: tuple[Lane, ...]
    foreign: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Is a line of the table behind the timelines.

    Units: at_ns is ns since the epoch, UTC; never before that of the row above.
    Shape: foreign numbers the foreign changes of the report from 1; 0 is none.
    """

    host: str
    at_ns: int
    line: Line
    foreign: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestStory:
    """Is one guest over the period; name is its newest.

    Shape: names are all that it had in the period, the newest last.
    """

    uuid: str
    name: str
    names: tuple[str, ...]
    nics: tuple[NicStory, ...]
    rows: tuple[Row, ...]
    unseen: tuple[Stretch, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HostCover:
    """Is what the log of one host covers of the period, and whether it can be trusted.

    Units: watched_ns and unseen_ns add up to the period; first_ns is ns since the epoch, UTC.
    Shape: head is None for an empty log; flaw is None where the chain holds; archived is the last
    stretch before the log's first event that is in a file.
    """

    host: str
    first_ns: int | None
    head: Head | None
    flaw: ChainFlaw | None
    archived: LogArchived | None
    unseen: tuple[Stretch, ...]
    watched_ns: int
    unseen_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    """Says when a report was made, and by which version.

    Units: at_ns is ns since the epoch, UTC.
    """

    at_ns: int
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Is the whole answer to an auditor."""

    period: Period
    making: Making
    hosts: tuple[HostCover, ...]
    guests: tuple[GuestStory, ...]
