"""The errors that reach a user: each says what is wrong and what to do next.

Must not import anything of the package: every layer raises these.
"""

from __future__ import annotations

EXIT_DONE = 0
EXIT_DIFFERS = 1
EXIT_USAGE = 2
EXIT_ENVIRONMENT = 3
EXIT_BUG = 70
EXIT_INTERRUPTED = 130
EXIT_PIPE = 141


class VlanlogError(Exception):
    """Is the root of every error that is shown to a user as ``error:`` and ``hint:``."""

    exit_code = EXIT_ENVIRONMENT

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(VlanlogError):
    """Says that the command line asks for something that cannot be."""

    exit_code = EXIT_USAGE


class KernelError(VlanlogError):
    """Says that the kernel refused, or that a bridge or a right is missing."""


class StoreError(VlanlogError):
    """Says that the database cannot be reached, read or written."""


class BusyError(StoreError):
    """Says that another process has held the log's writer lock for too long."""


class StoreNewerError(StoreError):
    """Says that the database was written by a newer vlanlog; nothing was touched."""


class ArchivedError(StoreError):
    """Says that what is asked for was moved into a file."""


class ConfigError(VlanlogError):
    """Says that a config file has errors; ``message`` lists all of them, one a line."""
