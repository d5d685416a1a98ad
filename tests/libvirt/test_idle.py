"""A daemon of libvirt that ends when nobody needs it, as it does under ``--timeout``."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.lab.libvirtd import Libvirtd
from tests.libvirt.host import REFERENCE, Host, Vlans, kernel_vlans, wait_until, watched, write_conf
from tests.libvirt.story import calls, lines, reason
from tests.libvirt.vm1 import NAMED, NICS, running

pytestmark = pytest.mark.libvirt

DEADLINE_S = 90.0
_TOLD = {
    *("hook.invoked", "hook.script_finished", "replay.started", "replay.finished"),
    *("host.booted", "daemon.started", "daemon.stopped"),
}
# Of its start: the bridges are looked at, and nothing is to be done.
BEGUN = [
    *calls("start - start"),
    "- replay.started hook",
    "- replay.finished hook",
    "daemon_start/bridge_init.py 0",
]
ENDED = calls("shutdown - shutdown")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Is what was seen of a daemon that idles out twice, with a guest's life between.

    Shape: told has the hooks, their scripts and replays: beside the daemon that watches, it is a
    race who sets the taps' VLANs. Gaps are counted while that one watches.
    """

    idle: Vlans
    busy: Vlans
    outlived: bool
    told: list[str]
    gaps: int


@pytest.fixture(scope="module")
def seen(host: Host) -> Seen:
    host.stop_libvirtd()
    host.daemon = Libvirtd(options=("--timeout", "2"))
    write_conf(ports=NAMED)
    with watched():
        before = len(host.history())
        host.daemon.start()
        assert host.daemon.ends_within(DEADLINE_S)
        idle = kernel_vlans()
        host.daemon.start()
        guest = host.started("VM1", *NICS)
        busy = kernel_vlans()
        outlived = not host.daemon.ends_within(5)
        host.stop(guest)
        assert host.daemon.ends_within(DEADLINE_S)
        # A hook that found the watching daemon busy has left its record in the spool.
        wait_until(lambda: _last_call(host) == ENDED, "the record of the last call")
        told = host.history()[before:]
    host.daemon = Libvirtd()
    return Seen(
        idle=idle,
        busy=busy,
        outlived=outlived,
        told=lines(event for event in told if event["kind"] in _TOLD),
        gaps=sum(event["kind"] == "watch.gap_opened" for event in told),
    )


def _last_call(host: Host) -> list[str]:
    return lines(host.history("--kind", "hook.invoked")[-1:])


def test_daemon_that_comes_and_goes_changes_no_vlans(seen: Seen) -> None:
    assert (seen.idle, seen.busy) == (REFERENCE, running("vnet0"))


def test_daemon_stays_while_a_guest_runs(seen: Seen) -> None:
    assert seen.outlived


def test_log_holds_each_coming_and_going_under_the_daemons_own_name(seen: Seen) -> None:
    assert seen.told == [
        *(*BEGUN, *ENDED),
        *BEGUN,
        *calls("prepare begin -", "start begin -"),
        "qemu_start_begin/vlan_filtering.py 0",
        *calls("started begin -"),
        "qemu_started_begin/vlan_filtering.py 0",
        *calls("stopped end -", f"release end {reason('destroyed')}"),
        *ENDED,
    ]


def test_daemon_that_is_gone_is_no_gap_in_the_record(seen: Seen) -> None:
    assert seen.gaps == 0
