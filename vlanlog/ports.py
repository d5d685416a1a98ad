"""The Protocols that have a real and a fake side: kernel reader, kernel writer, event log, clock.

Must not hold code: adapters and fakes implement these, use cases are handed them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Protocol
from uuid import UUID

from vlanlog.core.authorship import NOBODY, Authorship
from vlanlog.core.event import Event, Recorded
from vlanlog.core.plan import PortChange
from vlanlog.core.query import EventFilter, Head
from vlanlog.core.state import HostState, IfIndex, PortTable, Seq

START = Seq(0)


class KernelReader(Protocol):
    """Reads bridges, ports and VLANs of one network namespace."""

    def read(self) -> PortTable:
        """Returns every bridge and its ports, the bridges' own ports among them.

        Raises: KernelError.
        """


class KernelWriter(Protocol):
    """Programs VLANs; counts what it sends in ``messages_sent``.

    Each method that takes several changes answers with one error text per change, empty where
    the kernel acknowledged it, and never stops at a failure: requests are not atomic.
    """

    messages_sent: int

    def add(self, changes: Sequence[PortChange]) -> list[str]:
        """Sends one SETLINK per change."""

    def delete(self, changes: Sequence[PortChange]) -> list[str]:
        """Sends one DELLINK per change."""

    def set_vlan_filtering(self, bridge: IfIndex, on: bool) -> str:
        """Switches a bridge's VLAN filtering; answers with an error text or nothing."""

    def set_default_pvid(self, bridge: IfIndex, default_pvid: int) -> str:
        """Sets the VLAN that joining ports get (0 for none); answers likewise."""


class Eye(Protocol):
    """Looks at the kernel for a writer, and sees to it that the log knows what it saw."""

    def look(
        self, whose: Authorship = NOBODY, *, only: Collection[IfIndex] | None = None
    ) -> PortTable:
        """Returns what the kernel carries; changes that the log did not know of are recorded.

        Those that the plan explains are recorded as its own. ``only`` names the ports that have
        to be read: of all others what was heard of them may do.
        Raises: KernelError, StoreError.
        """


class EventSink(Protocol):
    """Takes events for good."""

    def append(self, events: Sequence[Event]) -> list[Seq]:
        """Commits the events durably, all or none; one whose event_id is known is passed over.

        Shape: the seqs of the events that were new, in order.
        Raises: StoreError.
        """


class EventLog(EventSink, Protocol):
    """Keeps the events of one host in order; nothing in it is ever changed."""

    def read(self, *, after: Seq = START, until: Seq | None = None) -> Iterator[Recorded]:
        """Yields the events with after < seq <= until, in order of seq."""

    def select(self, wanted: EventFilter) -> Iterator[Recorded]:
        """Yields the events that the filter names, in the order that it asks for.

        Raises: StoreError.
        """

    def head(self) -> Head | None:
        """Returns the last event's place and hash, None for an empty log."""

    def seq_at(self, at_ns: int) -> Seq:
        """Returns the last seq of the time at_ns, 0 where the log begins later.

        It is that of the newest stamp not beyond at_ns and of what follows up to the next stamp
        beyond: a clock that was set back takes nothing out of order.
        Units: at_ns is ns since the epoch, UTC.
        Raises: ArchivedError.
        """

    def archived(self) -> Recorded | None:
        """Returns the event that tells what of the log's beginning is archived, None for nothing.

        What is archived is neither read nor selected any more.
        """

    def state(self, *, at_seq: Seq | None = None) -> HostState:
        """Returns the fold of the log up to a seq, None for its end; snapshots bound the work.

        Raises: ArchivedError.
        """


class Clock(Protocol):
    """Tells the time and mints ids."""

    def now_ns(self) -> int:
        """Returns ns since the epoch, UTC."""

    def new_id(self) -> UUID:
        """Returns a UUIDv7 that no one has."""
