"""One libvirtd for all tests, and a host without a past for each module.

What only one version of libvirt can do is not collected in a lab with another.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.lab.inside import require_lab
from tests.lab.libvirtd import has_libvirtd, libvirt_version
from tests.libvirt.host import Host

collect_ignore = []
if "VLANLOG_LAB" in os.environ and has_libvirtd():
    native = libvirt_version() >= (11, 0)
    collect_ignore.append("test_native_refused.py" if native else "test_native.py")


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
