"""What all sockets of this package have in common: a ``with`` block closes them.

Must not know what is closed.
"""

from __future__ import annotations

from abc import abstractmethod
from types import TracebackType
from typing import Self


class Closing:
    """Is a context that closes itself at its end."""

    @abstractmethod
    def close(self) -> None:
        """Closes it; a second call does nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
