"""Somebody looks on while a guest starts and strangers meddle: each change shows at once."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.cli.following import following
from tests.kernel.netns import bridge
from tests.scenes.guests import Guest, GuestNic
from tests.scenes.resident import watched
from tests.scenes.stage import Stage

pytestmark = pytest.mark.kernel

VM1 = Guest(
    name="VM1",
    uuid="4dea22b3-1d52-d8f3-2516-782e98ab3fa0",
    nics=(GuestNic(mac="52:54:00:00:01:00", tap="veth0"),),
)


def test_onlooker_sees_what_hooks_daemon_and_strangers_do(reference: Stage) -> None:
    settings = {
        "VLANLOG_HOOKS_DIR": str(reference.hooks),
        "VLANLOG_DATABASE": f"sqlite:///{reference.database}",
        "VLANLOG_SPOOL_DIR": str(reference.spool),
        "VLANLOG_HOST": os.uname().nodename,
    }
    with (
        watched(reference),
        following(reference.folder, "history", "VM1", "-f", terminal=False, **settings) as history,
    ):
        history.until_said("waiting for it")
        reference.start(VM1)
        history.until("qemu started")
        bridge("vlan", "add", "vid", "666", "dev", "veth0")
        history.until("+666")
        reference.stop(VM1)
        history.until("qemu release")
        history.interrupted()

    followed = [re.split(r"  +", row) for row in history.stdout.splitlines()]
    of_port = [row[1:] for row in followed if row[1].startswith("veth0")]
    # Who is first: the daemon knows the tap's owner since `prepare`, the hook `start` asks later.
    setter = of_port[0][1]
    caller = Path("/proc/self/comm").read_text("ascii").strip()
    assert setter in (f"hook ({caller})", "daemon")
    assert of_port == [
        ["veth0 +200,300 -1 pvid 1→100", setter, "vlan_filtering.conf [veth0]"],
        ["veth0 +666", "unknown", "foreign"],
        ["veth0 left br0", "unknown"],
    ]
    told = reference.vlanlog("history", "VM1").out.splitlines()
    assert [re.split(r"  +", row.strip()) for row in told] == followed
