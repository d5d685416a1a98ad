"""Gives the verbs the words that say what time a log covers.

Must not hold them: a host refuses a time in the same words.
"""

from __future__ import annotations

from vlanlog.host.covers import covers

__all__ = ["covers"]
