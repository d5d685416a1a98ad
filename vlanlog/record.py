"""Recording: a boot, a config file, a watch that is lost, and what a re-read of the kernel found.

Must not change the kernel.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from vlanlog.core import event as e
from vlanlog.core.authorship import NOBODY, Authorship
from vlanlog.core.observe import Finding, differences
from vlanlog.core.state import Coverage, IfIndex, PortTable
from vlanlog.journal import Journal
from vlanlog.ports import KernelReader


def boot(journal: Journal) -> None:
    """Records that the host has booted, where the log knows another boot."""
    known = journal.state.boot_id
    if known != journal.envelope.boot_id:
        journal.write([(e.NO_SUBJECT, e.HostBooted(previous_boot_id=known or None))])


def lost_watch(journal: Journal, vouched_ns: int | None) -> None:
    """Records that the daemon that watched is gone without a word, where the log takes it to watch.

    Only the holder of the writer lock knows that, and before it writes anything else.
    Units: vouched_ns is the time of the last event before, ns since the epoch, UTC.
    """
    if journal.state.coverage is Coverage.WATCHED:
        reason = "the daemon ended without a word"
        journal.write([(e.NO_SUBJECT, e.GapOpened(reason=reason, since_ns=vouched_ns))])


class Rereading:
    """Looks at the kernel where nobody watches it: by reading all of it."""

    def __init__(self, journal: Journal, reader: KernelReader) -> None:
        self._journal = journal
        self._reader = reader

    def look(
        self, whose: Authorship = NOBODY, *, only: Collection[IfIndex] | None = None
    ) -> PortTable:
        """Reads the kernel and records what the log did not know; see ``ports.Eye``.

        Raises: KernelError, StoreError.
        """
        del only
        table = self._reader.read()
        told(self._journal, differences(self._journal.state, table), whose)
        return table


def told(journal: Journal, findings: Iterable[Finding], whose: Authorship) -> list[e.Event]:
    """Records the facts, those that the plan explains as its own, all others as nobody's known."""
    return journal.write_by(
        (finding, None if own else e.UNKNOWN_ACTOR) for finding, own in whose.told_apart(findings)
    )


def config(journal: Journal, files: Iterable[e.ConfigLoaded | e.ConfigRejected]) -> None:
    """Records each file that differs from what is in force, or that was refused for new errors."""
    journal.write((e.NO_SUBJECT, fact) for fact in _news(journal, files))


def _news(
    journal: Journal, files: Iterable[e.ConfigLoaded | e.ConfigRejected]
) -> Iterator[e.ConfigLoaded | e.ConfigRejected]:
    held = journal.state.config
    for fact in files:
        known = held.loaded if isinstance(fact, e.ConfigLoaded) else held.rejected
        # A file that was refused and is good again is news even with its old content.
        mended = isinstance(fact, e.ConfigLoaded) and fact.role in held.rejected
        if known.get(fact.role) != fact.digest or mended:
            yield fact
