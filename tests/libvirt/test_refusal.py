"""A guest whose VLANs cannot be set: whether it starts, what virsh says, what the log says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.domain import Nic
from tests.lab.libvirtd import HOOKS
from tests.libvirt.host import (
    CONF,
    HOOK_PY,
    LOGS,
    PORTS,
    REFERENCE,
    Host,
    ip,
    kernel_vlans,
    qemu_starts,
    without_interpreter,
    words_of_hook,
    write_conf,
)
from tests.libvirt.story import operations, script_ends, unprogrammed

pytestmark = pytest.mark.libvirt

MAC = "52:54:00:00:00:07"
_REFUSED = ["prepare", "start", "stopped", "release"]
_STARTED = ["prepare", "start", "started"]
_NO_FILTER = f"NIC {MAC} (tap1): bridge br1 does not filter VLANs"
GOOD = PORTS + "\n[GOOD/*]\npvid = 100\ntagged = 200\n"


def _out_of_range(guest: str) -> str:
    lines = (CONF / "vlan_filtering.conf").read_text().splitlines()
    number = lines.index("tagged = 4095") + 1
    return (
        f"{CONF}/vlan_filtering.conf:{number}: [{guest}/*] tagged: "
        "vid 4095 is out of range, expected 1-4094"
    )


@pytest.fixture
def unfiltered(host: Host) -> Iterator[Host]:
    """Is the host with a bridge that no file names and that does not filter VLANs."""
    ip("link add br1 type bridge vlan_filtering 0")
    ip("link set br1 up")
    yield host
    host.stop_all()
    ip("link del br1")


@pytest.fixture
def filtered(host: Host) -> Iterator[Host]:
    yield host
    host.stop_all()


def test_guest_on_a_bridge_that_does_not_filter_is_refused(unfiltered: Host) -> None:
    write_conf(ports="[NOFILTER/*]\npvid = 100\n")
    guest = unfiltered.define("NOFILTER", Nic(bridge="br1", target="tap1", mac=MAC))
    said = unfiltered.refusal(guest)
    assert (unfiltered.state(guest), qemu_starts(guest)) == ("shut off", 0)
    told = unfiltered.history("NOFILTER")
    assert unprogrammed(told) == [("start", True, (_NO_FILTER,))]
    reason, log = words_of_hook(said).removesuffix("]").split(" [log: ")
    assert reason.startswith(
        "vlanlog: error: NOFILTER: start refused: vlan_filtering.py ended with status 1: "
    )
    assert _NO_FILTER in reason
    assert log == f"{LOGS}/qemu_start_begin_NOFILTER_vlan_filtering.log"
    assert operations(told) == _REFUSED
    assert script_ends(told) == [("NOFILTER", "qemu_start_begin", "vlan_filtering.py", 1)]


def test_guest_on_a_bridge_that_does_not_filter_starts_where_that_is_allowed(
    unfiltered: Host,
) -> None:
    write_conf(ports="[ALLOWED/*]\npvid = 100\non-failure = allow\n")
    guest = unfiltered.started("ALLOWED", Nic(bridge="br1", target="tap1", mac=MAC))
    assert (unfiltered.state(guest), qemu_starts(guest)) == ("running", 1)
    told = unfiltered.history("ALLOWED")
    assert unprogrammed(told) == [
        ("start", False, (_NO_FILTER,)),
        ("started", False, (_NO_FILTER,)),
    ]
    assert operations(told) == _STARTED
    assert script_ends(told) == [
        ("ALLOWED", "qemu_start_begin", "vlan_filtering.py", 0),
        ("ALLOWED", "qemu_started_begin", "vlan_filtering.py", 1),
    ]


def test_guest_with_a_broken_entry_is_refused_by_file_line_and_key(filtered: Host) -> None:
    write_conf(ports=f"{GOOD}\n[BROKEN/*]\ntagged = 4095\n")
    guest = filtered.define("BROKEN", Nic(bridge="br0", mac=MAC))
    said = filtered.refusal(guest)
    problem = _out_of_range("BROKEN")
    assert problem in words_of_hook(said)
    assert (filtered.state(guest), qemu_starts(guest)) == ("shut off", 0)
    told = filtered.history("BROKEN")
    assert unprogrammed(told) == [("start", True, (problem,))]
    assert operations(told) == _REFUSED


def test_guest_with_a_broken_entry_starts_where_that_is_allowed(filtered: Host) -> None:
    write_conf(ports=f"{GOOD}\n[BROKEN2/*]\ntagged = 4095\non-failure = allow\n")
    guest = filtered.started("BROKEN2", Nic(bridge="br0", mac=MAC))
    assert (filtered.state(guest), qemu_starts(guest)) == ("running", 1)
    told = filtered.history("BROKEN2")
    problem = _out_of_range("BROKEN2")
    assert unprogrammed(told) == [("start", False, (problem,)), ("started", False, (problem,))]
    assert operations(told) == _STARTED


def test_guest_with_a_good_entry_starts_by_the_last_good_file_while_another_is_broken(
    filtered: Host,
) -> None:
    write_conf(ports=GOOD)
    filtered.reload()
    write_conf(ports=GOOD.replace("100 200", "4095"))
    guest = filtered.started("GOOD", Nic(bridge="br0", target="good0", mac=MAC))
    assert kernel_vlans() == {**REFERENCE, "good0": ["100 pvid untagged", "200"]}
    assert (filtered.state(guest), unprogrammed(filtered.history("GOOD"))) == ("running", [])


def test_script_of_someone_else_that_fails_at_prepare_refuses_the_start(filtered: Host) -> None:
    write_conf(ports=GOOD)
    script = filtered.add_script("qemu_prepare_begin.d/10-licence", "echo no licence left; exit 7")
    guest = filtered.define("GOOD2", Nic(bridge="br0", mac=MAC))
    said = filtered.refusal(guest)
    script.unlink()
    assert words_of_hook(said) == (
        "vlanlog: error: GOOD2: prepare refused: 10-licence ended with status 7: no licence left "
        f"[log: {LOGS}/qemu_prepare_begin_GOOD2_10-licence.log]"
    )
    assert (filtered.state(guest), qemu_starts(guest)) == ("shut off", 0)
    told = filtered.history("GOOD2")
    assert script_ends(told) == [("GOOD2", "qemu_prepare_begin", "10-licence", 7)]
    assert operations(told) == ["prepare", "stopped", "release"]


def test_guest_is_refused_where_the_interpreter_is_missing(filtered: Host) -> None:
    write_conf(ports=GOOD)
    guest = filtered.define("GOOD3", Nic(bridge="br0", mac=MAC))
    with without_interpreter():
        said = filtered.refusal(guest)
    assert words_of_hook(said) == (
        "vlanlog: error: GOOD3: start refused, its VLANs cannot be set without /no/python and "
        f"{HOOK_PY}; run 'vlanlog install' again, "
        f"or remove {HOOKS}/qemu to start guests without vlanlog"
    )
    assert (filtered.state(guest), qemu_starts(guest)) == ("shut off", 0)
