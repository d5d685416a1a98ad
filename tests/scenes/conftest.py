from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kernel.netns import entered
from tests.scenes.stage import Stage


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """Is a host of its own: no devices yet, the reference host's config files, an empty log."""
    with entered():
        yield Stage(tmp_path)


@pytest.fixture
def reference(stage: Stage) -> Stage:
    """Is a stage with br0 and eth0, set up by the daemon's start; no guest runs."""
    stage.add_reference_host()
    stage.daemon_starts()
    return stage
