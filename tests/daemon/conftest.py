import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that any user can reach; pytest's own ones are closed to all but the caller."""
    folder = Path(tempfile.mkdtemp(prefix="vlanlog-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)
