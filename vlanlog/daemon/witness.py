"""Tells the head of the log to the journal, which is kept by somebody else.

Must not fail: a head that cannot be told is said to be so.
"""

from __future__ import annotations

import logging
from typing import Protocol

from vlanlog.core.query import Head
from vlanlog.errors import StoreError
from vlanlog.render.head import head_line

_logger = logging.getLogger(__name__)


class HasHead(Protocol):
    """Is the side of an event log that is witnessed."""

    def head(self) -> Head | None:
        """Returns the last event's place and hash. Raises: StoreError."""


class Witness:
    """Tells one host's head, as ``vlanlog verify --against`` reads it back from the journal."""

    def __init__(self, log: HasHead, *, host: str) -> None:
        self._log = log
        self._host = host

    def tell(self) -> None:
        """Logs where the log ends now."""
        try:
            head = self._log.head()
        except StoreError as error:
            _logger.warning("the log's head cannot be told: %s", error.message)
            return
        if head is not None:
            _logger.info("%s", head_line(self._host, head))
