"""VLANs of one port, added and deleted as fast as the kernel takes it while a block runs.

Must not be running any more when the block is left.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_BLOWS = 'while [ -e "$0" ]; do bridge -batch "$0.batch" || exit; done'
_VIDS = range(100, 400)


@contextmanager
def blowing(folder: Path, device: str) -> Iterator[None]:
    """Changes VLANs of the device, one by one, until the block ends."""
    blows = folder / "gale"
    blows.with_name("gale.batch").write_text(
        "".join(f"vlan {verb} dev {device} vid {vid}\n" for verb in ("add", "del") for vid in _VIDS)
    )
    blows.touch()
    gale = subprocess.Popen(["sh", "-c", _BLOWS, blows])
    try:
        yield
    finally:
        blows.unlink()
        assert gale.wait() == 0
