"""Recording: a boot, a config file, and what a re-read of the kernel found.

Must not change the kernel.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vlanlog.core import event as e
from vlanlog.core.observe import differences
from vlanlog.core.state import PortTable
from vlanlog.journal import Journal
from vlanlog.ports import KernelReader


def boot(journal: Journal) -> None:
    """Records that the host has booted, where the log knows another boot."""
    known = journal.state.boot_id
    if known != journal.envelope.boot_id:
        journal.write([(e.NO_SUBJECT, e.HostBooted(previous_boot_id=known or None))])


def kernel(journal: Journal, reader: KernelReader) -> PortTable:
    """Reads the kernel and records what the log did not know, its author unknown.

    Raises: KernelError, StoreError.
    """
    table = reader.read()
    journal.write(differences(journal.state, table), actor=e.UNKNOWN_ACTOR)
    return table


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
