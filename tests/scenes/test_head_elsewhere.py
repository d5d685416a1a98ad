"""The daemon leaves the log's head in the journal, out of the reach of whoever has it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.scenes.resident import Resident, watched
from tests.scenes.stage import Stage
from vlanlog.core.state import Seq
from vlanlog.render.head import heads_in

pytestmark = pytest.mark.kernel


def test_it_tells_the_head_again_and_again(reference: Stage) -> None:
    said = reference.folder / "daemon.log"
    environ = {"VLANLOG_RECONCILE_INTERVAL_S": "600", "VLANLOG_HEAD_INTERVAL_S": "0.5"}

    with watched(reference, environ) as resident:
        before = _told_now(resident, said)
        done = reference.vlanlog("set", "eth0", "--tagged", "200", "--reason", "ticket 42")
        assert (done.status, done.err) == (0, "")
        after = _told_now(resident, said)
        assert resident.process is not None
        assert resident.process.poll() is None

    events = {item.seq: item.hash for item in resident.log.read()}
    assert before.items() < after.items() <= events.items()


def _told_now(resident: Resident, said: Path) -> dict[Seq, bytes]:
    """Returns the heads that are told, once that of now is among them."""
    head = resident.log.head()
    assert head is not None
    ends = time.monotonic() + 60
    while f"head seq={head.seq} " not in said.read_text():
        assert time.monotonic() < ends, said.read_text()
        time.sleep(0.1)
    return {head.seq: head.hash for head in heads_in(said.read_text())}


def test_its_last_word_is_the_head_of_the_log(reference: Stage) -> None:
    said = reference.folder / "daemon.log"

    with watched(reference, {"VLANLOG_RECONCILE_INTERVAL_S": "600"}) as resident:
        assert resident.stop() == 0

    (last,) = heads_in(said.read_text().splitlines()[-1])
    verified = reference.vlanlog("verify", "--against", str(said))
    assert (verified.status, verified.out) == (
        0,
        f"{last.seq} events, the chain holds, 1 known head met; "
        f"head {last.seq} {last.hash.hex()}\n",
    )
