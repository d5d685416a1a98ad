"""Which event each VLAN of a port is due to, those included that it has lost.

Must not print.
"""

from __future__ import annotations

from vlanlog.blame.back import Blamed, Origin
from vlanlog.blame.losses import removed
from vlanlog.blame.origins import blame

__all__ = ["Blamed", "Origin", "blame", "removed"]
