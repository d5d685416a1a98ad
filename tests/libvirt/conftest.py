"""One libvirtd for all tests, and a host without a past for each module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.inside import require_lab
from tests.libvirt.host import Host


@pytest.fixture(scope="session")
def one_host() -> Iterator[Host]:
    require_lab()
    host = Host()
    yield host
    host.close()


@pytest.fixture(scope="module")
def host(one_host: Host) -> Host:
    one_host.reset()
    return one_host
